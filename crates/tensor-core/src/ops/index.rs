//! Rows picked by integers, and added up by them: each is the other's derivative.

use super::elementwise::same_float_type;
use super::op::{Grad, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::dim_of;
use super::{operation, with_element, with_float};
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::CastTo;
use crate::kernels::index;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Refuses integers that are not of type U32.
pub(super) fn check_integers(operation: &'static str, noun: &str, index: &Tensor) -> Result<(), ShapeError> {
    if index.dtype() == DType::U32 {
        return Ok(());
    }
    let problem = format!(
        "{noun} of type U32 are needed, these are {} {}",
        index.dtype(),
        index.shape()
    );
    Err(ShapeError::new(operation, problem).hint("to_dtype(DType::U32) converts"))
}

/// Refuses the first of the integers that is not below `size`; `outside` says what it is outside of.
pub(super) fn check_below(
    operation: &'static str,
    noun: &str,
    index: &Tensor,
    size: usize,
    outside: impl Fn() -> String,
) -> Result<(), ShapeError> {
    let index = index.dense();
    let values = index.as_slice::<u32>();
    let Some(place) = index::first_outside(values, size) else {
        return Ok(());
    };
    let at = index.shape().coordinates(place);
    let problem = format!("{noun} {} at {at:?} is outside {}", values[place], outside());
    Err(ShapeError::new(operation, problem))
}

/// Refuses integers that are not places in dimension `dim`.
pub(super) fn check_places(
    operation: &'static str,
    index: &Tensor,
    shape: Shape,
    dim: usize,
) -> Result<(), ShapeError> {
    check_integers(operation, "indices", index)?;
    check_below(operation, "index", index, shape[dim], || {
        format!("dimension {dim} of {shape}, which has {} places", shape[dim])
    })
}

/// Refuses more places than integers of type U32 can name; `of` says what has them.
pub(super) fn check_places_have_names(
    operation: &'static str,
    places: usize,
    of: impl Fn() -> String,
) -> Result<(), ShapeError> {
    if places == 0 || u32::try_from(places - 1).is_ok() {
        return Ok(());
    }
    let problem = format!("{} has {places} places, of which U32 can name 4294967296", of());
    Err(ShapeError::new(operation, problem))
}

/// Zeros that take no memory: one, repeated.
pub(super) fn nothing(shape: Shape, dtype: DType) -> Tensor {
    Tensor::full_of((), 0.0, dtype).expand(shape)
}

/// The rows of `x` along dimension `dim` that `index` names, in the given shape.
fn select(x: &Tensor, dim: usize, index: &Tensor, shape: Shape) -> Tensor {
    let (x, index) = (x.dense(), index.dense());
    let mut out = Storage::for_overwrite(shape.count(), x.dtype());
    with_element!(x.dtype(), T => {
        let sizes = x.shape().around(dim);
        index::select::<T>(x.as_slice(), index.as_slice(), sizes, out.as_mut_slice());
    });
    Tensor::from_storage(out, shape)
}

struct IndexSelect {
    dim: isize,
}

impl Op for IndexSelect {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "index_select",
            formula: "y_k = x_index[k] along one dimension",
            rule: "gx_i = Σ gy_k over all k with index[k] = i",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let (shape, index) = (inputs[0].shape(), inputs[1]);
        let dim = dim_of("index_select", shape, self.dim)?;
        check_places("index_select", index, shape, dim)?;
        match index.shape().sizes() {
            [picked] => shape
                .try_with_size(dim, *picked)
                .map_err(|problem| ShapeError::new("index_select", problem)),
            _ => {
                let problem = format!("the indices are one dimension, not {}", index.shape());
                Err(ShapeError::new("index_select", problem).hint("gather takes an index for each element"))
            }
        }
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        select(inputs[0], dim, inputs[1], shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let zeros = nothing(saved.shape(0), saved.dtype(0));
        grads![zeros.index_add(self.dim, saved.input(1), gy), Grad::Zero]
    }
}

struct IndexAdd {
    dim: isize,
}

impl Op for IndexAdd {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "index_add",
            formula: "y_i = x_i + Σ s_k over all k with index[k] = i, along one dimension",
            rule: "gx = gy, gs_k = gy_index[k]",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let [x, index, source] = inputs else {
            unreachable!("the method gives three inputs")
        };
        same_float_type("index_add", &[*x, *source])?;
        let shape = x.shape();
        let dim = dim_of("index_add", shape, self.dim)?;
        check_places("index_add", index, shape, dim)?;
        let (index, source) = (index.shape(), source.shape());
        if source.differs_only_in(dim, &shape) && *index == [source[dim]] {
            return Ok(shape);
        }
        let problem = format!("indices {index} do not fit to add {source} along dimension {dim} of {shape}");
        Err(ShapeError::new("index_add", problem).hint("one index for each row of what is added"))
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let (index, source) = (inputs[1].dense(), inputs[2].dense());
        let mut out = inputs[0].copied();
        with_float!(source.dtype(), T => {
            index::add_rows::<T>(source.as_slice(), index.as_slice(), shape.around(dim), out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let source = saved.wants(2).then(|| gy.index_select(self.dim, saved.input(1)));
        grads![gy.clone(), Grad::Zero, source]
    }
}

struct Embedding;

impl Op for Embedding {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "embedding",
            formula: "y[…] = w[index[…]], rows of a table",
            rule: "gw_i = Σ gy[…] over all places with index[…] = i",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let (table, index) = (inputs[0].shape(), inputs[1]);
        let [_, width] = table.sizes() else {
            let problem = format!("needs a table [rows, width], got {table}");
            return Err(ShapeError::new("embedding", problem));
        };
        check_places("embedding", index, table, 0)?;
        let sizes = [index.shape().sizes(), &[*width]].concat();
        Shape::try_new(&sizes).map_err(|problem| ShapeError::new("embedding", problem))
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        select(inputs[0], 0, inputs[1], shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (table, index) = (saved.shape(0), saved.input(1));
        let rows = gy.reshape([index.count(), table[1]]);
        let zeros = nothing(table, saved.dtype(0));
        grads![zeros.index_add(0, &index.reshape(index.count()), &rows), Grad::Zero]
    }
}

struct OneHot {
    classes: usize,
    dtype: DType,
}

impl Op for OneHot {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "one_hot",
            formula: "y[…, c] = 1 where c is the integer, else 0",
            rule: "the integers have no gradient",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("classes", self.classes.to_string()), ("dtype", self.dtype.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let index = inputs[0];
        check_integers("one_hot", "integers", index)?;
        check_below("one_hot", "integer", index, self.classes, || {
            format!("{} classes", self.classes)
        })?;
        let sizes = [index.shape().sizes(), &[self.classes]].concat();
        Shape::try_new(&sizes).map_err(|problem| ShapeError::new("one_hot", problem))
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        fn run<T: Element>(index: &Tensor, classes: usize, shape: Shape) -> Tensor
        where
            u32: CastTo<T>,
        {
            let mut out = Storage::for_overwrite(shape.count(), T::DTYPE);
            index::one_hot::<T>(index.as_slice(), classes, 1.cast(), out.as_mut_slice());
            Tensor::from_storage(out, shape)
        }
        with_element!(self.dtype, T => run::<T>(&inputs[0].dense(), self.classes, shape))
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero]
    }
}

/// Rows by number. Indices hold U32 and are checked: one that is outside is refused by value and place.
impl Tensor {
    operation! {
        /// The places of dimension `dim` that `index` \[K\] names, in its order: the shape has K in that dimension.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).requires_grad();
        /// let y = x.index_select(0, &Tensor::from_slice(&[2u32, 0, 2], 3));
        /// assert_eq!(y.to_vec::<f32>(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, `index` is not one dimension of U32, or an index is outside.
        pub fn index_select / try_index_select(&self, dim: isize, index: &Tensor) = IndexSelect { dim }, |this| [this, index]
    }

    operation! {
        /// The tensor with place k of `source` added to its place `index[k]`, along dimension `dim`, in the order of k.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let source = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// let y = Tensor::from([10.0, 20.0]).index_add(0, &Tensor::from_slice(&[1u32, 0, 1], 3), &source);
        /// assert_eq!(y.to_vec::<f32>(), [12.0, 24.0]);
        /// assert_eq!((y * Tensor::from([1.0, 7.0])).sum(..).grad(&[&source])[0].to_vec::<f32>(), [7.0, 1.0, 7.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, the shapes do not fit, or an index is outside.
        pub fn index_add / try_index_add(&self, dim: isize, index: &Tensor, source: &Tensor) =
            IndexAdd { dim }, |this| [this, index, source]
    }

    operation! {
        /// Rows of this table [V, D] by their numbers: an `index` of any shape […] gives […, D].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let table = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let y = table.embedding(&Tensor::from_slice(&[1u32, 0, 1, 1], [2, 2]));
        /// assert_eq!(y.shape(), [2, 2, 2]);
        /// assert_eq!(y.to_vec::<f32>(), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
        /// assert_eq!(y.sum(..).grad(&[&table])[0].to_vec::<f32>(), [1.0, 1.0, 3.0, 3.0]);
        /// ```
        ///
        /// # Panics
        /// If this is not a matrix, or an index is outside.
        pub fn embedding / try_embedding(&self, index: &Tensor) = Embedding, |this| [this, index]
    }

    operation! {
        /// A row of `classes` numbers for each of these integers (U32), 1 at its place and 0 elsewhere: […] gives […, classes].
        ///
        /// ```
        /// use tensor_core::{DType, Tensor};
        /// let labels = Tensor::from_slice(&[2u32, 0], 2);
        /// assert_eq!(labels.one_hot(3, DType::F32).to_vec::<f32>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If an integer is not below `classes`.
        pub fn one_hot / try_one_hot(&self, classes: usize, dtype: DType) = OneHot { classes, dtype }, |this| [this]
    }
}
