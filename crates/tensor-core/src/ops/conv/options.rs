//! How a window moves: PyTorch's words, with padding that may differ before and after.

/// A size for each of D dimensions: one number for all of them, or an array. In two dimensions the order is [height, width].
///
/// ```
/// use tensor_core::ops::PerDim;
/// assert_eq!(PerDim::<2>::per_dim(3), [3, 3]);
/// assert_eq!([3, 5].per_dim(), [3, 5]);
/// ```
pub trait PerDim<const D: usize> {
    /// The sizes.
    fn per_dim(self) -> [usize; D];
}

impl<const D: usize> PerDim<D> for usize {
    fn per_dim(self) -> [usize; D] {
        [self; D]
    }
}

impl<const D: usize> PerDim<D> for [usize; D] {
    fn per_dim(self) -> [usize; D] {
        self
    }
}

/// Padding (before, after) for each of D dimensions: one number for all sides, an array with a number for both sides of each dimension, or an
/// array of pairs, `[[top, bottom], [left, right]]`.
///
/// ```
/// use tensor_core::ops::Padding;
/// assert_eq!(Padding::<2>::sides(1), [[1, 1], [1, 1]]);
/// assert_eq!([1, 2].sides(), [[1, 1], [2, 2]]);
/// assert_eq!([[2, 0]].sides(), [[2, 0]]); // only before
/// ```
pub trait Padding<const D: usize> {
    /// The pairs.
    fn sides(self) -> [[usize; 2]; D];
}

impl<const D: usize> Padding<D> for usize {
    fn sides(self) -> [[usize; 2]; D] {
        [[self; 2]; D]
    }
}

impl<const D: usize> Padding<D> for [usize; D] {
    fn sides(self) -> [[usize; 2]; D] {
        self.map(|both| [both; 2])
    }
}

impl<const D: usize> Padding<D> for [[usize; 2]; D] {
    fn sides(self) -> [[usize; 2]; D] {
        self
    }
}

/// How the window of a convolution over D dimensions moves. By default one step at a time, without padding, over all channels.
///
/// ```
/// use tensor_core::ops::{Conv1dOptions, Conv2dOptions};
/// let halving = Conv2dOptions::default().stride(2).padding(1); // with a kernel of 4
/// assert_eq!((halving.stride, halving.padding), ([2, 2], [[1, 1], [1, 1]]));
/// let causal = Conv1dOptions::default().padding([[2, 0]]); // with a kernel of 3: sees no future
/// assert_eq!(causal.padding, [[2, 0]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvOptions<const D: usize> {
    /// Places from one position of the window to the next.
    pub stride: [usize; D],
    /// Zeros around the input: (before, after) for each dimension.
    pub padding: [[usize; 2]; D],
    /// Places from one that the window sees to the next; 1 is a window without gaps.
    pub dilation: [usize; D],
    /// Convolutions side by side, each on its own part of the channels.
    pub groups: usize,
}

/// Options of [`Tensor::conv1d`](crate::Tensor::conv1d).
pub type Conv1dOptions = ConvOptions<1>;
/// Options of [`Tensor::conv2d`](crate::Tensor::conv2d).
pub type Conv2dOptions = ConvOptions<2>;

impl<const D: usize> Default for ConvOptions<D> {
    fn default() -> ConvOptions<D> {
        ConvOptions {
            stride: [1; D],
            padding: [[0; 2]; D],
            dilation: [1; D],
            groups: 1,
        }
    }
}

impl<const D: usize> ConvOptions<D> {
    /// With this stride.
    #[must_use]
    pub fn stride(self, stride: impl PerDim<D>) -> ConvOptions<D> {
        ConvOptions {
            stride: stride.per_dim(),
            ..self
        }
    }

    /// With this padding.
    #[must_use]
    pub fn padding(self, padding: impl Padding<D>) -> ConvOptions<D> {
        ConvOptions {
            padding: padding.sides(),
            ..self
        }
    }

    /// With this dilation.
    #[must_use]
    pub fn dilation(self, dilation: impl PerDim<D>) -> ConvOptions<D> {
        ConvOptions {
            dilation: dilation.per_dim(),
            ..self
        }
    }

    /// In this many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> ConvOptions<D> {
        ConvOptions { groups, ..self }
    }
}

/// How the window of a transposed convolution over D dimensions moves: the options of the convolution whose transpose it is, and the size of the
/// output where that leaves a choice.
///
/// ```
/// use tensor_core::ops::ConvTranspose2dOptions;
/// let doubling = ConvTranspose2dOptions::default().stride(2).padding(1); // with a kernel of 4
/// assert_eq!(doubling.conv.stride, [2, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvTransposeOptions<const D: usize> {
    /// The convolution from the output back to the input. Its padding is taken off the output.
    pub conv: ConvOptions<D>,
    /// Places added at the end of the output. Less than the stride: as many sizes of output as the stride lead to one size of input.
    pub output_padding: [usize; D],
}

/// Options of [`Tensor::conv_transpose1d`](crate::Tensor::conv_transpose1d).
pub type ConvTranspose1dOptions = ConvTransposeOptions<1>;
/// Options of [`Tensor::conv_transpose2d`](crate::Tensor::conv_transpose2d).
pub type ConvTranspose2dOptions = ConvTransposeOptions<2>;

impl<const D: usize> Default for ConvTransposeOptions<D> {
    fn default() -> ConvTransposeOptions<D> {
        ConvTransposeOptions {
            conv: ConvOptions::default(),
            output_padding: [0; D],
        }
    }
}

impl<const D: usize> ConvTransposeOptions<D> {
    /// With this stride.
    #[must_use]
    pub fn stride(self, stride: impl PerDim<D>) -> ConvTransposeOptions<D> {
        self.with(self.conv.stride(stride))
    }

    /// With this much taken off the output.
    #[must_use]
    pub fn padding(self, padding: impl Padding<D>) -> ConvTransposeOptions<D> {
        self.with(self.conv.padding(padding))
    }

    /// With this much added at the end of the output.
    #[must_use]
    pub fn output_padding(self, output_padding: impl PerDim<D>) -> ConvTransposeOptions<D> {
        ConvTransposeOptions {
            output_padding: output_padding.per_dim(),
            ..self
        }
    }

    /// With this dilation.
    #[must_use]
    pub fn dilation(self, dilation: impl PerDim<D>) -> ConvTransposeOptions<D> {
        self.with(self.conv.dilation(dilation))
    }

    /// In this many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> ConvTransposeOptions<D> {
        self.with(self.conv.groups(groups))
    }

    fn with(self, conv: ConvOptions<D>) -> ConvTransposeOptions<D> {
        ConvTransposeOptions { conv, ..self }
    }
}
