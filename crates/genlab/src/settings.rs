//! The settings of the program itself; a model brings its own.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Half the learning rate, again and again, soon learns nothing.
pub(crate) const MOST_RETRIES: u32 = 20;

/// The settings that every run has, whatever its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The loop.
    pub(crate) train: Train,
    /// What it is fed.
    pub(crate) data: Data,
    /// What it keeps.
    pub(crate) checkpoint: Checkpoint,
    /// What it draws.
    pub(crate) sample: Sample,
}

/// `train.*`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Train {
    /// Passes over the training set.
    pub(crate) epochs: u64,
    /// Stop after this many steps; 0 leaves it to `epochs`.
    pub(crate) steps: u64,
    /// Samples in a step.
    pub(crate) batch_size: u64,
    /// Where everything random comes from.
    pub(crate) seed: u64,
    /// After a divergence: `stop`, or `retry:N` to go back to the last checkpoint with half the learning rate, N times at most.
    pub(crate) on_divergence: OnDivergence,
}

/// `train.on_divergence`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum OnDivergence {
    /// The run ends.
    Stop,
    /// The run goes back and halves the learning rate, so many times at most.
    Retry(u32),
}

impl OnDivergence {
    /// How often the run may go back.
    pub(crate) fn retries(self) -> u32 {
        match self {
            OnDivergence::Stop => 0,
            OnDivergence::Retry(times) => times,
        }
    }
}

impl TryFrom<String> for OnDivergence {
    type Error = String;

    fn try_from(text: String) -> Result<OnDivergence, String> {
        text.parse()
    }
}

impl FromStr for OnDivergence {
    type Err = String;

    fn from_str(text: &str) -> Result<OnDivergence, String> {
        let times = || {
            text.strip_prefix("retry:")?
                .parse()
                .ok()
                .filter(|times| (1..=MOST_RETRIES).contains(times))
        };
        match text {
            "stop" => Ok(OnDivergence::Stop),
            _ => times()
                .map(OnDivergence::Retry)
                .ok_or_else(|| format!("`stop`, or `retry:N` with N from 1 to {MOST_RETRIES}")),
        }
    }
}

impl From<OnDivergence> for String {
    fn from(choice: OnDivergence) -> String {
        match choice {
            OnDivergence::Stop => "stop".into(),
            OnDivergence::Retry(times) => format!("retry:{times}"),
        }
    }
}

/// `data.*`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Data {
    /// NAME or NAME:PATH.
    pub(crate) name: String,
    /// Draw each grey value to 0 or 1 at each presentation.
    pub(crate) binarise: bool,
}

/// `checkpoint.*`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// A checkpoint after every so many epochs; 0 asks for none of these.
    pub(crate) every_epochs: u64,
    /// And after every so many steps; 0 asks for none of these.
    pub(crate) every_steps: u64,
    /// How many of the last ones are kept, besides the best.
    pub(crate) keep: u64,
}

/// `sample.*`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Samples in the pictures of each epoch.
    pub(crate) count: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            train: Train {
                epochs: 10,
                steps: 0,
                batch_size: 128,
                seed: 0,
                on_divergence: OnDivergence::Stop,
            },
            data: Data {
                name: "glyphs".into(),
                binarise: false,
            },
            checkpoint: Checkpoint {
                every_epochs: 1,
                every_steps: 0,
                keep: 3,
            },
            sample: Sample { count: 64 },
        }
    }
}
