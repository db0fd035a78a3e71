//! Sums and means over dimensions, and what all reductions share.

use super::elementwise::same_float_type;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::{composition, operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::reduce;
use crate::shape::{DimError, DimSet, Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// The dimensions that a reduction goes over, and whether they stay with size 1.
#[derive(Clone, Copy)]
pub(super) struct Over {
    dims: Result<DimSet, DimError>,
    keep: bool,
}

impl Over {
    pub(super) fn new(x: &Tensor, dims: impl Dims, keep: bool) -> Over {
        let dims = dims.resolve(&x.shape());
        Over { dims, keep }
    }

    pub(super) fn attributes(&self) -> Vec<(&'static str, String)> {
        let dims: Vec<usize> = self.dims().iter().collect();
        vec![("dims", format!("{dims:?}")), ("keepdim", self.keep.to_string())]
    }

    /// The shape of the output, if `x` holds floating-point numbers and has the dimensions.
    pub(super) fn infer(&self, operation: &'static str, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(operation, x)?;
        let shape = x[0].shape();
        match self.dims {
            Ok(_) => Ok(self.output(shape)),
            Err(error) => Err(misfit(operation, shape, error)),
        }
    }

    /// The same numbers with one dimension to go over, which is returned: the dimensions are brought to the end, if there are several, and joined.
    #[track_caller]
    pub(super) fn joined(&self, operation: &'static str, x: &Tensor) -> Result<(Tensor, isize), ShapeError> {
        self.infer(operation, &[x])?;
        let (kept, gone): (Vec<usize>, Vec<usize>) = (0..x.rank()).partition(|&dim| !self.dims().contains(dim));
        if let [dim] = gone[..] {
            return Ok((x.clone(), dim as isize));
        }
        let mut sizes: Vec<usize> = kept.iter().map(|&dim| x.shape()[dim]).collect();
        sizes.push(self.count(x.shape()));
        let order: Vec<isize> = kept.iter().chain(&gone).map(|&dim| dim as isize).collect();
        let x = if order.is_sorted() {
            x.clone()
        } else {
            x.try_permute(&order)?
        };
        Ok((x.try_reshape(sizes.as_slice())?, -1))
    }

    /// The shape of the output.
    pub(super) fn output(&self, shape: Shape) -> Shape {
        shape.reduce(self.dims(), self.keep)
    }

    pub(super) fn dims(&self) -> DimSet {
        self.dims.unwrap_or_default()
    }

    /// The shape of the output with the dimensions kept, so that it broadcasts against the input.
    pub(super) fn kept(&self, shape: Shape) -> Shape {
        shape.reduce(self.dims(), true)
    }

    /// How many elements go into each one of the output.
    pub(super) fn count(&self, shape: Shape) -> usize {
        self.dims().iter().map(|dim| shape[dim]).product()
    }

    /// The tensor, dense, with sizes [outer, reduced, inner] such that the middle one is what is gone over.
    pub(super) fn three_dims(&self, x: &Tensor) -> (Tensor, [usize; 3]) {
        let (shape, dims) = (x.shape(), self.dims());
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
}

impl Dims for Over {
    fn resolve(&self, _: &Shape) -> Result<DimSet, DimError> {
        self.dims
    }
}

/// One pass over the input, with an operation for each of its elements.
pub(super) fn reduction_cost(x: &[&Tensor], shape: Shape) -> Cost {
    Cost {
        flop: x[0].count() as f64,
        bytes: bytes_moved(x, shape),
    }
}

struct Sum {
    over: Over,
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
        self.over.attributes()
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        self.over.infer("sum", x)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, [outer, reduced, inner]) = self.over.three_dims(x[0]);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            reduce::sum::<T>(x.as_slice(), outer, reduced, inner, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let shape = saved.shape(0);
        grads![gy.reshape(self.over.kept(shape)).expand(shape)]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        reduction_cost(x, shape)
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

/// The error of dimensions that do not fit.
pub(crate) fn misfit(operation: &'static str, shape: Shape, error: DimError) -> ShapeError {
    match error {
        DimError::Missing(dim) => no_such_dim(operation, shape, dim),
        DimError::Repeated(dim) => ShapeError::new(operation, format!("dimension {dim} of {shape} is named twice")),
    }
}

/// Dimension `dim` counted from the front, if there is one.
pub(crate) fn dim_of(operation: &'static str, shape: Shape, dim: isize) -> Result<usize, ShapeError> {
    shape.dim(dim).ok_or_else(|| no_such_dim(operation, shape, dim))
}

#[track_caller]
fn try_mean(x: &Tensor, over: Over) -> Result<Tensor, ShapeError> {
    let sum = super::try_apply(Sum { over }, &[x])?;
    Ok(sum / over.count(x.shape()) as f64)
}

/// Reductions. `dims` is `..` for all, one number or an array; negative numbers count from the end.
impl Tensor {
    operation! {
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
        pub fn sum / try_sum(&self, dims: impl Dims) = Sum { over: Over::new(this, dims, false) }, |this| [this]
    }

    operation! {
        /// The sum over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 3.0], [2.0, 2.0]]).requires_grad();
        /// let shares = &x / x.sum_keepdim(1);
        /// assert_eq!(shares.to_vec::<f32>(), [0.25, 0.75, 0.5, 0.5]);
        /// let slope = &x.sum_keepdim(1).sqr().sum(..).grad(&[&x])[0]; // twice the sum of the row
        /// assert_eq!(slope.to_vec::<f32>(), [8.0; 4]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn sum_keepdim / try_sum_keepdim(&self, dims: impl Dims) = Sum { over: Over::new(this, dims, true) }, |this| [this]
    }

    composition! {
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
        pub fn mean / try_mean(&self, dims: impl Dims) -> Tensor = |x| { try_mean(x, Over::new(x, dims, false)) }
    }

    composition! {
        /// The mean over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 3.0], [2.0, 6.0]]).requires_grad();
        /// let centred = &x - x.mean_keepdim(1);
        /// assert_eq!(centred.to_vec::<f32>(), [-1.0, 1.0, -2.0, 2.0]);
        /// assert_eq!(centred.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0; 4]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn mean_keepdim / try_mean_keepdim(&self, dims: impl Dims) -> Tensor = |x| {
            try_mean(x, Over::new(x, dims, true))
        }
    }
}
