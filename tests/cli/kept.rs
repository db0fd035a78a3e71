//! What of a run outlasts a stop: everything but times, the number of threads, and the lock.

use crate::files::write_set;
use crate::program::{Place, genlab};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A place with a small set in the folder `set`.
pub(crate) fn place() -> Place {
    let place = Place::new();
    write_set(&place.path("set"));
    place
}

/// A model of each kind on it, small enough for many short runs; forty steps of two a half epoch.
pub(crate) const MODELS: [&str; 2] = [
    "train vae --data mnist:set --steps 40 --seed 5 -s train.batch_size=32 -s model.hidden=[16] -s model.latent_dim=2",
    "train gan --data mnist:set --steps 40 --seed 5 -s train.batch_size=32 -s model.generator_hidden=[16] \
     -s model.discriminator_hidden=[16]",
];

/// Starts the program, and lets it run beside the test.
pub(crate) fn start(place: &Place, line: &str) -> Child {
    let mut command = Command::new(genlab());
    command.args(line.split_whitespace()).current_dir(place.path("."));
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The names and bytes of the files of a run that a stop must not change.
pub(crate) fn kept(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![run.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            match name.as_str() {
                "lock" | "timing.jsonl" | "run.json" | "report.html" => {}
                _ if path.is_dir() => folders.push(path),
                _ => found.push((name, fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

/// Compares two runs, file by file and byte by byte.
#[track_caller]
pub(crate) fn same(a: &Path, b: &Path) {
    let (a, b) = (kept(a), kept(b));
    let names = |of: &[(String, Vec<u8>)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{name} differs");
    }
}

fn sum(file: &Path) -> String {
    let sum = Sha256::digest(fs::read(file).unwrap());
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the sums of a checkpoint those of its files, whatever they are.
pub(crate) fn write_sums(folder: &Path) {
    let names = ["model.safetensors", "optimiser.safetensors", "state.json"];
    let lines = names.map(|name| format!("{}  {name}\n", sum(&folder.join(name))));
    fs::write(folder.join("SHA256SUMS"), lines.concat()).unwrap();
}

/// Checks each checkpoint of a run against its sums, as `sha256sum -c` does, and returns how many there are.
#[track_caller]
pub(crate) fn sound_checkpoints(run: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(run.join("checkpoints")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.file_name().unwrap().to_str().unwrap().starts_with("step-") {
            continue;
        }
        let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        assert_eq!(sums.lines().count(), 3, "{}", folder.display());
        for line in sums.lines() {
            let (wanted, name) = line.split_once("  ").unwrap();
            let found = sum(&folder.join(name));
            assert_eq!(found, wanted, "{name} of {}", folder.display());
        }
        count += 1;
    }
    count
}
