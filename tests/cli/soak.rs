//! An hour of training takes no more memory than its first minutes.
#![cfg(target_os = "linux")]

use crate::kept::{place, start};
use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Resident memory of a process, in bytes.
fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is still training");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    1024.0 * line.trim().trim_end_matches(" kB").parse::<f64>().unwrap()
}

/// The mean over a minute.
fn over_a_minute(process: u32) -> f64 {
    let seconds = 60;
    let sum: f64 = (0..seconds)
        .map(|_| {
            sleep(Duration::from_secs(1));
            resident(process)
        })
        .sum();
    sum / f64::from(seconds)
}

/// The last minute of an hour, or of as many minutes as `MINUTES` says, against the fifth.
#[test]
#[ignore = "takes an hour: MINUTES=60 cargo test -p tests --test cli soak -- --ignored"]
fn soak() {
    let minutes: u64 = std::env::var("MINUTES").map_or(60, |text| text.parse().expect("MINUTES is a number"));
    assert!(minutes > 5, "the last minute comes after the fifth");
    let place = place();
    let began = Instant::now();
    let mut run = start(&place, "train vae --epochs 1000000 --out run");
    // A pipe that nobody reads stops who writes into it.
    let mut told = run.stderr.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
    sleep(Duration::from_secs(4 * 60));
    let fifth = over_a_minute(run.id());
    sleep(Duration::from_secs((minutes - 1) * 60).saturating_sub(began.elapsed()));
    let last = over_a_minute(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    let (mib, ratio) = (1024.0 * 1024.0, last / fifth);
    let figures = format!(
        "fifth minute {:.1} MiB, minute {minutes} {:.1} MiB, ratio {ratio:.4}",
        fifth / mib,
        last / mib
    );
    writeln!(std::io::stderr(), "{figures}").unwrap();
    assert!((0.98..=1.02).contains(&ratio), "{figures}");
}
