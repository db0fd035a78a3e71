//! The graph: which operation made a tensor, from what.
//!
//! A node never holds its own output's handle, which would be a cycle that is never freed. Nodes are numbered as they are made,
//! so that a node's number is always greater than those of its inputs: that is all the order that the backward pass needs.

use crate::autograd::{observe, scope};
use crate::dtype::DType;
use crate::ops::Op;
use crate::shape::Shape;
use crate::tensor::{Tensor, View};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

/// The number of a node: unique in the process, and greater than those of the node's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u64);

/// One tracked tensor's place in the graph.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) shape: Shape,
    pub(crate) dtype: DType,
    pub(crate) source: Source,
}

/// Where a node's value comes from.
pub(crate) enum Source {
    /// The user gave it. The name is for messages.
    Leaf { name: RwLock<Option<Arc<str>>> },
    /// An operation computed it.
    Op(Record),
}

/// An operation that ran, with what its rule needs later.
pub(crate) struct Record {
    pub(crate) op: Box<dyn Op>,
    /// In place for the one or two that most operations have.
    pub(crate) inputs: SmallVec<[Input; 2]>,
    /// The output's elements, if the rule reads them.
    pub(crate) output: Option<Arc<View>>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) scope: Option<Arc<str>>,
    /// The node whose rule made this one, in a backward pass that was recorded.
    pub(crate) rule_of: Option<NodeId>,
}

/// One input of an operation that ran.
pub(crate) enum Input {
    /// Its value is kept for the rule.
    Kept(Tensor),
    /// Only its place in the graph is kept, which knows shape and type too.
    Place(Arc<Node>),
    /// A constant whose value the rule does not need.
    Constant(Box<(Shape, DType)>),
}

impl Input {
    fn new(input: &Tensor, keep: bool) -> Input {
        match input.node() {
            _ if keep => Input::Kept(input.clone()),
            Some(node) => Input::Place(Arc::clone(node)),
            None => Input::Constant(Box::new((input.shape(), input.dtype()))),
        }
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        match self {
            Input::Kept(tensor) => tensor.node(),
            Input::Place(node) => Some(node),
            Input::Constant(_) => None,
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Input::Kept(tensor) => tensor.shape(),
            Input::Place(node) => node.shape,
            Input::Constant(constant) => constant.0,
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match self {
            Input::Kept(tensor) => tensor.dtype(),
            Input::Place(node) => node.dtype,
            Input::Constant(constant) => constant.1,
        }
    }

    fn into_node(self) -> Option<Arc<Node>> {
        match self {
            Input::Kept(tensor) => tensor.into_node(),
            Input::Place(node) => Some(node),
            Input::Constant(_) => None,
        }
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl NodeId {
    /// The next number.
    pub(crate) fn next() -> NodeId {
        NodeId(NEXT_ID.fetch_add(1, Relaxed))
    }
}

impl Node {
    pub(crate) fn leaf(shape: Shape, dtype: DType, name: Option<Arc<str>>) -> Arc<Node> {
        let name = RwLock::new(name);
        Arc::new(Node {
            id: NodeId::next(),
            shape,
            dtype,
            source: Source::Leaf { name },
        })
    }

    /// Records that `op` made `output` from `inputs`. The number was taken after the inputs had theirs.
    pub(crate) fn record(
        id: NodeId,
        op: Box<dyn Op>,
        inputs: &[&Tensor],
        output: &Tensor,
        location: &'static Location<'static>,
    ) -> Arc<Node> {
        let keeps = op.keeps();
        let inputs = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| Input::new(input, keeps.input(index)))
            .collect();
        let record = Record {
            op,
            inputs,
            output: keeps.output().then(|| output.elements()),
            location,
            scope: scope::current(),
            rule_of: observe::rule().map(|rule| rule.node),
        };
        Arc::new(Node {
            id,
            shape: output.shape(),
            dtype: output.dtype(),
            source: Source::Op(record),
        })
    }

    /// The name that a leaf was given.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        match &self.source {
            Source::Leaf { name } => name.read().unwrap_or_else(PoisonError::into_inner).clone(),
            Source::Op(_) => None,
        }
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.source, Source::Leaf { .. })
    }

    /// Names the node, if it is a leaf.
    pub(crate) fn set_name(&self, new: Arc<str>) {
        if let Source::Leaf { name } = &self.source {
            *name.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        }
    }

    /// How messages call the node: a leaf's name, or the operation and its place.
    pub(crate) fn describe(&self) -> String {
        match &self.source {
            Source::Leaf { .. } => match self.name() {
                Some(name) => format!("`{name}` {}", self.shape),
                None => format!("a leaf of shape {}", self.shape),
            },
            Source::Op(record) => format!(
                "the result of {} {} at {}",
                record.op.info().name,
                self.shape,
                record.location
            ),
        }
    }
}

/// Drops the nodes behind this one in a loop, since a chain of a million operations would overflow the stack by recursion.
impl Drop for Node {
    fn drop(&mut self) {
        let mut behind = Vec::new();
        take_inputs(&mut self.source, &mut behind);
        while let Some(mut node) = behind.pop() {
            if let Some(node) = Arc::get_mut(&mut node) {
                take_inputs(&mut node.source, &mut behind);
            } else if let Some(mut node) = Arc::into_inner(node) {
                // Another thread let go of it just now.
                take_inputs(&mut node.source, &mut behind);
            }
        }
    }
}

fn take_inputs(source: &mut Source, behind: &mut Vec<Arc<Node>>) {
    if let Source::Op(record) = source {
        behind.extend(record.inputs.drain(..).filter_map(Input::into_node));
    }
}
