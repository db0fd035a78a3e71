//! A run that is killed again and again, at any moment, ends as the one that is not.
#![cfg(unix)]

use crate::kept::{MODELS, place, same, sound_checkpoints};
use crate::program::{Place, genlab};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is killed: a checkpoint every second step, pictures and a report every third.
const EVERY_OTHER: &str = "-s checkpoint.every_steps=2 --threads 2";

/// Where a kill by a tracer can hit: the calls by which files and folders change.
const CALLS: [&str; 8] = [
    "openat",
    "write",
    "fsync",
    "mkdir",
    "rename",
    "unlinkat",
    "rmdir",
    "ftruncate",
];

/// Numbers that look random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[derive(Clone, Copy, Debug)]
enum Kill {
    /// After this time.
    After(Duration),
    /// When it makes this call for this time.
    At(&'static str, u64),
}

/// Runs the line and kills it; whether it was killed, and did not end before.
fn run_and_kill(place: &Place, line: &str, kill: Kill) -> bool {
    let words = line.split_whitespace();
    let mut command = match kill {
        Kill::After(_) => Command::new(genlab()),
        Kill::At(call, time) => {
            let mut strace = Command::new("strace");
            let inject = format!("inject={call}:signal=SIGKILL:when={time}");
            strace.args([
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &inject,
            ]);
            strace.arg(genlab());
            strace
        }
    };
    command.args(words).current_dir(place.path("."));
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    if let Kill::After(time) = kill {
        sleep(time);
        run.kill().unwrap();
    }
    let ended = run.wait_with_output().unwrap();
    let killed = ended.status.signal() == Some(9);
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(killed || ended.status.success(), "{line}, {kill:?}: {told}");
    killed
}

/// Kills a run of each model until it was killed so many times, and compares it with one that was not.
fn campaign(kills: u64, traced: bool) {
    let mut numbers = Numbers(kills);
    let mut killed = 0;
    let mut round = 0;
    // Weights that first grow without bound: the run goes back, and is killed before, meanwhile and after.
    let diverging = "-s optimiser.weight_decay=2500 --on-divergence retry:9 -s checkpoint.every_epochs=5 --threads 2";
    let lines = [
        format!("{} {EVERY_OTHER}", MODELS[0]),
        format!("{} {EVERY_OTHER}", MODELS[1]),
        format!("{} {diverging}", MODELS[0]),
    ];
    while killed < kills {
        let place = place();
        let line = &lines[round % lines.len()];
        round += 1;
        let began = Instant::now();
        place.run(&format!("{line} --out whole"));
        let whole = began.elapsed();
        loop {
            let kill = match traced && numbers.below(2) == 0 {
                true => Kill::At(CALLS[numbers.below(8) as usize], 1 + numbers.below(150)),
                false => Kill::After(whole.mul_f64(numbers.below(1200) as f64 / 1000.0)),
            };
            let begun = place.path("run").exists();
            let line = if begun {
                "resume run".to_owned()
            } else {
                format!("{line} --out run")
            };
            if !run_and_kill(&place, &line, kill) {
                break;
            }
            killed += 1;
            if place.path("run").exists() {
                assert!(
                    sound_checkpoints(&place.path("run")) > 0,
                    "no checkpoint after {kill:?}"
                );
            }
        }
        same(&place.path("run"), &place.path("whole"));
        let names = ["run", "run/checkpoints", "run/samples"]
            .map(|folder| place.names(folder))
            .concat();
        assert!(!names.iter().any(|name| name.contains("part-")), "left over: {names:?}");
    }
}

/// Whether a tracer is there, may trace, and knows the calls by these names.
fn strace_works() -> bool {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "-e", &format!("trace={}", CALLS.join(",")), "true"])
        .stderr(Stdio::null())
        .status();
    traced.is_ok_and(|status| status.success())
}

#[test]
fn a_run_that_is_killed_ten_times_is_the_run_that_was_not() {
    campaign(10, false);
}

#[test]
fn a_run_that_is_killed_while_it_writes_is_the_run_that_was_not() {
    if !strace_works() {
        // Not eprintln!, which is swallowed where the test passes.
        writeln!(
            std::io::stderr(),
            "skipped a_run_that_is_killed_while_it_writes_…: there is no strace that works"
        )
        .unwrap();
        return;
    }
    campaign(10, true);
}

/// The whole campaign: 200 kills, or as many as `KILLS` says.
#[test]
#[ignore = "takes minutes: KILLS=200 cargo test -p tests --test cli kill_campaign -- --ignored"]
fn kill_campaign() {
    let kills = std::env::var("KILLS").map_or(200, |text| text.parse().expect("KILLS is a number"));
    assert!(strace_works(), "half of the kills need strace");
    campaign(kills, true);
}
