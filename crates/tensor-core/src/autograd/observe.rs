//! Watching the engine at work: an [`Observer`] sees each operation and each gradient of its thread.
//!
//! With no observer, which is the rule, the cost is one look at a flag.

use super::graph::{Node, NodeId, Record};
use super::scope;
use crate::ops::{Cost, Op, OpInfo};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Arc;

/// One run of an operation.
pub struct Step<'a> {
    /// The operation.
    pub op: &'a dyn Op,
    /// Its inputs.
    pub inputs: &'a [&'a Tensor],
    /// The shape of its output.
    pub shape: Shape,
    /// The user's line.
    pub location: &'static Location<'static>,
    /// The operation whose rule is running, if this is part of a backward pass.
    pub rule_of: Option<OpInfo>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        op: &'a dyn Op,
        inputs: &'a [&'a Tensor],
        shape: Shape,
        location: &'static Location<'static>,
    ) -> Step<'a> {
        Step {
            op,
            inputs,
            shape,
            location,
            rule_of: RULE.get(),
        }
    }

    /// The operation's name.
    pub fn name(&self) -> &'static str {
        self.op.info().name
    }

    /// Floating-point operations and bytes.
    pub fn cost(&self) -> Cost {
        self.op.cost(self.inputs, self.shape)
    }

    /// The scope that is open: `encoder.0`, say.
    pub fn scope(&self) -> Option<Arc<str>> {
        scope::current()
    }
}

/// A gradient that is complete: all contributions have arrived.
pub struct GradientStep<'a> {
    /// The id of what it is the gradient of.
    pub id: NodeId,
    /// The name of a leaf that has one.
    pub name: Option<Arc<str>>,
    /// Whether it belongs to a leaf: a parameter, or a tensor of the user's.
    pub is_leaf: bool,
    /// The gradient.
    pub gradient: &'a Tensor,
}

/// Sees what the engine does on one thread. All methods do nothing by default.
pub trait Observer: Any {
    /// Before an operation runs; its inputs fit.
    fn before(&mut self, _step: &Step<'_>) {}

    /// After an operation ran.
    fn after(&mut self, _step: &Step<'_>, _output: &Tensor) {}

    /// When a backward pass has a gradient complete.
    fn gradient(&mut self, _step: &GradientStep<'_>) {}
}

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static OBSERVERS: RefCell<Vec<Box<dyn Observer>>> = const { RefCell::new(Vec::new()) };
    static RULE: Cell<Option<OpInfo>> = const { Cell::new(None) };
}

/// Runs `f` while `observer` watches this thread, and returns both. Observers can be nested: all of them see everything.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Counter, observe};
/// let x = Tensor::from([1.0]).requires_grad();
/// let (_, counter) = observe(Counter::default(), || x.exp().grad(&[&x]));
/// assert_eq!(counter.count("exp"), 1);
/// assert_eq!(counter.count("mul"), 1); // the rule: gy · y
/// ```
pub fn observe<O: Observer, R>(observer: O, f: impl FnOnce() -> R) -> (R, O) {
    let depth = OBSERVERS.with_borrow_mut(|observers| {
        observers.push(Box::new(observer));
        observers.len()
    });
    ACTIVE.set(true);
    let guard = Remove { depth };
    let result = f();
    let observer = guard.remove().expect("the guard holds the observer's place");
    let observer = (observer as Box<dyn Any>)
        .downcast()
        .expect("it was pushed with this type");
    (result, *observer)
}

/// Takes the observer away again, also when `f` panics.
struct Remove {
    depth: usize,
}

impl Remove {
    fn remove(&self) -> Option<Box<dyn Observer>> {
        let (removed, left) = OBSERVERS.with_borrow_mut(|observers| {
            let removed = if observers.len() >= self.depth {
                observers.drain(self.depth - 1..).next()
            } else {
                None
            };
            (removed, observers.len())
        });
        ACTIVE.set(left > 0);
        removed
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        drop(self.remove());
    }
}

fn notify(f: impl Fn(&mut dyn Observer)) {
    if !ACTIVE.get() {
        return;
    }
    let mut called = Called::take();
    for observer in &mut called.0 {
        f(observer.as_mut());
    }
}

/// The observers, taken out while they are called: what an observer computes is not observed. They are put back also when one panics.
struct Called(Vec<Box<dyn Observer>>);

impl Called {
    fn take() -> Called {
        ACTIVE.set(false);
        Called(OBSERVERS.take())
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        OBSERVERS.set(std::mem::take(&mut self.0));
        ACTIVE.set(true);
    }
}

pub(crate) fn before(step: &Step<'_>) {
    notify(|observer| observer.before(step));
}

pub(crate) fn after(step: &Step<'_>, output: &Tensor) {
    notify(|observer| observer.after(step, output));
}

pub(crate) fn gradient(node: &Node, gradient: &Tensor) {
    notify(|observer| {
        observer.gradient(&GradientStep {
            id: node.id,
            name: node.name(),
            is_leaf: node.is_leaf(),
            gradient,
        });
    });
}

/// Marks what runs until the guard is dropped as part of an operation's rule, in the scope where the operation ran.
pub(crate) fn enter_rule(record: &Record) -> RuleGuard {
    RuleGuard {
        before: RULE.replace(Some(record.op.info())),
        _scope: record.scope.clone().map(scope::enter),
    }
}

pub(crate) struct RuleGuard {
    before: Option<OpInfo>,
    _scope: Option<scope::ScopeGuard>,
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        RULE.set(self.before);
    }
}

/// Counts operations by name, and remembers which leaves got a gradient.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    names: Vec<&'static str>,
    leaves: Vec<String>,
}

impl Counter {
    /// How often the operation ran, forward and backward.
    pub fn count(&self, name: &str) -> usize {
        self.names.iter().filter(|&&ran| ran == name).count()
    }

    /// The names of all operations in the order in which they ran.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The names of the leaves that got a gradient, in the order in which those were complete.
    pub fn leaves(&self) -> &[String] {
        &self.leaves
    }
}

impl Observer for Counter {
    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        self.names.push(step.name());
    }

    fn gradient(&mut self, step: &GradientStep<'_>) {
        if step.is_leaf {
            self.leaves.push(step.name.as_deref().unwrap_or("unnamed").to_owned());
        }
    }
}
