//! `genlab doctor`: is this machine, this build and this folder fit for work?

use crate::commands::print_table;
use crate::cpu::{self, Cpu, Level};
use crate::errors::Failure;
use crate::library::Library;
use std::path::Path;

/// Where people keep MNIST's files.
const MNIST_FOLDERS: [&str; 5] = ["mnist", "data/mnist", "data/MNIST/raw", "../data/mnist", "MNIST/raw"];

/// Prints the facts on stdout, and what should be better on stderr.
pub(crate) fn doctor(library: &dyn Library) -> Result<(), Failure> {
    let (here, cpu) = (Path::new("."), cpu::detect());
    print_table(&facts(library, here, &cpu))?;
    for warning in warnings(here, &cpu) {
        crate::output::warn(&warning);
    }
    Ok(())
}

fn facts(library: &dyn Library, here: &Path, cpu: &Cpu) -> Vec<(String, String)> {
    let lanes = |level: Level| format!("{} numbers of 32 bits ({})", level.lanes(), level.name());
    let folder = here.canonicalize().unwrap_or_else(|_| here.into());
    let writable = if is_writable(here) {
        "can be written"
    } else {
        "cannot be written"
    };
    let mut facts = vec![
        ("genlab".to_string(), env!("CARGO_PKG_VERSION").to_string()),
        (
            "system".into(),
            format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
        ("CPU".into(), cpu.name.clone()),
        (
            "threads".into(),
            format!("{} (`genlab train --threads N` takes others)", cpu::threads()),
        ),
        ("vectors, CPU".into(), lanes(cpu.level)),
        ("vectors, build".into(), lanes(cpu::BUILD)),
        (
            "build".into(),
            if cfg!(debug_assertions) { "debug" } else { "release" }.into(),
        ),
        ("folder".into(), format!("{} {writable}", folder.display())),
    ];
    for set in library.data_sets() {
        let found = match set.name.split_once(':') {
            None => "built in".into(),
            Some(("csv" | "images", _)) => format!("your own: --data {}", set.name),
            Some((name, _)) => MNIST_FOLDERS.iter().find(|f| holds_mnist(&here.join(f))).map_or_else(
                || format!("not found near here; say where with --data {name}:DIR, or: genlab data fetch {name}"),
                |folder| format!("found: --data {name}:{folder}"),
            ),
        };
        facts.push((format!("data {}", set.name), found));
    }
    facts
}

fn warnings(here: &Path, cpu: &Cpu) -> Vec<String> {
    let mut warnings = cpu::build_warnings(cpu);
    if !is_writable(here) {
        warnings.push("runs/ cannot be made in this folder: say where runs go with --out DIR".into());
    }
    warnings
}

fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".genlab-{}", std::process::id()));
    std::fs::write(&probe, "").is_ok() && std::fs::remove_file(&probe).is_ok()
}

fn holds_mnist(folder: &Path) -> bool {
    ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"]
        .iter()
        .any(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::StandIn;

    #[test]
    fn a_build_below_the_cpu_is_warned_of_with_the_remedy() {
        let here = tempfile::tempdir().unwrap();
        let of = |level| {
            warnings(
                here.path(),
                &Cpu {
                    name: "x".into(),
                    level,
                },
            )
            .join("\n")
        };
        assert!(!of(cpu::BUILD).contains("slower than"));
        if cpu::BUILD < Level::Avx512 {
            let all = of(Level::Avx512);
            assert!(all.contains("slower than it could be") && all.contains("target-cpu=native"));
        }
    }

    #[test]
    fn data_and_folder_are_looked_at_and_left_as_they_were() {
        let here = tempfile::tempdir().unwrap();
        let value = |name: &str| {
            let facts = facts(&StandIn, here.path(), &cpu::detect());
            facts.into_iter().find(|(fact, _)| fact == name).unwrap().1
        };
        assert_eq!(value("data glyphs"), "built in");
        assert_eq!(
            value("data mnist:DIR"),
            "not found near here; say where with --data mnist:DIR, or: genlab data fetch mnist"
        );
        assert!(value("folder").ends_with(" can be written"));
        assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0);
        std::fs::create_dir_all(here.path().join("data/mnist")).unwrap();
        std::fs::write(here.path().join("data/mnist/train-images-idx3-ubyte.gz"), "").unwrap();
        assert_eq!(value("data mnist:DIR"), "found: --data mnist:data/mnist");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let nowhere = Path::new("no/such/folder");
        assert!(!is_writable(nowhere));
        assert!(
            warnings(nowhere, &cpu::detect())
                .iter()
                .any(|w| w.contains("--out DIR"))
        );
    }
}
