//! The handle that users hold: a buffer, a view on it, and the place in the graph.

mod approx;
mod create;
mod display;

use crate::autograd::graph::Node;
use crate::autograd::{NodeId, Target, is_recording};
use crate::dtype::{DType, Element};
use crate::kernels::copy::copy_strided;
use crate::kernels::elementwise::add_assign;
use crate::shape::{Layout, Shape};
use crate::storage::Storage;
use std::sync::Arc;

/// An array of numbers of one type: an image, a batch, a weight, a loss.
///
/// A tensor is a cheap handle: cloning it copies no element. Its elements never change while anybody else can see them. A tracked tensor also
/// knows how it was computed, so that [`Tensor::grad`] can differentiate it.
///
/// ```
/// use tensor_core::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
/// let y = (&x * &x).sum(..); // y = sum of x², so dy/dx = 2 x
/// assert_eq!(y.item(), 30.0);
/// assert_eq!(y.grad(&[&x])[0].to_vec::<f32>(), [2.0, 4.0, 6.0, 8.0]);
/// ```
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

struct Inner {
    storage: Arc<Storage>,
    layout: Layout,
    node: Option<Arc<Node>>,
}

impl Tensor {
    fn new(storage: Arc<Storage>, layout: Layout, node: Option<Arc<Node>>) -> Tensor {
        Tensor(Arc::new(Inner { storage, layout, node }))
    }

    /// A tensor of this shape on a buffer that holds exactly its elements, in order.
    pub(crate) fn from_storage(storage: Storage, shape: Shape) -> Tensor {
        Tensor::new(Arc::new(storage), Layout::contiguous(shape), None)
    }

    /// Another view of the same buffer, untracked: no element is copied.
    pub(crate) fn view(&self, layout: Layout) -> Tensor {
        Tensor::new(Arc::clone(&self.0.storage), layout, None)
    }

    /// The same elements with another place in the graph.
    pub(crate) fn with_node(&self, node: Option<Arc<Node>>) -> Tensor {
        Tensor::new(Arc::clone(&self.0.storage), self.0.layout, node)
    }

    /// A tensor on a buffer that a node kept.
    pub(crate) fn from_buffer((storage, layout): &(Arc<Storage>, Layout), node: Option<Arc<Node>>) -> Tensor {
        Tensor::new(Arc::clone(storage), *layout, node)
    }

    /// The buffer and the view, without the place in the graph.
    pub(crate) fn buffer(&self) -> (Arc<Storage>, Layout) {
        (Arc::clone(&self.0.storage), self.0.layout)
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.0.node.as_ref()
    }

    /// The place in the graph, if this was the last handle.
    pub(crate) fn into_node(self) -> Option<Arc<Node>> {
        Arc::into_inner(self.0).and_then(|inner| inner.node)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// The size in each dimension.
    pub fn shape(&self) -> Shape {
        self.0.layout.shape
    }

    /// How many dimensions the tensor has.
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// The size of dimension `dim`; negative numbers count from the end.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn size(&self, dim: isize) -> usize {
        match self.shape().dim(dim) {
            Some(dim) => self.shape()[dim],
            None => panic!("size: a tensor of shape {} has no dimension {dim}", self.shape()),
        }
    }

    /// How many elements the tensor has.
    pub fn count(&self) -> usize {
        self.shape().count()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.0.storage.dtype()
    }

    /// Whether the graph knows how this tensor came about, so that losses made from it can be differentiated.
    pub fn is_tracked(&self) -> bool {
        self.0.node.is_some()
    }

    /// The place in the graph of a tracked tensor.
    pub fn id(&self) -> Option<NodeId> {
        self.node().map(|node| node.id)
    }

    /// Whether the elements lie in the buffer without gaps, in order.
    pub fn is_contiguous(&self) -> bool {
        self.0.layout.is_contiguous()
    }

