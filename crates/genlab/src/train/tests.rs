use super::keep::spread;
use super::*;
use crate::cli::{Cli, Command};
use crate::stand_in::StandIn;
use clap::Parser;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Runs a command line of `genlab train` on the stand-in, into a folder of its own.
fn run(out: &Path, line: &str) -> Result<(), Failure> {
    let words = ["genlab", "train"]
        .into_iter()
        .chain(line.split(' '))
        .chain(["--out", out.to_str().unwrap()]);
    let Command::Train(args) = Cli::try_parse_from(words).unwrap().command else {
        panic!("not train")
    };
    train(&StandIn, &args)
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn status(out: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(out.join("run.json")).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_everything_that_it_promises() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    run(&out, "vae --epochs 3 --seed 5 --threads 1 -s model.hidden=[8]").unwrap();
    for file in [
        "config.toml",
        "run.json",
        "metrics.jsonl",
        "timing.jsonl",
        "report.html",
        "samples/epoch-0001.png",
        "samples/epoch-0003.png",
        "samples/reconstruction-0003.png",
        "checkpoints/step-4/model.safetensors",
        "checkpoints/step-12/optimiser.safetensors",
        "checkpoints/step-12/state.json",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let facts = status(&out);
    assert_eq!(
        (facts["status"].as_str(), facts["seed"].as_u64()),
        (Some("done"), Some(5))
    );
    let metrics = lines(&out.join("metrics.jsonl"));
    let count = |name: &str| metrics.iter().filter(|line| line["event"] == name).count();
    assert_eq!((count("step"), count("epoch"), count("eval")), (12, 3, 3));
    assert_eq!(metrics.last().unwrap()["step"], 12);
    let timing = lines(&out.join("timing.jsonl"));
    assert_eq!(timing.iter().filter(|line| line["event"] == "step").count(), 12);
    let config: toml::Table = fs::read_to_string(out.join("config.toml")).unwrap().parse().unwrap();
    assert_eq!(crate::config::get(&config, "model.hidden").unwrap().to_string(), "[8]");
    let report = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("status done") && report.matches("epoch 3").count() >= 2);
}

#[test]
fn the_epoch_line_is_the_mean_of_its_steps() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    run(&out, "vae --epochs 2").unwrap();
    let metrics = lines(&out.join("metrics.jsonl"));
    let steps: Vec<f64> = metrics
        .iter()
        .filter(|line| line["event"] == "step" && line["epoch"] == 2)
        .map(|line| line["elbo"].as_f64().unwrap())
        .collect();
    let epoch = metrics
        .iter()
        .find(|line| line["event"] == "epoch" && line["epoch"] == 2)
        .unwrap();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    assert!((epoch["elbo"].as_f64().unwrap() - mean).abs() < 1e-9);
}

#[test]
fn the_same_seed_leaves_the_same_metrics() {
    let place = tempfile::tempdir().unwrap();
    let metrics = |name: &str, line: &str| {
        let out = place.path().join(name);
        run(&out, line).unwrap();
        fs::read(out.join("metrics.jsonl")).unwrap()
    };
    let first = metrics("a", "vae --epochs 2 --seed 1");
    assert_eq!(first, metrics("b", "vae --epochs 2 --seed 1 --threads 2"));
    assert_ne!(first, metrics("c", "vae --epochs 2 --seed 2"));
}

#[test]
fn steps_stop_inside_an_epoch_and_are_kept() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    run(&out, "gan --preset small -s checkpoint.every_epochs=0").unwrap();
    let metrics = lines(&out.join("metrics.jsonl"));
    let count = |name: &str| metrics.iter().filter(|line| line["event"] == name).count();
    // Seven steps are one whole epoch of four and a part; a GAN has nothing to evaluate.
    assert_eq!((count("step"), count("epoch"), count("eval")), (7, 2, 0));
    assert!(out.join("checkpoints/step-7").is_dir() && !out.join("checkpoints/step-4").exists());
    assert!(out.join("samples/epoch-0002.png").is_file());
}

#[test]
fn divergence_names_step_and_loss_and_marks_the_run() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let failure = run(&out, "vae --epochs 3 -s model.diverge_at=6").unwrap_err();
    assert_eq!(failure.exit_code(), 3);
    assert_eq!(
        failure.to_string().replace(&out.display().to_string(), "RUN"),
        "error: training diverged at step 6: reconstruction is NaN\n\
         \x20 in step 6: ln gave 1 NaN, repeated from step 4\n\
         hint: a smaller learning rate usually helps: -s optimiser.learning_rate=5e-4; \
         `genlab resume RUN --on-divergence retry:3` goes back and halves by itself"
    );
    assert_eq!(status(&out)["status"], "diverged");
    assert!(out.join("checkpoints/step-4").is_dir(), "what was good is kept");
    assert!(
        fs::read_to_string(out.join("report.html"))
            .unwrap()
            .contains("status diverged")
    );
}

