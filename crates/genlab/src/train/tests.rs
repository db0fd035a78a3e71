use super::keep::{SHOTS, add};
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
        failure.to_string(),
        "error: training diverged at step 6: reconstruction is NaN\n\
         hint: a smaller learning rate usually helps: -s optimiser.learning_rate=5e-4"
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
        slower(&config.parse().unwrap()),
        "smaller learning rates usually help: -s optimiser.generator.learning_rate=1e-4 \
         -s optimiser.discriminator.learning_rate=5e-5"
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
fn a_long_run_keeps_a_bounded_number_of_pictures() {
    let mut shots = Vec::new();
    for epoch in 0..500 {
        add(
            &mut shots,
            Shot {
                caption: epoch.to_string(),
                png: Vec::new(),
            },
        );
    }
    assert!(shots.len() <= SHOTS);
    assert_eq!(
        (shots[0].caption.as_str(), shots.last().unwrap().caption.as_str()),
        ("0", "499")
    );
}
