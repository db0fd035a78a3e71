//! What an operation has to say about itself.

mod saved;

pub use saved::Saved;

use super::matmul::Factors;
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::ops::Deref;

/// The texts that describe an operation to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpInfo {
    /// The name, as in PyTorch where it has the operation.
    pub name: &'static str,
    /// What is computed, for example `y = eˣ`.
    pub formula: &'static str,
    /// The rule for the gradients, for example `gx = gy · y`.
    pub rule: &'static str,
}

/// What an operation costs: floating-point operations, and bytes that have to move at least.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Floating-point operations; an elementary function counts as one.
    pub flop: f64,
    /// Bytes of all inputs and the output.
    pub bytes: f64,
}

/// An operation on tensors, with its derivative.
///
/// There is no default for [`Op::vjp`]: an operation that cuts the graph without a word cannot be built.
///
/// ```
/// use tensor_core::ops::{Cost, Grads, Keeps, Op, OpInfo, Saved, apply, try_apply};
/// use tensor_core::{Shape, ShapeError, Tensor, grads};
///
/// /// y = c · Σ xᵢ over a vector.
/// struct WeighedSum {
///     factor: f64,
/// }
///
/// impl Op for WeighedSum {
///     fn info(&self) -> OpInfo {
///         OpInfo { name: "weighed_sum", formula: "y = c · Σ x", rule: "gx = c · gy, repeated" }
///     }
///     fn attributes(&self) -> Vec<(&'static str, String)> {
///         vec![("factor", self.factor.to_string())]
///     }
///     fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
///         match x[0].rank() {
///             1 => Ok(Shape::from(())),
///             _ => Err(ShapeError::new("weighed_sum", format!("needs a vector, got {}", x[0].shape()))),
///         }
///     }
///     fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
///         x[0].sum(..) * self.factor
///     }
///     fn keeps(&self) -> Keeps {
///         Keeps::nothing() // the shape of x is known anyway
///     }
///     fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
///         grads![(gy * self.factor).expand(saved.shape(0))]
///     }
///     fn cost(&self, x: &[&Tensor], _: Shape) -> Cost {
///         Cost { flop: x[0].count() as f64 + 1.0, bytes: 4.0 * (x[0].count() as f64 + 1.0) }
///     }
/// }
///
/// let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
/// let y = apply(WeighedSum { factor: 0.5 }, &[&x]);
/// assert_eq!(y.item(), 3.0);
/// assert_eq!(y.grad(&[&x])[0].to_vec::<f32>(), [0.5; 3]);
/// let error = try_apply(WeighedSum { factor: 0.5 }, &[&Tensor::zeros([2, 2])]).unwrap_err();
/// assert_eq!(error.problem(), "needs a vector, got [2, 2]");
/// ```
pub trait Op: Send + Sync + 'static {
    /// Name, formula and rule in words.
    fn info(&self) -> OpInfo;

    /// The attributes that distinguish this use of the operation: dimensions, a slope, a factor.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The shape of the output.
    ///
    /// # Errors
    /// If the inputs do not fit: what is wrong, with both shapes, and a hint where one is likely.
    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError>;

    /// Computes the output, which has the shape that [`Op::infer`] gave. Nothing that happens inside is recorded.
    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor;

    /// What the rule will need. The rest is not kept alive.
    fn keeps(&self) -> Keeps;

    /// The rule: the gradients of the inputs from the gradient of the output (a vector-Jacobian product). It is written with tensor operations, so that
    /// it can be differentiated again. It neither broadcasts back nor accumulates: the engine sums each gradient to its input's shape and
    /// adds up contributions.
    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads;

    /// A faster rule for the first order only, for operations whose `vjp` goes through a composition of others.
    fn vjp_fast(&self, _saved: &Saved<'_>, _gy: &Tensor) -> Option<Grads> {
        None
    }

    /// What one run costs. By default one floating-point operation for each element of the output.
    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        cost_of_elements(inputs, shape)
    }
}

/// One floating-point operation for each element of the output.
#[inline(never)]
fn cost_of_elements(inputs: &[&Tensor], shape: Shape) -> Cost {
    Cost {
        flop: shape.count() as f64,
        bytes: bytes_moved(inputs, shape),
    }
}

/// The bytes of all inputs and of an output of their type.
pub(crate) fn bytes_moved(inputs: &[&Tensor], shape: Shape) -> f64 {
    inputs.first().map_or(0.0, |x| bytes_moved_to(x.dtype(), inputs, shape))
}

/// The bytes of all inputs and of an output of another type.
pub(crate) fn bytes_moved_to(output: DType, inputs: &[&Tensor], shape: Shape) -> f64 {
    let read: usize = inputs.iter().map(|x| x.count() * x.dtype().size()).sum();
    (read + shape.count() * output.size()) as f64
}