#[test]
fn each_learning_rate_that_a_model_has_is_named_after_a_divergence() {
    let config =
        "[optimiser.generator]\nlearning_rate = 2e-4\nbeta1 = 0.5\n[optimiser.discriminator]\nlearning_rate = 1e-4";
    assert_eq!(
        slower(&config.parse().unwrap(), 2, Path::new("runs/x")),
        "smaller learning rates usually help: -s optimiser.generator.learning_rate=2.5e-5 \
         -s optimiser.discriminator.learning_rate=1.25e-5; `genlab resume runs/x --on-divergence retry:5` goes back and halves by itself"
    );
}

#[test]
fn bad_input_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    for (line, code, message) in [
        ("vea", 2, "there is no model vea"),
        ("vae --preset smal", 2, "vae has no preset smal"),
        ("vae --data glyhps", 1, "there is no data set glyhps"),
        (
            "vae -s model.latent_dims=3",
            1,
            "-s: there is no setting model.latent_dims",
        ),
        (
            "vae -s optimiser.learning_rate=0",
            1,
            "optimiser.learning_rate = 0.0: must be a finite number greater than 0",
        ),
        (
            "vae -s model.latent_dim=0",
            1,
            "model.latent_dim = 0: must be a whole number from 1 to 65536",
        ),
    ] {
        let failure = run(&out, line).unwrap_err();
        assert_eq!((failure.exit_code(), failure.message()), (code, message));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "{line} left something");
    }
    let failure = run(&out, "vea").unwrap_err();
    assert!(
        failure
            .to_string()
            .ends_with("hint: did you mean vae? There is: vae, gan")
    );
}

