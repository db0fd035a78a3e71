//! What a forward pass is told besides its input: whether it trains, and where its random numbers come from.

use tensor_core::Random;

/// Whether layers that differ between the two are training or being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Parameters are being trained.
    Training,
    /// The model is evaluated or sampled from.
    Evaluation,
}

/// Handed to every forward pass. There is no hidden mode and no hidden generator: forgetting to switch either is impossible.
///
/// A clone repeats the same draws, which is what a gradient check needs.
#[derive(Clone, Debug)]
pub struct Context {
    /// Training or evaluation.
    pub mode: Mode,
    /// The noise of the model: eps of a VAE, z of a GAN.
    pub noise: Random,
}

impl Context {
    /// For a training step. The streams are derived from `random`, by their names.
    pub fn training(random: &Random) -> Context {
        Context {
            mode: Mode::Training,
            noise: random.stream("noise"),
        }
    }

    /// For evaluation or sampling. The streams are derived from `random`, by their names.
    pub fn evaluation(random: &Random) -> Context {
        Context {
            mode: Mode::Evaluation,
            noise: random.stream("noise"),
        }
    }
}
