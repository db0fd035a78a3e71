//! The walk back through the graph (reverse mode): from the loss to what the gradient was asked for, each node once.
//!
//! Node numbers grow from inputs to outputs. So the nodes are visited by falling number, and when a node's turn comes, all that was
//! computed from it has already contributed to its gradient.

use super::contribution::{Slot, contribute};
use super::graph::{Node, NodeId, Record, Source};
use super::mode::{RecordingGuard, is_recording};
use super::{Gradients, observe};
use crate::kernels::parallel::enter_region;
use crate::ops::{Grad, Grads, Saved};
use crate::tensor::Tensor;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

/// What a loss can be differentiated by: a tracked tensor, wherever it is in the graph, or a parameter.
///
/// ```
/// use tensor_core::autograd::{NodeId, Target};
/// use tensor_core::Tensor;
///
/// /// A weight of our own.
/// struct Weight(Tensor);
///
/// impl Target for Weight {
///     fn target_id(&self) -> Option<NodeId> {
///         self.0.id()
///     }
///     fn target_description(&self) -> String {
///         format!("our weight {}", self.0.shape())
///     }
/// }
///
/// let w = Weight(Tensor::from([3.0]).requires_grad());
/// let (_, gradients) = w.0.sqr().sum(..).value_and_grad([&w]);
/// assert_eq!(gradients.get(&w).unwrap().item(), 6.0);
/// ```
pub trait Target {
    /// Its place in the graph; `None` if it is not tracked.
    fn target_id(&self) -> Option<NodeId>;
    /// What messages call it.
    fn target_description(&self) -> String;
}

impl Target for Tensor {
    fn target_id(&self) -> Option<NodeId> {
        self.id()
    }

    fn target_description(&self) -> String {
        match self.node() {
            Some(node) => node.describe(),
            None => format!("a tensor of shape {} that is not tracked", self.shape()),
        }
    }
}

impl<T: Target> Target for &T {
    fn target_id(&self) -> Option<NodeId> {
        T::target_id(self)
    }

    fn target_description(&self) -> String {
        T::target_description(self)
    }
}

impl Tensor {
    /// The gradients of this loss, a single number, by each of the targets. The graph stays.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([1.0, 2.0]).requires_grad();
    /// let h = x.sqr(); // any tensor of the graph can be asked for
    /// let grads = h.sqr().sum(..).grad(&[&x, &h]);
    /// assert_eq!(grads[0].to_vec::<f32>(), [4.0, 32.0]); // d(x⁴)/dx = 4 x³
    /// assert_eq!(grads[1].to_vec::<f32>(), [2.0, 8.0]); // d(h²)/dh = 2 h
    /// ```
    ///
    /// # Panics
    /// If this is not a single number, or does not depend on a target: the message has the target's name, since a gradient that is silently zero
    /// is the hardest bug to find. [`Tensor::grad_or_zeros`] allows it.
    #[track_caller]
    pub fn grad(&self, targets: &[&Tensor]) -> Vec<Tensor> {
        reach_all(
            "grad",
            self.is_tracked(),
            targets,
            differentiate("grad", self, targets, false),
        )
    }

    /// As [`Tensor::grad`], with zeros for a target that the loss does not depend on.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let (x, idle) = (Tensor::from([2.0]).requires_grad(), Tensor::from([5.0, 6.0]).requires_grad());
    /// let gradients = x.sqr().grad_or_zeros(&[&x, &idle]);
    /// assert_eq!((gradients[0].item(), gradients[1].to_vec::<f32>()), (4.0, vec![0.0, 0.0]));
    /// ```
    ///
    /// # Panics
    /// If this is not a single number.
    #[track_caller]
    pub fn grad_or_zeros(&self, targets: &[&Tensor]) -> Vec<Tensor> {
        let gradients = differentiate("grad_or_zeros", self, targets, false);
        let or_zeros = |(gradient, target): (Option<Tensor>, &&Tensor)| gradient.unwrap_or_else(|| target.zeros_like());
        gradients.into_iter().zip(targets).map(or_zeros).collect()
    }

    /// As [`Tensor::grad`], and the gradients are themselves part of the graph: they can be differentiated again, to any order.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([2.0]).requires_grad();
    /// let first = &x.exp().grad_graph(&[&x])[0];
    /// let second = &first.grad_graph(&[&x])[0];
    /// assert_eq!(second.grad(&[&x])[0].item(), f64::from(2.0f32.exp()));
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::grad`].
    #[track_caller]
    pub fn grad_graph(&self, targets: &[&Tensor]) -> Vec<Tensor> {
        reach_all(
            "grad_graph",
            self.is_tracked(),
            targets,
            differentiate("grad_graph", self, targets, true),
        )
    }

    /// The value of this loss and its gradients by each of the targets: what a training step needs. The loss is consumed, so that what the
    /// graph kept is freed while the rules run.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([3.0]).requires_grad();
    /// let (value, gradients) = x.sqr().sum(..).value_and_grad([&x]);
    /// assert_eq!((value, gradients.get(&x).unwrap().item()), (9.0, 6.0));
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::grad`].
    #[track_caller]
    pub fn value_and_grad<T: Target>(self, targets: impl IntoIterator<Item = T>) -> (f64, Gradients) {
        let targets: Vec<T> = targets.into_iter().collect();
        let (value, tracked) = (loss_value("value_and_grad", &self), self.is_tracked());
        let gradients = differentiate_owned(self, &targets);
        let gradients = reach_all("value_and_grad", tracked, &targets, gradients);
        let ids = targets
            .iter()
            .map(|target| target.target_id().expect("it was reached, so it is tracked"));
        (value, Gradients::new(ids.zip(gradients).collect()))
    }
}

