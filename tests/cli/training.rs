//! `genlab train` on tiny sets: what it leaves behind.

use crate::files::write_set;
use crate::program::{Place, json_lines, stderr, stdout};
use safetensors::SafeTensors;
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Two epochs of three steps.
const TINY: &str = "train vae --data mnist:set --epochs 2 --seed 5 -s train.batch_size=32 -s model.hidden=[16] \
                    -s model.latent_dim=2";

fn place() -> Place {
    let place = Place::new();
    write_set(&place.path("set"));
    place
}

/// Width and height of a PNG file, decoded to its end.
fn png_size(path: &Path) -> (u32, u32) {
    let mut reader = png::Decoder::new(Cursor::new(fs::read(path).unwrap()))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    (info.width, info.height)
}

#[test]
fn a_run_leaves_what_it_promises() {
    let place = place();
    let assert = place.run(&format!("{TINY} --out run"));
    assert_eq!(stdout(&assert), "run\n", "stdout is data: where the run is");
    let told = stderr(&assert);
    assert!(
        told.contains("training vae on mnist:set: 96 images of 28 x 28, "),
        "{told}"
    );
    assert!(
        told.contains("epoch 2  test: elbo -") && told.contains("done in 0:0"),
        "{told}"
    );

    assert_eq!(
        place.names("run"),
        [
            "checkpoints",
            "config.toml",
            "lock",
            "metrics.jsonl",
            "report.html",
            "run.json",
            "samples",
            "timing.jsonl"
        ]
    );
    let run = place.json("run/run.json");
    assert_eq!(
        (&run["v"], &run["status"], &run["seed"]),
        (&1.into(), &"done".into(), &5.into())
    );

    let metrics = json_lines(&place.text("run/metrics.jsonl"));
    let events: Vec<&str> = metrics.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let epoch = ["step", "step", "step", "epoch", "eval"];
    assert_eq!(events, [epoch, epoch].concat());
    for line in &metrics {
        let value = |name: &str| line[name].as_f64().unwrap();
        assert!(
            (value("elbo") + value("reconstruction") + value("kl")).abs() < 1e-3,
            "{line}"
        );
    }
    assert_eq!(json_lines(&place.text("run/timing.jsonl")).len(), 6 + 2);

    // 64 samples in 8 columns of 28 + 2 pixels and a border, doubled; 32 originals over reconstructions in 16 columns.
    assert_eq!(png_size(&place.path("run/samples/epoch-0002.png")), (484, 484));
    assert_eq!(png_size(&place.path("run/samples/reconstruction-0002.png")), (964, 244));
    let report = place.text("run/report.html");
    assert!(report.contains("status done"));
    assert_eq!(fetched(&report), Vec::<&str>::new(), "the report needs no network");
}

/// What a browser would have to fetch: every address that is neither in the page itself nor a place in it.
fn fetched(page: &str) -> Vec<&str> {
    let attributes = ["src=", "href=", "url("].into_iter();
    let after = attributes.flat_map(|mark| page.match_indices(mark).map(move |(at, _)| &page[at + mark.len()..]));
    let addresses = after.map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.split(['"', '\'', ')', '>', ' ']).next().unwrap_or(rest)
    });
    addresses
        .filter(|address| !address.starts_with("data:") && !address.starts_with('#'))
        .collect()
}

#[test]
fn what_would_be_fetched_is_found() {
    let page = "<img src=\"data:image/png;base64,AA\"><a href='#top'><link href=\"a.css\"><script src=https://x.org/y.js>\
                <style>b { background: url(c.png) } i { mask: url(\"#m\") }</style>";
    assert_eq!(fetched(page), ["https://x.org/y.js", "a.css", "c.png"]);
}

#[test]
fn checkpoints_have_the_names_of_pytorch() {
    let place = place();
    place.run(&format!("{TINY} --out run"));
    assert_eq!(place.names("run/checkpoints"), ["step-0", "step-3", "step-6"]);
    let folder = "run/checkpoints/step-6";
    assert_eq!(
        place.names(folder),
        ["SHA256SUMS", "model.safetensors", "optimiser.safetensors", "state.json"]
    );
    let bytes = fs::read(place.path(&format!("{folder}/model.safetensors"))).unwrap();
    let model = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<(String, Vec<usize>)> = model
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
        .collect();
    shapes.sort();
    let expected: [(&str, &[usize]); 8] = [
        ("decoder.0.bias", &[16]),
        ("decoder.0.weight", &[16, 2]),
        ("decoder.2.bias", &[784]),
        ("decoder.2.weight", &[784, 16]),
        ("encoder.0.bias", &[16]),
        ("encoder.0.weight", &[16, 784]),
        ("encoder.2.bias", &[4]),
        ("encoder.2.weight", &[4, 16]),
    ];
    assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));
    let state = place.json(&format!("{folder}/state.json"));
    assert_eq!((&state["step"], &state["epoch"]), (&6.into(), &2.into()));
}

#[test]
fn one_seed_is_one_run_for_any_number_of_threads() {
    let place = place();
    let metrics = |line: &str, out: &str| {
        place.run(&format!("{line} --out {out}"));
        fs::read(place.path(&format!("{out}/metrics.jsonl"))).unwrap()
    };
    let first = metrics(&format!("{TINY} --threads 1"), "a");
    assert_eq!(first, metrics(&format!("{TINY} --threads 2"), "b"));
    // The resolved configuration is TOML that repeats the run.
    place.text("a/config.toml").parse::<toml::Table>().unwrap();
    assert_eq!(first, metrics("train vae -c a/config.toml", "c"));
    assert_eq!(place.text("a/config.toml"), place.text("c/config.toml"));
    assert_ne!(first, metrics(&TINY.replace("--seed 5", "--seed 6"), "d"));
}

