//! Movement: the same elements, seen in another shape or order. Most of these are views, which copy nothing.

use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::no_such_dim;
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::fill;
use crate::shape::{Layout, MAX_RANK, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// A view moves nothing.
const FREE: Cost = Cost { flop: 0.0, bytes: 0.0 };

struct Reshape {
    to: Shape,
}

impl Op for Reshape {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "reshape",
            formula: "y has the elements of x in order, in another shape",
            rule: "gx = gy in the shape of x",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("shape", self.to.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let from = x[0].shape();
        if from.count() == self.to.count() {
            return Ok(self.to);
        }
        let (old, new) = (from.count(), self.to.count());
        let problem = format!("{from} has {old} elements, {} has {new}", self.to);
        Err(ShapeError::new("reshape", problem))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let x = x[0].dense();
        x.view(Layout {
            offset: x.layout().offset,
            ..Layout::contiguous(shape)
        })
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.reshape(saved.shape(0))]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct Permute {
    order: Vec<isize>,
}

impl Permute {
    /// The order with each dimension counted from the front, if it is a permutation.
    fn resolve(&self, shape: Shape) -> Result<Vec<usize>, ShapeError> {
        let order = self
            .order
            .iter()
            .map(|&dim| shape.dim(dim).ok_or_else(|| no_such_dim("permute", shape, dim)))
            .collect::<Result<Vec<_>, _>>()?;
        let each_once = (0..shape.rank()).all(|dim| order.contains(&dim)) && order.len() == shape.rank();
        if each_once {
            return Ok(order);
        }
        let problem = format!("order {:?} does not name each dimension of {shape} once", self.order);
        Err(ShapeError::new("permute", problem))
    }
}

impl Op for Permute {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "permute",
            formula: "dimension i of y is dimension order[i] of x",
            rule: "gx = gy with the dimensions put back",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("order", format!("{:?}", self.order))]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        let sizes: Vec<usize> = self.resolve(shape)?.into_iter().map(|dim| shape[dim]).collect();
        Ok(Shape::new(&sizes))
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].permuted(&self.resolve(x[0].shape()).expect("infer checked the order"))
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let order = self.resolve(saved.shape(0)).expect("infer checked the order");
        let mut back = vec![0; order.len()];
        for (to, from) in order.into_iter().enumerate() {
            back[from] = to as isize;
        }
        grads![gy.permute(&back)]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct BroadcastTo {
    to: Shape,
}

impl Op for BroadcastTo {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "broadcast_to",
            formula: "y repeats x to a larger shape",
            rule: "gx = gy, summed over what was repeated",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("shape", self.to.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let from = x[0].shape();
        if from.broadcast(&self.to) == Some(self.to) {
            return Ok(self.to);
        }
        let problem = format!(
            "{from} cannot be repeated to {}: only sizes of 1 and missing dimensions are",
            self.to
        );
        Err(ShapeError::new("broadcast_to", problem))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        x[0].view(x[0].layout().expand(shape))
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        // The engine sums every gradient to the shape of its input.
        grads![gy.clone()]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct Narrow {
    dim: isize,
    start: usize,
    length: usize,
}

impl Op for Narrow {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "narrow",
            formula: "y = x[start .. start + length] along one dimension",
            rule: "gx = gy there, 0 elsewhere",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("dim", self.dim.to_string()),
            ("start", self.start.to_string()),
            ("length", self.length.to_string()),
        ]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        let dim = shape
            .dim(self.dim)
            .ok_or_else(|| no_such_dim("narrow", shape, self.dim))?;
        let (start, end) = (self.start, self.start.saturating_add(self.length));
        if end > shape[dim] {
            let problem = format!(
                "{start} to {end} is outside dimension {dim} of {shape}, which has {} places",
                shape[dim]
            );
            return Err(ShapeError::new("narrow", problem));
        }
        let mut sizes = shape.to_vec();
        sizes[dim] = self.length;
        Ok(Shape::new(&sizes))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let layout = x[0].layout();
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let step = self.start as isize * layout.strides[dim];
        x[0].view(Layout {
            shape,
            strides: layout.strides,
            offset: layout
                .offset
                .checked_add_signed(step)
                .expect("a view stays in its buffer"),
        })
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let shape = saved.shape(0);
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let mut padding = vec![(0, 0); shape.rank()];
        padding[dim] = (self.start, shape[dim] - self.start - self.length);
        grads![gy.pad(&padding)]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct Pad {
    padding: Vec<(usize, usize)>,
}

impl Op for Pad {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "pad",
            formula: "y = x with zeros before and after it in each dimension",
            rule: "gx = gy without them",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("padding", format!("{:?}", self.padding))]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        if self.padding.len() != shape.rank() {
            let (given, rank) = (self.padding.len(), shape.rank());
            let problem = format!("{given} pairs of (before, after) for the {rank} dimensions of {shape}");
            return Err(ShapeError::new("pad", problem));
        }
        let sizes: Vec<usize> = shape
            .iter()
            .zip(&self.padding)
            .map(|(size, (before, after))| before + size + after)
            .collect();
        Ok(Shape::new(&sizes))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        fn run<T: Element>(x: &Tensor, offset: usize, shape: Shape) -> Tensor {
            let mut out = Storage::for_overwrite(shape.count(), T::DTYPE);
            fill(out.as_mut_slice(), T::zeroed());
            copy_into(x.dense().as_slice::<T>(), x.shape(), out.as_mut_slice(), offset, shape);
            Tensor::from_storage(out, shape)
        }
        let strides = shape.contiguous_strides();
        let offset = self
            .padding
            .iter()
            .zip(strides)
            .map(|((before, _), stride)| before * stride as usize)
            .sum();
        match x[0].dtype() {
            DType::F32 => run::<f32>(x[0], offset, shape),
            DType::F64 => run::<f64>(x[0], offset, shape),
            DType::U32 => run::<u32>(x[0], offset, shape),
        }
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let sizes = saved.shape(0);
        let unpadded = (0..sizes.rank()).fold(gy.clone(), |g, dim| {
            if g.shape()[dim] == sizes[dim] {
                g
            } else {
                g.narrow(dim as isize, self.padding[dim].0, sizes[dim])
            }
        });
        grads![unpadded]
    }
}

/// Copies the rows of `x` to where they belong in the larger array `y`, whose element 0 of `x` is at `offset`.
fn copy_into<T: Element>(x: &[T], small: Shape, y: &mut [T], offset: usize, large: Shape) {
    let Some((&width, outer)) = small.split_last() else {
        y[offset] = x[0];
        return;
    };
    let strides = large.contiguous_strides();
    let mut index = [0; MAX_RANK];
    for row in x.chunks_exact(width.max(1)) {
        let start = offset
            + index
                .iter()
                .zip(strides)
                .map(|(i, stride)| i * stride as usize)
                .sum::<usize>();
        y[start..start + width].copy_from_slice(row);
        for dim in (0..outer.len()).rev() {
            index[dim] += 1;
            if index[dim] < outer[dim] {
                break;
            }
            index[dim] = 0;
        }
    }
}

/// y = x: a new node on the same elements.
struct Identity;

impl Op for Identity {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "identity",
            formula: "y = x",
            rule: "gx = gy",
        }
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape())
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].detach()
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.clone()]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct ToDtype {
    dtype: DType,
}

