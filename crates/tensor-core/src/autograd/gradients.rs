//! What a backward pass returns, and the leaves that it can be asked about.

use super::Target;
use super::graph::{Node, NodeId};
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::sync::Arc;

/// The gradients of one loss, in the order in which they were asked for.
///
/// They are returned and never accumulated inside tensors, so there is nothing to set to zero.
///
/// ```
/// use tensor_core::Tensor;
/// let (w, b) = (Tensor::from([3.0]).requires_grad(), Tensor::from([1.0]).requires_grad());
/// let (value, mut gradients) = (w.sqr() + &b).sum(..).value_and_grad([&w, &b]);
/// assert_eq!((value, gradients.len()), (10.0, 2));
/// assert_eq!(gradients.get(&w).map(Tensor::item), Some(6.0));
/// for (_, gradient) in gradients.iter_mut() {
///     *gradient = gradient.clamp(-2.0, 2.0); // clip by value
/// }
/// let clipped: Vec<f64> = gradients.iter().map(|(_, gradient)| gradient.item()).collect();
/// assert_eq!(clipped, [2.0, 1.0]); // in the order in which they were asked for
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    entries: Vec<(NodeId, Tensor)>,
}

impl Gradients {
    pub(crate) fn new(entries: Vec<(NodeId, Tensor)>) -> Gradients {
        Gradients { entries }
    }

    /// The gradient of `target`, if it was asked for.
    pub fn get(&self, target: &impl Target) -> Option<&Tensor> {
        let id = target.target_id()?;
        self.entries
            .iter()
            .find(|(of, _)| *of == id)
            .map(|(_, gradient)| gradient)
    }

    /// The ids of what was differentiated by, with the gradients, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Tensor)> {
        self.entries.iter().map(|(id, gradient)| (*id, gradient))
    }

    /// The same, to change the gradients: clip them, or combine them with those of other processes.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NodeId, &mut Tensor)> {
        self.entries.iter_mut().map(|(id, gradient)| (*id, gradient))
    }

    /// How many gradients there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A place at the edge of the graph that outlives the values that are put there: what a parameter is to the graph.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::Leaf;
/// let mut values = Tensor::from([3.0]);
/// let leaf = Leaf::new(values.shape(), values.dtype());
/// leaf.set_name("w");
/// for _ in 0..2 {
///     let (_, gradients) = leaf.attach(&values).sqr().sum(..).value_and_grad([&leaf]);
///     values = &values - 0.25 * gradients.get(&leaf).unwrap(); // a step against the slope 2 w
/// }
/// assert_eq!(values.item(), 0.75); // 3, then 1.5, then 0.75
/// ```
#[derive(Clone)]
pub struct Leaf(Arc<Node>);

impl Leaf {
    /// A new leaf for values of this shape and type.
    ///
    /// # Panics
    /// If the type is an integer, which has no gradient.
    #[track_caller]
    pub fn new(shape: Shape, dtype: DType) -> Leaf {
        assert!(dtype.is_float(), "a leaf of {dtype} would have no gradient");
        Leaf(Node::leaf(shape, dtype, None))
    }

    /// The id by which [`Gradients`] know the leaf.
    pub fn id(&self) -> NodeId {
        self.0.id
    }

    /// The name for messages.
    pub fn name(&self) -> Option<Arc<str>> {
        self.0.name()
    }

    /// Gives the leaf a name for messages.
    pub fn set_name(&self, name: &str) {
        self.0.set_name(name.into());
    }

    /// These values as the leaf: losses made from the result can be differentiated by it.
    ///
    /// # Panics
    /// If their shape or type is not the leaf's.
    #[must_use]
    #[track_caller]
    pub fn attach(&self, values: &Tensor) -> Tensor {
        assert!(
            (values.shape(), values.dtype()) == (self.0.shape, self.0.dtype),
            "attach: {} {} cannot be the values of a leaf of {} {}",
            values.dtype(),
            values.shape(),
            self.0.dtype,
            self.0.shape
        );
        values.clone().with_node(Some(Arc::clone(&self.0)))
    }
}

impl Target for Leaf {
    fn target_id(&self) -> Option<NodeId> {
        Some(self.id())
    }

    fn target_description(&self) -> String {
        self.0.describe()
    }
}