#[test]
fn config_toml_repeats_its_run() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = (place.path().join("a"), place.path().join("b"));
    run(&first, "vae --epochs 2 --seed 3 -s model.latent_dim=2").unwrap();
    run(&second, &format!("vae -c {}", first.join("config.toml").display())).unwrap();
    for file in ["config.toml", "metrics.jsonl", "samples/epoch-0002.png"] {
        assert_eq!(
            fs::read(first.join(file)).unwrap(),
            fs::read(second.join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn a_long_run_shows_a_bounded_number_of_pictures() {
    assert_eq!(spread(3, 40), [1, 2, 3]);
    assert!(spread(0, 40).is_empty());
    for last in [41, 500, u64::MAX] {
        let shown = spread(last, 40);
        assert_eq!((shown.len(), shown[0], shown[39]), (40, 1, last));
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

/// Runs a command line of `genlab resume` on the stand-in.
fn again(out: &Path, more: &str) -> Result<(), Failure> {
    let words = ["genlab", "resume", out.to_str().unwrap()];
    let words = words.into_iter().chain(more.split_whitespace());
    let Command::Resume(args) = Cli::try_parse_from(words).unwrap().command else {
        panic!("not resume")
    };
    resume(&StandIn, &args)
}

/// The names and bytes of what two runs of one configuration share: everything but times, threads and the lock.
fn lasting(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![out.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(out).unwrap().display().to_string();
            match name.as_str() {
                "lock" | "timing.jsonl" | "run.json" | "report.html" => {}
                _ if path.is_dir() => folders.push(path),
                _ => found.push((name, fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => fs::copy(entry.path(), target).map(drop).unwrap(),
        }
    }
}

#[track_caller]
fn same(a: &Path, b: &Path, what: &str) {
    let (a, b) = (lasting(a), lasting(b));
    let names = |of: &[(String, Vec<u8>)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b), "{what}");
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{what}: {name} differs");
    }
}

#[test]
fn a_run_that_stopped_after_any_step_is_the_run_that_did_not() {
    for line in [
        "vae --epochs 3 --seed 5",
        "gan --steps 11 --seed 5",
        "vae --epochs 3 -s model.diverge_at=6 --on-divergence retry:2",
    ] {
        let place = tempfile::tempdir().unwrap();
        let whole = place.path().join("whole");
        // All checkpoints are kept, so that the run can be stopped at each.
        run(
            &whole,
            &format!("{line} -s checkpoint.every_steps=1 -s checkpoint.keep=100"),
        )
        .unwrap();
        let steps = fs::read_dir(whole.join("checkpoints")).unwrap().count() as u64;
        assert!(steps > 11, "{steps} checkpoints");
        for stopped in 0..steps {
            // As a kill leaves it: later lines in the logs, half a line, temporary files.
            let stopped_run = place.path().join(format!("stopped-{stopped}"));
            copy(&whole, &stopped_run);
            for later in stopped + 1..steps {
                fs::remove_dir_all(stopped_run.join(format!("checkpoints/step-{later}"))).unwrap();
            }
            fs::create_dir(stopped_run.join("checkpoints/.step-99.part-1")).unwrap();
            let mut log = fs::read(stopped_run.join("metrics.jsonl")).unwrap();
            log.extend(b"{\"v\":1,\"ev");
            fs::write(stopped_run.join("metrics.jsonl"), log).unwrap();
            again(&stopped_run, "").unwrap();
            same(&stopped_run, &whole, &format!("{line}, stopped after {stopped}"));
            assert_eq!(status(&stopped_run)["status"], "done");
            let timed = lines(&stopped_run.join("timing.jsonl"));
            assert_eq!(
                timed.iter().filter(|line| line["event"] == "step").count() as u64,
                steps - 1
            );
            let pictures = |out: &Path| {
                fs::read_to_string(out.join("report.html"))
                    .unwrap()
                    .matches("<img")
                    .count()
            };
            assert_eq!(pictures(&stopped_run), pictures(&whole));
        }
    }
}

#[test]
fn a_run_goes_on_for_more_epochs_or_steps() {
    let place = tempfile::tempdir().unwrap();
    let out = |name: &str| place.path().join(name);
    for (kind, first, raised, name) in [
        ("vae", "--epochs 1", "--epochs 3", "epochs"),
        ("gan", "--steps 7", "--steps 11", "steps"),
        ("vae", "--steps 7", "--epochs 2", "both"),
        ("vae -s checkpoint.every_epochs=0", "--epochs 3", "--epochs 5", "never"),
        ("vae -s checkpoint.every_epochs=2", "--epochs 3", "--epochs 7", "seldom"),
    ] {
        let (whole, grown) = (out(&format!("{name}-whole")), out(&format!("{name}-grown")));
        run(&whole, &format!("{kind} {raised}")).unwrap();
        run(&grown, &format!("{kind} {first}")).unwrap();
        again(&grown, raised).unwrap();
        same(&grown, &whole, name);
    }
    let failure = again(&out("epochs-grown"), "--epochs 2").unwrap_err();
    assert_eq!(
        failure.to_string(),
        "error: the run has made 12 steps, and 8 are asked for\nhint: ask for 3 epochs or more with --epochs"
    );
    again(&out("epochs-grown"), "").unwrap();
    same(&out("epochs-grown"), &out("epochs-whole"), "nothing was left to do");
}

#[test]
fn what_changed_since_is_named() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    run(&out, "vae --epochs 2").unwrap();
    let file = out.join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    let changed = config
        .replace("latent_dim = 20", "latent_dim = 2")
        .replace("seed = 0", "seed = 1");
    fs::write(&file, changed).unwrap();
    let failure = again(&out, "--epochs 3").unwrap_err();
    assert_eq!(
        failure.message(),
        format!(
            "{} is not what the run began with: model.latent_dim is 2, and was 20, train.seed is 1, and was 0",
            file.display()
        )
    );
    // What changes no bit may change.
    fs::write(&file, config.replace("\"stop\"", "\"retry:2\"")).unwrap();
    again(&out, "--epochs 3").unwrap();
    assert_eq!(lines(&out.join("metrics.jsonl")).last().unwrap()["step"], 12);
}

#[test]
fn the_best_checkpoint_is_kept_besides_the_last_ones() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    // The stand-in's bound is greatest after step 16, and checkpoints 32 and 36 are the last two.
    run(&out, "vae --epochs 9 -s checkpoint.keep=2").unwrap();
    let metrics = lines(&out.join("metrics.jsonl"));
    let evals = metrics.iter().filter(|line| line["event"] == "eval");
    let best = evals
        .max_by(|a, b| a["elbo"].as_f64().unwrap().total_cmp(&b["elbo"].as_f64().unwrap()))
        .unwrap();
    let mut kept: Vec<u64> = fs::read_dir(out.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap()[5..].parse().unwrap())
        .collect();
    kept.sort_unstable();
    assert_eq!((best["step"].as_u64(), kept), (Some(16), vec![16, 32, 36]));
}

#[test]
fn a_divergence_is_tried_again_with_half_the_learning_rate() {
    let place = tempfile::tempdir().unwrap();
    let (out, whole) = (place.path().join("run"), place.path().join("whole"));
    // The stand-in diverges until the rate was halved twice.
    run(&out, "vae --epochs 3 -s model.diverge_at=6 --on-divergence retry:2").unwrap();
    assert_eq!(status(&out)["status"], "done");
    let steps: Vec<u64> = lines(&out.join("metrics.jsonl"))
        .iter()
        .filter(|line| line["event"] == "step")
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(
        steps,
        (1..=12).collect::<Vec<u64>>(),
        "what was taken back is not in the log"
    );
    let state: Value =
        serde_json::from_str(&fs::read_to_string(out.join("checkpoints/step-12/state.json")).unwrap()).unwrap();
    assert_eq!(state["retries"], 2);
    let failure = run(&whole, "vae --epochs 3 -s model.diverge_at=6 --on-divergence retry:1").unwrap_err();
    assert_eq!((failure.exit_code(), failure.diverged_at()), (3, Some(6)));
    assert_eq!(status(&whole)["status"], "diverged");
}