#[track_caller]
fn loss_value(caller: &str, loss: &Tensor) -> f64 {
    let shape = loss.shape();
    assert!(
        loss.count() == 1,
        "{caller}: a loss is a single number, this one has shape {shape}: sum(..) or mean(..) makes it one"
    );
    loss.item()
}

#[track_caller]
fn differentiate<T: Target>(caller: &str, loss: &Tensor, targets: &[T], recording: bool) -> Vec<Option<Tensor>> {
    loss_value(caller, loss);
    let ids: Vec<Option<NodeId>> = targets.iter().map(Target::target_id).collect();
    match loss.node() {
        None => vec![None; targets.len()],
        Some(root) => backward(Arc::clone(root), loss.ones_like(), &ids, recording, Walk::Keep),
    }
}

fn differentiate_owned<T: Target>(loss: Tensor, targets: &[T]) -> Vec<Option<Tensor>> {
    let seed = loss.ones_like();
    let ids: Vec<Option<NodeId>> = targets.iter().map(Target::target_id).collect();
    match loss.node().cloned() {
        None => vec![None; targets.len()],
        Some(root) => {
            drop(loss);
            backward(root, seed, &ids, false, Walk::Consume)
        }
    }
}

#[track_caller]
fn reach_all<T: Target>(caller: &str, tracked: bool, targets: &[T], gradients: Vec<Option<Tensor>>) -> Vec<Tensor> {
    let missing: Vec<String> = targets
        .iter()
        .zip(&gradients)
        .filter(|(_, gradient)| gradient.is_none())
        .map(|(target, _)| target.target_description())
        .collect();
    let hint = if tracked {
        "was it detached, computed under no_grad, or left out of the forward pass? grad_or_zeros allows it"
    } else {
        "the loss has no graph at all: was it detached, computed under no_grad, or made from a gradient that grad gave? \
         Those of grad_graph can be differentiated again"
    };
    assert!(
        missing.is_empty(),
        "{caller}: the loss does not depend on {}\n  hint: {hint}",
        missing.join(", ")
    );
    gradients.into_iter().flatten().collect()
}

/// Whether the nodes are needed after the walk.
#[derive(Clone, Copy, PartialEq)]
enum Walk {
    Keep,
    Consume,
}

/// The targets by their numbers, with their gradients as far as they are known.
type Targets = BTreeMap<NodeId, Option<Tensor>>;

/// The nodes through which the walk has to pass, by rising number.
struct Route {
    nodes: Vec<Arc<Node>>,
    /// Their numbers, which are searched more often than the nodes are visited.
    ids: Vec<NodeId>,
}

/// A node, ordered by its number.
struct ByNumber(Arc<Node>);

impl Route {
    /// The nodes between `root` and the targets: those that lead to one.
    fn find(root: Arc<Node>, targets: &Targets) -> Route {
        let mut route = Route {
            nodes: Vec::new(),
            ids: Vec::new(),
        };
        for node in Route::ancestors(root, targets).into_iter().rev() {
            if targets.contains_key(&node.id) || route.leads_here(&node) {
                route.ids.push(node.id);
                route.nodes.push(node);
            }
        }
        route
    }

    /// The nodes behind `root`, by falling number, as far down as there are targets.
    fn ancestors(root: Arc<Node>, targets: &Targets) -> Vec<Arc<Node>> {
        let Some((&lowest, _)) = targets.first_key_value() else {
            return Vec::new();
        };
        let mut nodes: Vec<Arc<Node>> = Vec::new();
        let mut waiting = BinaryHeap::from([ByNumber(root)]);
        while let Some(ByNumber(node)) = waiting.pop() {
            // A node that several others are made of waits several times, and then comes several times in a row.
            if node.id < lowest || nodes.last().is_some_and(|last| last.id == node.id) {
                continue;
            }
            if let Source::Op(record) = &node.source {
                let inputs = record.inputs.iter().filter_map(|input| input.node().cloned());
                waiting.extend(inputs.map(ByNumber));
            }
            nodes.push(node);
        }
        nodes
    }

    fn leads_here(&self, node: &Node) -> bool {
        match &node.source {
            Source::Leaf { .. } => false,
            Source::Op(record) => record.inputs.iter().any(|input| self.place(input.node()).is_some()),
        }
    }

    fn place(&self, node: Option<&Arc<Node>>) -> Option<usize> {
        self.ids.binary_search(&node?.id).ok()
    }
}

