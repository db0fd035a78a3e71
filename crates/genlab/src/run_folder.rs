//! The folder of a run: what lies where, and how it is written so that nothing is ever half there.
//!
//! ```text
//! config.toml                the resolved configuration
//! run.json                   status, model, seed, version, CPU, lanes
//! metrics.jsonl              step, epoch and eval events
//! timing.jsonl               how long each step and epoch took
//! samples/                   epoch-0001.png, reconstruction-0001.png, …
//! checkpoints/step-N/        model.safetensors, optimiser.safetensors, state.json, SHA256SUMS
//! report.html                everything above to look at
//! lock                       held by the one process that writes here
//! ```

use crate::errors::Failure;
use crate::files::{Temporary, remove_leftovers, sync_folder, write_to_disk, write_whole_with};
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

mod cut;
mod lock;
mod past;

use lock::Lock;
pub(crate) use past::{PastRun, facts, open};

/// How often another run may take the chosen place before it is an error.
const TRIES: usize = 100;

/// What `run.json` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts(pub(crate) Map<String, Value>);

impl Facts {
    /// A text among the facts.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

/// A run that is being written.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    facts: Facts,
    // Buffered: thousands of lines a second must cost training nothing.
    metrics: BufWriter<File>,
    /// Bytes in `metrics`, with those that wait.
    metrics_bytes: u64,
    timing: BufWriter<File>,
    /// Nobody else writes here meanwhile.
    _lock: Lock,
}

/// A run's first files.
pub(crate) struct First<'a> {
    /// `config.toml`.
    pub(crate) config: &'a str,
    /// What `run.json` says.
    pub(crate) facts: &'a Facts,
    /// Writes the checkpoint of the state before the first step under the folder that it is given.
    pub(crate) checkpoint: &'a dyn Fn(&Path) -> Result<(), Failure>,
}

