//! Every shape mistake that an operation can make, each with its whole message: a family a file.

mod conv;
mod einsum;
mod elementwise;
mod index;
mod linear;
mod matmul;
mod movement;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod types;
mod uncountable;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tensor_core::{ShapeError, Tensor};

/// The message without the line "at file:line:column", and that line's file.
fn told(error: &ShapeError) -> (String, &'static str) {
    let location = error.location().expect("the error knows where it happened");
    let line = format!("\n  at {location}");
    let message = error.to_string();
    assert!(message.contains(&line), "{message}");
    (message.replace(&line, ""), location.file())
}

/// Asserts that an operation refused its inputs with this message, at a line of these tests.
#[track_caller]
fn assert_refused(result: Result<Tensor, ShapeError>, wanted: &str) {
    let (message, file) = told(&result.expect_err(wanted));
    assert_eq!(message, wanted);
    assert!(file.contains("engine/errors"), "the user's file, not {file}");
}

fn zeros<const N: usize>(shape: [usize; N]) -> Tensor {
    Tensor::zeros(shape)
}

/// The Rust sources in a folder of this workspace, and in the folders below it.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.is_dir());
    let files = files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    texts.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The names in a text that begin with `try_`.
fn tries(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("try_") && word.len() > "try_".len())
}

/// Whether the line makes a function: by a macro, `pub fn name / try_name(`, or by hand, or by the macro of the comparisons, which has `try_eq,`.
fn makes_a_function(line: &&str) -> bool {
    let line = line.trim_start();
    line.starts_with("pub fn ") || line.starts_with("try_") && line.ends_with(',')
}

#[test]
fn every_operation_that_can_fail_has_a_mistake_here() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let operations = sources(&tests.join("../crates/tensor-core/src/ops"));
    let made: BTreeSet<&str> = operations
        .iter()
        .flat_map(|text| text.lines())
        .filter(makes_a_function)
        .filter_map(|line| line.split('(').next()) // without the body
        .flat_map(tries)
        .filter(|name| *name != "try_apply") // it runs any operation, and has no mistake of its own
        .collect();
    assert!(
        made.contains("try_matmul") && made.contains("try_eq"),
        "found: {made:?}"
    );
    let tested = sources(&tests.join("engine/errors"));
    let tested: BTreeSet<&str> = tested.iter().flat_map(|text| tries(text)).collect();
    let missing: Vec<_> = made.difference(&tested).collect();
    assert!(missing.is_empty(), "no test in tests/engine/errors calls {missing:?}");
}

#[test]
fn a_panic_says_the_same_with_the_users_line() {
    let line = line!() + 1;
    let panic = std::panic::catch_unwind(|| zeros([32, 784]).matmul(&zeros([28, 128]))).unwrap_err();
    let message = panic.downcast::<String>().unwrap();
    assert_eq!(
        *message,
        format!(
            "matmul: inner dimensions differ: lhs [32, 784] has 784 columns, rhs [28, 128] has 28 rows\n  at {}:{line}:62",
            file!()
        )
    );
}