impl Op for ToDtype {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "to_dtype",
            formula: "y = x in another type",
            rule: "gx = gy in the type of x",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dtype", self.dtype.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape())
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].converted(self.dtype)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.to_dtype(saved.dtype(0))]
    }
}

impl Tensor {
    /// The same elements as a node of its own in the graph.
    #[track_caller]
    pub(crate) fn alias(&self) -> Tensor {
        super::apply(Identity, &[self])
    }

    /// An untracked view with dimension `i` taken from dimension `order[i]`.
    pub(crate) fn permuted(&self, order: &[usize]) -> Tensor {
        let from = self.layout();
        let mut layout = *from;
        let mut sizes = [0; MAX_RANK];
        for (to, &dim) in order.iter().enumerate() {
            sizes[to] = from.shape[dim];
            layout.strides[to] = from.strides[dim];
        }
        layout.shape = Shape::new(&sizes[..order.len()]);
        self.view(layout)
    }

    /// The same elements in order, in another shape with as many places. A view if the tensor is contiguous.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).requires_grad();
    /// assert_eq!(x.reshape([3, 2]).to_string(), "[[1, 2],\n [3, 4],\n [5, 6]]");
    /// assert_eq!(x.reshape(6).sum(..).grad(&[&x])[0].shape(), [2, 3]);
    /// ```
    ///
    /// # Panics
    /// If the number of elements differs.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor {
        super::apply(Reshape { to: shape.into() }, &[self])
    }

    /// [`Tensor::reshape`], or the error instead of a panic.
    ///
    /// # Errors
    /// If the number of elements differs.
    #[track_caller]
    pub fn try_reshape(&self, shape: impl Into<Shape>) -> Result<Tensor, ShapeError> {
        super::try_apply(Reshape { to: shape.into() }, &[self])
    }

    /// A view repeated to a larger shape, by the rules of broadcasting.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([1.0, 2.0]).requires_grad();
    /// let y = x.broadcast_to([3, 2]);
    /// assert_eq!(y.to_vec::<f32>(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If a size differs and is not 1.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        super::apply(BroadcastTo { to: shape.into() }, &[self])
    }

    /// [`Tensor::broadcast_to`], or the error instead of a panic.
    ///
    /// # Errors
    /// If a size differs and is not 1.
    #[track_caller]
    pub fn try_broadcast_to(&self, shape: impl Into<Shape>) -> Result<Tensor, ShapeError> {
        super::try_apply(BroadcastTo { to: shape.into() }, &[self])
    }

    super::operation! {
        /// A view with the dimensions in another order: dimension `i` is the input's dimension `order[i]`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).requires_grad();
        /// assert_eq!(x.permute(&[1, 0]).to_vec::<f32>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        /// let w = Tensor::from([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]);
        /// let gx = &(x.permute(&[1, 0]) * w).sum(..).grad(&[&x])[0];
        /// assert_eq!(gx.to_vec::<f32>(), [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If `order` does not name each dimension once.
        pub fn permute / try_permute(&self, order: &[isize]) = Permute { order: order.to_vec() }, |this| [this]
    }

    /// The transpose of a matrix: a view.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.t().to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the tensor is not a matrix.
    #[track_caller]
    pub fn t(&self) -> Tensor {
        assert_eq!(
            self.rank(),
            2,
            "t: needs a matrix, the tensor has shape {}; permute orders any dimensions",
            self.shape()
        );
        self.permute(&[1, 0])
    }

    super::operation! {
        /// A view of the places `start .. start + length` of dimension `dim`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0, 4.0]).requires_grad();
        /// assert_eq!(x.narrow(0, 1, 2).to_vec::<f32>(), [2.0, 3.0]);
        /// assert_eq!(x.narrow(0, 1, 2).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the places are outside the dimension, or there is no such dimension.
        pub fn narrow / try_narrow(&self, dim: isize, start: usize, length: usize) = Narrow { dim, start, length }, |this| [this]
    }

    /// Dimension `dim` in two equal halves, which are views.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let (mu, log_var) = Tensor::from([[1.0, 2.0, 3.0, 4.0]]).halves(1);
    /// assert_eq!((mu.to_vec::<f32>(), log_var.to_vec::<f32>()), (vec![1.0, 2.0], vec![3.0, 4.0]));
    /// ```
    ///
    /// # Panics
    /// If the size of the dimension is odd, or there is no such dimension.
    #[track_caller]
    pub fn halves(&self, dim: isize) -> (Tensor, Tensor) {
        let size = self.size(dim);
        assert!(
            size.is_multiple_of(2),
            "halves: dimension {dim} of {} has an odd size",
            self.shape()
        );
        (self.narrow(dim, 0, size / 2), self.narrow(dim, size / 2, size / 2))
    }

    super::operation! {
        /// The tensor with zeros around it: one pair (before, after) for each dimension.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).requires_grad();
        /// assert_eq!(x.pad(&[(1, 2)]).to_vec::<f32>(), [0.0, 1.0, 2.0, 0.0, 0.0]);
        /// assert_eq!(x.pad(&[(1, 2)]).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If there is not one pair for each dimension.
        pub fn pad / try_pad(&self, padding: &[(usize, usize)]) = Pad { padding: padding.to_vec() }, |this| [this]
    }

    /// The values in another type. The gradient comes back in the type of the input; integers have none.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let x = Tensor::from([0.5]).requires_grad();
    /// let y = x.to_dtype(DType::F64).sqr();
    /// assert_eq!((y.dtype(), y.grad(&[&x])[0].dtype()), (DType::F64, DType::F32));
    /// ```
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Tensor {
        if self.dtype() == dtype {
            self.clone()
        } else {
            super::apply(ToDtype { dtype }, &[self])
        }
    }
}
