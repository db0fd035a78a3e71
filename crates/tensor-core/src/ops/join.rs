//! Tensors put together.

use super::elementwise::same_type;
use super::op::{Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::dim_of;
use super::{composition, operation, with_element};
use crate::error::ShapeError;
use crate::kernels::copy::join;
use crate::ops::Grad;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

struct Cat {
    dim: isize,
}

impl Op for Cat {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "cat",
            formula: "y = the inputs one after the other along one dimension",
            rule: "the gradient of each input is its part of gy",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let Some(first) = inputs.first() else {
            return Err(ShapeError::new("cat", "there is no tensor"));
        };
        same_type("cat", inputs)?;
        let first = first.shape();
        let dim = dim_of("cat", first, self.dim)?;
        for other in inputs.iter().map(|input| input.shape()) {
            if !other.differs_only_in(dim, &first) {
                let problem = format!("{first} and {other} differ in more than dimension {dim}");
                return Err(ShapeError::new("cat", problem));
            }
        }
        let sizes = inputs.iter().map(|input| input.shape()[dim]);
        first
            .try_with_size(dim, sizes.fold(0, usize::saturating_add))
            .map_err(|problem| ShapeError::new("cat", problem))
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let inputs: Vec<Tensor> = inputs.iter().map(|input| input.dense()).collect();
        let mut out = Storage::for_overwrite(shape.count(), inputs[0].dtype());
        with_element!(out.dtype(), T => {
            let part = |input: &Tensor| input.shape()[dim..].iter().product();
            let parts: Vec<(&[T], usize)> = inputs.iter().map(|input| (input.as_slice(), part(input))).collect();
            join(&parts, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let dim = gy.shape().dim(self.dim).expect("infer checked the dimension");
        let mut start = 0;
        let mut next = |input: usize| {
            let size = saved.shape(input)[dim];
            start += size;
            saved.wants(input).then(|| gy.narrow(self.dim, start - size, size))
        };
        (0..saved.count()).map(|input| Grad::from(next(input))).collect()
    }
}

impl Tensor {
    operation! {
        /// Tensors one after the other along dimension `dim`. They have one type, and differ in the size of that dimension at most.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([[1.0], [2.0]]).requires_grad();
        /// let b = Tensor::from([[3.0, 4.0], [5.0, 6.0]]);
        /// let y = Tensor::cat(&[&a, &b], 1);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        /// assert_eq!(y.sqr().sum(..).grad(&[&a])[0].to_vec::<f32>(), [2.0, 4.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no tensor or no such dimension, or another size or the type differs.
        pub fn cat / try_cat(tensors: &[&Tensor], dim: isize) = Cat { dim }, tensors
    }

    composition! {
        /// Tensors of one shape and type, one after the other along a new dimension at place `dim`; -1 is after the last.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([1.0, 2.0]).requires_grad();
        /// let b = Tensor::from([3.0, 4.0]);
        /// assert_eq!(Tensor::stack(&[&a, &b], 0).to_string(), "[[1, 2],\n [3, 4]]");
        /// let y = Tensor::stack(&[&a, &b], -1);
        /// assert_eq!(y.to_string(), "[[1, 3],\n [2, 4]]");
        /// assert_eq!(y.sqr().sum(..).grad(&[&a])[0].to_vec::<f32>(), [2.0, 4.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no tensor or no such place, or a shape or the type differs.
        pub fn stack / try_stack(tensors: &[&Tensor], dim: isize) -> Tensor = {
            let Some(shape) = tensors.first().map(|first| first.shape()) else {
                return Err(ShapeError::new("stack", "there is no tensor"));
            };
            same_type("stack", tensors)?;
            if let Some(other) = tensors.iter().find(|other| other.shape() != shape) {
                let problem = format!("shapes differ: {shape} and {}", other.shape());
                return Err(ShapeError::new("stack", problem));
            }
            let mut stretched = Vec::with_capacity(tensors.len());
            for tensor in tensors {
                stretched.push(tensor.try_unsqueeze(dim)?);
            }
            Tensor::try_cat(&stretched.iter().collect::<Vec<_>>(), dim)
        }
    }
}
