//! Rules as observers see them: a rule is a step of its own, since a fast one computes without any operation.

use super::{ACTIVE, notify};
use crate::autograd::graph::{Input, Node, NodeId, Record};
use crate::autograd::scope;
use crate::ops::{Grad, OpInfo, Saved};
use crate::tensor::Tensor;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;

/// A rule that is running: the one of an operation that ran before.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The operation that is differentiated.
    pub of: OpInfo,
    /// Its output's place in the graph.
    pub node: NodeId,
    /// The user's line where it ran.
    pub location: &'static Location<'static>,
}

/// One run of a rule in a backward pass.
pub struct RuleStep<'a> {
    /// The gradient of its output, which the rule is given.
    pub gradient: &'a Tensor,
    /// Whether it was the rule for the first order alone, [`Op::vjp_fast`](crate::ops::Op::vjp_fast): known when it has given its gradients.
    pub is_fast: bool,
    saved: &'a Saved<'a>,
}

/// What a rule gave for one input whose gradient is asked for.
pub struct Contribution<'a> {
    /// Which input of the operation.
    pub input: usize,
    /// The contribution to its gradient, not yet summed over what broadcasting repeated.
    pub gradient: &'a Tensor,
    node: &'a Node,
}

/// What a rule gave for the inputs whose gradients are asked for.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Contributions, Observer, RuleStep, observe};
///
/// /// Which input of which operation got what.
/// #[derive(Default)]
/// struct Given(Vec<(&'static str, usize, f64)>);
///
/// impl Observer for Given {
///     fn contributions(&mut self, step: &RuleStep<'_>, contributions: &Contributions<'_>) {
///         for given in contributions.iter() {
///             self.0.push((step.rule().of.name, given.input, given.gradient.item()));
///         }
///     }
/// }
///
/// let (a, b) = (Tensor::from([3.0]).requires_grad(), Tensor::from([5.0]).requires_grad());
/// let (_, given) = observe(Given::default(), || (&a * &b).grad(&[&a, &b]));
/// assert_eq!(given.0, [("mul", 0, 5.0), ("mul", 1, 3.0)]);
/// ```
pub struct Contributions<'a> {
    saved: &'a Saved<'a>,
    grads: &'a [Grad],
}

impl<'a> Contributions<'a> {
    /// One after the other, in the order of the inputs. An input whose gradient is zero on purpose has none.
    pub fn iter(&self) -> impl Iterator<Item = Contribution<'a>> {
        let saved = self.saved;
        let inputs = self.grads.iter().zip(&saved.record.inputs).enumerate();
        inputs.filter_map(|(input, (grad, of))| match (grad, of.node()) {
            (Grad::Is(gradient), Some(node)) if saved.wants(input) => Some(Contribution { input, gradient, node }),
            _ => None,
        })
    }
}

impl RuleStep<'_> {
    /// The operation that is differentiated.
    pub fn rule(&self) -> Rule {
        Rule::new(self.saved.node, self.saved.record)
    }

    /// Where in the model the operation ran.
    pub fn scope(&self) -> Option<Arc<str>> {
        self.saved.record.scope.clone()
    }

    /// The inputs that were kept for the rule, with their numbers.
    pub fn kept_inputs(&self) -> impl Iterator<Item = (usize, &Tensor)> {
        let inputs = self.saved.record.inputs.iter().enumerate();
        inputs.filter_map(|(index, input)| match input {
            Input::Kept(tensor) => Some((index, tensor)),
            Input::Place(_) | Input::Constant(_) => None,
        })
    }

    /// The output, if it was kept for the rule.
    pub fn kept_output(&self) -> Option<Tensor> {
        self.saved.record.output.as_ref().map(|_| self.saved.output())
    }
}

impl Contribution<'_> {
    /// The id of the input.
    pub fn id(&self) -> NodeId {
        self.node.id
    }

    /// The name of an input that is a leaf and has one.
    pub fn name(&self) -> Option<Arc<str>> {
        self.node.name()
    }
}

/// Tells the observers that a rule begins. What is returned goes to [`contributions`] and [`end_rule`]; with no observer there is nothing to tell.
pub(crate) fn begin_rule<'a>(saved: &'a Saved<'a>, gradient: &'a Tensor) -> Option<RuleStep<'a>> {
    if !ACTIVE.get() {
        return None;
    }
    let step = RuleStep {
        gradient,
        is_fast: false,
        saved,
    };
    notify(|observer| observer.before_rule(&step));
    Some(step)
}

/// Tells the observers what the rule gave for the inputs whose gradients are asked for.
pub(crate) fn contributions(step: &mut RuleStep<'_>, grads: &[Grad], is_fast: bool) {
    step.is_fast = is_fast;
    let saved = step.saved;
    notify(|observer| observer.contributions(step, &Contributions { saved, grads }));
}

/// Tells the observers that the contributions have been added to those before.
pub(crate) fn end_rule(step: &RuleStep<'_>) {
    notify(|observer| observer.after_rule(step));
}

thread_local! {
    static RULE: Cell<Option<Rule>> = const { Cell::new(None) };
}

/// The rule that is running on this thread.
pub(crate) fn running() -> Option<Rule> {
    RULE.get()
}

/// Marks what runs until the guard is dropped as part of the rule of the operation that made `node`, in the scope where the operation ran.
pub(crate) fn enter_rule(node: &Node, record: &Record) -> RuleGuard {
    RuleGuard {
        before: RULE.replace(Some(Rule::new(node, record))),
        _scope: record.scope.clone().map(scope::enter),
    }
}

impl Rule {
    fn new(node: &Node, record: &Record) -> Rule {
        Rule {
            of: record.op.info(),
            node: node.id,
            location: record.location,
        }
    }
}

pub(crate) struct RuleGuard {
    before: Option<Rule>,
    _scope: Option<scope::ScopeGuard>,
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        RULE.set(self.before);
    }
}
