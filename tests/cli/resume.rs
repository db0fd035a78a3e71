//! A run that was stopped is, bit for bit, the run that was not.

use crate::files::{blobs, idx};
use crate::kept::{MODELS, kept, place, same, sound_checkpoints, start, write_sums};
use crate::program::{stderr, stdout};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until `done`, for a machine that is busy with other things too.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} did not come");
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn twenty_steps_a_kill_and_twenty_more_are_forty_steps() {
    for line in MODELS {
        let place = place();
        // All are kept: the one that is waited for may otherwise be gone before it is seen.
        let line = format!("{line} -s checkpoint.every_steps=4 -s checkpoint.keep=100");
        place.run(&format!("{line} --out whole --threads 2"));
        let mut run = start(&place, &format!("{line} --out run --threads 1"));
        wait_until("step 20", || place.path("run/checkpoints/step-20").exists());
        run.kill().unwrap();
        run.wait().unwrap();
        let told = stderr(&place.run("resume run --threads 2"));
        assert!(
            told.contains("going on with ") && told.contains(" of 40 steps done, in steps of 32"),
            "{told}"
        );
        same(&place.path("run"), &place.path("whole"));
        assert!(sound_checkpoints(&place.path("run")) > 20);
    }
}

#[test]
fn every_model_of_the_list_is_among_those_that_are_stopped() {
    let list = stdout(&place().run("list"));
    let names: Vec<&str> = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .collect();
    assert_eq!(names, MODELS.map(|line| line.split(' ').nth(1).unwrap()));
}

#[test]
fn looking_more_often_changes_no_bit() {
    for line in MODELS {
        let place = place();
        place.run(&format!(
            "{line} --out seldom -s sample.count=1 -s checkpoint.every_epochs=0"
        ));
        place.run(&format!(
            "{line} --out often -s sample.count=99 -s checkpoint.every_steps=1 --json"
        ));
        let learnt = |run: &str| -> Vec<(String, Vec<u8>)> {
            let files = kept(&place.path(run)).into_iter();
            files
                .filter(|(name, _)| {
                    name.starts_with("checkpoints/step-40/") && name.ends_with(".safetensors")
                        || name == "metrics.jsonl"
                })
                .collect()
        };
        assert_eq!(learnt("seldom").len(), 3);
        assert!(learnt("seldom") == learnt("often"), "{line}");
    }
}

#[test]
fn a_run_goes_on_for_more_epochs() {
    let place = place();
    let line = |epochs: &str| MODELS[0].replace("--steps 40", epochs);
    place.run(&format!("{} --out whole", line("--epochs 4")));
    place.run(&format!("{} --out run", line("--epochs 2")));
    let told = stderr(&place.run("resume run --epochs 4"));
    assert!(told.contains("6 of 12 steps done"), "{told}");
    same(&place.path("run"), &place.path("whole"));
    let told = stderr(&place.run("resume run"));
    assert!(
        told.contains("no step is left to do; --epochs N asks for more"),
        "{told}"
    );
}

#[test]
fn a_run_goes_on_where_its_data_lie_elsewhere() {
    let place = place();
    let line = |steps: &str| MODELS[0].replace("--steps 40", steps);
    place.run(&format!("{} --out whole", line("--steps 9")));
    place.run(&format!("{} --out run", line("--steps 4")));
    fs::rename(place.path("set"), place.path("moved")).unwrap();
    assert_eq!(
        stderr(&place.command("resume run --steps 6").assert().code(1)),
        "error: the run was trained on mnist:set, and there is no folder set here\nhint: say where the data are with --data mnist:DIR\n"
    );
    let other = stderr(&place.command("resume run --steps 6 --data glyphs").assert().code(1));
    assert!(other.contains("name their place with --data"), "{other}");
    place.run("resume run --steps 6 --data mnist:moved");
    // From now on, that is where they are.
    place.run("resume run --steps 9");
    assert!(place.text("run/config.toml").contains("mnist:moved"));
    let files =
        ["model.safetensors", "optimiser.safetensors", "state.json"].map(|file| format!("checkpoints/step-9/{file}"));
    for file in files.into_iter().chain(["metrics.jsonl".into()]) {
        let [run, whole] = ["run", "whole"].map(|run| fs::read(place.path(&format!("{run}/{file}"))).unwrap());
        assert!(run == whole, "{file}");
    }
}

