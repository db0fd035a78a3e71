//! The window of a pooling operation.

use super::super::conv::PerDim;

/// The window of a pooling operation over D dimensions, and how it moves. By default windows lie side by side, without padding.
///
/// ```
/// use tensor_core::ops::Pool2dOptions;
/// let halving = Pool2dOptions::new(2);
/// assert_eq!((halving.kernel, halving.stride, halving.padding), ([2, 2], [2, 2], [0, 0]));
/// let overlapping = Pool2dOptions::new([3, 5]).stride(1).padding([1, 2]); // keeps the size
/// assert_eq!((overlapping.stride, overlapping.padding), ([1, 1], [1, 2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions<const D: usize> {
    /// The size of the window.
    pub kernel: [usize; D],
    /// Places from one position of the window to the next.
    pub stride: [usize; D],
    /// Places around the input, on both sides of each dimension: at most half of the window.
    pub padding: [usize; D],
}

/// Options of [`Tensor::max_pool1d`](crate::Tensor::max_pool1d) and [`Tensor::avg_pool1d`](crate::Tensor::avg_pool1d).
pub type Pool1dOptions = PoolOptions<1>;
/// Options of [`Tensor::max_pool2d`](crate::Tensor::max_pool2d) and [`Tensor::avg_pool2d`](crate::Tensor::avg_pool2d).
pub type Pool2dOptions = PoolOptions<2>;

impl<const D: usize> PoolOptions<D> {
    /// Windows of this size, side by side.
    pub fn new(kernel: impl PerDim<D>) -> PoolOptions<D> {
        let kernel = kernel.per_dim();
        PoolOptions {
            kernel,
            stride: kernel,
            padding: [0; D],
        }
    }

    /// With this stride.
    #[must_use]
    pub fn stride(self, stride: impl PerDim<D>) -> PoolOptions<D> {
        PoolOptions {
            stride: stride.per_dim(),
            ..self
        }
    }

    /// With this padding.
    #[must_use]
    pub fn padding(self, padding: impl PerDim<D>) -> PoolOptions<D> {
        PoolOptions {
            padding: padding.per_dim(),
            ..self
        }
    }
}