/// Where a run is to go: `out` if it is free, else the next free `runs/MODEL-DATA-N`. Creates nothing.
pub(crate) fn choose(out: Option<&Path>, model: &str, data: &str) -> Result<PathBuf, Failure> {
    let Some(out) = out else {
        let data = data.split(':').next().unwrap_or(data);
        return Ok((1..)
            .map(|n| Path::new("runs").join(format!("{model}-{data}-{n}")))
            .find(|path| !path.exists())
            .expect("there are more numbers than folders"));
    };
    match fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
        Ok(true) if out.join("run.json").is_file() => Err(Failure::input(
            format!("there is a run in the output folder {} already", out.display()),
            format!(
                "choose another with --out; or `genlab resume {}` goes on with it",
                out.display()
            ),
        )),
        Ok(true) => Err(Failure::input(
            format!("the output folder {} exists and is not empty", out.display()),
            "choose another with --out, or leave --out away for a fresh folder in runs/",
        )),
        Ok(false) => Ok(out.to_path_buf()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(out.to_path_buf()),
        Err(error) => Err(cannot_write(out, &error)),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::file("write the output folder", path, error).hint("choose a folder that you may write to with --out")
}

impl RunFolder {
    /// Makes the folder that `choose` chooses. Where another run takes that place meanwhile, the next one.
    pub(crate) fn begin(out: Option<&Path>, model: &str, data: &str, first: &First<'_>) -> Result<Self, Failure> {
        let (path, lock) = claim(
            || choose(out, model, data),
            |path| make(path, first),
            if out.is_none() { TRIES } else { 1 },
        )?;
        Self::opened(path, first.facts.clone(), lock)
    }

    /// Opens the folder of an earlier run to go on writing to it.
    pub(crate) fn again(path: &Path) -> Result<Self, Failure> {
        let mut facts = facts(path)?;
        for written_anew in ["v", "status"] {
            facts.0.shift_remove(written_anew);
        }
        let lock = Lock::take(path, path)?;
        for inner in ["", "checkpoints", "samples"] {
            remove_leftovers(&path.join(inner));
        }
        Self::opened(path.to_path_buf(), facts, lock)
    }

    fn opened(path: PathBuf, facts: Facts, lock: Lock) -> Result<Self, Failure> {
        let append = |name: &str| {
            let file = path.join(name);
            let opened = File::options().append(true).create(true).open(&file);
            opened.map_err(|e| Failure::file("write", &file, &e))
        };
        let metrics = append("metrics.jsonl")?;
        let length = metrics.metadata().map(|metadata| metadata.len());
        Ok(Self {
            metrics_bytes: length.map_err(|e| Failure::file("read", &path.join("metrics.jsonl"), &e))?,
            metrics: BufWriter::new(metrics),
            timing: BufWriter::new(append("timing.jsonl")?),
            path,
            facts,
            _lock: lock,
        })
    }

    /// Cuts both logs back to what they held after a step, and returns the time that the run had taken until then.
    pub(crate) fn cut_back(&mut self, step: u64, metrics_bytes: u64) -> Result<Duration, Failure> {
        self.flush()?;
        let cut = self.metrics.get_ref().set_len(metrics_bytes);
        cut.map_err(|e| Failure::file("write", &self.path.join("metrics.jsonl"), &e))?;
        self.metrics_bytes = metrics_bytes;
        let timing = self.path.join("timing.jsonl");
        let (kept, taken) = cut::timing(&timing, step)?;
        let cut = self.timing.get_ref().set_len(kept);
        cut.map_err(|e| Failure::file("write", &timing, &e))?;
        Ok(taken)
    }

    /// Writes `config.toml` anew.
    pub(crate) fn set_config(&self, config: &str) -> Result<(), Failure> {
        self.write("config.toml", config.as_bytes())
    }

    /// Changes what `run.json` says; it is written with the next status.
    pub(crate) fn set_facts(&mut self, facts: Facts) {
        self.facts = facts;
    }

    /// Writes out the lines of `metrics.jsonl`, and returns its length when the disk has them.
    pub(crate) fn sync_metrics(&mut self) -> Result<u64, Failure> {
        let written = self.metrics.flush().and_then(|()| self.metrics.get_ref().sync_data());
        written.map_err(|e| Failure::file("write", &self.path.join("metrics.jsonl"), &e))?;
        Ok(self.metrics_bytes)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What `run.json` says.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes `run.json` anew: "running", "done", "interrupted", "diverged" or "failed".
    pub(crate) fn set_status(&self, status: &str) -> Result<(), Failure> {
        self.write("run.json", run_json(status, &self.facts).as_bytes())
    }

    /// Writes out the lines that were added.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        for (name, file) in [("metrics.jsonl", &mut self.metrics), ("timing.jsonl", &mut self.timing)] {
            file.flush()
                .map_err(|e| Failure::file("write", &self.path.join(name), &e))?;
        }
        Ok(())
    }

    /// Adds a line to `metrics.jsonl`.
    pub(crate) fn metric(&mut self, line: &str) -> Result<(), Failure> {
        let written = writeln!(self.metrics, "{line}");
        self.metrics_bytes += line.len() as u64 + 1;
        written.map_err(|e| Failure::file("write", &self.path.join("metrics.jsonl"), &e))
    }

    /// Adds a line to `timing.jsonl`.
    pub(crate) fn time(&mut self, line: &Value) -> Result<(), Failure> {
        let written = writeln!(self.timing, "{line}");
        written.map_err(|e| Failure::file("write", &self.path.join("timing.jsonl"), &e))
    }

    /// Writes a file under the folder so that a reader sees the old one or the new one, whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// The same for a file that is written piece by piece.
    pub(crate) fn write_with(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        write_whole_with(&self.path.join(name), fill)
    }
}

/// Why a folder could not be made.
enum NotMade {
    /// The file system said no: it may be that another run has just taken the place.
    Io(io::Error),
    /// It is something else.
    Other(Failure),
}

