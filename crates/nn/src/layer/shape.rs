//! Layers that only change the shape.

use super::Layer;
use crate::context::Context;
use tensor_core::{Shape, Tensor};

/// All dimensions of a sample as one: [N, …] to [N, features], of any type; see [`Tensor::flatten`]. Samples of one number, \[N\], become [N, 1].
///
/// ```
/// use nn::{Context, Flatten, Layer};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]).reshape([2, 1, 2]).requires_grad();
/// let y = Flatten.forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y, Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
/// let gx = &(y * Tensor::from([[5.0, 6.0], [7.0, 8.0]])).sum(..).grad(&[&x])[0];
/// assert_eq!(gx, &Tensor::from([5.0, 6.0, 7.0, 8.0]).reshape([2, 1, 2]));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

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

/// The features of a sample in a shape: [N, features] to [N, …], of any type; see [`Tensor::unflatten`].
///
/// ```
/// use nn::{Context, Layer, Unflatten};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([[1.0, 2.0, 3.0, 4.0]]).requires_grad();
/// let y = Unflatten::new([2, 2]).forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y, Tensor::from([[1.0, 2.0], [3.0, 4.0]]).reshape([1, 2, 2]));
/// let gx = &(y * Tensor::from([[5.0, 6.0], [7.0, 8.0]])).sum(..).grad(&[&x])[0];
/// assert_eq!(gx.to_vec::<f32>(), [5.0, 6.0, 7.0, 8.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
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

has_no_parts!(Flatten, Unflatten);

impl Layer for Unflatten {
    /// # Panics
    /// If a sample has another number of features than the shape has places.
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.unflatten(1, self.sample.sizes())
    }
}
