//! Pooling and upsampling: a number for each window, and the way back.

mod max;
mod options;
mod sums;

use super::conv::{ConvOptions, PerDim};
use super::op::{Cost, bytes_moved};
use super::sliding::Sliding;
use super::{composition, try_apply};
use crate::error::ShapeError;
use crate::kernels::window::Axis;
use crate::shape::Shape;
use crate::tensor::Tensor;
use max::max_pool;
pub use options::{Pool1dOptions, Pool2dOptions, PoolOptions};
use sums::{Pooling, SpreadWindows, SumWindows};

const CHECKED: &str = "infer checked the shapes";

/// A window of a fixed size that slides over planes.
#[derive(Clone, Copy)]
struct Window {
    kernel: [usize; 2],
    sliding: Sliding,
}

impl Window {
    fn along(options: &Pool1dOptions) -> Window {
        let [kernel] = options.kernel;
        Window {
            kernel: [1, kernel],
            sliding: Sliding::along(&movement(options)),
        }
    }

    fn over(options: &Pool2dOptions) -> Window {
        Window {
            kernel: options.kernel,
            sliding: Sliding::over(&movement(options)),
        }
    }

    /// The axes of planes of this shape.
    ///
    /// # Errors
    /// If the window does not fit them.
    fn axes(&self, name: &'static str, x: Shape) -> Result<[Axis; 2], ShapeError> {
        self.sliding.check_options(name, x)?;
        self.sliding.check_input(name, x)?;
        let input = self.sliding.plane(x);
        let mut axes = [Axis::ABSENT; 2];
        for (axis, sizes) in axes.iter_mut().enumerate() {
            let (kernel, [padding, _]) = (self.kernel[axis], self.sliding.options.padding[axis]);
            if kernel == 0 {
                return Err(ShapeError::new(
                    name,
                    format!("kernel is 0 for the input {x}, it is at least 1"),
                ));
            }
            if padding > kernel / 2 {
                let problem =
                    format!("padding {padding} of the input {x} is more than half of the kernel, which is {kernel}");
                return Err(ShapeError::new(name, problem).hint("a window would see nothing but padding"));
            }
            *sizes = self.sliding.axis(name, axis, x, input[axis], kernel)?;
        }
        Ok(axes)
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let kernel = &self.kernel[2 - self.sliding.dims..];
        let mut attributes = vec![("kernel", format!("{kernel:?}"))];
        attributes.extend(self.sliding.attributes());
        attributes
    }

    /// How many places the window has.
    fn places(&self) -> f64 {
        self.kernel.iter().map(|&size| size as f64).product()
    }

    /// An addition or a comparison for each place of each of these windows.
    fn cost(&self, windows: usize, x: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: windows as f64 * self.places(),
            bytes: bytes_moved(x, shape),
        }
    }
}

fn movement<const D: usize>(options: &PoolOptions<D>) -> ConvOptions<D> {
    ConvOptions::default().stride(options.stride).padding(options.padding)
}

/// Pooling and upsampling of images [N, C, H, W] and sequences [N, C, L] (F32, F64). A size is a number, or an array with one for each dimension.
impl Tensor {
    composition! {
        /// The largest number that each window sees of images [N, C, H, W] (F32 or F64): [N, C, H', W'] with
        /// H' = ⌊(H + 2 · padding - kernel) / stride⌋ + 1, in the same type. Padding is -∞. NaN counts as the largest. The gradient goes to the number
        /// that was the largest, the first of several.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// use tensor_core::ops::Pool2dOptions;
        /// let x = Tensor::from([[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 0.0, 1.0]]).reshape([1, 1, 2, 4]).requires_grad();
        /// let y = x.max_pool2d(&Pool2dOptions::new(2));
        /// assert_eq!(y.to_vec::<f32>(), [5.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the window is larger than the padded image, or the padding more than half of the window, or a plane has more places than U32 can name.
        pub fn max_pool2d / try_max_pool2d(&self, options: &Pool2dOptions) -> Tensor = |this| {
            max_pool(this, Window::over(options), "max_pool2d")
        }
    }