#[test]
fn under_json_stdout_is_one_event_a_line() {
    let place = place();
    let assert = place.run(&format!("{TINY} --json --out run"));
    let events = json_lines(&stdout(&assert));
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let epoch = [
        "step",
        "step",
        "step",
        "epoch",
        "eval",
        "sample",
        "sample",
        "checkpoint",
    ];
    assert_eq!(names, [&epoch[..], &epoch, &["done"]].concat());
    assert!(events.iter().all(|event| event["v"] == 1));
    assert_eq!(stderr(&assert), "");
    let kept: Vec<_> = events
        .iter()
        .filter(|e| ["step", "epoch", "eval"].contains(&e["event"].as_str().unwrap()))
        .cloned()
        .collect();
    assert_eq!(kept, json_lines(&place.text("run/metrics.jsonl")));
}

#[test]
fn every_event_names_the_epoch_of_its_step() {
    let place = place();
    // Epochs of three steps; the last one has one of them, and a checkpoint comes within each.
    let line = TINY.replace("--epochs 2", "--steps 7");
    let assert = place.run(&format!("{line} -s checkpoint.every_steps=2 --json --out run"));
    let events = json_lines(&stdout(&assert));
    let number = |event: &Value, key: &str| event[key].as_u64().unwrap();
    let checkpoints = events.iter().filter(|event| event["event"] == "checkpoint");
    let steps: Vec<u64> = checkpoints.map(|event| number(event, "step")).collect();
    assert_eq!(steps, [2, 3, 4, 6, 7]);
    for event in &events {
        assert_eq!(number(event, "epoch"), number(event, "step").div_ceil(3), "{event}");
    }
    for line in ["eval run --json", "sample run --json"] {
        let event = &json_lines(&stdout(&place.run(line)))[0];
        assert_eq!((number(event, "epoch"), number(event, "step")), (3, 7), "{event}");
    }
}

#[test]
fn grey_values_can_be_sampled_at_each_presentation() {
    let place = place();
    place.run(&format!("{TINY} --out grey"));
    place.run(&format!("{TINY} -s data.binarise=true --out binary"));
    assert_ne!(place.text("grey/metrics.jsonl"), place.text("binary/metrics.jsonl"));
}

#[test]
fn a_gan_on_points_counts_the_modes_that_it_covers() {
    let place = Place::new();
    place.run("train gan --preset ring8 --steps 4 -s model.generator_hidden=[8] --out run");
    let metrics = json_lines(&place.text("run/metrics.jsonl"));
    let last = metrics.last().unwrap();
    assert_eq!((&last["event"], &last["split"]), (&"eval".into(), &"test".into()));
    for name in ["d_loss", "g_loss", "modes", "high_quality"] {
        assert!(last[name].is_number(), "{last}");
    }
    assert_eq!(png_size(&place.path("run/samples/epoch-0001.png")), (480, 480));
}

#[test]
fn a_divergence_is_tried_again_with_half_the_learning_rate() {
    let place = place();
    // Such a decay multiplies each weight by 1 - 2500 * 0.001 = -1.5 in every step, and with half the rate by -0.25.
    let line = TINY.replace("--epochs 2", "--epochs 40");
    let line = format!("{line} -s optimiser.weight_decay=2500 --on-divergence retry:20");
    let assert = place.run(&format!("{line} --out run --json"));
    let events = json_lines(&stdout(&assert));
    let factors: Vec<f64> = events
        .iter()
        .filter(|event| event["event"] == "retry")
        .map(|event| event["learning_rate_factor"].as_f64().unwrap())
        .collect();
    assert!(!factors.is_empty());
    let halves = (1..=factors.len()).map(|i| 0.5f64.powi(i as i32));
    assert_eq!(factors, halves.collect::<Vec<_>>());
    // What was taken back is not in the log.
    let metrics = json_lines(&place.text("run/metrics.jsonl"));
    let steps = metrics
        .iter()
        .filter(|line| line["event"] == "step")
        .map(|line| line["step"].as_u64().unwrap());
    assert_eq!(steps.collect::<Vec<_>>(), (1..=120).collect::<Vec<u64>>());
    assert_eq!(place.json("run/run.json")["status"], "done");
    // The factor belongs to the state.
    assert_eq!(
        place.json("run/checkpoints/step-120/state.json")["retries"],
        factors.len()
    );
}

#[test]
fn divergence_keeps_what_was_good() {
    let place = place();
    // Such a decay multiplies each weight by 1 - 2500 * 0.001 = -1.5 in every step: three steps do no harm yet.
    let line = TINY.replace("--epochs 2", "--epochs 40");
    let assert = place
        .command(&format!("{line} -s optimiser.weight_decay=2500 --out run"))
        .assert()
        .code(3);
    let told = stderr(&assert);
    let (_, failure) = told.split_once("error: training diverged at step ").unwrap();
    // The operation that the first number that is not finite came from, its line, and what it read.
    assert!(
        failure.contains("\n  in step ") && failure.contains(" gave ") && failure.contains(" infinite of "),
        "{told}"
    );
    assert!(
        failure.contains(".rs:") && failure.contains("\n    input 0 F32 ["),
        "{told}"
    );
    assert!(
        told.ends_with(
            "hint: a smaller learning rate usually helps: -s optimiser.learning_rate=5e-4; \
             `genlab resume run --on-divergence retry:3` goes back and halves by itself\n"
        ),
        "{told}"
    );
    assert_eq!(place.json("run/run.json")["status"], "diverged");
    assert!(place.names("run/checkpoints").contains(&"step-3".to_owned()));
    place.run("sample run -n 4");
    // What the hint says.
    place.run("resume run --on-divergence retry:3");
    assert_eq!(place.json("run/run.json")["status"], "done");
}
