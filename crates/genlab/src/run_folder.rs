//! The folder of a run: what lies where, and how it is written so that nothing is ever half there.
//!
//! ```text
//! config.toml                the resolved configuration
//! run.json                   status, model, seed, version, CPU, lanes
//! metrics.jsonl              step, epoch and eval events
//! timing.jsonl               how long each step and epoch took
//! samples/                   epoch-0001.png, reconstruction-0001.png, …
//! checkpoints/step-N/        model.safetensors, optimiser.safetensors, state.json
//! report.html                everything above to look at
//! ```

use crate::errors::Failure;
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

mod past;

pub(crate) use past::{PastRun, open};

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
    timing: BufWriter<File>,
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
    pub(crate) fn begin(
        out: Option<&Path>,
        model: &str,
        data: &str,
        config: &str,
        facts: &Facts,
    ) -> Result<Self, Failure> {
        let path = claim(
            || choose(out, model, data),
            |path| make(path, config, facts),
            if out.is_none() { TRIES } else { 1 },
        )?;
        Self::opened(path, facts.clone())
    }

    /// Makes this very folder.
    #[cfg(test)]
    pub(crate) fn create(path: &Path, config: &str, facts: Facts) -> Result<Self, Failure> {
        make(path, config, &facts).map_err(|e| cannot_write(path, &e))?;
        Self::opened(path.to_path_buf(), facts)
    }

    fn opened(path: PathBuf, facts: Facts) -> Result<Self, Failure> {
        let append = |name: &str| {
            let file = path.join(name);
            File::options()
                .append(true)
                .open(&file)
                .map(BufWriter::new)
                .map_err(|e| Failure::file("write", &file, &e))
        };
        Ok(Self {
            metrics: append("metrics.jsonl")?,
            timing: append("timing.jsonl")?,
            path,
            facts,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What `run.json` says.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes `run.json` anew: "running", "done", "diverged" or "failed".
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
        written.map_err(|e| Failure::file("write", &self.path.join("metrics.jsonl"), &e))
    }

    /// Adds a line to `timing.jsonl`.
    pub(crate) fn time(&mut self, line: &Value) -> Result<(), Failure> {
        let written = writeln!(self.timing, "{line}");
        written.map_err(|e| Failure::file("write", &self.path.join("timing.jsonl"), &e))
    }

    /// Writes a file under the folder so that a reader sees the old one or the new one, whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        write_whole(&self.path.join(name), bytes)
    }

    /// Writes a folder under this one, under a temporary name until `fill` has filled it.
    pub(crate) fn write_folder(
        &self,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let path = self.path.join(name);
        let hidden = Temporary::beside(&path);
        fs::create_dir(&hidden.0).map_err(|e| Failure::file("write", &path, &e))?;
        fill(&hidden.0)?;
        hidden.rename(&path).map_err(|e| Failure::file("write", &path, &e))
    }
}

/// Makes the chosen folder, and chooses again only where another run took that place meanwhile.
fn claim(
    mut choose: impl FnMut() -> Result<PathBuf, Failure>,
    mut make: impl FnMut(&Path) -> io::Result<()>,
    tries: usize,
) -> Result<PathBuf, Failure> {
    let mut left = tries;
    loop {
        let path = choose()?;
        left -= 1;
        match make(&path) {
            Ok(()) => return Ok(path),
            Err(e) if left > 0 && [ErrorKind::AlreadyExists, ErrorKind::DirectoryNotEmpty].contains(&e.kind()) => {}
            Err(e) => return Err(cannot_write(&path, &e)),
        }
    }
}

/// Makes a run's folder with its first files, all at once.
fn make(path: &Path, config: &str, facts: &Facts) -> io::Result<()> {
    if path.is_dir() {
        return fill_in_place(path, config, facts);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let hidden = Temporary::beside(path);
    fs::create_dir(&hidden.0)?;
    fill(&hidden.0, config, facts)?;
    hidden.rename(path)
}

/// An empty folder stays the one that it is: it may be where the user's shell stands (`--out .`), or a mount.
fn fill_in_place(path: &Path, config: &str, facts: &Facts) -> io::Result<()> {
    // Whoever makes the first entry has the folder.
    fs::create_dir(path.join("checkpoints"))?;
    let hidden = Temporary(path.join(format!(".part-{}", std::process::id())));
    let filled = fs::create_dir(&hidden.0)
        .and_then(|()| fill(&hidden.0, config, facts))
        .and_then(|()| {
            for name in ["samples", "config.toml", "metrics.jsonl", "timing.jsonl", "run.json"] {
                fs::rename(hidden.0.join(name), path.join(name))?;
            }
            Ok(())
        });
    if filled.is_err() {
        let _ = fs::remove_dir(path.join("checkpoints"));
    }
    filled
}

fn fill(folder: &Path, config: &str, facts: &Facts) -> io::Result<()> {
    fs::create_dir(folder.join("samples"))?;
    fs::create_dir(folder.join("checkpoints"))?;
    fs::write(folder.join("config.toml"), config)?;
    fs::write(folder.join("run.json"), run_json("running", facts))?;
    fs::write(folder.join("metrics.jsonl"), "")?;
    fs::write(folder.join("timing.jsonl"), "")
}

/// Writes a file under a temporary name and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let hidden = Temporary::beside(path);
    fs::write(&hidden.0, bytes)
        .and_then(|()| hidden.rename(path))
        .map_err(|e| Failure::file("write", path, &e))
}

fn run_json(status: &str, facts: &Facts) -> String {
    let mut all = Map::new();
    all.insert("v".into(), json!(1));
    all.insert("status".into(), json!(status));
    all.extend(facts.0.clone());
    serde_json::to_string_pretty(&all).expect("plain values can be written") + "\n"
}

/// A name beside the real one, removed again unless it is renamed.
struct Temporary(PathBuf);

impl Temporary {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self(path.with_file_name(format!(".{name}.part-{}", std::process::id())))
    }

    /// Takes the real name. An empty folder of that name gives way.
    fn rename(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            fs::remove_dir(path)?;
        }
        fs::rename(&self.0, path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove, and that is not an error.
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests;
