//! The handle that users hold: a buffer, a view on it, and the place in the graph.

mod approx;
mod create;
pub(crate) mod display;

use crate::autograd::graph::Node;
use crate::autograd::{NodeId, Target, is_recording};
use crate::dtype::{DType, Element};
use crate::kernels::copy::copy_strided;
use crate::kernels::elementwise::add_assign;
use crate::ops::with_element;
use crate::shape::{Layout, Shape, Strides};
use crate::storage::Storage;
use std::borrow::Cow;
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
pub struct Tensor {
    view: Arc<View>,
    /// Beside the view and not in it, so that the same elements get a place in the graph, or lose it, without an allocation.
    node: Option<Arc<Node>>,
}

/// Elements, and how they are seen as an array.
pub(crate) struct View {
    storage: Storage,
    shape: Shape,
    /// The product of the sizes, since every kernel asks.
    count: usize,
    /// Where the first element lies.
    offset: usize,
    /// `None` if the elements follow one another in order, as they nearly always do: then views are small and quickly made.
    strides: Option<Box<Strides>>,
}

impl Tensor {
    /// A tensor of this shape on a buffer that holds exactly its elements, in order.
    pub(crate) fn from_storage(storage: Storage, shape: Shape) -> Tensor {
        Tensor::from_view(Arc::new(View {
            count: shape.count(),
            storage,
            shape,
            offset: 0,
            strides: None,
        }))
    }

    /// These elements, untracked.
    pub(crate) fn from_view(view: Arc<View>) -> Tensor {
        Tensor { view, node: None }
    }

    /// Another view of the same buffer, untracked: no element is copied.
    pub(crate) fn view(&self, layout: Layout) -> Tensor {
        Tensor::from_view(Arc::new(View {
            storage: self.view.storage.clone(),
            count: layout.shape.count(),
            shape: layout.shape,
            offset: layout.offset,
            strides: (!layout.is_contiguous()).then(|| Box::new(layout.strides)),
        }))
    }

    /// The same elements with another place in the graph.
    pub(crate) fn with_node(self, node: Option<Arc<Node>>) -> Tensor {
        Tensor { node, ..self }
    }

    /// The buffer and the view, without the place in the graph.
    pub(crate) fn buffer(&self) -> (Storage, Layout) {
        (self.view.storage.clone(), self.layout())
    }

    /// The elements without the place in the graph, to keep them.
    pub(crate) fn elements(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.node.as_ref()
    }

    /// The place in the graph alone.
    pub(crate) fn into_node(self) -> Option<Arc<Node>> {
        self.node
    }

    /// Where each element lies in the buffer.
    pub(crate) fn layout(&self) -> Layout {
        let contiguous = || self.view.shape.contiguous_strides();
        Layout {
            shape: self.view.shape,
            strides: self.view.strides.as_deref().copied().unwrap_or_else(contiguous),
            offset: self.view.offset,
        }
    }

    /// The size in each dimension.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::zeros([2, 3]);
    /// assert_eq!(x.shape(), [2, 3]);
    /// assert_eq!((x.rank(), x.count(), x.size(-1)), (2, 6, 3));
    /// ```
    pub fn shape(&self) -> Shape {
        self.view.shape
    }

    /// Whether the size is the same in each dimension.
    pub(crate) fn has_shape(&self, shape: &Shape) -> bool {
        self.view.shape == *shape
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
        self.view.count
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.view.storage.dtype()
    }

    /// Whether the graph knows how this tensor came about, so that losses made from it can be differentiated.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([2.0]).requires_grad();
    /// assert!(x.is_tracked() && x.exp().is_tracked());
    /// assert!(!Tensor::from([2.0]).is_tracked() && !x.exp().detach().is_tracked());
    /// ```
    pub fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// The place in the graph of a tracked tensor.
    pub fn id(&self) -> Option<NodeId> {
        self.node().map(|node| node.id)
    }

    /// Whether the elements lie in the buffer without gaps, in order.
    pub fn is_contiguous(&self) -> bool {
        self.view.strides.is_none()
    }

    /// Whether both tensors are views of one buffer.
    pub fn shares_buffer_with(&self, other: &Tensor) -> bool {
        self.view.storage.is(&other.view.storage)
    }

    /// The elements of the whole buffer, whatever the view. For kernels that take strides.
    pub(crate) fn raw<T: Element>(&self) -> &[T] {
        self.view.storage.as_slice()
    }