/// What a rule says of one input.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::ops::Grad;
/// assert!(matches!(Grad::from(Tensor::from([1.0])), Grad::Is(gradient) if gradient.item() == 1.0));
/// assert!(matches!(Grad::from(None), Grad::Unwanted));
/// ```
#[derive(Clone, Debug)]
pub enum Grad {
    /// This gradient.
    Is(Tensor),
    /// The gradient is zero, on purpose: the output does not depend on this input, or is constant in it almost everywhere.
    Zero,
    /// A product that is added to what has arrived from elsewhere as it is computed. [`Saved::product`] makes it.
    AddProduct(Factors),
    /// Nobody asked. The engine refuses this for an input whose gradient is wanted.
    Unwanted,
}

impl From<Tensor> for Grad {
    fn from(gradient: Tensor) -> Grad {
        Grad::Is(gradient)
    }
}

/// `None` is [`Grad::Unwanted`], so that `saved.wants(i).then(|| …)` reads well.
impl From<Option<Tensor>> for Grad {
    fn from(gradient: Option<Tensor>) -> Grad {
        gradient.map_or(Grad::Unwanted, Grad::Is)
    }
}

/// One [`Grad`] for each input, in their order. Made by [`grads!`](crate::grads), or collected from an iterator.
///
/// ```
/// use tensor_core::ops::{Grad, Grads};
/// use tensor_core::{Tensor, grads};
/// let (gx, unwanted) = (Tensor::from([1.0]), None);
/// let grads: Grads = grads![gx, unwanted, Grad::Zero];
/// assert!(matches!(grads[..], [Grad::Is(_), Grad::Unwanted, Grad::Zero]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grads(
    /// In place for the few that most operations have: a vector would be an allocation for each rule that runs.
    SmallVec<[Grad; 3]>,
);

impl Grads {
    /// Adds what the rule says of the next input.
    pub fn push(&mut self, grad: Grad) {
        self.0.push(grad);
    }

    pub(crate) fn into_each(self) -> impl Iterator<Item = Grad> {
        self.0.into_iter()
    }
}

impl<const N: usize> From<[Grad; N]> for Grads {
    fn from(grads: [Grad; N]) -> Grads {
        grads.into_iter().collect()
    }
}

impl FromIterator<Grad> for Grads {
    fn from_iter<I: IntoIterator<Item = Grad>>(grads: I) -> Grads {
        Grads(grads.into_iter().collect())
    }
}

impl Extend<Grad> for Grads {
    fn extend<I: IntoIterator<Item = Grad>>(&mut self, grads: I) {
        self.0.extend(grads);
    }
}

impl Deref for Grads {
    type Target = [Grad];

    fn deref(&self) -> &[Grad] {
        &self.0
    }
}

impl From<Vec<Grad>> for Grads {
    fn from(grads: Vec<Grad>) -> Grads {
        grads.into_iter().collect()
    }
}

/// Collects what a rule says of each input into [`Grads`](crate::ops::Grads): tensors, `Option`s of tensors, or [`Grad`](crate::ops::Grad)s.
///
/// ```
/// use tensor_core::{Tensor, grads, ops::Grad};
/// assert!(matches!(grads![Tensor::from([2.0]), Grad::Zero][..], [Grad::Is(_), Grad::Zero]));
/// ```
#[macro_export]
macro_rules! grads {
    ($($grad:expr),+ $(,)?) => {
        $crate::ops::Grads::from([$($crate::ops::Grad::from($grad)),+])
    };
}

/// Which values an operation keeps for its rule.
///
/// ```
/// use tensor_core::ops::Keeps;
/// const SECOND_AND_OUTPUT: Keeps = Keeps::inputs(&[1]).and_output();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// One bit for each of the first 63 inputs; the last bit stands for all others.
    inputs: u64,
    output: bool,
}

const LAST: usize = 63;

impl Keeps {
    /// Shapes are enough.
    pub const fn nothing() -> Keeps {
        Keeps::inputs(&[])
    }

    /// These inputs, by number.
    ///
    /// # Panics
    /// If a number is 63 or more.
    pub const fn inputs(numbers: &[usize]) -> Keeps {
        let mut inputs = 0;
        let mut i = 0;
        while i < numbers.len() {
            assert!(numbers[i] < LAST, "inputs from 63 on are kept by all_inputs");
            inputs |= 1 << numbers[i];
            i += 1;
        }
        Keeps { inputs, output: false }
    }

    /// All inputs, however many there are.
    pub const fn all_inputs() -> Keeps {
        Keeps {
            inputs: u64::MAX,
            output: false,
        }
    }

    /// The output.
    pub const fn the_output() -> Keeps {
        Keeps::nothing().and_output()
    }

    /// The same and the output.
    #[must_use]
    pub const fn and_output(self) -> Keeps {
        Keeps { output: true, ..self }
    }

    pub(crate) fn input(self, number: usize) -> bool {
        self.inputs >> number.min(LAST) & 1 == 1
    }

    pub(crate) fn output(self) -> bool {
        self.output
    }
}
