//! Checkpoints: everything that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a folder `checkpoints/step-N` with `model.safetensors` and `optimiser.safetensors`, which a
//! [`Workload`](crate::library::Workload) writes, `state.json`, which is a [`State`], and `SHA256SUMS` over the three (`sha256sum -c` reads
//! it too). It appears whole, on the disk, under its name.
//!
//! Format 1 had no sums, history or configuration: such a checkpoint can be sampled and evaluated, but not gone on from.

use crate::config;
use crate::errors::Failure;
use crate::files::{remove_folder, write_folder, write_to_disk};
use crate::history::History;
use crate::settings::MOST_RETRIES;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use toml::Table;

mod schedule;
mod sums;

pub(crate) use schedule::Schedule;
pub(crate) use sums::sha256;

/// The format that is written.
const VERSION: u64 = 2;
/// What is read of a `state.json`, at most: a history has a bounded number of points, and one line for each epoch.
const LARGEST_STATE: u64 = 64 << 20;
/// No sample has more values: a damaged file must not ask for more memory than there is.
const LARGEST_SAMPLE: usize = 1 << 24;

const STATE: &str = "state.json";
const FILES: [&str; 3] = ["model.safetensors", "optimiser.safetensors", STATE];

/// `state.json`. It has no times and no number of threads: two runs of one configuration leave the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// The format.
    pub(crate) v: u64,
    /// The version of the program.
    pub(crate) program: String,
    /// How many numbers a vector has in this build: another width rounds sums differently.
    pub(crate) lanes: u64,
    /// The model's name.
    pub(crate) model: String,
    /// The sizes of one sample.
    pub(crate) shape: Vec<usize>,
    /// Steps that are done.
    pub(crate) step: u64,
    /// Epochs that are done.
    pub(crate) epoch: u64,
    /// Where everything random comes from.
    pub(crate) seed: u64,
    /// How far each stream of random numbers is. All others begin anew at each use.
    pub(crate) streams: BTreeMap<String, u64>,
    /// What comes next of the training set.
    pub(crate) order: Order,
    /// How many times the run has gone back after a divergence, each time with half the learning rate.
    pub(crate) retries: u32,
    /// The bytes of `metrics.jsonl` up to here.
    pub(crate) metrics_bytes: u64,
    /// The best checkpoint so far.
    pub(crate) best: Option<Best>,
    /// The curves.
    pub(crate) history: History,
    /// Of the training set.
    pub(crate) data_sha256: String,
    /// Of the configuration.
    pub(crate) config_sha256: String,
    /// Every setting but those that may change.
    pub(crate) config: Table,
}

/// The place in the training set: the order of an epoch follows from the seed and the epoch's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// From 0.
    pub(crate) epoch: u64,
    /// The next batch of that epoch, from 0.
    pub(crate) batch: u64,
}

/// The checkpoint with the greatest value of what the model is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    /// Its step.
    pub(crate) step: u64,
    /// The loss of the test split, such as `elbo`.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: f64,
}

/// A checkpoint that is as it was written, as far as can be told.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// Its folder.
    pub(crate) path: PathBuf,
    /// Steps that are done.
    pub(crate) step: u64,
    /// The epoch that its last step belongs to, from 1; in format 1, the epochs that are done.
    pub(crate) epoch: u64,
    /// The sizes of one sample.
    pub(crate) shape: Vec<usize>,
    /// What it takes to go on; format 1 did not have it.
    pub(crate) state: Option<Box<State>>,
}

impl State {
    /// The format that is written.
    pub(crate) const VERSION: u64 = VERSION;

    /// Where each stream of random numbers is at the beginning of a step.
    pub(crate) fn streams_at(step: u64, epoch: u64) -> BTreeMap<String, u64> {
        let streams = [("train", step), ("data.order", epoch), ("data.binarise", epoch)];
        streams.map(|(name, place)| (name.into(), place)).into()
    }

    /// The epoch that its last step belongs to, from 1.
    pub(crate) fn epoch_of_step(&self) -> u64 {
        self.epoch + u64::from(self.order.batch > 0)
    }

    /// Reads `state.json` of the current format.
    pub(crate) fn parse(text: &str) -> Result<State, String> {
        let state: State = serde_json::from_str(text).map_err(|e| e.to_string())?;
        check_shape(&state.shape)?;
        if config::sha256_of(&state.config) != state.config_sha256 {
            return Err("`config_sha256` is not that of `config`".into());
        }
        if state.streams != State::streams_at(state.step, state.epoch) {
            return Err("`streams` are elsewhere than this program would have them".into());
        }
        if state.retries > MOST_RETRIES {
            return Err(format!(
                "`retries` is {}, and no run goes back more than {MOST_RETRIES} times",
                state.retries
            ));
        }
        match state.history.fault(state.order.batch) {
            None => Ok(state),
            Some(fault) => Err(format!("`history`: {fault}")),
        }
    }

    /// `state.json`.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain values can be written") + "\n"
    }
}

/// Writes the checkpoint of a state under the run's folder: `save` writes the tensors. A checkpoint of the same step gives way.
pub(crate) fn write(run: &Path, state: &State, save: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let path = folder_of(run, state.step);
    if path.exists() {
        remove_folder(&path)?;
    }
    write_folder(&path, |folder| {
        save(folder)?;
        let file = |name: &str| folder.join(name);
        let failed = |name: &'static str| move |e| Failure::file("write", &path_of(run, state.step, name), &e);
        write_to_disk(&file(STATE), state.to_json().as_bytes()).map_err(failed(STATE))?;
        let sums = sums::of(folder, &FILES).map_err(failed(sums::NAME))?;
        write_to_disk(&file(sums::NAME), sums.as_bytes()).map_err(failed(sums::NAME))
    })
}

