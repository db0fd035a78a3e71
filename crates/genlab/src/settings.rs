//! The settings of the program itself; a model brings its own.

use serde::{Deserialize, Serialize};

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
    /// A checkpoint after every so many epochs; 0 keeps only the last.
    pub(crate) every_epochs: u64,
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
            },
            data: Data {
                name: "glyphs".into(),
                binarise: false,
            },
            checkpoint: Checkpoint { every_epochs: 1 },
            sample: Sample { count: 64 },
        }
    }
}