/// The gradients by the targets, given the gradient `seed` of the root. `None` for a target that the root does not depend on.
fn backward(
    root: Arc<Node>,
    seed: Tensor,
    targets: &[Option<NodeId>],
    recording: bool,
    walk: Walk,
) -> Vec<Option<Tensor>> {
    let _guard = RecordingGuard::set(recording);
    let _region = enter_region();
    let root_id = root.id;
    let mut found: Targets = targets.iter().flatten().map(|&id| (id, None)).collect();
    let mut route = Route::find(root, &found);
    let mut slots = vec![Slot::default(); route.nodes.len()];
    if let Ok(place) = route.ids.binary_search(&root_id) {
        slots[place].add(seed);
    }
    for place in (0..route.nodes.len()).rev() {
        // Popped when the graph is consumed, so that what only this walk holds is freed as it goes.
        let node = match walk {
            Walk::Keep => Arc::clone(&route.nodes[place]),
            Walk::Consume => route.nodes.pop().expect("one node a place"),
        };
        // A node on the route that nothing contributed to has a gradient of zero, as behind a second derivative of ReLU.
        let target = found.get_mut(&node.id);
        let Slot { sum, contributions } = std::mem::take(&mut slots[place]);
        let Some(gradient) = sum.or_else(|| target.is_some().then(|| zeros(&node))) else {
            continue;
        };
        if let Some(target) = target {
            *target = Some(gradient.clone());
        }
        observe::gradient(&node, &gradient, contributions);
        let Source::Op(record) = &node.source else {
            continue;
        };
        if !route.leads_here(&node) {
            continue; // a target with nothing behind it that anybody asked for
        }
        let _rule = observe::enter_rule(&node, record);
        hand_back(&node, record, &gradient, &route, &mut slots);
    }
    targets.iter().map(|id| found[id.as_ref()?].clone()).collect()
}

fn zeros(node: &Node) -> Tensor {
    Tensor::full_of(node.shape, 0.0, node.dtype)
}

/// Runs a node's rule, and adds what it gives to the gradients of the inputs on the route.
fn hand_back(node: &Arc<Node>, record: &Record, gy: &Tensor, route: &Route, slots: &mut [Slot]) {
    let place = |index: usize| route.place(record.inputs[index].node());
    let wanted = |index: usize| place(index).is_some();
    let slots = RefCell::new(slots);
    let arrived = |index: usize| place(index).is_some_and(|place| slots.borrow()[place].sum.is_some());
    let saved = Saved {
        node,
        record,
        wanted: &wanted,
        arrived: &arrived,
    };
    let mut step = observe::begin_rule(&saved, gy);
    let (grads, is_fast) = run_rule(&saved, gy);
    if let Some(step) = &mut step {
        observe::contributions(step, &grads, is_fast);
    }
    for (index, grad) in grads.into_each().enumerate() {
        if let Some(place) = place(index) {
            contribute(record, index, grad, &mut slots.borrow_mut()[place]);
        }
    }
    if let Some(step) = step {
        observe::end_rule(&step);
    }
}

/// One gradient for each input, and whether they came from the fast rule: that is the one for the first order, if there is one.
fn run_rule(saved: &Saved<'_>, gy: &Tensor) -> (Grads, bool) {
    let record = saved.record;
    let fast = if is_recording() {
        None
    } else {
        record.op.vjp_fast(saved, gy)
    };
    let is_fast = fast.is_some();
    let grads = fast.unwrap_or_else(|| record.op.vjp(saved, gy));
    assert_eq!(
        grads.len(),
        record.inputs.len(),
        "{} at {}: the rule gave {} gradients for {} inputs",
        record.op.info().name,
        record.location,
        grads.len(),
        record.inputs.len()
    );
    (grads, is_fast)
}

/// See [`Saved::differentiate`].
pub(crate) fn differentiate_composition(
    saved: &Saved<'_>,
    gy: &Tensor,
    composition: impl FnOnce(&[Tensor]) -> Tensor,
) -> Grads {
    let recording = is_recording();
    let count = saved.record.inputs.len();
    let (aliases, output) = {
        let _guard = RecordingGuard::set(true);
        let alias = |index| {
            if saved.wants(index) {
                saved.input(index).alias()
            } else {
                saved.input(index).clone()
            }
        };
        let aliases: Vec<Tensor> = (0..count).map(alias).collect();
        let output = composition(&aliases);
        (aliases, output)
    };
    let targets: Vec<Option<NodeId>> = (0..count)
        .map(|i| saved.wants(i).then(|| aliases[i].id()).flatten())
        .collect();
    let gradients = match output.node() {
        None => vec![None; count],
        Some(root) => backward(Arc::clone(root), gy.clone(), &targets, recording, Walk::Keep),
    };
    let grad = |(index, gradient): (usize, Option<Tensor>)| match gradient {
        Some(gradient) => Grad::Is(gradient),
        None if saved.wants(index) => Grad::Zero,
        None => Grad::Unwanted,
    };
    gradients.into_iter().enumerate().map(grad).collect()
}

impl Ord for ByNumber {
    fn cmp(&self, other: &ByNumber) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for ByNumber {
    fn partial_cmp(&self, other: &ByNumber) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByNumber {
    fn eq(&self, other: &ByNumber) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByNumber {}