#[test]
fn an_unsound_checkpoint_is_passed_over_with_a_reason() {
    let place = place();
    let line = format!("{} -s checkpoint.every_steps=4", MODELS[0]);
    place.run(&format!("{line} --out whole"));
    place.run(&format!("{line} --out run"));
    fs::remove_file(place.path("run/checkpoints/step-40/optimiser.safetensors")).unwrap();
    let state = place.path("run/checkpoints/step-39/state.json");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(state, text.replacen("\"seed\": 5", "\"seed\": 6", 1)).unwrap();
    let told = stderr(&place.run("resume run"));
    for reason in [
        "note: run/checkpoints/step-40 was passed over: optimiser.safetensors cannot be read: ",
        "note: run/checkpoints/step-39 was passed over: state.json is damaged: its SHA-256 is ",
        "going on with vae on mnist:set: 96 images of 28 x 28, 26,004 parameters, 36 of 40 steps done, in steps of 32",
    ] {
        assert!(told.contains(reason), "{told}");
    }
    same(&place.path("run"), &place.path("whole"));
    // A log that has lost what the checkpoint counts on.
    fs::write(place.path("run/metrics.jsonl"), "").unwrap();
    let told = stderr(&place.command("resume run").assert().code(1));
    assert!(
        told.contains("step-40 was passed over: metrics.jsonl has 0 bytes, and had "),
        "{told}"
    );
}

#[test]
fn other_data_and_another_configuration_are_refused() {
    let place = place();
    place.run(&format!("{} --out run", MODELS[0]));
    let before = kept(&place.path("run"));
    let mut other = blobs(96);
    other[5] += 1;
    let images = place.path("set/train-images-idx3-ubyte");
    let good = fs::read(&images).unwrap();
    fs::write(&images, idx(&[96, 28, 28], &other)).unwrap();
    assert_eq!(
        stderr(&place.command("resume run --steps 50").assert().code(1)),
        "error: mnist:set is not the data that the run was trained on so far\n\
         hint: put the files back that it began with, name their place with --data, or begin a new run\n"
    );
    fs::write(images, good).unwrap();
    let file = place.path("run/config.toml");
    let config = fs::read_to_string(&file).unwrap();
    fs::write(&file, config.replace("learning_rate = 0.001", "learning_rate = 0.1")).unwrap();
    assert_eq!(
        stderr(&place.command("resume run --steps 50").assert().code(1)),
        "error: run/config.toml is not what the run began with: optimiser.learning_rate is 0.1, and was 0.001\n\
         hint: put it back, or begin a new run with `genlab train MODEL -c FILE.toml`; only --data, --epochs, --steps and --on-divergence may change\n"
    );
    fs::write(&file, config).unwrap();
    assert_eq!(
        stderr(&place.command("resume run --steps 30").assert().code(1)),
        "error: the run has made 40 steps, and 30 are asked for\nhint: ask for 14 epochs or more with --epochs\n"
    );
    assert!(
        kept(&place.path("run")) == before,
        "what was refused has changed nothing"
    );
}

#[test]
fn a_checkpoint_of_another_build_or_format_is_named() {
    let place = place();
    place.run(&format!("{} -s checkpoint.every_steps=1 --out run", MODELS[0]));
    for step in [38, 39, 40] {
        let folder = format!("run/checkpoints/step-{step}");
        let text = place.text(&format!("{folder}/state.json"));
        let program = text.lines().find(|line| line.contains("\"program\"")).unwrap();
        let old = text.replace(program, "  \"program\": \"0.0.9\",");
        fs::write(place.path(&format!("{folder}/state.json")), old).unwrap();
        write_sums(&place.path(&folder));
    }
    let told = stderr(&place.run("resume run"));
    assert!(
        told.contains("note: the checkpoint is of version 0.0.9 with vectors of "),
        "{told}"
    );
    assert!(
        told.contains("may not be those of a run that was never interrupted"),
        "{told}"
    );
    for step in [38, 39, 40] {
        let file = place.path(&format!("run/checkpoints/step-{step}/state.json"));
        fs::write(file, "{\"v\":1,\"epoch\":1,\"step\":3,\"shape\":[28,28]}").unwrap();
    }
    let told = stderr(&place.command("resume run").assert().code(1));
    let reason = "was passed over: its format 1 can be sampled and evaluated, but lacks what it takes to go on";
    assert_eq!(told.matches(reason).count(), 3, "{told}");
}
