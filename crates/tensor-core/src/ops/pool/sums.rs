//! Sums of windows, and their transpose.

use super::super::elementwise::same_float_type;
use super::super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::super::{apply, with_float};
use super::{CHECKED, Window};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::pool;
use crate::kernels::simd::Float;
use crate::kernels::window::Axis;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Sums of windows times a factor, y = f · Σ x over each window, and the transpose, in which a number is added to all places of its window. Each is
/// the other's derivative. Pooling by the mean is the one, upsampling by repetition is the other.
#[derive(Clone, Copy)]
pub(super) struct Pooling {
    window: Window,
    factor: f64,
    sum: &'static str,
    spread: &'static str,
}

impl Pooling {
    pub(super) fn mean(window: Window, name: &'static str, transposed: &'static str) -> Pooling {
        Pooling {
            window,
            factor: 1.0 / window.places(),
            sum: name,
            spread: transposed,
        }
    }

    pub(super) fn repetition(window: Window, name: &'static str, transposed: &'static str) -> Pooling {
        Pooling {
            window,
            factor: 1.0,
            sum: transposed,
            spread: name,
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        [self.window.attributes(), vec![("factor", self.factor.to_string())]].concat()
    }
}

pub(super) struct SumWindows(pub(super) Pooling);

impl Op for SumWindows {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.0.sum,
            formula: "y = f · Σ x over each window",
            rule: "gx = f · gy, added to all places of its window",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.0.attributes()
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.0.sum, x)?;
        let shape = x[0].shape();
        let output = self.0.window.axes(self.0.sum, shape)?.map(|axis| axis.output);
        self.0.window.sliding.shape(self.0.sum, shape[0], shape[1], output)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let axes = self.0.window.axes(self.0.sum, x[0].shape()).expect(CHECKED);
        let (x, factor) = (x[0].dense(), self.0.factor);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            pool::sum_windows(axes, T::from_f64(factor), x.as_slice(), out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let window = &self.0.window;
        let spread = SpreadWindows {
            pooling: self.0,
            unseen: window
                .sliding
                .output_padding(window.sliding.plane(saved.shape(0)), window.kernel),
        };
        grads![apply(spread, &[gy])]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        self.0.window.cost(shape.count(), x, shape)
    }
}

pub(super) struct SpreadWindows {
    pub(super) pooling: Pooling,
    /// Places at the end of the output that no window reaches.
    pub(super) unseen: [usize; 2],
}

impl SpreadWindows {
    /// The axes of the windows whose numbers are x.
    fn axes(&self, x: Shape) -> Result<[Axis; 2], ShapeError> {
        let (Window { kernel, sliding }, name) = (self.pooling.window, self.pooling.spread);
        sliding.check_input(name, x)?;
        let output = sliding.plane(x);
        let mut axes = [Axis::ABSENT; 2];
        for (axis, sizes) in axes.iter_mut().enumerate() {
            if kernel[axis] == 0 {
                return Err(ShapeError::new(
                    name,
                    format!("the scale is 0 for the input {x}, it is at least 1"),
                ));
            }
            let input = sliding.size_before(name, axis, x, output[axis], kernel[axis], self.unseen[axis])?;
            *sizes = sliding.sizes(axis, input, kernel[axis], output[axis]);
        }
        Ok(axes)
    }
}

impl Op for SpreadWindows {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.pooling.spread,
            formula: "y = Σ of f · x over the windows that see a place",
            rule: "gx = f · Σ gy over each window",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.pooling.attributes()
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let (name, shape) = (self.pooling.spread, x[0].shape());
        same_float_type(name, x)?;
        let plane = self.axes(shape)?.map(|axis| axis.input);
        self.pooling.window.sliding.shape(name, shape[0], shape[1], plane)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let axes = self.axes(x[0].shape()).expect(CHECKED);
        let (x, factor) = (x[0].dense(), self.pooling.factor);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            pool::spread_windows(axes, T::from_f64(factor), x.as_slice(), out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![apply(SumWindows(self.pooling), &[gy])]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        self.pooling.window.cost(x[0].count(), x, shape)
    }
}
