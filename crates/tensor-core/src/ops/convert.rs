//! The same elements in another type.

use super::op::{Grads, Keeps, Op, OpInfo, Saved};
use super::{composition, with_float};
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::first_not_u32;
use crate::shape::Shape;
use crate::tensor::Tensor;

struct ToDtype {
    dtype: DType,
}

impl Op for ToDtype {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "to_dtype",
            formula: "y = x in another type",
            rule: "gx = gy in the type of x",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dtype", self.dtype.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let (x, shape) = (x[0], x[0].shape());
        if self.dtype == DType::U32 && x.dtype().is_float() {
            let x = x.to_dense();
            with_float!(x.dtype(), T => if let Some(place) = first_not_u32(x.as_slice::<T>()) {
                let (number, at) = (x.as_slice::<T>()[place], shape.coordinates(place));
                let problem = format!("{number} at {at:?} of {shape} is no U32, which goes from 0 to {}", u32::MAX);
                return Err(ShapeError::new("to_dtype", problem));
            });
        }
        Ok(shape)
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].converted(self.dtype)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.to_dtype(saved.dtype(0))]
    }
}

/// Refuses a number that elements of this type cannot hold: one that is no U32. Floating-point types hold every number, rounded.
pub(crate) fn check_number(operation: &'static str, number: f64, dtype: DType) -> Result<(), ShapeError> {
    if dtype != DType::U32 || f64::from(number as u32) == number {
        return Ok(());
    }
    let problem = format!("{number} is no U32: those are the whole numbers from 0 to {}", u32::MAX);
    Err(ShapeError::new(operation, problem))
}

impl Tensor {
    composition! {
        /// The values in another type. Floating-point numbers lose their fraction on the way to U32. The gradient comes back in the type of the
        /// input; integers have none.
        ///
        /// ```
        /// use tensor_core::{DType, Tensor};
        /// let x = Tensor::from([0.5]).requires_grad();
        /// let y = x.to_dtype(DType::F64).sqr();
        /// assert_eq!((y.dtype(), y.grad(&[&x])[0].dtype()), (DType::F64, DType::F32));
        /// assert_eq!(y.grad(&[&x])[0].item(), 1.0);
        /// assert_eq!(Tensor::from([2.0, 7.9]).to_dtype(DType::U32).to_vec::<u32>(), [2, 7]);
        /// ```
        ///
        /// # Panics
        /// If a number is negative, too large or not a number, and `dtype` is U32.
        pub fn to_dtype / try_to_dtype(&self, dtype: DType) -> Tensor = |x| {
            if x.dtype() == dtype {
                return Ok(x.clone());
            }
            super::try_apply(ToDtype { dtype }, &[x])
        }
    }
}
