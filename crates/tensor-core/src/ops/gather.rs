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

/// How an operation takes an index for each element.
struct Indices {
    operation: &'static str,
    /// The operation that takes an index for each line.
    of_lines: &'static str,
    /// Whether so many places of the indices go with so many of the tensor, in a dimension in which they do not name places.
    fits: fn(usize, usize) -> bool,
}

const GATHERED: Indices = Indices {
    operation: "gather",
    of_lines: "index_select",
    fits: |index, x| index <= x,
};

const SCATTERED: Indices = Indices {
    operation: "scatter_add",
    of_lines: "index_add",
    fits: |index, x| index == x,
};

impl Indices {
    /// Refuses indices that do not fit a tensor of shape `x` or are not places in its dimension `dim`, which is returned.
    fn check(&self, x: Shape, dim: isize, index: &Tensor) -> Result<usize, ShapeError> {
        let (dim, sizes) = (dim_of(self.operation, x, dim)?, index.shape());
        let misfit = |why: String| {
            let error = ShapeError::new(self.operation, format!("indices {sizes} do not fit {x}: {why}"));
            Err(match sizes.rank() {
                1 => error.hint(format!("{} takes the same indices for every line", self.of_lines)),
                _ => error,
            })
        };
        if sizes.rank() != x.rank() {
            return misfit(format!(
                "they have rank {}, the tensor has rank {}",
                sizes.rank(),
                x.rank()
            ));
        }
        for other in (0..x.rank()).filter(|&other| other != dim) {
            if !(self.fits)(sizes[other], x[other]) {
                let (places, of_x) = (sizes[other], x[other]);
                return misfit(format!(
                    "dimension {other} has {places} places, the tensor's has {of_x}"
                ));
            }
        }
        check_places(self.operation, index, x, dim)?;
        Ok(dim)
    }
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
        // Checked by the method, before it took the part of the tensor that the indices see.
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
        SCATTERED.check(x.shape(), self.dim, index)?;
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

/// The part of x that indices of this shape see: as many places as they have in every dimension but `dim`.
#[track_caller]
fn seen_by(x: &Tensor, dim: usize, index: Shape) -> Result<Tensor, ShapeError> {
    let mut seen = x.clone();
    for other in (0..x.rank()).filter(|&other| other != dim) {
        if index[other] < x.size(other as isize) {
            seen = seen.try_narrow(other as isize, 0, index[other])?;
        }
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
            let along = GATHERED.check(x.shape(), dim, index)?;
            super::try_apply(Gather { dim }, &[&seen_by(x, along, index.shape())?, index])
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
