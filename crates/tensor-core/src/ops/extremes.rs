//! The largest and the smallest numbers, and where they are.
//!
//! A place is an integer without a derivative. The numbers are gathered from their places, so their derivatives are those of [`Tensor::gather`].

use super::elementwise::same_float_type;
use super::index::check_places_have_names;
use super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::{Over, dim_of, reduction_cost};
use super::{composition, operation, with_float};
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::{order, reduce};
use crate::shape::{Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Where the largest number is over some dimensions, or the smallest: its place in them as one.
struct PlaceOfExtreme {
    over: Over,
    largest: bool,
}

impl PlaceOfExtreme {
    fn name(&self) -> &'static str {
        if self.largest { "argmax" } else { "argmin" }
    }
}

impl Op for PlaceOfExtreme {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name(),
            formula: if self.largest {
                "y = the first place of the largest x over the given dimensions"
            } else {
                "y = the first place of the smallest x over the given dimensions"
            },
            rule: "gx = 0: a place is an integer",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.over.attributes()
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        infer_extreme(self.name(), x[0], self.over)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, [outer, size, inner]) = self.over.three_dims(x[0]);
        let mut extremes = Storage::for_overwrite(shape.count(), x.dtype());
        let mut places = Storage::for_overwrite(shape.count(), DType::U32);
        with_float!(x.dtype(), T => {
            let (x, extremes) = (x.as_slice::<T>(), extremes.as_mut_slice());
            let reduce = if self.largest { reduce::max } else { reduce::min };
            reduce(x, outer, size, inner, extremes);
            order::place_of(x, [outer, size, inner], extremes, places.as_mut_slice());
        });
        Tensor::from_storage(places, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        reduction_cost(x, shape)
    }
}

/// Where the k largest numbers are along one dimension.
struct PlacesOfLargest {
    k: usize,
    dim: isize,
}

impl Op for PlacesOfLargest {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "topk",
            formula: "y = the places of the k largest x along one dimension, from the largest down",
            rule: "gx = 0: a place is an integer",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("k", self.k.to_string()), ("dim", self.dim.to_string())]
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("topk", x)?;
        let (shape, k) = (x[0].shape(), self.k);
        let dim = dim_of("topk", shape, self.dim)?;
        if k > shape[dim] {
            let problem = format!("k is {k}, dimension {dim} of {shape} has {} places", shape[dim]);
            return Err(ShapeError::new("topk", problem));
        }
        check_places_have_names("topk", shape[dim], || format!("dimension {dim} of {shape}"))?;
        Ok(shape.with_size(dim, k))
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        // The dimension goes to the end, and back afterwards.
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let mut order: Vec<usize> = (0..shape.rank()).filter(|&other| other != dim).collect();
        order.push(dim);
        let mut back: Vec<usize> = (0..shape.rank() - 1).collect();
        back.insert(dim, shape.rank() - 1);
        let size = x[0].shape()[dim];
        let x = x[0].permuted(&order).dense();
        let mut places = Storage::for_overwrite(shape.count(), DType::U32);
        with_float!(x.dtype(), T => order::topk(x.as_slice::<T>(), size, self.k, places.as_mut_slice()));
        Tensor::from_storage(places, x.shape().with_size(shape.rank() - 1, self.k)).permuted(&back)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero]
    }
}

/// The shape of the extremes.
///
/// # Errors
/// If there are some to find, but a dimension is empty in which they are looked for, or they are looked for in more places than U32 can name.
fn infer_extreme(name: &'static str, x: &Tensor, over: Over) -> Result<Shape, ShapeError> {
    let (output, shape) = (over.infer(name, &[x])?, x.shape());
    if output.count() == 0 {
        return Ok(output);
    }
    if let Some(dim) = over.dims().iter().find(|&dim| shape[dim] == 0) {
        let problem = format!("dimension {dim} of {shape} is empty: none of nothing is an extreme");
        return Err(ShapeError::new(name, problem));
    }
    check_places_have_names(name, over.count(shape), || {
        let dims: Vec<usize> = over.dims().iter().collect();
        format!("what {shape} holds in the dimensions {dims:?}")
    })?;
    Ok(output)
}

/// The largest numbers over several dimensions, or the smallest.
#[track_caller]
pub(super) fn try_extreme(x: &Tensor, over: Over, largest: bool) -> Result<Tensor, ShapeError> {
    let name = if largest { "max" } else { "min" };
    let shape = infer_extreme(name, x, over)?;
    let (joined, dim) = over.joined(name, x)?;
    let over_joined = Over::new(&joined, dim, true);
    let places = super::try_apply(
        PlaceOfExtreme {
            over: over_joined,
            largest,
        },
        &[&joined],
    )?;
    joined.try_gather(dim, &places)?.try_reshape(shape)
}