/// The folder of a step's checkpoint.
pub(crate) fn folder_of(run: &Path, step: u64) -> PathBuf {
    run.join("checkpoints").join(format!("step-{step}"))
}

fn path_of(run: &Path, step: u64, name: &str) -> PathBuf {
    folder_of(run, step).join(name)
}

/// Removes the checkpoints that are not kept: the last `keep` of those that the schedule asks for, the best, and the one of `step` stay.
pub(crate) fn prune(run: &Path, step: u64, schedule: &Schedule, best: Option<u64>) -> Result<(), Failure> {
    let all = list(run);
    let due = all.iter().map(|(step, _)| *step).filter(|&step| schedule.is_due(step));
    let kept: Vec<u64> = due.take(schedule.keep()).chain(best).chain([step]).collect();
    let rest = all.iter().filter(|(step, _)| !kept.contains(step));
    rest.map(|(_, path)| path).try_for_each(|path| remove_folder(path))
}

/// The newest checkpoint of a run that is sound and that `accept` accepts, and for each newer one a sentence that says why it was passed over.
pub(crate) fn newest(
    run: &Path,
    accept: impl Fn(&Checkpoint) -> Result<(), String>,
) -> Result<(Checkpoint, Vec<String>), Failure> {
    newest_of(run, &accept, 100)
}

fn newest_of(
    run: &Path,
    accept: &dyn Fn(&Checkpoint) -> Result<(), String>,
    tries: u32,
) -> Result<(Checkpoint, Vec<String>), Failure> {
    let mut passed_over = Vec::new();
    for (step, path) in list(run) {
        let examined = examine(&path, step).and_then(|found| accept(&found).map(|()| found));
        match examined {
            Ok(checkpoint) => return Ok((checkpoint, passed_over)),
            // The run is under way, and has removed it meanwhile: there are newer ones.
            Err(_) if !path.exists() && tries > 0 => return newest_of(run, accept, tries - 1),
            Err(reason) => passed_over.push(format!("{} was passed over: {reason}", path.display())),
        }
    }
    let again = "`genlab train MODEL -c RUN/config.toml` makes the run again";
    Err(match passed_over.is_empty() {
        true => Failure::input(format!("the run {} has no checkpoint", run.display()), again),
        false => {
            let reasons = passed_over.join("\n  ");
            Failure::input(
                format!("no checkpoint of {} can be used\n  {reasons}", run.display()),
                again,
            )
        }
    })
}

/// The checkpoints of a run, the newest first.
fn list(run: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    let step = |entry: &fs::DirEntry| entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok();
    let mut all: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| Some((step(&entry)?, entry.path())))
        .collect();
    all.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
    all
}

/// Whether the checkpoint is as it was written; or what is wrong with it.
fn examine(path: &Path, step: u64) -> Result<Checkpoint, String> {
    let text = read_text(&path.join(STATE)).map_err(|reason| format!("{STATE} {reason}"))?;
    let damaged = |reason: String| format!("{STATE} is damaged: {reason}");
    let members: Map<String, Value> = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    match members.get("v").and_then(Value::as_u64) {
        Some(1) => {
            let (epoch, shape) = first_format(&members).map_err(damaged)?;
            let path = path.to_path_buf();
            Ok(Checkpoint {
                path,
                step,
                epoch,
                shape,
                state: None,
            })
        }
        Some(VERSION) => {
            sums::check(path, &FILES)?;
            let state = State::parse(&text).map_err(damaged)?;
            if state.step != step {
                return Err(format!("{STATE} is that of step {}", state.step));
            }
            let (epoch, shape) = (state.epoch_of_step(), state.shape.clone());
            let path = path.to_path_buf();
            Ok(Checkpoint {
                path,
                step,
                epoch,
                shape,
                state: Some(Box::new(state)),
            })
        }
        Some(other) => Err(format!(
            "its format is version {other}, and this program reads 1 and {VERSION}"
        )),
        None => Err(damaged("it has no version `v`".into())),
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|e| format!("cannot be read: {e}"))?;
    let read = file.take(LARGEST_STATE + 1).read_to_string(&mut text);
    match read.map_err(|e| format!("cannot be read: {e}"))? as u64 {
        0..=LARGEST_STATE => Ok(text),
        _ => Err(format!("is larger than {LARGEST_STATE} bytes")),
    }
}

fn first_format(members: &Map<String, Value>) -> Result<(u64, Vec<usize>), String> {
    let sizes = members.get("shape").and_then(Value::as_array).into_iter().flatten();
    let shape: Vec<usize> = sizes.filter_map(|size| usize::try_from(size.as_u64()?).ok()).collect();
    check_shape(&shape)?;
    Ok((members.get("epoch").and_then(Value::as_u64).unwrap_or(0), shape))
}

fn check_shape(shape: &[usize]) -> Result<(), String> {
    let values = shape.iter().try_fold(1_usize, |values, &size| values.checked_mul(size));
    match values {
        Some(1..=LARGEST_SAMPLE) if !shape.is_empty() => Ok(()),
        _ => Err("`shape` is not the size of a sample".into()),
    }
}

#[cfg(test)]
mod tests;
