//! Watching the engine at work: an [`Observer`] sees each operation, each rule and each gradient of its thread.
//!
//! | observer | what it answers |
//! |---|---|
//! | [`Counter`] | how often did an operation run? |
//! | [`Recorder`] | what was computed, step by step, and by which rule did the gradients come back? |
//! | [`Profiler`] | where did the time go? |
//! | [`Anomaly`] | where did the first NaN or infinity come from? |
//!
//! With no observer, which is the rule, the cost is one look at a flag. An observer sees values and changes none.

mod anomaly;
mod counter;
mod numbers;
mod profiler;
mod recorder;
mod rule;
mod walk_through;

pub use anomaly::{Anomaly, Finding, NotFinite, Place, Statistics};
pub use counter::Counter;
pub use profiler::{Pass, Profiler, Row};
pub use recorder::{ContributionRecord, Event, GradientRecord, OperationRecord, Recorder, RuleRecord, TensorRecord};
pub use rule::{Contribution, Contributions, Rule, RuleStep};
pub(crate) use rule::{begin_rule, contributions, end_rule, enter_rule, running as rule};

use super::graph::{Node, NodeId, Source};
use super::scope;
use crate::ops::{Cost, Op, OpInfo};
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// One run of an operation.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Observer, Step, observe};
///
/// /// What ran, in words.
/// #[derive(Default)]
/// struct Log(Vec<String>);
///
/// impl Observer for Log {
///     fn before(&mut self, step: &Step<'_>) {
///         let rule = step.rule_of().map_or(String::new(), |rule| format!(" in the rule of {}", rule.of.name));
///         self.0.push(format!("{} {} for {} flop{rule}", step.name(), step.shape, step.cost().flop));
///     }
/// }
///
/// let x = Tensor::from([0.0, 1.0]).requires_grad();
/// let (_, log) = observe(Log::default(), || x.exp().sum(..).grad(&[&x]));
/// assert_eq!(log.0[..2], ["exp [2] for 2 flop", "sum [] for 2 flop"]);
/// assert!(log.0[2].ends_with("in the rule of sum"));
/// ```
#[non_exhaustive]
pub struct Step<'a> {
    /// The operation.
    pub op: &'a dyn Op,
    /// Its inputs.
    pub inputs: &'a [&'a Tensor],
    /// The shape of its output.
    pub shape: &'a Shape,
    /// The output's place in the graph: known after the run, if the output is tracked.
    pub output: Option<NodeId>,
    /// The user's line; inside a rule, the rule's line.
    pub location: &'static Location<'static>,
}

impl Step<'_> {
    /// The operation's name.
    pub fn name(&self) -> &'static str {
        self.op.info().name
    }

    /// Floating-point operations and bytes.
    pub fn cost(&self) -> Cost {
        self.op.cost(self.inputs, *self.shape)
    }

    /// The operation whose rule is running, if this is part of a backward pass.
    pub fn rule_of(&self) -> Option<Rule> {
        rule()
    }

    /// The scope that is open: `encoder.0`, say. Inside a rule, that of the operation whose rule it is.
    pub fn scope(&self) -> Option<Arc<str>> {
        scope::current()
    }
}

/// A gradient that is complete: all contributions have arrived.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{GradientStep, Observer, observe};
///
/// /// The leaves, with their gradients and the number of contributions.
/// #[derive(Default)]
/// struct Leaves(Vec<(String, f64, usize)>);
///
/// impl Observer for Leaves {
///     fn gradient(&mut self, step: &GradientStep<'_>) {
///         if step.is_leaf() {
///             self.0.push((step.description(), step.gradient.item(), step.contributions));
///         }
///     }
/// }
///
/// let w = Tensor::from([3.0]).named("w");
/// let (_, leaves) = observe(Leaves::default(), || (w.sqr() + &w).sum(..).grad(&[&w]));
/// assert_eq!(leaves.0, [("`w` [1]".to_string(), 7.0, 2)]); // 2 w + 1
/// ```
pub struct GradientStep<'a> {
    /// The gradient.
    pub gradient: &'a Tensor,
    /// How many contributions it is the sum of; the one that a pass begins with counts. 0 where nothing contributed, so that it is zero.
    pub contributions: usize,
    node: &'a Node,
}

impl GradientStep<'_> {
    /// The id of what it is the gradient of.
    pub fn id(&self) -> NodeId {
        self.node.id
    }

    /// The name of a leaf that has one.
    pub fn name(&self) -> Option<Arc<str>> {
        self.node.name()
    }

    /// Whether it belongs to a leaf: a parameter, or a tensor of the user's.
    pub fn is_leaf(&self) -> bool {
        self.node.is_leaf()
    }

    /// What it is the gradient of, in words: ``"`w` [2, 3]"``, or `"the result of mul [2] at main.rs:3:17"`.
    pub fn description(&self) -> String {
        self.node.describe()
    }

    /// The operation that computed that, whose rule is next; `None` for a leaf.
    pub fn operation(&self) -> Option<OpInfo> {
        match &self.node.source {
            Source::Op(record) => Some(record.op.info()),
            Source::Leaf { .. } => None,
        }
    }

    /// Where in the model that was computed.
    pub fn scope(&self) -> Option<Arc<str>> {
        match &self.node.source {
            Source::Op(record) => record.scope.clone(),
            Source::Leaf { .. } => None,
        }
    }

    /// The user's line where that was computed; `None` for a leaf.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        match &self.node.source {
            Source::Op(record) => Some(record.location),
            Source::Leaf { .. } => None,
        }
    }
}

