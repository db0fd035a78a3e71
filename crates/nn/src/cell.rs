//! What a module is made of: parameters, which are trained, and buffers, which are not. Both are cells that layers share with optimisers.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tensor_core::autograd::{Leaf, NodeId, Target};
use tensor_core::{DType, Shape, Tensor};

/// A trainable tensor in a cell of its own: layers read it, an optimiser replaces its content. Clones are handles on the same cell.
///
/// The content changes in place when no graph holds it, and by copy when one does: a value that a graph kept is never corrupted.
///
/// ```
/// use nn::Param;
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([2.0]));
/// let (_, grads) = w.tensor().sqr().sum(..).value_and_grad([&w]);
/// assert_eq!(grads.get(&w).unwrap().item(), 4.0);
/// ```
#[derive(Clone)]
pub struct Param(Arc<Cell>);

struct Cell {
    leaf: RwLock<Leaf>,
    content: RwLock<Tensor>,
    /// Whether the content is an average that an [`Ema`](crate::Ema) put there for a while.
    replaced: AtomicBool,
}

impl Param {
    /// A parameter with this initial value, of type F32 or F64.
    ///
    /// # Panics
    /// If the value is of an integer type.
    #[track_caller]
    pub fn new(value: Tensor) -> Param {
        let leaf = Leaf::new(value.shape(), value.dtype());
        let content = leaf.attach(&value);
        Param(Arc::new(Cell {
            leaf: RwLock::new(leaf),
            content: RwLock::new(content),
            replaced: AtomicBool::new(false),
        }))
    }

    /// The value, as a leaf of the graph.
    pub fn tensor(&self) -> Tensor {
        self.read().clone()
    }

    /// The id that gradients carry.
    pub fn id(&self) -> NodeId {
        self.leaf().id()
    }

    /// The name that the walk over the module gave, such as `encoder.0.weight`.
    pub fn name(&self) -> String {
        self.leaf()
            .name()
            .map_or_else(|| "unnamed".to_owned(), |name| name.to_string())
    }

    /// How messages call the parameter, which may have no name yet.
    pub(crate) fn description(&self) -> String {
        match self.leaf().name() {
            Some(name) => format!("`{name}` {}", self.shape()),
            None => format!(
                "an unnamed parameter of shape {} (module::name gives names)",
                self.shape()
            ),
        }
    }

    /// Names the parameter for messages.
    pub fn set_name(&self, name: &str) {
        self.leaf().set_name(name);
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.read().shape()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.read().dtype()
    }

    /// Replaces the value.
    ///
    /// # Panics
    /// If the shape differs.
    #[track_caller]
    pub fn set(&self, value: &Tensor) {
        if self.shape() != value.shape() {
            panic!(
                "{} keeps its shape, the value has {}",
                self.description(),
                value.shape()
            );
        }
        let mut content = self.write();
        if content.dtype() != value.dtype() {
            // The leaf stands for a type too; the name goes along.
            let leaf = Leaf::new(value.shape(), value.dtype());
            if let Some(name) = self.leaf().name() {
                leaf.set_name(&name);
            }
            *self.0.leaf.write().unwrap_or_else(PoisonError::into_inner) = leaf;
        }
        *content = self.leaf().attach(value);
    }

    /// Locks the value, to change it in place.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Tensor> {
        self.0.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the content is replaced for a while. Returns what was noted before.
    pub(crate) fn set_replaced(&self, replaced: bool) -> bool {
        self.0.replaced.swap(replaced, Ordering::AcqRel)
    }

    fn read(&self) -> RwLockReadGuard<'_, Tensor> {
        self.0.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaf(&self) -> Leaf {
        self.0.leaf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The value of a parameter that need not be there, such as a bias.
pub(crate) fn value_of(param: &Option<Param>) -> Option<Tensor> {
    param.as_ref().map(Param::tensor)
}

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param({}, {} {})", self.name(), self.dtype(), self.shape())
    }
}

impl Target for Param {
    fn target_id(&self) -> Option<NodeId> {
        Some(self.id())
    }

    fn target_description(&self) -> String {
        self.leaf().target_description()
    }
}

/// A tensor that belongs to a module's state but is not trained, such as running statistics. Clones are handles on the same cell.
///
/// Its value is a constant: no gradient goes through it.
///
/// ```
/// use nn::Buffer;
/// use tensor_core::Tensor;
/// let x = Tensor::from([3.0]).requires_grad();
/// let mean = Buffer::new(&x * 2.0);
/// assert_eq!(mean.tensor().item(), 6.0);
/// assert_eq!((&x * mean.tensor()).sum(..).grad(&[&x])[0].item(), 6.0); // not 12
/// ```
#[derive(Clone)]
pub struct Buffer(Arc<RwLock<Tensor>>);

impl Buffer {
    /// A buffer with this initial value.
    pub fn new(value: Tensor) -> Buffer {
        Buffer(Arc::new(RwLock::new(value.detach())))
    }

    /// The value.
    pub fn tensor(&self) -> Tensor {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    ///
    /// # Panics
    /// If the shape differs.
    #[track_caller]
    pub fn set(&self, value: &Tensor) {
        let mut content = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (own, new) = (content.shape(), value.shape());
        assert!(own == new, "a buffer keeps its shape {own}, the value has {new}");
        *content = value.detach();
    }

    /// What distinguishes this buffer from others, for as long as it lives.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.tensor();
        write!(f, "Buffer({} {})", value.dtype(), value.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_graph_kept_is_not_corrupted() {
        let w = Param::new(Tensor::from([3.0]));
        let loss = w.tensor().sqr().sum(..);
        w.set(&Tensor::from([100.0]));
        assert_eq!(loss.value_and_grad([&w]).1.get(&w).unwrap().item(), 6.0);
    }

    #[test]
    fn the_type_can_change() {
        let w = Param::new(Tensor::from([3.0]));
        w.set_name("w");
        w.set(&w.tensor().detach().to_dtype(DType::F64));
        let (_, grads) = w.tensor().sqr().sum(..).value_and_grad([&w]);
        assert_eq!(grads.get(&w).unwrap().dtype(), DType::F64);
        assert_eq!(w.name(), "w");
    }

    #[test]
    #[should_panic(expected = "a buffer keeps its shape [3], the value has [2]")]
    fn a_buffer_keeps_its_shape() {
        Buffer::new(Tensor::zeros([3])).set(&Tensor::zeros([2]));
    }

    #[test]
    fn a_new_type_makes_no_name() {
        let w = Param::new(Tensor::from([3.0]));
        w.set(&w.tensor().detach().to_dtype(DType::F64));
        assert_eq!(
            w.description(),
            "an unnamed parameter of shape [1] (module::name gives names)"
        );
    }

    #[test]
    #[should_panic(expected = "`w` [1] keeps its shape, the value has [1, 2]")]
    fn a_parameter_keeps_its_shape() {
        let w = Param::new(Tensor::from([3.0]));
        w.set_name("w");
        w.set(&Tensor::zeros([1, 2]));
    }

    #[test]
    #[should_panic(expected = "`w` [2]")]
    fn a_loss_that_does_not_reach_a_parameter_fails_with_its_name() {
        let (w, v) = (Param::new(Tensor::from([1.0, 2.0])), Param::new(Tensor::from([1.0])));
        w.set_name("w");
        let _ = v.tensor().sum(..).value_and_grad([&v, &w]);
    }
}
