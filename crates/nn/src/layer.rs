//! Layers: modules with one input and one output, which can be strung together.

mod activation;
mod linear;
mod sequential;

pub use activation::{Activation, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh, UnknownActivation};
pub use linear::Linear;
pub use sequential::Sequential;

use crate::context::Context;
use crate::module::Module;
use tensor_core::Tensor;

/// A module that maps one tensor to another.
pub trait Layer: Module + Send + Sync {
    /// Computes the output.
    ///
    /// # Panics
    /// At the caller's line, if the input does not fit.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor;
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        (**self).forward(x, cx)
    }
}