    composition! {
        /// [`Tensor::max_pool2d`] of sequences [N, C, L] (F32 or F64): [N, C, L'].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// use tensor_core::ops::Pool1dOptions;
        /// let x = Tensor::from([1.0, 5.0, 2.0]).reshape([1, 1, 3]).requires_grad();
        /// let y = x.max_pool1d(&Pool1dOptions::new(2).stride(1));
        /// assert_eq!(y.to_vec::<f32>(), [5.0, 5.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 2.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max_pool2d`].
        pub fn max_pool1d / try_max_pool1d(&self, options: &Pool1dOptions) -> Tensor = |this| {
            max_pool(this, Window::along(options), "max_pool1d")
        }
    }

    composition! {
        /// The mean of what each window sees of images [N, C, H, W] (F32 or F64): [N, C, H', W'] as for [`Tensor::max_pool2d`]. Padding counts as zeros,
        /// and the sum is divided by the whole size of the window (PyTorch's `count_include_pad`). The gradient of each mean is shared equally.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// use tensor_core::ops::Pool2dOptions;
        /// let x = Tensor::from([[1.0, 5.0, 2.0, 2.0], [3.0, 7.0, 0.0, 0.0]]).reshape([1, 1, 2, 4]).requires_grad();
        /// let y = x.avg_pool2d(&Pool2dOptions::new(2));
        /// assert_eq!(y.to_vec::<f32>(), [4.0, 1.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.25; 8]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max_pool2d`].
        pub fn avg_pool2d / try_avg_pool2d(&self, options: &Pool2dOptions) -> Tensor = |this| {
            let window = Window::over(options);
            try_apply(SumWindows(Pooling::mean(window, "avg_pool2d", "avg_pool2d_transposed")), &[this])
        }
    }

    composition! {
        /// [`Tensor::avg_pool2d`] of sequences [N, C, L] (F32 or F64): [N, C, L'].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// use tensor_core::ops::Pool1dOptions;
        /// let x = Tensor::from([1.0, 5.0, 2.0]).reshape([1, 1, 3]).requires_grad();
        /// let y = x.avg_pool1d(&Pool1dOptions::new(2).stride(1));
        /// assert_eq!(y.to_vec::<f32>(), [3.0, 3.5]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 1.0, 0.5]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max_pool2d`].
        pub fn avg_pool1d / try_avg_pool1d(&self, options: &Pool1dOptions) -> Tensor = |this| {
            let window = Window::along(options);
            try_apply(SumWindows(Pooling::mean(window, "avg_pool1d", "avg_pool1d_transposed")), &[this])
        }
    }

    composition! {
        /// Each number of images [N, C, H, W] (F32 or F64) repeated `scale` times in height and width: [N, C, H · scale, W · scale]. The gradient is the
        /// sum over each block.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0]]).reshape([1, 1, 1, 2]).requires_grad();
        /// let y = x.upsample_nearest2d([1, 3]);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 3.0]);
        /// ```
        ///
        /// # Panics
        /// If the scale is 0 or the images have no places.
        pub fn upsample_nearest2d / try_upsample_nearest2d(&self, scale: impl PerDim<2>) -> Tensor = |this| {
            let window = Window::over(&PoolOptions::new(scale));
            let pooling = Pooling::repetition(window, "upsample_nearest2d", "upsample_nearest2d_transposed");
            try_apply(SpreadWindows { pooling, unseen: [0, 0] }, &[this])
        }
    }

    composition! {
        /// [`Tensor::upsample_nearest2d`] of sequences [N, C, L] (F32 or F64): [N, C, L · scale].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).reshape([1, 1, 2]).requires_grad();
        /// let y = x.upsample_nearest1d(2);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [2.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::upsample_nearest2d`].
        pub fn upsample_nearest1d / try_upsample_nearest1d(&self, scale: impl PerDim<1>) -> Tensor = |this| {
            let window = Window::along(&PoolOptions::new(scale));
            let pooling = Pooling::repetition(window, "upsample_nearest1d", "upsample_nearest1d_transposed");
            try_apply(SpreadWindows { pooling, unseen: [0, 0] }, &[this])
        }
    }
}