    /// Whether both tensors are views of one buffer.
    pub fn shares_buffer_with(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0.storage, &other.0.storage)
    }

    /// The elements of the whole buffer, whatever the view. For kernels that take strides.
    pub(crate) fn raw<T: Element>(&self) -> &[T] {
        self.0.storage.as_slice()
    }

    /// The elements in order, where they lie in the buffer.
    ///
    /// # Panics
    /// If the tensor is not contiguous ([`Tensor::dense`] makes it so), or `T` is not the type of the elements.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert!(self.is_contiguous(), "a strided view was read as a slice");
        // A view of nothing may begin anywhere.
        let offset = if self.count() == 0 { 0 } else { self.0.layout.offset };
        &self.0.storage.as_slice()[offset..offset + self.count()]
    }

    /// The same values for reading as a slice: itself if it is contiguous, else an untracked copy.
    #[must_use]
    pub fn dense(&self) -> Tensor {
        fn copy<T: Element>(x: &Tensor) -> Tensor {
            let Layout { shape, strides, offset } = *x.layout();
            let mut storage = Storage::for_overwrite(shape.count(), T::DTYPE);
            copy_strided(
                x.raw::<T>(),
                offset,
                &shape,
                &strides[..shape.rank()],
                storage.as_mut_slice(),
            );
            Tensor::from_storage(storage, shape)
        }
        match (self.is_contiguous(), self.dtype()) {
            (true, _) => self.clone(),
            (false, DType::F32) => copy::<f32>(self),
            (false, DType::F64) => copy::<f64>(self),
            (false, DType::U32) => copy::<u32>(self),
        }
    }

    /// The elements in order, to change them in place. They are copied first if anybody else can see them (a graph that kept them, another
    /// handle), so that no saved value is ever corrupted. The tensor must be untracked or a leaf.
    ///
    /// # Panics
    /// If `T` is not the type of the elements, or an operation computed them: then the graph would not know of the change.
    #[track_caller]
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert!(
            self.node().is_none_or(|node| node.is_leaf()),
            "as_mut_slice: {} is part of the graph; detach it first",
            self.target_description()
        );
        let alone = Arc::get_mut(&mut self.0).is_some_and(|inner| Arc::get_mut(&mut inner.storage).is_some());
        if !alone || !self.is_contiguous() {
            let storage = Storage::from_slice(self.dense().as_slice::<T>());
            *self = Tensor::from_storage(storage, self.shape()).with_node(self.node().cloned());
        }
        let count = self.count();
        let inner = Arc::get_mut(&mut self.0).expect("the handle was just made unique");
        let offset = if count == 0 { 0 } else { inner.layout.offset };
        let storage = Arc::get_mut(&mut inner.storage).expect("the buffer was just made unique");
        &mut storage.as_mut_slice()[offset..offset + count]
    }

    /// Adds another tensor of the same shape and type, in place where nobody else can see the elements.
    pub(crate) fn add_in_place(&mut self, other: &Tensor) {
        let other = other.dense();
        match self.dtype() {
            DType::F32 => add_assign(self.as_mut_slice::<f32>(), other.as_slice()),
            _ => add_assign(self.as_mut_slice::<f64>(), other.as_slice()),
        }
    }

    /// The elements in order, copied out.
    ///
    /// # Panics
    /// If `T` is not the type of the elements.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        assert_eq!(
            T::DTYPE,
            self.dtype(),
            "to_vec: the tensor holds {}, not {}; to_dtype converts",
            self.dtype(),
            T::DTYPE
        );
        self.dense().as_slice().to_vec()
    }

    /// The one element of a tensor that has a single one.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> f64 {
        assert_eq!(
            self.count(),
            1,
            "item: needs a tensor with one element, this one has shape {}",
            self.shape()
        );
        let offset = self.0.layout.offset;
        match self.dtype() {
            DType::F32 => f64::from(self.raw::<f32>()[offset]),
            DType::F64 => self.raw::<f64>()[offset],
            DType::U32 => f64::from(self.raw::<u32>()[offset]),
        }
    }

    /// The same values, cut off from the graph: a constant.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([2.0]).requires_grad();
    /// let y = (&x * x.detach()).sum(..); // the second factor counts as a constant
    /// assert_eq!(y.grad(&[&x])[0].item(), 2.0);
    /// ```
    #[must_use]
    pub fn detach(&self) -> Tensor {
        self.with_node(None)
    }

    /// The same values as a new leaf of the graph, by which losses can be differentiated.
    ///
    /// # Panics
    /// If the elements are integers.
    #[must_use]
    #[track_caller]
    pub fn requires_grad(&self) -> Tensor {
        self.leaf(None)
    }

    /// [`Tensor::requires_grad`] with a name for messages.
    #[must_use]
    #[track_caller]
    pub fn named(&self, name: &str) -> Tensor {
        self.leaf(Some(name.into()))
    }

    #[track_caller]
    fn leaf(&self, name: Option<Arc<str>>) -> Tensor {
        assert!(
            self.dtype().is_float(),
            "requires_grad: a tensor of {} has no gradient; to_dtype converts",
            self.dtype()
        );
        self.with_node(Some(Node::leaf(self.shape(), self.dtype(), name)))
    }

    /// Whether an operation on these inputs has to be recorded.
    pub(crate) fn must_record(inputs: &[&Tensor]) -> bool {
        is_recording() && inputs.iter().any(|input| input.is_tracked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_can_be_sent_and_shared() {
        fn check<T: Send + Sync>() {}
        check::<Tensor>();
    }

    #[test]
    fn writing_copies_only_what_others_can_see() {
        let mut x = Tensor::from([1.0, 2.0]);
        let address = x.as_slice::<f32>().as_ptr();
        x.as_mut_slice::<f32>()[0] = 5.0;
        assert_eq!(x.as_slice::<f32>().as_ptr(), address, "nobody else looked");
        let y = x.clone();
        x.as_mut_slice::<f32>()[0] = 7.0;
        assert_eq!((x.to_vec::<f32>(), y.to_vec::<f32>()), (vec![7.0, 2.0], vec![5.0, 2.0]));
    }

    #[test]
    #[should_panic(expected = "needs a tensor with one element, this one has shape [2]")]
    fn item_wants_one_element() {
        Tensor::from([1.0, 2.0]).item();
    }
}
