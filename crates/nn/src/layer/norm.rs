//! Normalisation layers, with PyTorch's names, defaults and initial values: weights 1, biases 0, `eps` 1e-5.
//!
//! Each takes the mean from some of the numbers of its input and divides by √(var + eps), with their biased variance; then it multiplies by the weight and adds the
//! bias, if it has them. Inputs are F32 or F64.

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
use tensor_core::{Shape, Tensor};

const EPS: f64 = 1e-5;

/// Weight and bias of one shape, as they start.
fn affine(shape: impl Into<Shape>) -> [Option<Param>; 2] {
    let shape = shape.into();
    [Tensor::ones(shape), Tensor::zeros(shape)].map(|value| Some(Param::new(value)))
}

/// The option that all norms have.
macro_rules! eps_option {
    () => {
        /// The same with another number added to the variance, so that equal numbers do not divide by 0. It is 1e-5 otherwise.
        ///
        /// # Panics
        /// If it is not a number above 0.
        #[must_use]
        #[track_caller]
        pub fn eps(mut self, eps: f64) -> Self {
            assert!(
                eps.is_finite() && eps > 0.0,
                "the eps of a norm is a number above 0, not {eps}"
            );
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
