//! Running sums.

use super::elementwise::same_float_type;
use super::op::{Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::dim_of;
use super::{operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::cumsum::cumsum;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Each direction is the other's derivative.
struct Cumsum {
    dim: isize,
    reverse: bool,
}

impl Op for Cumsum {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "cumsum",
            formula: "y_k = x_0 + … + x_k along one dimension, or x_k + … + x_last in reverse",
            rule: "gx = the sums of gy in the other direction",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string()), ("reverse", self.reverse.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("cumsum", x)?;
        dim_of("cumsum", x[0].shape(), self.dim)?;
        Ok(x[0].shape())
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let x = x[0].dense();
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            cumsum::<T>(x.as_slice(), shape.around(dim), self.reverse, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        let back = Cumsum {
            dim: self.dim,
            reverse: !self.reverse,
        };
        grads![super::apply(back, &[gy])]
    }
}

impl Tensor {
    operation! {
        /// Running sums along dimension `dim`: y_k = x_0 + … + x_k. Shape and type (F32, F64) of the input; the sums run in double precision.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// assert_eq!(x.cumsum(0).to_vec::<f32>(), [1.0, 3.0, 6.0]);
        /// assert_eq!(x.cumsum(0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 2.0, 1.0]); // how many sums it is in
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or the elements are integers.
        pub fn cumsum / try_cumsum(&self, dim: isize) = Cumsum { dim, reverse: false }, |this| [this]
    }
}
