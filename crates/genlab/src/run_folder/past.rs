//! Runs that were written earlier.

use super::Facts;
use crate::errors::Failure;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

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
    /// "done", or how far the run came: "running" is also what a run says that was killed.
    pub(crate) status: String,
}

impl PastRun {
    /// What a person should know of a run that is not done: there may be less in it than they think.
    pub(crate) fn unfinished(&self) -> Option<String> {
        let (step, epoch) = (self.step, self.epoch);
        let how = match self.status.as_str() {
            "done" => return None,
            "running" => "it is still under way, or was stopped",
            "diverged" => "it diverged",
            _ => "it failed",
        };
        Some(format!(
            "the run has not finished ({how}): this is its checkpoint of step {step}, epoch {epoch}"
        ))
    }
}

/// Opens the folder of a run.
pub(crate) fn open(path: &Path) -> Result<PastRun, Failure> {
    if !path.join("run.json").is_file() {
        return Err(Failure::input(
            format!("{} is not the folder of a run", path.display()),
            "give a folder that `genlab train` has made, such as runs/vae-glyphs-1",
        ));
    }
    let file = path.join("run.json");
    let facts = Facts(read_json(&file)?);
    let text = |name: &str| {
        let missing = || damaged(&file, &format!("it has no `{name}`"));
        facts.text(name).map(str::to_string).ok_or_else(missing)
    };
    let (model, status) = (text("model")?, text("status")?);
    let config = crate::config::read_file(&path.join("config.toml"))?;
    let (step, checkpoint) = checkpoints(path).into_iter().max().ok_or_else(|| {
        Failure::input(
            format!("the run {} has no checkpoint yet", path.display()),
            "a checkpoint is written after each epoch: let it train for longer",
        )
    })?;
    let state = read_json(&checkpoint.join("state.json"))?;
    let epoch = state.get("epoch").and_then(Value::as_u64).unwrap_or(0);
    let sizes = state.get("shape").and_then(Value::as_array).into_iter().flatten();
    let shape: Vec<usize> = sizes.filter_map(|size| usize::try_from(size.as_u64()?).ok()).collect();
    let dim = shape.iter().try_fold(1_usize, |dim, &size| dim.checked_mul(size));
    if shape.is_empty() || !dim.is_some_and(|dim| (1..=LARGEST_SAMPLE).contains(&dim)) {
        let file = checkpoint.join("state.json");
        return Err(damaged(&file, "`shape` is not the size of a sample"));
    }
    Ok(PastRun {
        config,
        model,
        shape,
        checkpoint,
        step,
        epoch,
        status,
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
    serde_json::from_str(&text).map_err(|e| damaged(path, &e.to_string()))
}

fn damaged(path: &Path, fault: &str) -> Failure {
    Failure::input(
        format!("{} is damaged: {fault}", path.display()),
        "`genlab train -c RUN/config.toml` makes the run again",
    )
}
