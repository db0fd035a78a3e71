//! Convolution over one or two dimensions, and the transposed convolution.

mod operations;
mod options;
mod shapes;

pub use options::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, ConvTransposeOptions,
    Padding, PerDim,
};

use super::op::Op;
use super::sliding::Sliding;
use super::{composition, try_apply};
use crate::error::ShapeError;
use crate::tensor::Tensor;
use operations::{Conv, ConvTranspose};

#[track_caller]
fn apply_with(op: impl Op, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, ShapeError> {
    match bias {
        Some(bias) => try_apply(op, &[x, weight, bias]),
        None => try_apply(op, &[x, weight]),
    }
}

/// Convolutions (F32, F64), with weights in PyTorch's layouts. The window is not flipped: they are cross-correlations, as everywhere in the field.
impl Tensor {
    composition! {
        /// The convolution of images [N, C, H, W] with a `weight` [O, C / groups, h, w] and a `bias` \[O\]:
        ///
        /// y[n, o, u, v] = b\[o\] + Σ over c, i, j of w[o, c, i, j] · x[n, c, u · stride + i · dilation - top, v · stride + j · dilation - left],
        ///
        /// where x is 0 outside. The output is [N, O, H', W'] with H' = ⌊(H + top + bottom - dilation · (h - 1) - 1) / stride⌋ + 1. With groups, the
        /// channels of x and those of y are divided in parts, and each part of y sees its part of x only.
        ///
        /// Its gradients are convolutions too: by x a transposed one of gy with the same weight, by the weight one of x with gy, and by the bias
        /// the sum of gy over n, u and v.
        ///
        /// ```
        /// use tensor_core::{Tensor, ops::Conv2dOptions};
        /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]).reshape([1, 1, 2, 2]).requires_grad();
        /// let w = Tensor::from([10.0, 1.0]).reshape([1, 1, 1, 2]).requires_grad();
        /// let y = x.conv2d(&w, None, &Conv2dOptions::default()); // 10 · left + right
        /// assert_eq!(y.to_vec::<f32>(), [12.0, 34.0]);
        /// let [gx, gw] = &y.sum(..).grad(&[&x, &w])[..] else { unreachable!() };
        /// assert_eq!(gx.to_vec::<f32>(), [10.0, 1.0, 10.0, 1.0]);
        /// assert_eq!(gw.to_vec::<f32>(), [1.0 + 3.0, 2.0 + 4.0]);
        /// let halved = x.conv2d(&w, Some(&Tensor::from([0.5])), &Conv2dOptions::default().stride(2).padding([[0, 0], [1, 1]]));
        /// assert_eq!(halved.to_vec::<f32>(), [1.5, 20.5]); // 10 · 0 + 1 and 10 · 2 + 0, and the bias
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit each other or the options.
        pub fn conv2d / try_conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: &Conv2dOptions) -> Tensor = |this| {
            let op = Conv { sliding: Sliding::over(options) };
            apply_with(op, this, weight, bias)
        }
    }

    composition! {
        /// The convolution of sequences [N, C, L] with a `weight` [O, C / groups, l] and a `bias` \[O\]; see [`Tensor::conv2d`].
        ///
        /// ```
        /// use tensor_core::{Tensor, ops::Conv1dOptions};
        /// let x = Tensor::from([1.0, 2.0, 4.0]).reshape([1, 1, 3]).requires_grad();
        /// let difference = Tensor::from([-1.0, 1.0]).reshape([1, 1, 2]);
        /// let y = x.conv1d(&difference, None, &Conv1dOptions::default());
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [-1.0, 0.0, 1.0]);
        /// let causal = x.conv1d(&difference, None, &Conv1dOptions::default().padding([[1, 0]]));
        /// assert_eq!(causal.to_vec::<f32>(), [1.0, 1.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::conv2d`].
        pub fn conv1d / try_conv1d(&self, weight: &Tensor, bias: Option<&Tensor>, options: &Conv1dOptions) -> Tensor = |this| {
            let op = Conv { sliding: Sliding::along(options) };
            apply_with(op, this, weight, bias)
        }
    }

    composition! {
        /// The transposed convolution of images [N, C, H, W] with a `weight` [C, O / groups, h, w] and a `bias` \[O\]: what is the gradient of
        /// [`Tensor::conv2d`] by its input. Each number of x adds its multiple of the kernel to the output, `stride` apart:
        ///
        /// y[n, o, u · stride + i · dilation - top, v · stride + j · dilation - left] += x[n, c, u, v] · w[c, o, i, j], and b\[o\] once.
        ///
        /// The output is [N, O, H', W'] with H' = (H - 1) · stride + dilation · (h - 1) + 1 + output_padding - top - bottom.
        ///
        /// ```
        /// use tensor_core::{Tensor, ops::ConvTranspose2dOptions};
        /// let x = Tensor::from([1.0, 2.0]).reshape([1, 1, 1, 2]).requires_grad();
        /// let w = Tensor::from([1.0, 10.0]).reshape([1, 1, 1, 2]).requires_grad();
        /// let y = x.conv_transpose2d(&w, None, &ConvTranspose2dOptions::default().stride([1, 2]));
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 10.0, 2.0, 20.0]);
        /// let [gx, gw] = &y.sum(..).grad(&[&x, &w])[..] else { unreachable!() };
        /// assert_eq!(gx.to_vec::<f32>(), [11.0, 11.0]);
        /// assert_eq!(gw.to_vec::<f32>(), [3.0, 3.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit each other or the options.
        pub fn conv_transpose2d / try_conv_transpose2d(
            &self,
            weight: &Tensor,
            bias: Option<&Tensor>,
            options: &ConvTranspose2dOptions
        ) -> Tensor = |this| {
            let op = ConvTranspose {
                sliding: Sliding::over(&options.conv),
                output_padding: options.output_padding,
            };
            apply_with(op, this, weight, bias)
        }
    }

    composition! {
        /// The transposed convolution of sequences [N, C, L] with a `weight` [C, O / groups, l] and a `bias` \[O\]; see [`Tensor::conv_transpose2d`].
        ///
        /// ```
        /// use tensor_core::{Tensor, ops::ConvTranspose1dOptions};
        /// let x = Tensor::from([1.0, 2.0]).reshape([1, 1, 2]).requires_grad();
        /// let w = Tensor::from([1.0, 10.0, 100.0]).reshape([1, 1, 3]);
        /// let y = x.conv_transpose1d(&w, None, &ConvTranspose1dOptions::default());
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 12.0, 120.0, 200.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [111.0, 111.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::conv_transpose2d`].
        pub fn conv_transpose1d / try_conv_transpose1d(
            &self,
            weight: &Tensor,
            bias: Option<&Tensor>,
            options: &ConvTranspose1dOptions
        ) -> Tensor = |this| {
            let op = ConvTranspose {
                sliding: Sliding::along(&options.conv),
                output_padding: [0, options.output_padding[0]],
            };
            apply_with(op, this, weight, bias)
        }
    }
}