impl From<io::Error> for NotMade {
    fn from(error: io::Error) -> NotMade {
        NotMade::Io(error)
    }
}

impl From<Failure> for NotMade {
    fn from(failure: Failure) -> NotMade {
        NotMade::Other(failure)
    }
}

/// Makes the chosen folder, and chooses again only where another run took that place meanwhile.
fn claim<T>(
    mut choose: impl FnMut() -> Result<PathBuf, Failure>,
    mut make: impl FnMut(&Path) -> Result<T, NotMade>,
    tries: usize,
) -> Result<(PathBuf, T), Failure> {
    let mut left = tries;
    loop {
        let path = choose()?;
        left -= 1;
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(NotMade::Io(e))
                if left > 0 && [ErrorKind::AlreadyExists, ErrorKind::DirectoryNotEmpty].contains(&e.kind()) => {}
            Err(NotMade::Io(e)) => return Err(cannot_write(&path, &e)),
            Err(NotMade::Other(failure)) => return Err(failure),
        }
    }
}

/// Makes a run's folder with its first files, all at once.
fn make(path: &Path, first: &First<'_>) -> Result<Lock, NotMade> {
    if path.is_dir() {
        return fill_in_place(path, first);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let hidden = Temporary::folder(path)?;
    let lock = fill(&hidden.0, path, first)?;
    hidden.rename(path)?;
    Ok(lock)
}

/// What else lies in a run's folder beside `checkpoints`. `run.json` comes last: without it, a folder is no run.
const INNER: [&str; 6] = [
    "samples",
    "config.toml",
    "metrics.jsonl",
    "timing.jsonl",
    lock::NAME,
    "run.json",
];

/// An empty folder stays the one that it is: it may be where the user's shell stands (`--out .`), or a mount.
fn fill_in_place(path: &Path, first: &First<'_>) -> Result<Lock, NotMade> {
    // Whoever makes the first entry has the folder.
    let checkpoints = path.join("checkpoints");
    fs::create_dir(&checkpoints)?;
    let filled = move_in(path, first);
    if filled.is_err() {
        for name in INNER {
            let inner = path.join(name);
            let _ = fs::remove_file(&inner).or_else(|_| fs::remove_dir(&inner));
        }
        let _ = fs::remove_dir_all(checkpoints);
    }
    filled
}

fn move_in(path: &Path, first: &First<'_>) -> Result<Lock, NotMade> {
    let hidden = Temporary::inside(path)?;
    let lock = fill(&hidden.0, path, first)?;
    let checkpoints = hidden.0.join("checkpoints");
    for entry in fs::read_dir(&checkpoints)? {
        let entry = entry?;
        fs::rename(entry.path(), path.join("checkpoints").join(entry.file_name()))?;
    }
    // Before the folder becomes a run.
    sync_folder(&path.join("checkpoints"))?;
    for name in INNER {
        fs::rename(hidden.0.join(name), path.join(name))?;
    }
    sync_folder(path)?;
    Ok(lock)
}

fn fill(folder: &Path, path: &Path, first: &First<'_>) -> Result<Lock, NotMade> {
    let lock = Lock::take(folder, path)?;
    fs::create_dir(folder.join("samples"))?;
    fs::create_dir(folder.join("checkpoints"))?;
    for (name, text) in [
        ("config.toml", first.config),
        ("run.json", &run_json("running", first.facts)),
        ("metrics.jsonl", ""),
        ("timing.jsonl", ""),
    ] {
        write_to_disk(&folder.join(name), text.as_bytes())?;
    }
    (first.checkpoint)(folder)?;
    sync_folder(folder)?;
    Ok(lock)
}

fn run_json(status: &str, facts: &Facts) -> String {
    let mut all = Map::new();
    all.insert("v".into(), json!(1));
    all.insert("status".into(), json!(status));
    all.extend(facts.0.clone());
    serde_json::to_string_pretty(&all).expect("plain values can be written") + "\n"
}

#[cfg(test)]
mod tests;
