//! Normalisation layers, with PyTorch's names, defaults and initial values: weights 1, biases 0, `eps` 1e-5.
//!
//! Each takes the mean from some of the numbers of its input and divides by √(var + eps), with their biased variance; then it multiplies by the weight
//! and adds the bias, if it has them. Inputs are F32 or F64.

mod batch;
mod group;
mod instance;
mod layer;
#[cfg(test)]
mod tests;

pub use batch::{BatchNorm, BatchNorm1d, BatchNorm2d, RunningMoments};
pub use group::GroupNorm;
pub use instance::{InstanceNorm, InstanceNorm1d, InstanceNorm2d};
pub use layer::LayerNorm;

use crate::cell::Param;
use tensor_core::{Shape, ShapeError, Tensor};

const EPS: f64 = 1e-5;

/// Weight and bias of one shape, as they start.
fn affine(shape: impl Into<Shape>) -> [Option<Param>; 2] {
    let shape = shape.into();
    [Tensor::ones(shape), Tensor::zeros(shape)].map(|value| Some(Param::new(value)))
}

/// Refuses x [N, C, …] of other channels than those that the layer was made for.
fn check_channels(layer: &'static str, channels: usize, x: Shape) -> Result<(), ShapeError> {
    if x[1] == channels {
        return Ok(());
    }
    let problem = format!("made for {channels} channels, the input {x} has {}", x[1]);
    Err(ShapeError::new(layer, problem))
}

/// Refuses an eps that F32 would round to 0 or to infinity, or to a few digits.
#[track_caller]
pub(super) fn check_eps(layer: &str, eps: f64) {
    assert!(
        (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&eps),
        "{layer}: eps is a normal number of F32 above 0, not {eps:?}"
    );
}

/// The option that all norms have.
macro_rules! eps_option {
    ($layer:expr) => {
        /// The same with another number added to the variance, so that equal numbers do not divide by 0. It is 1e-5 otherwise.
        ///
        /// # Panics
        /// If it is not a normal number of F32 above 0: what is smaller, F32 rounds, in the end to 0. PyTorch takes that, and 0 itself, and divides equal
        /// numbers by 0 then.
        #[must_use]
        #[track_caller]
        pub fn eps(mut self, eps: f64) -> Self {
            $crate::layer::norm::check_eps($layer, eps);
            self.eps = eps;
            self
        }
    };
}
use eps_option;

/// The option of those that have weight and bias by default.
macro_rules! affine_option {
    () => {
        /// The same without weight and bias: what comes out has mean 0 and variance 1. PyTorch's `affine=False`.
        #[must_use]
        pub fn without_affine(mut self) -> Self {
            (self.weight, self.bias) = (None, None);
            self
        }
    };
}
use affine_option;
