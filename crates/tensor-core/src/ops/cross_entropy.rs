//! The loss of a classifier, from its logits.

use super::elementwise::same_float_type;
use super::index::{check_below, check_integers};
use super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::{operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::softmax;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Classes are dimension 1.
const CLASSES: usize = 1;

struct CrossEntropy;

impl Op for CrossEntropy {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "cross_entropy",
            formula: "y = -ln softmax(x)_t = ln Σ e^x - x_t, for the target t",
            rule: "gx = gy · (softmax(x) - [the class is t])",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let error = |problem: String| ShapeError::new("cross_entropy", problem);
        let (x, targets) = (inputs[0].shape(), inputs[1]);
        same_float_type("cross_entropy", &inputs[..1])?;
        if x.rank() < 2 {
            return Err(error(format!("needs logits [N, classes, ...], got {x}")));
        }
        if targets.shape() != x {
            check_integers("cross_entropy", "targets", targets)?;
        }
        let lines = Shape::new(&[&x[..CLASSES], &x[CLASSES + 1..]].concat());
        if targets.shape() != lines {
            let error = error(format!("logits {x} need targets {lines}, got {}", targets.shape()));
            return Err(match targets_hint(x, targets.shape(), lines) {
                Some(hint) => error.hint(hint),
                None => error,
            });
        }
        check_below("cross_entropy", "target", targets, x[CLASSES], || {
            format!("the {} classes of logits {x}", x[CLASSES])
        })?;
        Ok(lines)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let (x, targets) = (inputs[0].dense(), inputs[1].dense());
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            let sizes = x.shape().around(CLASSES);
            softmax::cross_entropy::<T>(x.as_slice(), targets.as_slice(), sizes, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::all_inputs()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| {
            let dim = CLASSES as isize;
            let log_probabilities = inputs[0].log_softmax(dim);
            -log_probabilities.gather(dim, &inputs[1].unsqueeze(dim)).squeeze(dim)
        })
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        let (x, targets, gy) = (saved.input(0).dense(), saved.input(1).dense(), gy.dense());
        let mut gx = Storage::for_overwrite(x.count(), x.dtype());
        with_float!(x.dtype(), T => {
            let (x, gy, sizes) = (x.as_slice::<T>(), gy.as_slice(), x.shape().around(CLASSES));
            softmax::cross_entropy_slope(x, targets.as_slice(), gy, sizes, gx.as_mut_slice());
        });
        Some(grads![Tensor::from_storage(gx, x.shape()), Grad::Zero])
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 3.0 * inputs[0].count() as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

/// The mistakes that are made most: one-hot targets, classes in the last dimension, a column of targets.
fn targets_hint(logits: Shape, targets: Shape, wanted: Shape) -> Option<&'static str> {
    if targets == logits {
        Some("a target is the number of a class: argmax(1) turns one-hot rows into numbers")
    } else if logits.rank() > 2 && logits[..logits.rank() - 1] == targets[..] {
        Some("classes are dimension 1: transpose(1, -1) brings them there")
    } else if targets.count() == wanted.count() && targets.rank() > wanted.rank() {
        Some("squeeze(-1) takes a dimension of size 1 away")
    } else {
        None
    }
}

impl Tensor {
    operation! {
        /// Cross entropy of these logits [N, classes, …] with `targets` [N, …], the numbers of the classes (U32), in nats: y = -ln softmax(x)_t, one number
        /// for each target. Sum it over the dimensions of a sample, average it over the batch.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let logits = Tensor::from([[0.0, 0.0], [500.0, 0.0]]).requires_grad();
        /// let loss = logits.cross_entropy(&Tensor::from_slice(&[1u32, 1], 2));
        /// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2, 500.0]);
        /// assert_eq!(loss.sum(..).grad(&[&logits])[0].to_vec::<f32>(), [0.5, -0.5, 1.0, -1.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit, or a target is not the number of a class.
        pub fn cross_entropy / try_cross_entropy(&self, targets: &Tensor) = CrossEntropy, |this| [this, targets]
    }
}
