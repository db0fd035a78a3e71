//! Pooling and upsampling of sequences and images as layers.

use super::{Layer, SEQUENCES_AND_IMAGES};
use crate::context::Context;
use tensor_core::ops::{PerDim, Pool1dOptions, Pool2dOptions, PoolOptions};
use tensor_core::{Shape, ShapeError, Tensor};

/// A layer that pools windows of so many dimensions by an operation.
macro_rules! pooling {
    ($(#[$doc:meta])* $name:ident, $dims:literal, $options:ident, $operation:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            /// The window and how it moves.
            pub options: $options,
        }

        impl $name {
            /// Windows of this size side by side.
            pub fn new(kernel: impl PerDim<$dims>) -> $name {
                $name::with_options(PoolOptions::new(kernel))
            }

            /// Windows that overlap or leave gaps, or reach into padding.
            pub fn with_options(options: $options) -> $name {
                $name { options }
            }
        }

        has_no_parts!($name);

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
                x.$operation(&self.options)
            }
        }
    };
}

pooling! {
    /// The largest number of each window of images: X [N, C, H, W], Y [N, C, H', W'], F32 or F64; see [`Tensor::max_pool2d`].
    ///
    /// ```
    /// use nn::{Context, Layer, MaxPool2d};
    /// use tensor_core::{Random, Tensor, ops::Pool2dOptions};
    /// let x = Tensor::from([[1.0, 5.0, 2.0], [3.0, 4.0, 0.0]]).reshape([1, 1, 2, 3]).requires_grad();
    /// let cx = &mut Context::evaluation(&Random::new(0));
    /// assert_eq!(MaxPool2d::new(2).forward(&x, cx).to_vec::<f32>(), [5.0]);
    /// let y = MaxPool2d::with_options(Pool2dOptions::new(2).stride(1)).forward(&x, cx);
    /// assert_eq!(y.to_vec::<f32>(), [5.0, 5.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of images, or the window larger than they are with their padding.
    MaxPool2d, 2, Pool2dOptions, max_pool2d
}

pooling! {
    /// The largest number of each window of sequences: X [N, C, L], Y [N, C, L'], F32 or F64; see [`Tensor::max_pool1d`].
    ///
    /// ```
    /// use nn::{Context, Layer, MaxPool1d};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([1.0, 5.0, 2.0, 3.0]).reshape([1, 1, 4]).requires_grad();
    /// let y = MaxPool1d::new(2).forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [5.0, 3.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of sequences, or the window longer than they are with their padding.
    MaxPool1d, 1, Pool1dOptions, max_pool1d
}

pooling! {
    /// The mean of each window of images, padding included: X [N, C, H, W], Y [N, C, H', W'], F32 or F64; see [`Tensor::avg_pool2d`].
    ///
    /// ```
    /// use nn::{AvgPool2d, Context, Layer};
    /// use tensor_core::{Random, Tensor, ops::Pool2dOptions};
    /// let x = Tensor::from([[1.0, 5.0, 2.0], [2.0, 4.0, 1.0]]).reshape([1, 1, 2, 3]).requires_grad();
    /// let cx = &mut Context::evaluation(&Random::new(0));
    /// assert_eq!(AvgPool2d::new(2).forward(&x, cx).to_vec::<f32>(), [3.0]);
    /// let y = AvgPool2d::with_options(Pool2dOptions::new([1, 2]).padding([0, 1])).forward(&x, cx);
    /// assert_eq!(y.to_vec::<f32>(), [0.5, 3.5, 1.0, 2.5]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5; 6]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of images, or the window larger than they are with their padding.
    AvgPool2d, 2, Pool2dOptions, avg_pool2d
}

pooling! {
    /// The mean of each window of sequences, padding included: X [N, C, L], Y [N, C, L'], F32 or F64; see [`Tensor::avg_pool1d`].
    ///
    /// ```
    /// use nn::{AvgPool1d, Context, Layer};
    /// use tensor_core::{Random, Tensor, ops::Pool1dOptions};
    /// let x = Tensor::from([1.0, 5.0, 2.0]).reshape([1, 1, 3]).requires_grad();
    /// let y = AvgPool1d::with_options(Pool1dOptions::new(2).stride(1)).forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [3.0, 3.5]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 1.0, 0.5]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of sequences, or the window longer than they are with their padding.
    AvgPool1d, 1, Pool1dOptions, avg_pool1d
}

/// Each number repeated in all dimensions behind the channels: PyTorch's mode `nearest`. X [N, C, L] or [N, C, H, W], F32 or F64; see
/// [`Tensor::upsample_nearest1d`] and [`Tensor::upsample_nearest2d`].
///
/// ```
/// use nn::{Context, Layer, Upsample};
/// use tensor_core::{Random, Tensor};
/// let cx = &mut Context::evaluation(&Random::new(0));
/// let x = Tensor::from([1.0, 2.0]).reshape([1, 1, 2]).requires_grad();
/// let y = Upsample::new(3).forward(&x, cx);
/// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 3.0]);
/// let image = Upsample::new([2, 1]).forward(&x.reshape([1, 1, 1, 2]), cx);
/// assert_eq!(image.to_vec::<f32>(), [1.0, 2.0, 1.0, 2.0]);
/// ```
///
/// # Panics
/// At the caller's line, if the input is neither, or is sequences and height and width have scales of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upsample {
    /// How often a number stands in height and width. For sequences both are the same.
    pub scale: [usize; 2],
}

impl Upsample {
    /// With this scale: a number, or for images one for the height and one for the width.
    pub fn new(scale: impl PerDim<2>) -> Upsample {
        Upsample { scale: scale.per_dim() }
    }

    fn check(self, x: Shape) -> Result<(), ShapeError> {
        const KIND: &str = "Upsample";
        SEQUENCES_AND_IMAGES.check(KIND, x, "Unflatten makes images of vectors")?;
        let [height, width] = self.scale;
        if x.rank() == 3 && height != width {
            let problem = format!("scales {height} and {width} are for images, got sequences {x}");
            return Err(ShapeError::new(KIND, problem).hint("one number is a scale for both"));
        }
        Ok(())
    }
}

has_no_parts!(Upsample);

impl Layer for Upsample {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        if let Err(error) = self.check(x.shape()) {
            error.raise();
        }
        match x.rank() {
            3 => x.upsample_nearest1d(self.scale[0]),
            _ => x.upsample_nearest2d(self.scale),
        }
    }
}
