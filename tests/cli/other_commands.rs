//! Everything but `train`, and how the program behaves as one among others: pipes, colours.

use crate::files::{write_set, write_set_of};
use crate::program::{Place, genlab, json_lines, stderr, stdout};
use std::fs;
use std::process::Stdio;

const TINY: &str = "train vae --data mnist:set --epochs 1 -s train.batch_size=32 -s model.hidden=[16] --out run";

fn trained() -> Place {
    let place = Place::new();
    write_set(&place.path("set"));
    place.run(TINY);
    place
}

#[test]
fn sampling_needs_the_run_alone() {
    let place = trained();
    fs::remove_dir_all(place.path("set")).unwrap();
    let assert = place.run("sample run -n 10 -o ten.png --seed 1");
    assert_eq!(stdout(&assert), "ten.png\n");
    let reader = png::Decoder::new(std::io::Cursor::new(fs::read(place.path("ten.png")).unwrap()));
    let reader = reader.read_info().unwrap();
    // Four columns and three rows of 28 + 2 pixels and a border, doubled.
    assert_eq!((reader.info().width, reader.info().height), (244, 184));
    place.run("sample run -n 10 -o same.png --seed 1");
    place.run("sample run -n 10 -o other.png --seed 2");
    let bytes = |name| fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("ten.png"), bytes("same.png"));
    assert_ne!(bytes("ten.png"), bytes("other.png"));
    let assert = place.run("sample run --json");
    assert_eq!(
        stdout(&assert),
        "{\"v\":1,\"event\":\"sample\",\"epoch\":1,\"step\":3,\"file\":\"grid.png\"}\n"
    );
}

#[test]
fn eval_gives_the_last_value_of_training_again() {
    let place = trained();
    let metrics = json_lines(&place.text("run/metrics.jsonl"));
    let assert = place.run("eval run --json");
    assert_eq!(json_lines(&stdout(&assert)), metrics[metrics.len() - 1..]);
    let elbo = metrics.last().unwrap()["elbo"].as_f64().unwrap();
    let assert = place.run("eval run");
    assert!(stdout(&assert).starts_with(&format!("elbo {elbo:.4}\nreconstruction ")));
    // Another set of the same kind will do, and one of another kind is refused.
    place.run("eval run --data glyphs");
    let assert = place.command("eval run --data moons").assert().code(1);
    assert_eq!(
        stderr(&assert),
        "error: moons has points of the plane, but the run was trained on images of 28 x 28\n\
         hint: name a data set of the same kind with --data\n"
    );
}

#[test]
fn data_that_have_moved_are_asked_for() {
    let place = trained();
    fs::rename(place.path("set"), place.path("elsewhere")).unwrap();
    let assert = place.command("eval run").assert().code(1);
    assert_eq!(
        stderr(&assert),
        "error: the run was trained on mnist:set, and there is no folder set here\n\
         hint: say where the data are with --data mnist:DIR\n"
    );
    place.run("eval run --data mnist:elsewhere");
}

#[test]
fn eval_reads_no_training_batch() {
    let place = trained();
    // Fewer training images than a batch of the run has.
    write_set_of(&place.path("small"), 16, 40);
    let assert = place.run("eval run --data mnist:small");
    assert!(stdout(&assert).starts_with("elbo -"));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_one_clear_line() {
    let place = trained();
    let newest = "run/checkpoints/step-3";
    fs::write(place.path(&format!("{newest}/model.safetensors")), "weights").unwrap();
    for line in ["sample run -n 4", "eval run"] {
        let told = stderr(&place.run(line));
        let reason = format!("note: {newest} was passed over: model.safetensors is damaged: its SHA-256 is ");
        assert!(told.starts_with(&reason) && told.lines().count() == 1, "{told}");
    }
    // One of the first format, which had no sums.
    let old = "{\"v\":1,\"epoch\":1,\"step\":9,\"shape\":[28,28]}";
    fs::create_dir(place.path("run/checkpoints/step-9")).unwrap();
    fs::write(place.path("run/checkpoints/step-9/state.json"), old).unwrap();
    fs::write(place.path("run/checkpoints/step-9/model.safetensors"), "weights").unwrap();
    let told = stderr(&place.command("sample run").assert().code(1));
    let file = "run/checkpoints/step-9/model.safetensors";
    assert!(
        told.starts_with(&format!("error: {file}: not a sound safetensors file: ")),
        "{told}"
    );
    let hint = "hint: the checkpoint is damaged: without its folder, the one before it is used";
    assert_eq!(told.lines().skip(1).collect::<Vec<_>>(), [hint]);
}

#[test]
fn a_run_without_a_sound_checkpoint_says_what_is_wrong_with_each() {
    let place = trained();
    for step in [0, 3] {
        fs::remove_file(place.path(&format!("run/checkpoints/step-{step}/state.json"))).unwrap();
    }
    for line in ["sample run", "eval run", "resume run"] {
        let told = stderr(&place.command(line).assert().code(1));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            (lines[0], lines.len()),
            ("error: no checkpoint of run can be used", 4),
            "{told}"
        );
        for (step, reason) in [(3, lines[1]), (0, lines[2])] {
            let start = format!("  run/checkpoints/step-{step} was passed over: state.json cannot be read: ");
            assert!(reason.starts_with(&start), "{told}");
        }
        assert!(lines[3].starts_with("hint: "), "{told}");
    }
}

