//! The logarithm of a sum of exponentials: a maximum with soft edges, and a sum of probabilities that are given by their logarithms.

use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::{Over, reduction_cost};
use super::softmax::shares;
use super::{composition, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::softmax::logsumexp;
use crate::shape::{Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// ln Σ e^x over one dimension, which stays with size 1.
struct Logsumexp {
    dim: usize,
}

impl Op for Logsumexp {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "logsumexp",
            formula: "y = ln Σ e^x over one dimension",
            rule: "gx = gy · softmax(x), 0 where all x are -∞",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape().with_size(self.dim, 1))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, sizes) = (x[0].dense(), x[0].shape().around(self.dim));
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => logsumexp::<T>(x.as_slice(), sizes, out.as_mut_slice()));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        // Not e^(x - y): beside a large y the difference has few digits left.
        grads![gy * shares(saved.input(0), self.dim)]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        reduction_cost(x, shape)
    }
}

#[track_caller]
fn try_logsumexp(x: &Tensor, over: Over) -> Result<Tensor, ShapeError> {
    let (joined, dim) = over.joined("logsumexp", x)?;
    let dim = joined.shape().dim(dim).expect("the dimension was just found");
    super::try_apply(Logsumexp { dim }, &[&joined])?.try_reshape(over.output(x.shape()))
}

impl Tensor {
    composition! {
        /// ln Σ e^x over `dims`, which disappear from the shape, computed so that no exponential overflows. The derivative is the
        /// [softmax](Tensor::softmax). Where all x are -∞ the result is -∞, with a gradient of 0; where one is ∞ it is ∞, with a gradient that is not a
        /// number for that one.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1000.0, 1000.0]).requires_grad();
        /// let y = x.logsumexp(..);
        /// assert_eq!(y.item() as f32, 1000.0 + std::f32::consts::LN_2);
        /// assert_eq!(y.grad(&[&x])[0].to_vec::<f32>(), [0.5, 0.5]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn logsumexp / try_logsumexp(&self, dims: impl Dims) -> Tensor = |x| {
            try_logsumexp(x, Over::new(x, dims, false))
        }
    }

    composition! {
        /// [ln Σ e^x](Tensor::logsumexp) over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[0.0, f32::NEG_INFINITY]]).requires_grad();
        /// assert_eq!(x.logsumexp_keepdim(1).to_string(), "[[0]]");
        /// assert_eq!(x.logsumexp_keepdim(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn logsumexp_keepdim / try_logsumexp_keepdim(&self, dims: impl Dims) -> Tensor = |x| {
            try_logsumexp(x, Over::new(x, dims, true))
        }
    }
}
