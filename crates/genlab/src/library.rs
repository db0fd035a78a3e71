//! What the program needs from models and data sets: the seam between this crate and those below it.
//!
//! The loop in `train` knows nothing but these traits, so its tests run in milliseconds on a stand-in.

use crate::errors::Failure;
use crate::pictures::{Images, Pictures};
use crate::run_folder::PastRun;
use crate::signals::Stop;
use genmodels::Losses;
use serde_json::Value;
use std::fmt;
use std::path::Path;
use toml::Table;

/// A model in the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct ModelCard {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// One line about it.
    pub(crate) about: &'static str,
    /// Its settings with their defaults: the tables `model` and `optimiser`.
    pub(crate) defaults: Table,
    /// Named configurations.
    pub(crate) presets: Vec<Preset>,
}

/// A named configuration of a model.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    /// What it is called.
    pub(crate) name: &'static str,
    /// One line about it.
    pub(crate) about: &'static str,
    /// What it sets; everything else stays at the default.
    pub(crate) settings: Table,
}

/// A data set in the list.
#[derive(Clone, Debug)]
pub(crate) struct DataCard {
    /// How it is written on the command line: `glyphs`, `mnist:DIR`, `csv:FILE`.
    pub(crate) name: &'static str,
    /// One line about it.
    pub(crate) about: &'static str,
}

/// Models and data sets.
pub(crate) trait Library: Sync {
    /// Every model.
    fn models(&self) -> Vec<ModelCard>;

    /// Every data set.
    fn data_sets(&self) -> Vec<DataCard>;

    /// What a data set holds, as (fact, value) lines.
    fn data_info(&self, spec: &str) -> Result<Vec<(String, String)>, Failure>;

    /// Opens the data and builds the model of a resolved configuration.
    fn open(&self, model: &str, config: &Table) -> Result<Box<dyn Workload>, Failure>;

    /// Mean losses of a past run's checkpoint over the test split, if its model has something to evaluate. The
    /// training split is not looked at.
    fn evaluate(&self, run: &PastRun) -> Result<Option<Losses>, Failure>;

    /// Samples from a past run, and real points to show behind them, where samples are points and the data can be
    /// opened. Needs no data.
    fn draw(&self, run: &PastRun, seed: u64, count: usize) -> Result<(Pictures, Option<Pictures>), Failure>;
}

/// A model together with the data it learns from.
pub(crate) trait Workload {
    /// What a person wants to know before it starts.
    fn summary(&self) -> Summary;

    /// Batches in an epoch.
    fn steps_per_epoch(&self) -> u64;

    /// Trains on batch `index` of epoch `epoch`; both count from 0. A loss that is not finite is a failure.
    fn step(&mut self, epoch: u64, index: u64) -> Result<Losses, Failure>;

    /// Mean losses over the test split, if the model has something to evaluate.
    fn evaluate(&self) -> Result<Option<Losses>, Failure>;

    /// Draws samples. Training goes on as if it had not been called.
    fn sample(&self, count: usize) -> Result<Pictures, Failure>;

    /// Test samples and what the model makes of them, if it can.
    fn reconstruct(&self, count: usize) -> Result<Option<(Images, Images)>, Failure>;

    /// Real points to show behind generated ones, where samples are points.
    fn backdrop(&self) -> Option<Pictures>;

    /// Writes model.safetensors and optimiser.safetensors into a folder.
    fn save(&self, folder: &Path) -> Result<(), Failure>;

    /// Goes on from what was saved after `step` steps, with the learning rates halved `halvings` times.
    fn load(&mut self, folder: &Path, step: u64, halvings: u32) -> Result<(), Failure>;

    /// A failure if a number that is learnt is not finite: the run has diverged, though no loss has shown it yet.
    fn check_finite(&self) -> Result<(), Failure>;

    /// Which operation gave the first number that is not finite: repeats the steps up to the one that diverged, from a checkpoint that was loaded,
    /// and watches the last of them, and the evaluation after it. Nothing if all is finite, or if the user wants to stop.
    fn diagnose(&mut self, loaded: u64, diverged: u64, stop: &Stop) -> Result<Option<Diagnosis>, Failure>;

    /// The SHA-256 of the training set.
    fn fingerprint(&self) -> String;
}

/// Where a run left the finite numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diagnosis {
    /// The operation, its line and scope, and what it read, for a person.
    pub(crate) text: String,
    /// The same for a program: members of the event.
    pub(crate) detail: Vec<(&'static str, Value)>,
}

/// What one sample of a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    /// A grey image.
    Image,
    /// A point of the plane.
    Point,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sample::Image => "image",
            Sample::Point => "point",
        })
    }
}

/// A workload in words and numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// One sample.
    pub(crate) sample: Sample,
    /// The training set, such as "60,000 images of 28 x 28".
    pub(crate) data: String,
    /// The sizes of one sample.
    pub(crate) shape: Vec<usize>,
    /// Numbers that are learnt.
    pub(crate) parameters: u64,
    /// Samples in a batch.
    pub(crate) batch_size: u64,
    /// The memory that the process will take at its most, in bytes, as far as a rehearsal tells.
    pub(crate) memory: u64,
    /// The loss of the test split by which the best checkpoint is chosen: the greater, the better. Not every model has one.
    pub(crate) judged_by: Option<&'static str>,
    /// What the user should know about the data before a run begins.
    pub(crate) advice: Option<String>,
}
