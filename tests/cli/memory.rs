//! What a run says it will take, against what it takes.
#![cfg(target_os = "linux")]

use crate::kept::{place, start};
use crate::program::stderr;
use std::fs;
use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

/// The largest resident memory that a process had until now, in MiB.
fn peak(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}

#[test]
fn the_estimate_is_within_30_percent_of_the_peak_for_each_model() {
    let place = place();
    for (i, line) in [
        "train vae --data glyphs --steps 40",
        "train vae --data mnist:set --steps 40 -s train.batch_size=96 -s model.hidden=[1500]",
        "train gan --data glyphs --steps 20",
        "train gan --preset ring8 --steps 40",
    ]
    .into_iter()
    .enumerate()
    {
        let mut run = start(&place, &format!("{line} --out run-{i}"));
        let mut most = 0.0;
        while run.try_wait().unwrap().is_none() {
            most = peak(run.id()).unwrap_or(most).max(most);
            sleep(Duration::from_millis(2));
        }
        let mut told = String::new();
        run.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let (_, rest) = told.split_once(", about ").unwrap_or_else(|| panic!("{told}"));
        let estimate: f64 = rest
            .split(" MiB of memory")
            .next()
            .unwrap()
            .replace(',', "")
            .parse()
            .unwrap();
        assert!(
            (0.7..=1.3).contains(&(estimate / most)),
            "{line}: about {estimate} MiB were expected, and {most:.1} taken"
        );
    }
}

#[test]
fn a_run_that_does_not_fit_is_refused_before_it_begins() {
    let place = place();
    // Few weights, and some 500 GiB of what they are multiplied with.
    let widths = ["8,65536"; 8].join(",");
    let line = format!("train vae --data glyphs -s train.batch_size=60000 -s model.hidden=[{widths}] --out run");
    let told = stderr(&place.command(&line).assert().code(1));
    let (_, rest) = told
        .split_once("error: the run needs about ")
        .unwrap_or_else(|| panic!("{told}"));
    assert!(
        rest.contains(" GiB of memory, but only ") && rest.contains("hint: choose smaller batches with "),
        "{told}"
    );
    assert!(!place.path("run").exists());
}
