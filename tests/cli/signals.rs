//! Signals and a second writer.
#![cfg(unix)]

use crate::kept::{MODELS, place, same, sound_checkpoints, start};
use crate::program::{Place, stderr};
use crate::resume::wait_until;
use std::io::Read;
use std::process::{Child, Command};

fn send(signal: &str, to: &Child) {
    let sent = Command::new("kill")
        .args([signal, &to.id().to_string()])
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
    for signal in ["-INT", "-TERM"] {
        let place = place();
        let mut run = long_run(&place);
        wait_until("an epoch", || place.path("run/samples/epoch-0001.png").exists());
        send(signal, &run);
        let status = run.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{signal}");
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
    let mut run = long_run(&place);
    wait_until("an epoch", || place.path("run/samples/epoch-0001.png").exists());
    send("-TERM", &run);
    // It may have ended in between.
    let _ = Command::new("kill").args(["-TERM", &run.id().to_string()]).output();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(sound_checkpoints(&place.path("run")) > 0);
    let steps = place.json("run/run.json")["status"].clone();
    assert!(steps == "running" || steps == "interrupted", "{steps}");
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
    let step = sound_checkpoints(&place.path("run"));
    assert!(step > 0);
    let told = stderr(&place.command("resume run --steps 1").assert());
    assert!(!told.contains("is writing to"), "{told}");
}