    /// The elements in order, where they lie in the buffer.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.as_slice::<f32>(), [1.0, 2.0, 3.0, 4.0]);
    /// assert!(!x.t().is_contiguous());
    /// ```
    ///
    /// # Panics
    /// If the tensor is not contiguous ([`Tensor::dense`] makes it so), or `T` is not the type of the elements.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> &[T] {
        assert!(self.is_contiguous(), "a strided view was read as a slice");
        // A view of nothing may begin anywhere.
        let offset = if self.count() == 0 { 0 } else { self.view.offset };
        &self.view.storage.as_slice()[offset..offset + self.count()]
    }

    /// The same values, untracked, for reading as a slice: a view if they lie in order, else a copy.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.t().dense().as_slice::<f32>(), [1.0, 3.0, 2.0, 4.0]);
    /// assert!(x.dense().shares_buffer_with(&x));
    /// ```
    #[must_use]
    pub fn dense(&self) -> Tensor {
        match self.to_dense().into_owned() {
            dense if dense.is_tracked() => dense.detach(),
            dense => dense,
        }
    }

    /// The same values for reading as a slice; the tensor itself where they lie in order.
    pub(crate) fn to_dense(&self) -> Cow<'_, Tensor> {
        if self.is_contiguous() {
            Cow::Borrowed(self)
        } else {
            Cow::Owned(Tensor::from_storage(self.copied(), self.shape()))
        }
    }

    /// The elements in order in a buffer of their own.
    pub(crate) fn copied(&self) -> Storage {
        let Layout { shape, strides, offset } = self.layout();
        let mut storage = Storage::for_overwrite(shape.count(), self.dtype());
        with_element!(self.dtype(), T => {
            let strides = &strides[..shape.rank()];
            copy_strided::<T>(self.raw(), offset, &shape, strides, storage.as_mut_slice());
        });
        storage
    }

    /// The elements in order, to change them in place. They are copied first if anybody else can see them (a graph that kept them, another
    /// handle), so that no saved value is ever corrupted. The tensor must be untracked or a leaf.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let mut x = Tensor::from([1.0, 2.0]);
    /// let seen = x.clone();
    /// x.as_mut_slice::<f32>()[0] = 9.0;
    /// assert_eq!((x.to_vec::<f32>(), seen.to_vec::<f32>()), (vec![9.0, 2.0], vec![1.0, 2.0]));
    /// ```
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
        let alone = Arc::get_mut(&mut self.view).is_some_and(|view| view.storage.is_unique());
        if !alone || !self.is_contiguous() {
            let storage = Storage::from_slice(self.to_dense().as_slice::<T>());
            self.view = Tensor::from_storage(storage, self.shape()).view;
        }
        let count = self.count();
        let view = Arc::get_mut(&mut self.view).expect("the view was just made unique");
        let offset = if count == 0 { 0 } else { view.offset };
        &mut view.storage.as_mut_slice()[offset..offset + count]
    }

    /// Adds another tensor of the same shape and type, in place where nobody else can see the elements.
    pub(crate) fn add_in_place(&mut self, other: &Tensor) {
        let other = other.to_dense();
        match self.dtype() {
            DType::F32 => add_assign(self.as_mut_slice::<f32>(), other.as_slice()),
            _ => add_assign(self.as_mut_slice::<f64>(), other.as_slice()),
        }
    }

    /// The first elements in order, at most `count` of them, as numbers of double precision: for messages and observers.
    pub(crate) fn first_values(&self, count: usize) -> Vec<f64> {
        fn first<T: Element>(x: &Tensor, count: usize, to_f64: impl Fn(T) -> f64) -> Vec<f64> {
            x.as_slice::<T>()
                .iter()
                .take(count)
                .map(|&value| to_f64(value))
                .collect()
        }
        let x = self.dense();
        match x.dtype() {
            DType::F32 => first(&x, count, |value: f32| f64::from(value)),
            DType::F64 => first(&x, count, |value: f64| value),
            DType::U32 => first(&x, count, |value: u32| f64::from(value)),
        }
    }

    /// The elements in order, copied out.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
    /// assert_eq!(x.t().to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
    /// assert_eq!(x.sqr().sum(..).grad(&[&x])[0].to_vec::<f32>(), [2.0, 4.0, 6.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// If `T` is not the type of the elements.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        assert!(
            T::DTYPE == self.dtype(),
            "to_vec: the tensor holds {}, not {}; to_dtype converts",
            self.dtype(),
            T::DTYPE
        );
        self.to_dense().as_slice().to_vec()
    }

    /// The one element of a tensor that has a single one, of any shape and type.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[3.0]]).requires_grad();
    /// let y = x.sqr();
    /// assert_eq!((y.item(), y.grad(&[&x])[0].item()), (9.0, 6.0));
    /// ```
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> f64 {
        assert!(
            self.count() == 1,
            "item: needs a tensor with one element, this one has shape {}",
            self.shape()
        );
        let offset = self.view.offset;
        match self.dtype() {
            DType::F32 => f64::from(self.raw::<f32>()[offset]),
            DType::F64 => self.raw::<f64>()[offset],
            DType::U32 => f64::from(self.raw::<u32>()[offset]),
        }
    }

    /// The same values, cut off from the graph: a constant. [`no_grad`](crate::no_grad) does so for all that a closure computes; [`Tensor::hook`] lets
    /// the gradient through and looks at it on its way.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([2.0]).requires_grad();
    /// let y = (&x * x.detach()).sum(..); // the second factor counts as a constant
    /// assert_eq!(y.grad(&[&x])[0].item(), 2.0);
    /// ```
    #[must_use]
    pub fn detach(&self) -> Tensor {
        Tensor::from_view(self.elements())
    }

    /// The same values as a new leaf of the graph, by which losses can be differentiated.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([3.0]).requires_grad();
    /// assert_eq!(x.sqr().grad(&[&x])[0].item(), 6.0);
    /// ```
    ///
    /// # Panics
    /// If the elements are integers, or an operation computed them: its inputs would silently lose their gradients.
    #[must_use]
    #[track_caller]
    pub fn requires_grad(&self) -> Tensor {
        self.leaf(None)
    }

    /// [`Tensor::requires_grad`] with a name for messages.
    ///
    /// ```should_panic
    /// use tensor_core::Tensor;
    /// let (x, idle) = (Tensor::from([2.0]).named("x"), Tensor::from([5.0]).named("idle"));
    /// assert_eq!(x.sqr().grad(&[&x])[0].item(), 4.0);
    /// x.sqr().grad(&[&x, &idle]); // grad: the loss does not depend on `idle` …
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::requires_grad`].
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
        assert!(
            self.node().is_none_or(|node| node.is_leaf()),
            "requires_grad: {} is part of the graph already, and its gradient can be asked for; detach() makes a constant of it first",
            self.target_description()
        );
        self.clone()
            .with_node(Some(Node::leaf(self.shape(), self.dtype(), name)))
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
