//! Finds the program, and runs it in a folder of its own.

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The program, built in the profile and the target folder of this test.
///
/// Cargo builds the binaries of a test's own package only, and this package has none: so cargo is asked, once.
pub(crate) fn genlab() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // TARGET[/TRIPLE]/PROFILE/deps/cli-…
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).unwrap();
        let program = folder.join(format!("genlab{}", std::env::consts::EXE_SUFFIX));
        let Some(cargo) = std::env::var_os("CARGO") else {
            return program; // run by hand: what lies there is taken
        };
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let above = folder.parent().unwrap();
        let mut build = std::process::Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--offline",
            "--package",
            "genlab",
            "--bin",
            "genlab",
        ]);
        build.args(["--profile", profile]);
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        // Cargo marks its target folder; where the mark is one level up, this one is named after a target.
        let target = match above.join("CACHEDIR.TAG").is_file() {
            true => above,
            false => {
                build.arg("--target").arg(above.file_name().unwrap());
                above.parent().unwrap()
            }
        };
        build.arg("--target-dir").arg(target);
        assert!(build.status().unwrap().success(), "the program could not be built");
        program
    })
}

/// An empty folder in which the program runs.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with the words of a line, ready to run here.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(genlab());
        command.current_dir(self.0.path()).args(line.split_whitespace());
        // What the tester's own shell has set is no part of the test.
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs it, and expects that it ends well.
    pub(crate) fn run(&self, line: &str) -> Assert {
        self.command(line).assert().success()
    }

    /// The names of all that lies here, or in the folder `inner`.
    pub(crate) fn names(&self, inner: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(inner)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A file of JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }
}

pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

pub(crate) fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Each line as JSON.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
