//! Layers: modules with one input and one output, which can be strung together.

mod activation;
mod conv;
mod dropout;
mod embedding;
mod linear;
mod norm;
mod pool;
mod recurrent;
mod sequential;
mod shape;
mod spectral;
#[cfg(test)]
mod tests;

pub use activation::{
    Activation, ELU, GELU, LeakyReLU, LogSigmoid, ReLU, SiLU, Sigmoid, Softplus, Tanh, UnknownActivation,
};
pub use conv::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use linear::Linear;
pub use norm::{BatchNorm, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm};
pub use pool::{AvgPool2d, MaxPool2d, Upsample};
pub use recurrent::{GRU, LSTM};
pub use sequential::Sequential;
pub use shape::{Flatten, Unflatten};
pub use spectral::{SpectralNorm, Weighted};

use crate::context::Context;
use crate::module::{self, Entry, Module};
use std::fmt;
use tensor_core::Tensor;

/// A module that maps one tensor to another.
///
/// A layer that holds a [`Place`](module::Place), shows it and enters it is named in errors and by observers wherever it stands; one without is so inside a
/// [`Sequential`] only.
///
/// Printed by `{:?}`, a boxed layer is its kind, and its parameters and buffers with their sizes. So a model with a [`Sequential`] can derive [`Debug`]:
///
/// ```
/// use nn::{Linear, ReLU, Sequential};
/// let body = Sequential::new().with(Linear::new(3, 2, &mut tensor_core::Random::new(0))).with(ReLU);
/// assert_eq!(format!("{body:?}"), "Sequential [Linear(weight F32 [2, 3], bias F32 [2]), ReLU]");
/// ```
pub trait Layer: Module + Send + Sync {
    /// Computes the output.
    ///
    /// # Panics
    /// At the caller's line, if the input does not fit.
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor;
}

impl fmt::Debug for dyn Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = |(name, entry): (String, Entry)| {
            let value = entry.tensor();
            format!("{name} {} {}", value.dtype(), value.shape())
        };
        let entries: Vec<String> = module::entries(self).into_iter().map(entry).collect();
        f.write_str(self.kind())?;
        match entries.is_empty() {
            true => Ok(()),
            false => write!(f, "({})", entries.join(", ")),
        }
    }
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        (**self).forward(x, cx)
    }
}
