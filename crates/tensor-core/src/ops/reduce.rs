//! Sums and means over dimensions.

use super::elementwise::same_float_type;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::reduce;
use crate::kernels::simd::Float;
use crate::shape::{DimSet, Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

struct Sum {
    dims: Result<DimSet, isize>,
    keep: bool,
}

impl Op for Sum {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "sum",
            formula: "y = Σ x over the given dimensions",
            rule: "gx = gy, repeated along them",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let dims: Vec<usize> = self.dims.iter().flat_map(|dims| dims.iter()).collect();
        vec![("dims", format!("{dims:?}")), ("keepdim", self.keep.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("sum", x)?;
        let shape = x[0].shape();
        match self.dims {
            Ok(dims) => Ok(shape.reduce(dims, self.keep)),
            Err(dim) => Err(no_such_dim("sum", shape, dim)),
        }
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let dims = self.dims.unwrap_or_default();
        let (x, [outer, reduced, inner]) = as_three_dims(x[0], dims);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        fn run<T: Float>(x: &Tensor, outer: usize, reduced: usize, inner: usize, out: &mut Storage) {
            reduce::sum::<T>(x.as_slice(), outer, reduced, inner, out.as_mut_slice());
        }
        match x.dtype() {
            DType::F32 => run::<f32>(&x, outer, reduced, inner, &mut out),
            _ => run::<f64>(&x, outer, reduced, inner, &mut out),
        }
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let shape = saved.shape(0);
        let kept = shape.reduce(self.dims.unwrap_or_default(), true);
        grads![gy.reshape(kept).broadcast_to(shape)]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: x[0].count() as f64,
            bytes: bytes_moved(x, shape),
        }
    }
}

pub(crate) fn no_such_dim(operation: &'static str, shape: Shape, dim: isize) -> ShapeError {
    let problem = format!("a tensor of shape {shape} has no dimension {dim}");
    let rank = shape.rank();
    let error = ShapeError::new(operation, problem);
    if rank == 0 {
        error.hint("it is a scalar")
    } else {
        error.hint(format!(
            "dimensions are 0 to {}, or -{rank} to -1 from the end",
            rank - 1
        ))
    }
}

/// The tensor, dense, with sizes [outer, reduced, inner] such that the middle one is what `dims` marks.
fn as_three_dims(x: &Tensor, dims: DimSet) -> (Tensor, [usize; 3]) {
    let shape = x.shape();
    let first = (0..shape.rank())
        .find(|&dim| dims.contains(dim))
        .unwrap_or(shape.rank());
    let last = (0..shape.rank())
        .rfind(|&dim| dims.contains(dim))
        .map_or(first, |dim| dim + 1);
    let product = |sizes: &[usize]| sizes.iter().product::<usize>();
    if (first..last).all(|dim| dims.contains(dim)) {
        let sizes = [
            product(&shape[..first]),
            product(&shape[first..last]),
            product(&shape[last..]),
        ];
        return (x.dense(), sizes);
    }
    // Dimensions with others between them: bring them to the end.
    let (kept, gone): (Vec<usize>, Vec<usize>) = (0..shape.rank()).partition(|&dim| !dims.contains(dim));
    let count = |dims: &[usize]| dims.iter().map(|&dim| shape[dim]).product::<usize>();
    let sizes = [count(&kept), count(&gone), 1];
    (x.permuted(&[kept, gone].concat()).dense(), sizes)
}

/// Reductions. `dims` is `..` for all, one number or an array; negative numbers count from the end.
impl Tensor {
    /// The sum over `dims`, which disappear from the shape. The sum of nothing is 0. F32 is added up in blocks, so that the
    /// error grows with the logarithm of their number.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
    /// assert_eq!(x.sum(..).item(), 10.0);
    /// assert_eq!(x.sum(0).to_vec::<f32>(), [4.0, 6.0]);
    /// assert_eq!(x.sum(-1).to_vec::<f32>(), [3.0, 7.0]);
    /// assert_eq!(x.sum([0, 1]).grad(&[&x])[0].to_vec::<f32>(), [1.0; 4]);
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension, or the elements are integers.
    #[track_caller]
    pub fn sum(&self, dims: impl Dims) -> Tensor {
        let dims = dims.resolve(&self.shape());
        super::apply(Sum { dims, keep: false }, &[self])
    }

    /// [`Tensor::sum`], or the error instead of a panic.
    ///
    /// # Errors
    /// If there is no such dimension, or the elements are integers.
    #[track_caller]
    pub fn try_sum(&self, dims: impl Dims) -> Result<Tensor, ShapeError> {
        let dims = dims.resolve(&self.shape());
        super::try_apply(Sum { dims, keep: false }, &[self])
    }

    /// The sum over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 3.0], [2.0, 2.0]]);
    /// assert_eq!((&x / x.sum_keepdim(1)).to_vec::<f32>(), [0.25, 0.75, 0.5, 0.5]);
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::sum`].
    #[track_caller]
    pub fn sum_keepdim(&self, dims: impl Dims) -> Tensor {
        let dims = dims.resolve(&self.shape());
        super::apply(Sum { dims, keep: true }, &[self])
    }

    /// The mean over `dims`, which disappear from the shape. The mean of nothing is not a number.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 6.0]]).requires_grad();
    /// assert_eq!(x.mean(..).item(), 3.0);
    /// assert_eq!(x.mean(..).grad(&[&x])[0].to_vec::<f32>(), [0.25; 4]);
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::sum`].
    #[track_caller]
    pub fn mean(&self, dims: impl Dims) -> Tensor {
        let shape = self.shape();
        let dims = dims.resolve(&shape);
        let sum = super::apply(Sum { dims, keep: false }, &[self]);
        let averaged = dims.map_or(1, |dims| dims.iter().map(|dim| shape[dim]).product::<usize>());
        sum / averaged as f64
    }
}
