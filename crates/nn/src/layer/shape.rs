//! Layers that only change the shape.

use super::Layer;
use crate::context::Context;
use crate::module::{Module, Visitor};
use tensor_core::{Shape, Tensor};

/// All dimensions of a sample as one: [N, …] to [N, features].
///
/// ```
/// use nn::{Context, Flatten, Layer};
/// use tensor_core::{Random, Tensor};
/// let y = Flatten.forward(&Tensor::zeros([8, 3, 4, 5]), &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.shape(), [8, 60]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

impl Module for Flatten {
    fn visit(&self, _: &mut Visitor<'_>) {}
}

impl Layer for Flatten {
    /// # Panics
    /// If the input is a single number.
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        match x.rank() {
            1 => x.unsqueeze(1), // samples of one number
            _ => x.flatten(1, -1),
        }
    }
}

/// The features of a sample in a shape: [N, features] to [N, …].
///
/// ```
/// use nn::{Context, Layer, Unflatten};
/// use tensor_core::{Random, Tensor};
/// let y = Unflatten::new([3, 4, 5]).forward(&Tensor::zeros([8, 60]), &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.shape(), [8, 3, 4, 5]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unflatten {
    /// The shape of a sample.
    pub sample: Shape,
}

impl Unflatten {
    /// Samples of this shape.
    pub fn new(sample: impl Into<Shape>) -> Unflatten {
        Unflatten { sample: sample.into() }
    }
}

impl Module for Unflatten {
    fn visit(&self, _: &mut Visitor<'_>) {}
}

impl Layer for Unflatten {
    /// # Panics
    /// If a sample has another number of features than the shape has places.
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.unflatten(1, self.sample.sizes())
    }
}