/// Sees what the engine does on one thread. All methods do nothing by default. They may compute with tensors, which is not observed, but they cannot
/// start or finish an observer.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Observer, Step, observe};
///
/// /// The largest number that any operation gave.
/// struct Largest(f64);
///
/// impl Observer for Largest {
///     fn after(&mut self, _: &Step<'_>, output: &Tensor) {
///         if output.dtype().is_float() {
///             self.0 = self.0.max(output.max(..).item());
///         }
///     }
/// }
///
/// let x = Tensor::from([1.0, 2.0]).requires_grad();
/// let (gradients, largest) = observe(Largest(0.0), || (&x * 10.0).sum(..).grad(&[&x]));
/// assert_eq!((gradients[0].to_vec::<f32>(), largest.0), (vec![10.0, 10.0], 30.0));
/// ```
pub trait Observer: Any {
    /// Before an operation runs; its inputs fit.
    fn before(&mut self, _step: &Step<'_>) {}

    /// After an operation ran.
    fn after(&mut self, _step: &Step<'_>, _output: &Tensor) {}

    /// When a backward pass has a gradient complete.
    fn gradient(&mut self, _step: &GradientStep<'_>) {}

    /// Before a rule runs. Until [`Observer::after_rule`], operations and gradients are those of the rule.
    fn before_rule(&mut self, _step: &RuleStep<'_>) {}

    /// When a rule has given its gradients, which contribute to those of the operation's inputs. Those that an operation computed were in
    /// [`Observer::after`] already; the others the rule computed itself, as a fast one does.
    fn contributions(&mut self, _step: &RuleStep<'_>, _contributions: &Contributions<'_>) {}

    /// After a rule ran and its contributions were added to those before.
    fn after_rule(&mut self, _step: &RuleStep<'_>) {}
}

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static OBSERVERS: RefCell<Vec<Numbered>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// An observer, with a number that no other has on its thread.
type Numbered = (u64, Box<dyn Observer>);

/// Whether anybody watches this thread. What runs two operations as one may then show both, as long as the bits are the same.
///
/// ```
/// use tensor_core::autograd::observe::{Counter, is_observed, observe};
/// assert!(!is_observed());
/// let (watched, _) = observe(Counter::default(), is_observed);
/// assert!(watched);
/// ```
pub fn is_observed() -> bool {
    ACTIVE.get()
}

/// Runs `f` while `observer` watches this thread, and returns both. Observers can be nested: all of them see everything.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Counter, observe};
/// let x = Tensor::from([1.0]).requires_grad();
/// let (_, counter) = observe(Counter::default(), || (&x * 3.0).grad(&[&x]));
/// assert_eq!(counter.count("mul_scalar"), 2); // the operation, and its rule: gx = c · gy
/// ```
///
/// # Panics
/// If an observer calls this while it is being told something.
#[track_caller]
pub fn observe<O: Observer, R>(observer: O, f: impl FnOnce() -> R) -> (R, O) {
    let observing = start(observer);
    let result = f();
    (result, observing.finish())
}

/// [`observe`] until [`Observing::finish`]: for functions that pass their caller's line on, which a closure does not.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Counter, start};
/// let counting = start(Counter::default());
/// let _ = Tensor::from([1.0]) * 3.0;
/// assert_eq!(counting.finish().count("mul_scalar"), 1);
/// ```
///
/// # Panics
/// As [`observe`].
#[track_caller]
pub fn start<O: Observer>(observer: O) -> Observing<O> {
    let number = NEXT.replace(NEXT.get() + 1);
    let pushed = OBSERVERS.with(|observers| {
        let observers = observers.try_borrow_mut();
        observers.map(|mut observers| observers.push((number, Box::new(observer))))
    });
    assert!(
        pushed.is_ok(),
        "observe: an observer cannot start another one while it is being told something"
    );
    ACTIVE.set(true);
    Observing {
        number,
        observer: PhantomData,
    }
}

/// An observer at work on this thread. It is taken away again when this is dropped, also by a panic.
#[must_use = "the observer is taken away when this is dropped"]
pub struct Observing<O> {
    number: u64,
    observer: PhantomData<*const O>,
}

impl<O: Observer> Observing<O> {
    /// The observer with what it saw, which now ends. So do those that were started after it.
    ///
    /// # Panics
    /// If it has ended already, with one that was started before it; or if an observer calls this while it is being told something.
    #[track_caller]
    pub fn finish(self) -> O {
        let observer = self.remove();
        let observer =
            observer.expect("observe: this observer has ended already; they end in the reverse of their order");
        let observer = (observer as Box<dyn Any>).downcast();
        *observer.expect("the number is that of an observer of this type")
    }
}

impl<O> Observing<O> {
    /// Takes it away with those that were started after it. `None` if it has ended already, or if observers are just being told something.
    fn remove(&self) -> Option<Box<dyn Observer>> {
        let ended = OBSERVERS.with(|observers| {
            let mut observers = observers.try_borrow_mut().ok()?;
            let place = observers.iter().position(|(number, _)| *number == self.number)?;
            let ended = observers.split_off(place);
            ACTIVE.set(!observers.is_empty());
            Some(ended)
        });
        // The later ones are dropped here, when nothing is borrowed: what they compute then is their business.
        ended?.into_iter().next().map(|(_, observer)| observer)
    }
}

impl<O> Drop for Observing<O> {
    fn drop(&mut self) {
        drop(self.remove());
    }
}

/// Calls `f` with each observer. What an observer computes in it is not observed.
fn notify(f: impl Fn(&mut dyn Observer)) {
    if !ACTIVE.get() {
        return;
    }
    let _pause = Pause::begin();
    // They stay where they are. To take them out and put them back, so that one could start another, made an observed operation on 4 x 4 cost
    // 20 % more than an unobserved one; this makes it 6 % (`small_ops/100 observed` beside `small_ops/100`, 2 cores of an AMD EPYC server).
    OBSERVERS.with_borrow_mut(|observers| observers.iter_mut().for_each(|(_, observer)| f(observer.as_mut())));
}

/// Nobody is told anything until this is dropped, also by a panic.
struct Pause;

impl Pause {
    fn begin() -> Pause {
        ACTIVE.set(false);
        Pause
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        ACTIVE.set(true);
    }
}

/// Tells the observers that an operation begins. What is returned goes to [`end`]; with no observer there is nothing to tell.
pub(crate) fn begin<'a>(
    op: &'a dyn Op,
    inputs: &'a [&'a Tensor],
    shape: &'a Shape,
    location: &'static Location<'static>,
) -> Option<Step<'a>> {
    if !ACTIVE.get() {
        return None;
    }
    let step = Step {
        op,
        inputs,
        shape,
        output: None,
        location,
    };
    notify(|observer| observer.before(&step));
    Some(step)
}

/// Tells the observers that the operation ran, and which place in the graph its output gets.
pub(crate) fn end(step: &Step<'_>, output: &Tensor, id: Option<NodeId>) {
    let step = Step { output: id, ..*step };
    notify(|observer| observer.after(&step, output));
}

pub(crate) fn gradient(node: &Node, gradient: &Tensor, contributions: usize) {
    let step = GradientStep {
        gradient,
        contributions,
        node,
    };
    notify(|observer| observer.gradient(&step));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts operations under a name of its own.
    struct Named(&'static str, usize);

    impl Observer for Named {
        fn before(&mut self, _: &Step<'_>) {
            self.1 += 1;
        }
    }

    fn compute() -> Tensor {
        Tensor::from([1.0]) * 3.0
    }

    #[test]
    fn observers_end_in_the_reverse_of_their_order() {
        let a = start(Named("a", 0));
        let b = start(Named("b", 0));
        compute();
        drop(a);
        let c = start(Named("c", 0));
        let d = start(Named("d", 0));
        compute();
        assert!(b.remove().is_none(), "it ended with the one before it");
        let (d, c) = (d.finish(), c.finish());
        assert_eq!((d.0, d.1, c.0, c.1), ("d", 1, "c", 1), "each sees what ran in its time");
        assert!(!ACTIVE.get());
    }

    #[test]
    #[should_panic(expected = "this observer has ended already")]
    fn an_observer_that_has_ended_cannot_be_finished() {
        let a = start(Named("a", 0));
        let b = start(Named("b", 0));
        drop(a);
        b.finish();
    }

    /// Computes when it is told something, and when it ends.
    struct Busy;

    impl Observer for Busy {
        fn before(&mut self, _: &Step<'_>) {
            compute();
        }
    }

    impl Drop for Busy {
        fn drop(&mut self) {
            compute();
        }
    }

    #[test]
    fn what_an_observer_computes_is_not_observed() {
        let ((), named) = observe(Named("outer", 0), || {
            let inner = start(Named("inner", 0));
            let _busy = start(Busy);
            compute();
            assert_eq!(inner.finish().1, 1, "ends the busy one, too");
        });
        assert_eq!(named.1, 2, "the product, and that of the busy one when it ended");
    }

    struct Nested;

    impl Observer for Nested {
        fn before(&mut self, _: &Step<'_>) {
            let _ = start(Named("within", 0));
        }
    }

    #[test]
    #[should_panic(expected = "an observer cannot start another one while it is being told something")]
    fn an_observer_cannot_start_another_while_it_is_told_something() {
        observe(Nested, compute);
    }
}
