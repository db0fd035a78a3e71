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
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

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
        Ok(true) => Err(
            Failure::input(format!("the output folder {} exists and is not empty", out.display()))
                .hint("choose another with --out, or leave --out away for a fresh folder in runs/"),
        ),
        Ok(false) => Ok(out.to_path_buf()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(out.to_path_buf()),
        Err(error) => Err(cannot_write(out, &error)),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
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
        loop {
            let path = choose(out, model, data)?;
            match Self::create(&path, config, facts.clone()) {
                Err(_) if out.is_none() && path.exists() => {}
                made => return made,
            }
        }
    }

    /// Makes the folder with its first files, all at once.
    pub(crate) fn create(path: &Path, config: &str, facts: Facts) -> Result<Self, Failure> {
        let parent = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|e| cannot_write(path, &e))?;
        let hidden = Temporary::beside(path);
        let fill = || -> std::io::Result<()> {
            fs::create_dir(&hidden.0)?;
            fs::create_dir(hidden.0.join("samples"))?;
            fs::create_dir(hidden.0.join("checkpoints"))?;
            fs::write(hidden.0.join("config.toml"), config)?;
            fs::write(hidden.0.join("run.json"), run_json("running", &facts))?;
            fs::write(hidden.0.join("metrics.jsonl"), "")?;
            fs::write(hidden.0.join("timing.jsonl"), "")?;
            hidden.rename(path)
        };
        fill().map_err(|e| cannot_write(path, &e))?;
        let append = |name: &str| {
            let file = path.join(name);
            File::options()
                .append(true)
                .open(&file)
                .map(BufWriter::new)
                .map_err(|e| Failure::file("write", &file, &e))
        };
        Ok(Self {
            path: path.to_path_buf(),
            facts,
            metrics: append("metrics.jsonl")?,
            timing: append("timing.jsonl")?,
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
    fn rename(&self, path: &Path) -> std::io::Result<()> {
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

/// No sample has more values: a damaged file must not ask for more memory than there is.
const LARGEST_SAMPLE: usize = 1 << 24;

/// A run that was written earlier.
#[derive(Debug)]
pub(crate) struct PastRun {
    /// The resolved configuration.
    pub(crate) config: toml::Table,
    /// The model's name.
    pub(crate) model: String,
    /// The sizes of one sample.
    pub(crate) shape: Vec<usize>,
    /// The last checkpoint.
    pub(crate) checkpoint: PathBuf,
    /// The step of the last checkpoint.
    pub(crate) step: u64,
    /// The epoch of the last checkpoint.
    pub(crate) epoch: u64,
}

/// Opens the folder of a run.
pub(crate) fn open(path: &Path) -> Result<PastRun, Failure> {
    if !path.join("run.json").is_file() {
        return Err(Failure::input(format!("{} is not the folder of a run", path.display()))
            .hint("give a folder that `genlab train` has made, such as runs/vae-glyphs-1"));
    }
    let facts = read_json(&path.join("run.json"))?;
    let model = Facts(facts)
        .text("model")
        .map(str::to_string)
        .ok_or_else(|| Failure::input(format!("{}: names no model", path.join("run.json").display())))?;
    let config = crate::config::read_file(&path.join("config.toml"))?;
    let (step, checkpoint) = checkpoints(path).into_iter().max().ok_or_else(|| {
        Failure::input(format!("the run {} has no checkpoint yet", path.display()))
            .hint("a checkpoint is written after each epoch: let it train for longer")
    })?;
    let state = read_json(&checkpoint.join("state.json"))?;
    let epoch = state.get("epoch").and_then(Value::as_u64).unwrap_or(0);
    let sizes = state.get("shape").and_then(Value::as_array).into_iter().flatten();
    let shape: Vec<usize> = sizes.filter_map(|size| usize::try_from(size.as_u64()?).ok()).collect();
    let dim = shape.iter().try_fold(1_usize, |dim, &size| dim.checked_mul(size));
    if shape.is_empty() || !dim.is_some_and(|dim| (1..=LARGEST_SAMPLE).contains(&dim)) {
        let file = checkpoint.join("state.json");
        return Err(Failure::input(format!(
            "{} is damaged: `shape` is not the size of a sample",
            file.display()
        )));
    }
    Ok(PastRun {
        config,
        model,
        shape,
        checkpoint,
        step,
        epoch,
    })
}

fn checkpoints(run: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let step = entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok()?;
            Some((step, entry.path()))
        })
        .collect()
}

fn read_json(path: &Path) -> Result<Map<String, Value>, Failure> {
    let text = fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
    serde_json::from_str(&text).map_err(|e| Failure::input(format!("{} is damaged: {e}", path.display())))
}

#[cfg(test)]
mod tests;
