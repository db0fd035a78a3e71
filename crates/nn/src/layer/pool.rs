//! Pooling and upsampling of images as layers.

use super::Layer;
use crate::context::Context;
use crate::module::{Module, Visitor};
use tensor_core::Tensor;
use tensor_core::ops::{PerDim, Pool2dOptions};

macro_rules! pooling {
    ($(#[$doc:meta])* $name:ident => $operation:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            /// Height and width of the window.
            pub kernel: [usize; 2],
            /// From one position of the window to the next.
            pub stride: [usize; 2],
            /// Places around the image.
            pub padding: [usize; 2],
        }

        impl $name {
            /// Windows of this size side by side.
            pub fn new(kernel: impl PerDim<2>) -> $name {
                let kernel = kernel.per_dim();
                $name { kernel, stride: kernel, padding: [0; 2] }
            }

            /// The same with another stride.
            #[must_use]
            pub fn stride(self, stride: impl PerDim<2>) -> $name {
                $name { stride: stride.per_dim(), ..self }
            }

            /// The same with padding.
            #[must_use]
            pub fn padding(self, padding: impl PerDim<2>) -> $name {
                $name { padding: padding.per_dim(), ..self }
            }
        }

        impl Module for $name {
            fn visit(&self, _: &mut Visitor<'_>) {}
        }

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
                x.$operation(&Pool2dOptions::new(self.kernel).stride(self.stride).padding(self.padding))
            }
        }
    };
}

pooling! {
    /// The largest number of each window; see [`Tensor::max_pool2d`].
    ///
    /// ```
    /// use nn::{Context, Layer, MaxPool2d};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([[1.0, 5.0, 2.0], [3.0, 4.0, 0.0]]).reshape([1, 1, 2, 3]);
    /// let cx = &mut Context::evaluation(&Random::new(0));
    /// assert_eq!(MaxPool2d::new(2).forward(&x, cx).to_vec::<f32>(), [5.0]);
    /// assert_eq!(MaxPool2d::new(2).stride(1).forward(&x, cx).to_vec::<f32>(), [5.0, 5.0]);
    /// ```
    MaxPool2d => max_pool2d
}

pooling! {
    /// The mean of each window; see [`Tensor::avg_pool2d`].
    ///
    /// ```
    /// use nn::{AvgPool2d, Context, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([[1.0, 5.0, 2.0], [2.0, 4.0, 1.0]]).reshape([1, 1, 2, 3]);
    /// let cx = &mut Context::evaluation(&Random::new(0));
    /// assert_eq!(AvgPool2d::new(2).forward(&x, cx).to_vec::<f32>(), [3.0]);
    /// assert_eq!(AvgPool2d::new([1, 2]).padding([0, 1]).forward(&x, cx).to_vec::<f32>(), [0.5, 3.5, 1.0, 2.5]);
    /// ```
    AvgPool2d => avg_pool2d
}

/// Each number repeated in height and width: PyTorch's mode `nearest`. See [`Tensor::upsample_nearest2d`].
///
/// ```
/// use nn::{Context, Layer, Upsample};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([[1.0, 2.0]]).reshape([1, 1, 1, 2]);
/// let y = Upsample::new([1, 2]).forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample {
    /// How often a number stands in height and width.
    pub scale: [usize; 2],
}

impl Upsample {
    /// With this scale.
    pub fn new(scale: impl PerDim<2>) -> Upsample {
        Upsample { scale: scale.per_dim() }
    }
}

impl Module for Upsample {
    fn visit(&self, _: &mut Visitor<'_>) {}
}

impl Layer for Upsample {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.upsample_nearest2d(self.scale)
    }
}