/// Extremes. NaN counts as the largest and as the smallest number. Of equal ones the first is meant, and receives the whole gradient.
impl Tensor {
    operation! {
        /// Where the largest number is over `dims`, which disappear from the shape: integers of type U32, without a gradient. Of several dimensions
        /// the place is that in all of them as one, row by row, as `flatten` joins them.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]]);
        /// assert_eq!(x.argmax(1).to_vec::<u32>(), [1, 0]);
        /// assert_eq!(x.argmax(0).to_vec::<u32>(), [1, 0, 0]);
        /// assert_eq!(x.argmax(..).to_vec::<u32>(), [3]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or nothing in it, or more than U32 can name, or the elements are integers.
        pub fn argmax / try_argmax(&self, dims: impl Dims) =
            PlaceOfExtreme { over: Over::new(this, dims, false), largest: true }, |this| [this]
    }

    operation! {
        /// [Where the largest number is](Tensor::argmax) over `dims`, which stay in the shape with size 1, as [`Tensor::gather`] takes indices.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0], [7.0, 0.0]]).requires_grad();
        /// let places = x.argmax_keepdim(1);
        /// assert_eq!(places.to_string(), "[[1],\n [0]]");
        /// assert_eq!(x.gather(1, &places).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::argmax`].
        pub fn argmax_keepdim / try_argmax_keepdim(&self, dims: impl Dims) =
            PlaceOfExtreme { over: Over::new(this, dims, true), largest: true }, |this| [this]
    }

    operation! {
        /// Where the smallest number is over `dims`, which disappear from the shape: integers of type U32, as for [`Tensor::argmax`].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]]);
        /// assert_eq!(x.argmin(1).to_vec::<u32>(), [0, 1]);
        /// assert_eq!(x.argmin(..).to_vec::<u32>(), [4]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::argmax`].
        pub fn argmin / try_argmin(&self, dims: impl Dims) =
            PlaceOfExtreme { over: Over::new(this, dims, false), largest: false }, |this| [this]
    }

    operation! {
        /// [Where the smallest number is](Tensor::argmin) over `dims`, which stay in the shape with size 1, as [`Tensor::gather`] takes indices.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0], [7.0, 0.0]]);
        /// assert_eq!(x.argmin_keepdim(1).to_string(), "[[0],\n [1]]");
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::argmax`].
        pub fn argmin_keepdim / try_argmin_keepdim(&self, dims: impl Dims) =
            PlaceOfExtreme { over: Over::new(this, dims, true), largest: false }, |this| [this]
    }

    composition! {
        /// The largest number over `dims`, which disappear from the shape.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]]).requires_grad();
        /// assert_eq!(x.max(1).to_vec::<f32>(), [5.0, 7.0]);
        /// assert_eq!(x.max(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        /// assert_eq!(x.max(..).item(), 7.0);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::argmax`].
        pub fn max / try_max(&self, dims: impl Dims) -> Tensor = |x| { try_extreme(x, Over::new(x, dims, false), true) }
    }

    composition! {
        /// The [largest](Tensor::max) number over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0]]).requires_grad();
        /// assert_eq!((&x - x.max_keepdim(1)).to_vec::<f32>(), [-4.0, 0.0]);
        /// assert_eq!(x.max_keepdim(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max`].
        pub fn max_keepdim / try_max_keepdim(&self, dims: impl Dims) -> Tensor = |x| {
            try_extreme(x, Over::new(x, dims, true), true)
        }
    }

    composition! {
        /// The smallest number over `dims`, which disappear from the shape.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]]).requires_grad();
        /// assert_eq!(x.min(0).to_vec::<f32>(), [1.0, 0.0, 2.0]);
        /// assert_eq!(x.min(0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max`].
        pub fn min / try_min(&self, dims: impl Dims) -> Tensor = |x| { try_extreme(x, Over::new(x, dims, false), false) }
    }

    composition! {
        /// The [smallest](Tensor::min) number over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0]]).requires_grad();
        /// assert_eq!((&x - x.min_keepdim(1)).to_vec::<f32>(), [0.0, 4.0]);
        /// assert_eq!(x.min_keepdim(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::max`].
        pub fn min_keepdim / try_min_keepdim(&self, dims: impl Dims) -> Tensor = |x| {
            try_extreme(x, Over::new(x, dims, true), false)
        }
    }

    composition! {
        /// The `k` largest numbers along dimension `dim`, from the largest down, and their places (U32), with `k` in that dimension of both shapes.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([3.0, 9.0, 1.0, 4.0]).requires_grad();
        /// let (values, places) = x.topk(2, 0);
        /// assert_eq!((values.to_vec::<f32>(), places.to_vec::<u32>()), (vec![9.0, 4.0], vec![1, 3]));
        /// assert_eq!(values.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 0.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or less than `k` numbers in it, or more than U32 can name, or the elements are integers.
        pub fn topk / try_topk(&self, k: usize, dim: isize) -> (Tensor, Tensor) = |x| {
            let places = super::try_apply(PlacesOfLargest { k, dim }, &[x])?;
            Ok((x.try_gather(dim, &places)?, places))
        }
    }
}
