//! Runs that were written earlier.

use super::Facts;
use crate::checkpoint::{self, Checkpoint};
use crate::errors::Failure;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// A run that was written earlier.
#[derive(Debug)]
pub(crate) struct PastRun {
    /// The resolved configuration.
    pub(crate) config: toml::Table,
    /// The model's name.
    pub(crate) model: String,
    /// The newest checkpoint that is sound.
    pub(crate) checkpoint: Checkpoint,
    /// Why each newer one was passed over.
    pub(crate) passed_over: Vec<String>,
    /// "done", or how far the run came: "running" is also what a run says that was killed.
    pub(crate) status: String,
}

impl PastRun {
    /// What a person should know of a run that is not done: there may be less in it than they think.
    pub(crate) fn unfinished(&self) -> Option<String> {
        let (step, epoch) = (self.checkpoint.step, self.checkpoint.epoch);
        let how = match self.status.as_str() {
            "done" => return None,
            "running" => "it is still under way, or was stopped",
            "interrupted" => "it was interrupted",
            "diverged" => "it diverged",
            _ => "it failed",
        };
        Some(format!(
            "the run has not finished ({how}): this is its checkpoint of step {step}, epoch {epoch}"
        ))
    }
}

/// Opens the folder of a run to look at it.
pub(crate) fn open(path: &Path) -> Result<PastRun, Failure> {
    let facts = facts(path)?;
    let text = |name: &str| {
        let missing = || damaged(&path.join("run.json"), &format!("it has no `{name}`"));
        facts.text(name).map(str::to_string).ok_or_else(missing)
    };
    let (model, status) = (text("model")?, text("status")?);
    let config = crate::config::read_file(&path.join("config.toml"))?;
    let (checkpoint, passed_over) = checkpoint::newest(path, |_| Ok(()))?;
    Ok(PastRun {
        config,
        model,
        checkpoint,
        passed_over,
        status,
    })
}

/// What `run.json` says.
pub(crate) fn facts(path: &Path) -> Result<Facts, Failure> {
    let file = path.join("run.json");
    if !file.is_file() {
        return Err(Failure::input(
            format!("{} is not the folder of a run", path.display()),
            "give a folder that `genlab train` has made, such as runs/vae-glyphs-1",
        ));
    }
    let text = fs::read_to_string(&file).map_err(|e| Failure::file("read", &file, &e))?;
    let facts: Map<String, Value> = serde_json::from_str(&text).map_err(|e| damaged(&file, &e.to_string()))?;
    Ok(Facts(facts))
}

fn damaged(path: &Path, fault: &str) -> Failure {
    Failure::input(
        format!("{} is damaged: {fault}", path.display()),
        "`genlab train -c RUN/config.toml` makes the run again",
    )
}
