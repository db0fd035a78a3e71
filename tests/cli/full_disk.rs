//! A disk that is full, or that refuses: a clear error, and earlier checkpoints as they were.
#![cfg(target_os = "linux")]

use crate::kept::{MODELS, place, same, sound_checkpoints};
use crate::program::{Place, genlab};
use std::fs;
use std::io::Write;
use std::process::{Command, Output};

/// Runs the program from a shell that has done `first` before.
fn after(place: &Place, first: &str, line: &str) -> Output {
    let script = format!("{first} && exec {} {line}", genlab().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.path("."));
    shell.output().unwrap()
}

#[track_caller]
fn failed_with(output: &Output, words: &[&str]) {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_like_any_other() {
    let place = place();
    let line = format!("{} -s checkpoint.every_steps=4", MODELS[0]);
    place.run(&format!("{line} --out whole"));
    // Blocks of 512 bytes. The moments of the optimiser are larger: not even the first checkpoint can be written.
    let output = after(&place, "ulimit -f 300", &format!("{line} --out run"));
    failed_with(&output, &["error: ", "optimiser.safetensors", "File too large"]);
    assert!(!place.path("run").exists(), "no run is left without a checkpoint");
    // The log of steps outgrows this one in the middle of the run.
    let output = after(
        &place,
        "ulimit -f 500",
        &format!("{} --out run", line.replace("--steps 40", "--steps 4000")),
    );
    failed_with(&output, &["error: cannot write run/", ": File too large"]);
    assert_eq!(place.json("run/run.json")["status"], "failed");
    assert!(sound_checkpoints(&place.path("run")) > 1);
}

/// A device on which every write fails.
#[test]
fn a_full_disk_under_what_is_told_is_no_part_of_the_run() {
    let place = place();
    let output = after(&place, "exec 2>/dev/full", &format!("{} --out run", MODELS[0]));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(place.json("run/run.json")["status"], "done");
    // The error itself cannot be told, and the code still says it.
    let output = after(&place, "exec 2>/dev/full", "train vae --data nowhere");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_folder_that_refuses_ends_the_run_and_not_what_it_has() {
    let place = place();
    let line = format!("{} -s checkpoint.every_steps=4", MODELS[0]);
    place.run(&format!("{line} --out whole"));
    place.run(&format!("{} --out run", line.replace("--steps 40", "--steps 20")));
    // A file in the place of the folder of pictures refuses them even to an administrator.
    let (samples, aside) = (place.path("run/samples"), place.path("aside"));
    fs::rename(&samples, &aside).unwrap();
    fs::write(&samples, "").unwrap();
    let output = after(&place, "true", "resume run --steps 40");
    failed_with(&output, &["error: cannot write run/samples/epoch-0007.png: ", "hint: "]);
    assert!(sound_checkpoints(&place.path("run")) > 1);
    fs::remove_file(&samples).unwrap();
    fs::rename(&aside, &samples).unwrap();
    place.run("resume run");
    same(&place.path("run"), &place.path("whole"));
}

#[test]
fn a_small_file_system_that_fills_up() {
    let place = place();
    fs::create_dir(place.path("small")).unwrap();
    let (line, mount) = (
        format!("{} -s checkpoint.every_steps=4", MODELS[0]),
        "mount -t tmpfs -o size=1m tmpfs small",
    );
    let script = format!(
        "{mount} || exit 77; {0} {line} --out small/run; code=$?; cp -a small/run run; exit $code",
        genlab().display()
    );
    let mut own = Command::new("unshare");
    own.args(["--mount", "--map-root-user", "sh", "-c", &script])
        .current_dir(place.path("."));
    let output = match own.output() {
        Ok(output)
            if output.status.code() != Some(77) && !String::from_utf8_lossy(&output.stderr).contains("unshare") =>
        {
            output
        }
        _ => {
            writeln!(
                std::io::stderr(),
                "skipped a_small_file_system_that_fills_up: no file system can be mounted here"
            )
            .unwrap();
            return;
        }
    };
    failed_with(
        &output,
        &["error: ", "No space left on device", "hint: make room on that disk"],
    );
    assert!(sound_checkpoints(&place.path("run")) > 0);
    place.run(&format!("{line} --out whole"));
    place.run("resume run");
    same(&place.path("run"), &place.path("whole"));
}
