//! Movement: the same elements, seen in another shape or order. These are views, which copy nothing (but a reshape of a view with gaps).

use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::reduce::{dim_of, misfit};
use super::{composition, operation};
use crate::error::ShapeError;
use crate::grads;
use crate::shape::{DimError, DimSet, Dims, MAX_RANK, Shape, ToShape};
use crate::tensor::Tensor;

/// A view moves nothing.
pub(super) const FREE: Cost = Cost { flop: 0.0, bytes: 0.0 };

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
        match x[0].layout().reshaped(shape) {
            Some(layout) => x[0].view(layout),
            None => Tensor::from_storage(x[0].copied(), shape),
        }
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.reshape(saved.shape(0))]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        match x[0].layout().reshaped(shape) {
            Some(_) => FREE,
            None => Cost {
                flop: 0.0,
                bytes: bytes_moved(x, shape),
            },
        }
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
            .map(|&dim| dim_of("permute", shape, dim))
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

struct Flip {
    dims: Result<DimSet, DimError>,
}

impl Op for Flip {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "flip",
            formula: "y has the places of x in reverse order, along some dimensions",
            rule: "gx = gy in reverse order",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let dims: Vec<usize> = self.dims.iter().flat_map(|dims| dims.iter()).collect();
        vec![("dims", format!("{dims:?}"))]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        let shape = x[0].shape();
        self.dims.map(|_| shape).map_err(|error| misfit("flip", shape, error))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let mut layout = x[0].layout();
        let mut offset = layout.offset as isize;
        // The first place is the last one now; where there is none, it may be anywhere.
        for dim in self.dims.unwrap_or_default().iter().filter(|_| shape.count() > 0) {
            offset += (shape[dim] as isize - 1) * layout.strides[dim];
            layout.strides[dim] = -layout.strides[dim];
        }
        layout.offset = usize::try_from(offset).expect("a view stays in its buffer");
        x[0].view(layout)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![super::apply(Flip { dims: self.dims }, &[gy])]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

struct Expand {
    to: Shape,
}

impl Op for Expand {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "expand",
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
        Err(ShapeError::new("expand", problem))
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

impl Tensor {
    /// An untracked view with dimension `i` taken from dimension `order[i]`.
    pub(crate) fn permuted(&self, order: &[usize]) -> Tensor {
        let from = self.layout();
        let mut layout = from;
        let mut sizes = [0; MAX_RANK];
        for (to, &dim) in order.iter().enumerate() {
            sizes[to] = from.shape[dim];
            layout.strides[to] = from.strides[dim];
        }
        layout.shape = Shape::new(&sizes[..order.len()]);
        self.view(layout)
    }

    composition! {
        /// The same elements in order, in another shape with as many places. A view, unless dimensions are joined that do not lie
        /// together, as those of a transposed matrix.
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
        pub fn reshape / try_reshape(&self, shape: impl ToShape) -> Tensor = |x| {
            let to = shape.to_shape().map_err(|problem| ShapeError::new("reshape", problem))?;
            super::try_apply(Reshape { to }, &[x])
        }
    }

    composition! {
        /// A view repeated to a larger shape, by the rules of broadcasting: y[i, j] = x[0, j] where x has size 1, and new dimensions in front. The
        /// gradient is the sum over what was repeated.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).requires_grad();
        /// let y = x.expand([3, 2]);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 3.0]);
        /// ```
        ///
        /// # Panics
        /// If a size differs and is not 1, or a dimension is missing from `shape`.
        pub fn expand / try_expand(&self, shape: impl ToShape) -> Tensor = |x| {
            let to = shape.to_shape().map_err(|problem| ShapeError::new("expand", problem))?;
            super::try_apply(Expand { to }, &[x])
        }
    }

    operation! {
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

    operation! {
        /// A view with the places of `dims` in reverse order: `..` for all, one number or an array.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// assert_eq!(x.flip(1).to_vec::<f32>(), [2.0, 1.0, 4.0, 3.0]);
        /// let gx = &(x.flip(1) * Tensor::from([[1.0, 0.0], [0.0, 0.0]])).sum(..).grad(&[&x])[0];
        /// assert_eq!(gx.to_vec::<f32>(), [0.0, 1.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension.
        pub fn flip / try_flip(&self, dims: impl Dims) = Flip { dims: dims.resolve(&this.shape()) }, |this| [this]
    }
}
