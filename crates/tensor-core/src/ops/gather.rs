//! Elements picked by integers, and added up by them: each is the other's derivative.

use super::elementwise::same_float_type;
use super::index::{check_places, nothing};
use super::op::{Grad, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::dim_of;
use super::{composition, operation, with_element, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::index;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Refuses indices that are not places in dimension `dim` of `x`, or whose shape differs from it in another dimension. `of_lines` is the operation
/// that takes one dimension of indices, `rule` what the user is told of the other dimensions.
fn check(
    operation: &'static str,
    [of_lines, rule]: [&str; 2],
    dim: isize,
    x: Shape,
    index: &Tensor,
) -> Result<(), ShapeError> {
    let dim = dim_of(operation, x, dim)?;
    check_places(operation, index, x, dim)?;
    let index = index.shape();
    if index.differs_only_in(dim, &x) {
        return Ok(());
    }
    let problem = format!("indices {index} do not fit {x}: all dimensions but dimension {dim} {rule}");
    let error = ShapeError::new(operation, problem);
    Err(match index.rank() {
        1 => error.hint(format!("{of_lines} takes the same indices for every line")),
        _ => error,
    })
}

struct Gather {
    dim: isize,
}

impl Op for Gather {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "gather",
            formula: "y[…, k, …] = x[…, index[…, k, …], …]",
            rule: "gx = zeros, with gy added to where each element came from",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let texts = ["index_select", "have at most its places"];
        check("gather", texts, self.dim, inputs[0].shape(), inputs[1])?;
        Ok(inputs[1].shape())
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let (x, index) = (inputs[0].dense(), inputs[1].dense());
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_element!(x.dtype(), T => {
            let sizes = x.shape().around(dim);
            index::gather::<T>(x.as_slice(), index.as_slice(), sizes, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let zeros = nothing(saved.shape(0), saved.dtype(0));
        grads![zeros.scatter_add(self.dim, saved.input(1), gy), Grad::Zero]
    }
}

struct ScatterAdd {
    dim: isize,
}

impl Op for ScatterAdd {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "scatter_add",
            formula: "y = x, with s[…, k, …] added to y[…, index[…, k, …], …]",
            rule: "gx = gy, gs[…, k, …] = gy[…, index[…, k, …], …]",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("dim", self.dim.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let [x, index, source] = inputs else {
            unreachable!("the method gives three inputs")
        };
        same_float_type("scatter_add", &[*x, *source])?;
        let texts = ["index_add", "have to be the same"];
        check("scatter_add", texts, self.dim, x.shape(), index)?;
        if index.shape() != source.shape() {
            let problem = format!("indices {} do not fit to add {}", index.shape(), source.shape());
            return Err(ShapeError::new("scatter_add", problem).hint("one index for each element that is added"));
        }
        Ok(x.shape())
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let dim = shape.dim(self.dim).expect("infer checked the dimension");
        let (index, source) = (inputs[1].dense(), inputs[2].dense());
        let mut out = inputs[0].copied();
        with_float!(source.dtype(), T => {
            index::scatter_add::<T>(source.as_slice(), index.as_slice(), shape.around(dim), out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let source = saved.wants(2).then(|| gy.gather(self.dim, saved.input(1)));
        grads![gy.clone(), Grad::Zero, source]
    }
}

/// The part of x that indices of this shape look at: as many places as they have in every dimension but `dim`, where that is fewer.
#[track_caller]
fn seen_by(x: &Tensor, dim: isize, index: Shape) -> Result<Tensor, ShapeError> {
    let others = || (0..x.rank()).filter(|&other| x.shape().dim(dim) != Some(other));
    if index.rank() != x.rank() || others().any(|other| index[other] > x.shape()[other]) {
        return Ok(x.clone()); // which the operation refuses
    }
    let mut seen = x.clone();
    for other in others().filter(|&other| index[other] < x.shape()[other]) {
        seen = seen.try_narrow(other as isize, 0, index[other])?;
    }
    Ok(seen)
}

/// Elements by number. Indices hold U32 and are checked: one that is outside is refused by value and place.
impl Tensor {
    composition! {
        /// From each line along dimension `dim` the elements that its line of `index` names: y[i, k] = x[i, index[i, k]] for dimension 1 of a matrix. The
        /// shape is that of `index`, which has at most the places of the tensor in every other dimension.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).requires_grad();
        /// let y = x.gather(1, &Tensor::from_slice(&[2u32, 2, 0, 1], [2, 2]));
        /// assert_eq!(y.to_vec::<f32>(), [3.0, 3.0, 4.0, 5.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 2.0, 1.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, the shapes do not fit, or an index is outside.
        pub fn gather / try_gather(&self, dim: isize, index: &Tensor) -> Tensor = |x| {
            super::try_apply(Gather { dim }, &[&seen_by(x, dim, index.shape())?, index])
        }
    }

    operation! {
        /// The tensor with each element of `source` added to the place that `index`, of its shape, names in the same line along dimension `dim`, in their
        /// order: y[i, index[i, k]] += s[i, k] for dimension 1 of a matrix.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let source = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let index = Tensor::from_slice(&[2u32, 2, 0, 1], [2, 2]);
        /// let y = Tensor::zeros([2, 3]).scatter_add(1, &index, &source);
        /// assert_eq!(y.to_vec::<f32>(), [0.0, 0.0, 3.0, 3.0, 4.0, 0.0]);
        /// assert_eq!(y.sqr().sum(..).grad(&[&source])[0].to_vec::<f32>(), [6.0, 6.0, 6.0, 8.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, the shapes do not fit, or an index is outside.
        pub fn scatter_add / try_scatter_add(&self, dim: isize, index: &Tensor, source: &Tensor) =
            ScatterAdd { dim }, |this| [this, index, source]
    }
}
