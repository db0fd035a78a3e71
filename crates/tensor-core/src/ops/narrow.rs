//! Parts of a dimension.

use super::movement::FREE;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::dim_of;
use super::{composition, operation};
use crate::error::ShapeError;
use crate::grads;
use crate::shape::{Layout, Shape};
use crate::tensor::Tensor;

struct Narrow {
    dim: isize,
    start: usize,
    length: usize,
}

impl Op for Narrow {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "narrow",
            formula: "y = x[start .. start + length] along one dimension",
            rule: "gx = gy there, 0 elsewhere",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("dim", self.dim.to_string()),
            ("start", self.start.to_string()),
            ("length", self.length.to_string()),
        ]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        let dim = dim_of("narrow", shape, self.dim)?;
        let (start, end) = (self.start, self.start.saturating_add(self.length));
        if end > shape[dim] {
            let problem = format!(
                "{start} to {end} is outside dimension {dim} of {shape}, which has {} places",
                shape[dim]
            );
            return Err(ShapeError::new("narrow", problem));
        }
        Ok(shape.with_size(dim, self.length))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let layout = x[0].layout();
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let step = self.start as isize * layout.strides[dim];
        x[0].view(Layout {
            shape,
            strides: layout.strides,
            offset: layout
                .offset
                .checked_add_signed(step)
                .expect("a view stays in its buffer"),
        })
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let shape = saved.shape(0);
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let mut padding = vec![(0, 0); shape.rank()];
        padding[dim] = (self.start, shape[dim] - self.start - self.length);
        grads![gy.pad(&padding)]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

/// Cuts x into pieces of `size` places, the last of which may be smaller: into halves, and those into halves. The gradient of a part is as large as
/// what it was cut from, so that n pieces cut from the whole would cost n times the whole in the backward pass; this costs log n times.
#[track_caller]
fn cut(x: &Tensor, dim: isize, size: usize, pieces: &mut Vec<Tensor>) -> Result<(), ShapeError> {
    let places = x.size(dim);
    let count = places.div_ceil(size);
    if count <= 1 {
        // Nothing is one piece of nothing.
        pieces.push(x.clone());
        return Ok(());
    }
    let half = count / 2 * size;
    cut(&x.try_narrow(dim, 0, half)?, dim, size, pieces)?;
    cut(&x.try_narrow(dim, half, places - half)?, dim, size, pieces)
}

impl Tensor {
    operation! {
        /// A view of the places `start .. start + length` of dimension `dim`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]).requires_grad();
        /// assert_eq!(x.narrow(0, 1, 2).to_vec::<f32>(), [2.0, 3.0]);
        /// assert_eq!(x.narrow(0, 1, 2).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the places are outside the dimension, or there is no such dimension.
        pub fn narrow / try_narrow(&self, dim: isize, start: usize, length: usize) = Narrow { dim, start, length }, |this| [this]
    }

    composition! {
        /// Dimension `dim` in two equal halves, which are views.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0, 3.0, 4.0]]).requires_grad();
        /// let (mu, log_var) = x.halves(1);
        /// assert_eq!((mu.to_vec::<f32>(), log_var.to_vec::<f32>()), (vec![1.0, 2.0], vec![3.0, 4.0]));
        /// assert_eq!(log_var.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If the size of the dimension is odd, or there is no such dimension.
        pub fn halves / try_halves(&self, dim: isize) -> (Tensor, Tensor) = |x| {
            let place = dim_of("halves", x.shape(), dim)?;
            let size = x.shape()[place];
            if !size.is_multiple_of(2) {
                let problem = format!("dimension {place} of {} has an odd size, {size}", x.shape());
                return Err(ShapeError::new("halves", problem));
            }
            Ok((x.try_narrow(dim, 0, size / 2)?, x.try_narrow(dim, size / 2, size / 2)?))
        }
    }

    composition! {
        /// Dimension `dim` in pieces of `size` places, the last of which may be smaller: views.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// let pieces = x.split(2, 0);
        /// assert_eq!((pieces[0].to_vec::<f32>(), pieces[1].to_vec::<f32>()), (vec![1.0, 2.0], vec![3.0]));
        /// assert_eq!(pieces[1].sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If `size` is 0, or there is no such dimension.
        pub fn split / try_split(&self, size: usize, dim: isize) -> Vec<Tensor> = |x| {
            let places = x.shape()[dim_of("split", x.shape(), dim)?];
            if size == 0 {
                let problem = format!("pieces of 0 places do not make up dimension {dim} of {}", x.shape());
                return Err(ShapeError::new("split", problem));
            }
            let mut pieces = Vec::with_capacity(places.div_ceil(size));
            cut(x, dim, size, &mut pieces)?;
            Ok(pieces)
        }
    }

    composition! {
        /// Dimension `dim` in `parts` pieces of one size, rounded up: the last may be smaller, and there are less if fewer are enough. They are views.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]).requires_grad();
        /// let pieces = x.chunk(2, 0);
        /// assert_eq!((pieces[0].to_vec::<f32>(), pieces[1].to_vec::<f32>()), (vec![1.0, 2.0], vec![3.0, 4.0]));
        /// assert_eq!(pieces[0].sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 1.0, 0.0, 0.0]);
        /// assert_eq!(x.chunk(3, 0).len(), 2); // of two places each
        /// ```
        ///
        /// # Panics
        /// If `parts` is 0, or there is no such dimension.
        pub fn chunk / try_chunk(&self, parts: usize, dim: isize) -> Vec<Tensor> = |x| {
            let places = x.shape()[dim_of("chunk", x.shape(), dim)?];
            if parts == 0 {
                let problem = format!("0 pieces do not make up dimension {dim} of {}", x.shape());
                return Err(ShapeError::new("chunk", problem));
            }
            x.try_split(places.div_ceil(parts).max(1), dim)
        }
    }
}
