//! What an operation has to say about itself.

use crate::autograd::graph::{Node, Record};
use crate::autograd::is_recording;
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::SmallVec;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

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
        Cost {
            flop: shape.count() as f64,
            bytes: bytes_moved(inputs, shape),
        }
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

/// What a rule finds of the run that it differentiates: the values that [`Op::keeps`] names, the shapes and types of all inputs, and which gradients
/// are asked for.
///
/// ```
/// use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
/// use tensor_core::{Shape, ShapeError, Tensor, grads};
///
/// /// y = a e^b
/// struct TimesExp;
///
/// impl Op for TimesExp {
///     fn info(&self) -> OpInfo {
///         OpInfo { name: "times_exp", formula: "y = a e^b", rule: "ga = gy · e^b, gb = gy · y" }
///     }
///     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
///         Ok(inputs[0].shape())
///     }
///     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
///         inputs[0] * inputs[1].exp()
///     }
///     fn keeps(&self) -> Keeps {
///         Keeps::inputs(&[1]).and_output()
///     }
///     fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
///         grads![
///             saved.wants(0).then(|| gy * saved.input(1).exp()),
///             saved.wants(1).then(|| gy * saved.output()),
///         ]
///     }
/// }
///
/// let (a, b) = (Tensor::from([3.0]).requires_grad(), Tensor::from([0.0]).requires_grad());
/// let y = apply(TimesExp, &[&a, &b]);
/// let gradients = y.grad_graph(&[&a, &b]);
/// assert_eq!((y.item(), gradients[0].item(), gradients[1].item()), (3.0, 1.0, 3.0));
/// assert_eq!(gradients[1].grad(&[&b])[0].item(), 3.0); // by way of the output
/// ```
pub struct Saved<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) record: &'a Record,
    pub(crate) wanted: &'a dyn Fn(usize) -> bool,
}

impl Saved<'_> {
    /// Whether the gradient of input `index` is asked for. A rule asks before it computes one that costs something.
    pub fn wants(&self, index: usize) -> bool {
        (self.wanted)(index)
    }

    /// How many inputs there are.
    pub fn count(&self) -> usize {
        self.record.inputs.len()
    }

    /// An input, tracked as it was.
    ///
    /// # Panics
    /// If [`Op::keeps`] does not name it.
    pub fn input(&self, index: usize) -> &Tensor {
        match &self.record.inputs[index] {
            crate::autograd::graph::Input::Kept(tensor) => tensor,
            _ => {
                panic!(
                    "{}: the rule reads input {index}, which `keeps` does not name",
                    self.record.op.info().name
                )
            }
        }
    }

    /// The shape of an input.
    pub fn shape(&self, index: usize) -> Shape {
        self.record.inputs[index].shape()
    }

    /// The type of an input.
    pub fn dtype(&self, index: usize) -> DType {
        self.record.inputs[index].dtype()
    }

    /// The user's line where the operation ran, for messages.
    pub fn location(&self) -> &'static Location<'static> {
        self.record.location
    }

    /// The output, tracked: its handle is rebuilt, so that a second derivative finds its way through it.
    ///
    /// # Panics
    /// If [`Op::keeps`] does not name it.
    pub fn output(&self) -> Tensor {
        let buffer = self.record.output.as_ref().unwrap_or_else(|| {
            panic!(
                "{}: the rule reads the output, which `keeps` does not name",
                self.record.op.info().name
            )
        });
        let node = is_recording().then(|| Arc::clone(self.node));
        Tensor::on_buffer(buffer, self.node.shape, node)
    }

    /// The gradients by way of a composition of other operations that computes the same: the rule of a fused operation. The operation must keep
    /// all inputs.
    ///
    /// Each input enters under an alias of its own. So each place of use gets its own gradient, also when one tensor is used twice, and what
    /// the gradients depend on still leads back to the inputs themselves, which a second derivative needs.
    pub fn differentiate(&self, gy: &Tensor, composition: impl FnOnce(&[Tensor]) -> Tensor) -> Grads {
        crate::autograd::differentiate_composition(self, gy, composition)
    }
}
