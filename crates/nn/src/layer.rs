//! Layers: modules with one input and one output, which can be strung together.

/// Says of layers that they have neither parameters nor parts.
macro_rules! has_no_parts {
    ($($layer:ty),+) => {
        $(impl crate::module::Module for $layer {
            fn visit(&self, _: &mut crate::module::Visitor<'_>) {}
        })+
    };
}

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
pub use norm::{
    BatchNorm, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm,
    RunningMoments,
};
pub use pool::{AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d, Upsample};
pub use recurrent::{GRU, LSTM};
pub use sequential::Sequential;
pub use shape::{Flatten, Unflatten};
pub use spectral::{SpectralNorm, Weighted};

use crate::context::Context;
use crate::module::{self, Entry, Module};
use std::fmt;
use std::ops::RangeInclusive;
pub use tensor_core::kernels::matmul::Activation as Epilogue;
use tensor_core::{Shape, ShapeError, Tensor};

/// A module that maps one tensor to another.
///
/// A layer that holds a [`Place`](module::Place), shows it and enters it is named in errors and by observers wherever it stands; one without is so inside a
/// [`Sequential`] only.
///
/// Types follow the input: a layer of F32 parameters takes F32, one that [`module::to_dtype`] turned takes F64.
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

    /// The fully connected layer that this is, if it is one: a [`Sequential`] then applies the activation after it while the sums are still in
    /// registers.
    fn as_linear(&self) -> Option<&Linear> {
        None
    }

    /// The activation that this is, if it is one that a product can apply as it stores.
    fn as_epilogue(&self) -> Option<Epilogue> {
        None
    }
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

    fn as_linear(&self) -> Option<&Linear> {
        (**self).as_linear()
    }

    fn as_epilogue(&self) -> Option<Epilogue> {
        (**self).as_epilogue()
    }
}

/// What a layer takes, by the number of dimensions.
struct Takes {
    shapes: &'static str,
    ranks: RangeInclusive<usize>,
}

const BATCHES: Takes = Takes::new("[N, C, …]", 2..=usize::MAX);
const VECTORS_AND_SEQUENCES: Takes = Takes::new("[N, C] or [N, C, L]", 2..=3);
const SEQUENCES: Takes = Takes::new("[N, C, L]", 3..=3);
const SEQUENCES_AND_IMAGES: Takes = Takes::new("[N, C, L] or [N, C, H, W]", 3..=4);
const IMAGES: Takes = Takes::new("[N, C, H, W]", 4..=4);

impl Takes {
    const fn new(shapes: &'static str, ranks: RangeInclusive<usize>) -> Takes {
        Takes { shapes, ranks }
    }

    /// Refuses an input of another number of dimensions; `hint` is for those that do not just lack that of the batch.
    fn check(&self, layer: &'static str, x: Shape, hint: &str) -> Result<(), ShapeError> {
        if self.ranks.contains(&x.rank()) {
            return Ok(());
        }
        let error = ShapeError::new(layer, format!("needs an input {}, got {x}", self.shapes));
        Err(error.hint(match x.rank() + 1 == *self.ranks.start() {
            true => "is the batch dimension missing? unsqueeze(0) makes a batch of one",
            false => hint,
        }))
    }
}
