//! A program that was built for more than the processor has says so, in place of a crash.
#![cfg(target_arch = "x86_64")]

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// An instruction set that only some processors of one maker had.
const RARE: &str = "sse4a";

#[test]
#[ignore = "builds the program again, some minutes: cargo test -p tests --test cli too_new -- --ignored"]
fn a_build_for_more_than_the_cpu_has_ends_with_a_message() {
    if is_x86_feature_detected!("sse4a") {
        return writeln!(std::io::stderr(), "skipped: this CPU has {RARE}").unwrap();
    }
    let target = tempfile::tempdir().unwrap();
    let cargo = std::env::var_os("CARGO").expect("cargo runs this test");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--offline", "--package", "genlab", "--target-dir"])
        .arg(target.path())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .env("RUSTFLAGS", format!("-C target-cpu=x86-64 -C target-feature=+{RARE}"))
        .status()
        .unwrap();
    assert!(status.success(), "the program could not be built");

    let output = Command::new(target.path().join("debug/genlab"))
        .arg("list")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let wanted = format!("error: this build needs {RARE}, which the CPU does not have\n");
    assert!(told.starts_with(&wanted), "{told}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}
