//! What the fuzzer has found to be different, once more: each file goes through the entry points that the program uses.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[allow(unreachable_pub, reason = "there it is a crate of its own")]
#[path = "fuzz/src/lib.rs"]
mod fuzz;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_file_is_accepted_as_promised_or_refused_with_a_reason() {
    for (name, target) in fuzz::TARGETS {
        let mut outcomes = BTreeSet::new();
        for file in files(&corpora().join(name)) {
            let bytes = fs::read(&file).unwrap();
            let outcome = catch_unwind(|| target(&bytes));
            outcomes.insert(outcome.unwrap_or_else(|_| panic!("{} is not handled", file.display())));
        }
        // Otherwise it would say little about one side.
        assert_eq!(outcomes.len(), 2, "files of {name} are all accepted or all refused");
    }
}

#[test]
fn corpora_are_small_and_each_has_its_target() {
    let targets: BTreeSet<String> = fuzz::TARGETS.map(|(name, _)| name.to_owned()).into();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let folders: BTreeSet<String> = files(&corpora()).into_iter().map(name).collect();
    assert_eq!(folders, targets);
    let programs = files(&corpora().join("../fuzz_targets"));
    assert_eq!(programs.into_iter().map(name).collect::<BTreeSet<String>>(), targets);
    for target in targets {
        let files = files(&corpora().join(&target));
        let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(
            files.len() <= 60 && bytes <= 100_000,
            "{target}: {} files, {bytes} bytes",
            files.len()
        );
    }
}