#[test]
fn a_picture_that_cannot_be_written_has_a_way_out() {
    let place = trained();
    let told = stderr(&place.command("sample run -o no/such/x.png").assert().code(1));
    assert!(told.starts_with("error: cannot write no/such/x.png: "), "{told}");
    assert!(
        told.ends_with("\nhint: choose a place in a folder that exists and that you may write to\n"),
        "{told}"
    );
}

#[test]
fn a_picture_of_another_kind_is_refused() {
    let place = trained();
    let told = stderr(&place.command("sample run -o samples.jpg").assert().code(2));
    assert!(told.contains("the picture is a PNG: call it samples.png"), "{told}");
    assert!(!place.path("samples.jpg").exists());
    place.run("sample run -o SAMPLES.PNG");
    assert!(place.path("SAMPLES.PNG").exists());
}

#[test]
fn a_run_that_was_stopped_is_named_as_such() {
    let place = trained();
    assert_eq!(stderr(&place.run("eval run")), "");
    let facts = place.text("run/run.json").replace("\"done\"", "\"running\"");
    fs::write(place.path("run/run.json"), facts).unwrap();
    let note = "note: the run has not finished (it is still under way, or was stopped): \
                this is its checkpoint of step 3, epoch 1\n";
    for line in ["eval run", "sample run -n 4", "eval run --json"] {
        assert_eq!(stderr(&place.run(line)), note, "{line}");
    }
}

/// A device on which every write fails, as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let place = trained();
    for line in [
        "list",
        "data list",
        "doctor",
        "bench matmul --rung naive --size 4 --seconds 0.001",
        "eval run",
        "sample run -n 4",
        "train vae --data mnist:set --steps 1 -s train.batch_size=32 --json",
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(genlab());
        let command = command.args(line.split_whitespace()).current_dir(place.path("."));
        let output = command.stdout(full).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        assert!(
            told.contains("error: cannot write to standard output: "),
            "{line}: {told}"
        );
        assert!(
            told.ends_with("\nhint: send it to a place that has room and may be written to\n"),
            "{told}"
        );
    }
}

#[test]
fn the_lists_name_everything() {
    let place = Place::new();
    let list = stdout(&place.run("list"));
    for text in [
        "vae\n",
        "gan\n",
        "pytorch-example",
        "model.hidden = [400, 400]",
        "optimiser.discriminator.learning_rate = 0.0001",
        "train.batch_size = 128",
        "train.batch_size = 64",
        "train.epochs = 30",
    ] {
        assert!(list.contains(text), "{text}");
    }
    let sets = stdout(&place.run("data list"));
    let (local, remote) = sets.split_once("\n\n`genlab data fetch NAME` downloads\n").unwrap();
    assert_eq!((local.lines().count(), remote.lines().count()), (8, 3));
    assert!(local.contains("mnist:DIR   MNIST") && remote.contains("fashion-mnist  Fashion"));
}

#[test]
fn data_info_counts_what_is_there() {
    let place = Place::new();
    write_set(&place.path("set"));
    let info = stdout(&place.run("data info mnist:set"));
    let value = |fact: &str| {
        let line = info.lines().find(|line| line.starts_with(&format!("{fact}  ")));
        line.unwrap_or_else(|| panic!("{fact} in {info}"))[fact.len()..]
            .trim()
            .to_owned()
    };
    assert_eq!(value("training"), "96 images of 28 x 28");
    assert!(value("test, values").ends_with("from 0.0000 to 1.0000"));
    let four: Vec<String> = (0..10).map(|digit| format!("{digit}: 4")).collect();
    assert_eq!(value("test, labels"), four.join("  "));
    let info = stdout(&place.run("data info glyphs"));
    assert!(
        info.contains("60,000 images of 28 x 28") && info.contains("factor slant"),
        "{info}"
    );
}

#[test]
fn the_doctor_looks_and_leaves_no_trace() {
    let place = Place::new();
    write_set(&place.path("mnist"));
    let facts = stdout(&place.run("doctor"));
    assert!(
        facts.contains("found: --data mnist:mnist") && facts.contains("can be written"),
        "{facts}"
    );
    assert_eq!(place.names("."), ["mnist"]);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let place = Place::new();
    let told = |variable: &str| {
        let mut command = place.command("train vea");
        stderr(&command.env(variable, "1").assert().code(2))
    };
    assert!(told("CLICOLOR_FORCE").contains("\x1b["));
    assert!(!told("NO_COLOR").contains('\x1b'));
    let plain = stderr(&place.command("train vea").assert().code(2));
    assert!(!plain.contains('\x1b'), "a pipe is no terminal");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    write_set(&place.path("set"));
    for line in ["list", &format!("{TINY} --json")] {
        let mut child = std::process::Command::new(genlab())
            .args(line.split_whitespace())
            .current_dir(place.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && told.is_empty(), "{line}: {told}");
    }
    assert_eq!(place.json("run/run.json")["status"], "done");
}

#[test]
fn the_command_line_itself() {
    let place = Place::new();
    for line in ["", "trian vae", "train", "train vae --epochs 0", "sample run -n 0"] {
        let assert = place.command(line).assert().code(2);
        assert!(stderr(&assert).contains("--help"), "{line}");
    }
    assert!(stdout(&place.run("--version")).starts_with("genlab "));
    assert!(stdout(&place.run("train --help")).contains("Examples:"));
    assert!(place.names(".").is_empty());
}
