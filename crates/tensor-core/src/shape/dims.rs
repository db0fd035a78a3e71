//! Some of the dimensions of a shape: how operations are told which.

use super::{MAX_RANK, Shape};
use std::ops::RangeFull;

/// A set of dimensions of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DimSet(u16);

impl DimSet {
    /// Whether dimension `dim` is in the set.
    pub fn contains(self, dim: usize) -> bool {
        self.0 & (1 << dim) != 0
    }

    /// The set with dimension `dim` as well.
    #[must_use]
    pub fn with(self, dim: usize) -> DimSet {
        DimSet(self.0 | (1 << dim))
    }

    /// The dimensions that are in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_RANK).filter(move |&dim| self.contains(dim))
    }
}

/// What a reduction accepts as its dimensions: `..` for all, one number, or an array; negative numbers count from the end.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::shape::Dims;
/// fn spread(x: &Tensor, dims: impl Dims + Copy) -> Tensor {
///     x.max(dims) - x.min(dims)
/// }
/// let x = Tensor::from([[1.0, 5.0], [2.0, 9.0]]).requires_grad();
/// assert_eq!(spread(&x, ..).item(), 8.0);
/// assert_eq!(spread(&x, [0, -1]).item(), 8.0);
/// let rows = spread(&x, 1);
/// assert_eq!(rows.to_vec::<f32>(), [4.0, 7.0]);
/// assert_eq!(rows.sum(..).grad(&[&x])[0].to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
pub trait Dims {
    /// The dimensions of `shape` that are meant.
    ///
    /// # Errors
    /// The first one that does not fit.
    fn resolve(&self, shape: &Shape) -> Result<DimSet, DimError>;
}

/// Why a dimension does not fit a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DimError {
    /// There is none of this number.
    Missing(isize),
    /// It is named a second time, perhaps from the other end.
    Repeated(isize),
}

impl Dims for RangeFull {
    fn resolve(&self, shape: &Shape) -> Result<DimSet, DimError> {
        Ok((0..shape.rank()).fold(DimSet::default(), DimSet::with))
    }
}

impl Dims for isize {
    fn resolve(&self, shape: &Shape) -> Result<DimSet, DimError> {
        [*self].resolve(shape)
    }
}

impl Dims for &[isize] {
    fn resolve(&self, shape: &Shape) -> Result<DimSet, DimError> {
        self.iter().try_fold(DimSet::default(), |set, &named| {
            let dim = shape.dim(named).ok_or(DimError::Missing(named))?;
            if set.contains(dim) {
                return Err(DimError::Repeated(named));
            }
            Ok(set.with(dim))
        })
    }
}

impl<const N: usize> Dims for [isize; N] {
    fn resolve(&self, shape: &Shape) -> Result<DimSet, DimError> {
        self.as_slice().resolve(shape)
    }
}
