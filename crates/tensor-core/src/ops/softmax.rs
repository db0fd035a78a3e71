//! Softmax and its logarithm: numbers of any size made probabilities.

use super::elementwise::same_float_type;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::reduce::dim_of;
use super::{operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::softmax;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Checks the input, which has the shape of the output.
fn infer_along(operation: &'static str, dim: isize, x: &[&Tensor]) -> Result<Shape, ShapeError> {
    same_float_type(operation, x)?;
    dim_of(operation, x[0].shape(), dim)?;
    Ok(x[0].shape())
}

/// An exponential for each element, and a few passes over what is in the cache by then.
fn softmax_cost(x: &[&Tensor], shape: Shape) -> Cost {
    Cost {
        flop: 4.0 * x[0].count() as f64,
        bytes: bytes_moved(x, shape),
    }
}

struct Softmax {
    dim: isize,
    /// Whether e^x = 0 gives 0 even if the sum is 0 too: as the slope of ln Σ e^x.
    shares: bool,
}

impl Op for Softmax {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "softmax",
            formula: "y = e^x / Σ e^x along one dimension",
            rule: "gx = y · (gy - Σ gy y)",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        infer_along("softmax", self.dim, x)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, sizes) = (x[0].dense(), around(shape, self.dim));
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            let kernel = if self.shares { softmax::shares } else { softmax::softmax };
            kernel(x.as_slice::<T>(), sizes, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::the_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let y = saved.output();
        let weighed = gy * &y;
        grads![&weighed - &y * weighed.sum_keepdim(self.dim)]
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        let (y, gy, shape) = (saved.output(), gy.dense(), saved.shape(0));
        let mut gx = Storage::for_overwrite(shape.count(), gy.dtype());
        with_float!(gy.dtype(), T => {
            let sizes = around(shape, self.dim);
            softmax::softmax_slope::<T>(y.as_slice(), gy.as_slice(), sizes, gx.as_mut_slice());
        });
        Some(grads![Tensor::from_storage(gx, shape)])
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        softmax_cost(x, shape)
    }
}

/// The slope of ln Σ e^x along dimension `dim`.
#[track_caller]
pub(super) fn shares(x: &Tensor, dim: usize) -> Tensor {
    let dim = dim as isize;
    super::apply(Softmax { dim, shares: true }, &[x])
}

struct LogSoftmax {
    dim: isize,
}

impl Op for LogSoftmax {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "log_softmax",
            formula: "y = x - ln Σ e^x along one dimension",
            rule: "gx = gy - e^y Σ gy",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        infer_along("log_softmax", self.dim, x)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, sizes) = (x[0].dense(), around(shape, self.dim));
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => softmax::log_softmax(x.as_slice::<T>(), sizes, out.as_mut_slice()));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::the_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy - saved.output().exp() * gy.sum_keepdim(self.dim)]
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        let (y, gy, shape) = (saved.output(), gy.dense(), saved.shape(0));
        let mut gx = Storage::for_overwrite(shape.count(), gy.dtype());
        with_float!(gy.dtype(), T => {
            let sizes = around(shape, self.dim);
            softmax::log_softmax_slope::<T>(y.as_slice(), gy.as_slice(), sizes, gx.as_mut_slice());
        });
        Some(grads![Tensor::from_storage(gx, shape)])
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        softmax_cost(x, shape)
    }
}

fn around(shape: Shape, dim: isize) -> [usize; 3] {
    shape.around(shape.dim(dim).expect("infer checked the dimension"))
}

/// Probabilities from numbers of any size (logits). Shape and type (F32, F64) of the input. No exponential overflows. A logit of -∞ is a probability
/// of 0; where all of a line is -∞, or one is ∞, its results are not numbers.
impl Tensor {
    operation! {
        /// y = e^x / Σ e^x along dimension `dim`: positive numbers that add up to 1.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0, 2f32.ln(), f32::NEG_INFINITY]).requires_grad();
        /// let y = x.softmax(0);
        /// assert!((&y - Tensor::from([1.0, 2.0, 0.0]) / 3.0).norm(..).item() < 1e-7);
        /// // d y₀ / dx = y₀ (1 - y₀), -y₀ y₁, -y₀ y₂
        /// let gx = &y.narrow(0, 0, 1).grad(&[&x])[0];
        /// assert!((gx - Tensor::from([2.0, -2.0, 0.0]) / 9.0).norm(..).item() < 1e-7);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or the elements are integers.
        pub fn softmax / try_softmax(&self, dim: isize) = Softmax { dim, shares: false }, |this| [this]
    }

    operation! {
        /// y = x - ln Σ e^x along dimension `dim`: the logarithm of the [softmax](Tensor::softmax), without its rounding to 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1000.0, 0.0]).requires_grad();
        /// let y = x.log_softmax(0);
        /// assert_eq!(y.to_vec::<f32>(), [0.0, -1000.0]);
        /// assert_eq!(y.narrow(0, 1, 1).grad(&[&x])[0].to_vec::<f32>(), [-1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or the elements are integers.
        pub fn log_softmax / try_log_softmax(&self, dim: isize) = LogSoftmax { dim }, |this| [this]
    }
}
