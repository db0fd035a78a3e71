//! A border around a tensor: the derivative of a part.

use super::convert::check_number;
use super::op::{Grads, Keeps, Op, OpInfo, Saved};
use super::{composition, operation, with_element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::{CastTo, copy_into_part, fill};
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

struct Pad {
    value: f64,
    padding: Vec<(usize, usize)>,
}

impl Op for Pad {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "pad",
            formula: "y = x with a number before and after it in each dimension",
            rule: "gx = gy without them",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("padding", format!("{:?}", self.padding)),
            ("value", self.value.to_string()),
        ]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        check_number("pad", self.value, x[0].dtype())?;
        let shape = x[0].shape();
        if self.padding.len() != shape.rank() {
            let (given, rank) = (self.padding.len(), shape.rank());
            let problem = format!("{given} pairs of (before, after) for the {rank} dimensions of {shape}");
            return Err(ShapeError::new("pad", problem));
        }
        let padded =
            |(size, (before, after)): (&usize, &(usize, usize))| before.saturating_add(*size).saturating_add(*after);
        let sizes: Vec<usize> = shape.iter().zip(&self.padding).map(padded).collect();
        Shape::try_new(&sizes).map_err(|problem| ShapeError::new("pad", problem))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let x = x[0].dense();
        let strides = shape.contiguous_strides();
        let before = self.padding.iter().map(|&(before, _)| before);
        let offset = before
            .zip(strides)
            .map(|(before, stride)| before * stride as usize)
            .sum();
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_element!(x.dtype(), T => {
            let (y, strides) = (out.as_mut_slice::<T>(), &strides[..shape.rank()]);
            fill(y, CastTo::<T>::cast(self.value));
            copy_into_part(x.as_slice(), &x.shape(), y, offset, strides);
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let sizes = saved.shape(0);
        let unpadded = (0..sizes.rank()).fold(gy.clone(), |g, dim| {
            if g.shape()[dim] == sizes[dim] {
                g
            } else {
                g.narrow(dim as isize, self.padding[dim].0, sizes[dim])
            }
        });
        grads![unpadded]
    }
}

impl Tensor {
    operation! {
        /// The tensor with zeros around it: one pair (before, after) for each dimension.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).requires_grad();
        /// assert_eq!(x.pad(&[(1, 2)]).to_vec::<f32>(), [0.0, 1.0, 2.0, 0.0, 0.0]);
        /// assert_eq!(x.pad(&[(1, 2)]).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If there is not one pair for each dimension.
        pub fn pad / try_pad(&self, padding: &[(usize, usize)]) = Pad { value: 0.0, padding: padding.to_vec() }, |this| [this]
    }

    composition! {
        /// The tensor with `value` around it: one pair (before, after) for each dimension.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).requires_grad();
        /// assert_eq!(x.pad_value(&[(1, 0)], -5.0).to_vec::<f32>(), [-5.0, 1.0, 2.0]);
        /// assert_eq!(x.pad_value(&[(1, 0)], -5.0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If there is not one pair for each dimension, or elements of type U32 cannot hold the value.
        pub fn pad_value / try_pad_value(&self, padding: &[(usize, usize)], value: f64) -> Tensor = |x| {
            super::try_apply(Pad { value, padding: padding.to_vec() }, &[x])
        }
    }
}
