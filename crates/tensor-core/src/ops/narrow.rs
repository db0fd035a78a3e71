//! Parts of a dimension, and zeros around it: each is the other's derivative.

use super::movement::FREE;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::operation;
use super::reduce::no_such_dim;
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::fill;
use crate::shape::{Layout, MAX_RANK, Shape};
use crate::storage::Storage;
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
        let dim = shape
            .dim(self.dim)
            .ok_or_else(|| no_such_dim("narrow", shape, self.dim))?;
        let (start, end) = (self.start, self.start.saturating_add(self.length));
        if end > shape[dim] {
            let problem = format!(
                "{start} to {end} is outside dimension {dim} of {shape}, which has {} places",
                shape[dim]
            );
            return Err(ShapeError::new("narrow", problem));
        }
        let mut sizes = shape.to_vec();
        sizes[dim] = self.length;
        Ok(Shape::new(&sizes))
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

struct Pad {
    padding: Vec<(usize, usize)>,
}

impl Op for Pad {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "pad",
            formula: "y = x with zeros before and after it in each dimension",
            rule: "gx = gy without them",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("padding", format!("{:?}", self.padding))]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        if self.padding.len() != shape.rank() {
            let (given, rank) = (self.padding.len(), shape.rank());
            let problem = format!("{given} pairs of (before, after) for the {rank} dimensions of {shape}");
            return Err(ShapeError::new("pad", problem));
        }
        let sizes: Vec<usize> = shape
            .iter()
            .zip(&self.padding)
            .map(|(size, (before, after))| before + size + after)
            .collect();
        Ok(Shape::new(&sizes))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        fn run<T: Element>(x: &Tensor, offset: usize, shape: Shape) -> Tensor {
            let mut out = Storage::for_overwrite(shape.count(), T::DTYPE);
            fill(out.as_mut_slice(), T::zeroed());
            copy_into(x.dense().as_slice::<T>(), x.shape(), out.as_mut_slice(), offset, shape);
            Tensor::from_storage(out, shape)
        }
        let strides = shape.contiguous_strides();
        let offset = self
            .padding
            .iter()
            .zip(strides)
            .map(|((before, _), stride)| before * stride as usize)
            .sum();
        match x[0].dtype() {
            DType::F32 => run::<f32>(x[0], offset, shape),
            DType::F64 => run::<f64>(x[0], offset, shape),
            DType::U32 => run::<u32>(x[0], offset, shape),
        }
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

/// Copies the rows of `x` to where they belong in the larger array `y`, whose element 0 of `x` is at `offset`.
fn copy_into<T: Element>(x: &[T], small: Shape, y: &mut [T], offset: usize, large: Shape) {
    let Some((&width, outer)) = small.split_last() else {
        y[offset] = x[0];
        return;
    };
    let strides = large.contiguous_strides();
    let mut index = [0; MAX_RANK];
    for row in x.chunks_exact(width.max(1)) {
        let start = offset
            + index
                .iter()
                .zip(strides)
                .map(|(i, stride)| i * stride as usize)
                .sum::<usize>();
        y[start..start + width].copy_from_slice(row);
        for dim in (0..outer.len()).rev() {
            index[dim] += 1;
            if index[dim] < outer[dim] {
                break;
            }
            index[dim] = 0;
        }
    }
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

    /// Dimension `dim` in two equal halves, which are views.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let (mu, log_var) = Tensor::from([[1.0, 2.0, 3.0, 4.0]]).halves(1);
    /// assert_eq!((mu.to_vec::<f32>(), log_var.to_vec::<f32>()), (vec![1.0, 2.0], vec![3.0, 4.0]));
    /// ```
    ///
    /// # Panics
    /// If the size of the dimension is odd, or there is no such dimension.
    #[track_caller]
    pub fn halves(&self, dim: isize) -> (Tensor, Tensor) {
        let size = self.size(dim);
        assert!(
            size.is_multiple_of(2),
            "halves: dimension {dim} of {} has an odd size",
            self.shape()
        );
        (self.narrow(dim, 0, size / 2), self.narrow(dim, size / 2, size / 2))
    }

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
        pub fn pad / try_pad(&self, padding: &[(usize, usize)]) = Pad { padding: padding.to_vec() }, |this| [this]
    }
}
