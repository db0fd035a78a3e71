//! Signals and a second writer.
#![cfg(unix)]

use crate::kept::{MODELS, place, same, sound_checkpoints, start};
use crate::program::{Place, genlab, stderr};
use crate::resume::wait_until;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Signals, one right after the other, by the shell's own `kill`: the program of that name is not everywhere.
fn send(signals: &[&str], to: &Child) {
    let kill = |signal: &&str| format!("kill {signal} {};", to.id());
    let sent = Command::new("sh")
        .args(["-c", &signals.iter().map(kill).collect::<String>()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// A run of many steps that is under way.
fn long_run(place: &Place) -> Child {
    let line = MODELS[0].replace("--steps 40", "--steps 1000000");
    let run = start(place, &format!("{line} --out run"));
    // It listens before its folder is there.
    wait_until("the run", || place.path("run/run.json").exists());
    run
}

fn told(run: &mut Child) -> String {
    let mut text = String::new();
    run.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_first_signal_ends_the_step_and_saves() {
    // `timeout` sends its signal twice. Two of one kind may arrive as one, so two kinds are sent.
    for signals in [&["-INT"][..], &["-TERM"], &["-INT", "-TERM"]] {
        let place = place();
        let mut run = long_run(&place);
        wait_until("an epoch", || place.path("run/samples/epoch-0001.png").exists());
        send(signals, &run);
        let status = run.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{signals:?}");
        let told = told(&mut run);
        let (_, last) = told.split_once("error: interrupted after step ").unwrap();
        let step: u64 = last.split(';').next().unwrap().parse().unwrap();
        assert!(
            last.ends_with("; a checkpoint of it is kept\nhint: `genlab resume run` goes on\n"),
            "{told}"
        );
        assert!(place.path(&format!("run/checkpoints/step-{step}")).is_dir());
        assert_eq!(place.json("run/run.json")["status"], "interrupted");
        // On with it, to an end that it reaches; and the same run without the interruption.
        let steps = step + 7;
        place.run(&format!("resume run --steps {steps}"));
        place.run(&format!(
            "{} --out whole",
            MODELS[0].replace("--steps 40", &format!("--steps {steps}"))
        ));
        same(&place.path("run"), &place.path("whole"));
    }
}

#[test]
fn the_second_signal_leaves_at_once_and_the_run_is_sound() {
    let place = place();
    // Nobody reads its events: it comes to a stop in the midst of a step, when the pipe is full.
    let line = MODELS[0].replace("--steps 40", "--steps 1000000");
    let mut command = Command::new(genlab());
    command
        .args(format!("{line} --json --out run").split_whitespace())
        .current_dir(place.path("."));
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the run", || place.path("run/run.json").exists());
    let mut logged = (0, Instant::now());
    wait_until("the stop", || {
        let pictures = place.names("run/samples").len();
        if pictures != logged.0 {
            logged = (pictures, Instant::now());
        }
        pictures > 0 && logged.1.elapsed() > Duration::from_secs(2)
    });
    send(&["-TERM"], &run);
    sleep(Duration::from_secs(1));
    assert!(run.try_wait().unwrap().is_none(), "the first signal waits for the step");
    send(&["-TERM"], &run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(
        place.json("run/run.json")["status"],
        "running",
        "nothing more was written"
    );
    assert!(sound_checkpoints(&place.path("run")) > 0);
}

#[test]
fn a_second_writer_is_refused_and_a_dead_one_is_in_nobodys_way() {
    let place = place();
    let mut run = long_run(&place);
    let refused = stderr(&place.command("resume run").assert().code(1));
    assert_eq!(
        refused,
        format!(
            "error: process {} is writing to the run run\n\
             hint: wait until it has ended, or stop it; one run has one writer\n",
            run.id()
        )
    );
    // Looking is allowed.
    place.run("sample run -n 4");
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(sound_checkpoints(&place.path("run")) > 0);
    let steps = place
        .names("run/checkpoints")
        .into_iter()
        .filter_map(|name| name.strip_prefix("step-")?.parse().ok());
    let last: u64 = steps.max().unwrap();
    place.run(&format!("resume run --steps {}", last + 1));
}
