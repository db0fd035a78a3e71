//! Views by other names: dimensions swapped, added, taken away, joined and cut. Each is a permutation or another shape.

use super::composition;
use super::reduce::dim_of;
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// `sizes` in the place of dimensions `first..end`.
fn replaced(
    operation: &'static str,
    shape: Shape,
    [first, end]: [usize; 2],
    sizes: &[usize],
) -> Result<Shape, ShapeError> {
    Shape::try_new(&[&shape[..first], sizes, &shape[end..]].concat())
        .map_err(|problem| ShapeError::new(operation, problem))
}

/// Views: no element is copied (but by `flatten`, of dimensions that do not lie together).
impl Tensor {
    composition! {
        /// A view with two dimensions swapped.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).requires_grad();
        /// let y = x.transpose(0, 1);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        /// let gx = &y.narrow(0, 1, 1).sum(..).grad(&[&x])[0];
        /// assert_eq!(gx.to_vec::<f32>(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension.
        pub fn transpose / try_transpose(&self, dim0: isize, dim1: isize) -> Tensor = |x| {
            let [dim0, dim1] = [dim_of("transpose", x.shape(), dim0)?, dim_of("transpose", x.shape(), dim1)?];
            let mut order: Vec<isize> = (0..x.rank() as isize).collect();
            order.swap(dim0, dim1);
            x.try_permute(&order)
        }
    }

    composition! {
        /// The transpose of a matrix: a view.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// assert_eq!(x.t().to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
        /// assert_eq!(x.t().narrow(0, 0, 1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.0, 1.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the tensor is not a matrix.
        pub fn t / try_t(&self) -> Tensor = |x| {
            if x.rank() == 2 {
                return x.try_permute(&[1, 0]);
            }
            let problem = format!("needs a matrix, the tensor has shape {}", x.shape());
            Err(ShapeError::new("t", problem).hint("transpose swaps two dimensions, permute orders them all"))
        }
    }

    composition! {
        /// A view without dimension `dim`, whose size is 1.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0], [2.0]]).requires_grad();
        /// assert_eq!(x.squeeze(1).shape(), [2]);
        /// assert_eq!(x.squeeze(1).sum(..).grad(&[&x])[0].shape(), [2, 1]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or its size is not 1 (where PyTorch would leave it without a word).
        pub fn squeeze / try_squeeze(&self, dim: isize) -> Tensor = |x| {
            let shape = x.shape();
            let dim = dim_of("squeeze", shape, dim)?;
            if shape[dim] != 1 {
                let problem = format!("dimension {dim} of {shape} has size {}, not 1", shape[dim]);
                return Err(ShapeError::new("squeeze", problem));
            }
            x.try_reshape(replaced("squeeze", shape, [dim, dim + 1], &[])?)
        }
    }

    composition! {
        /// A view with a new dimension of size 1 at place `dim`; -1 is after the last.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0]).requires_grad();
        /// assert_eq!((x.unsqueeze(0).shape(), x.unsqueeze(-1).shape()), ([1, 2].into(), [2, 1].into()));
        /// assert_eq!(x.unsqueeze(0).sum(..).grad(&[&x])[0].shape(), [2]);
        /// ```
        ///
        /// # Panics
        /// If there is no such place.
        pub fn unsqueeze / try_unsqueeze(&self, dim: isize) -> Tensor = |x| {
            let (shape, places) = (x.shape(), x.rank() as isize + 1);
            if !(-places..places).contains(&dim) {
                let problem = format!("a tensor of shape {shape} has no place {dim} for a new dimension");
                let hint = format!("places are 0 to {}, or -{places} to -1 from the end", places - 1);
                return Err(ShapeError::new("unsqueeze", problem).hint(hint));
            }
            let place = dim.rem_euclid(places) as usize;
            x.try_reshape(replaced("unsqueeze", shape, [place, place], &[1])?)
        }
    }

    composition! {
        /// Dimensions `start` to `end`, that one too, as one. A view if they lie together, as those of a contiguous tensor do.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::zeros([2, 3, 4, 5]).requires_grad();
        /// assert_eq!(x.flatten(1, -1).shape(), [2, 60]);
        /// assert_eq!(x.flatten(1, 2).sum(..).grad(&[&x])[0].shape(), [2, 3, 4, 5]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or `end` is before `start`.
        pub fn flatten / try_flatten(&self, start: isize, end: isize) -> Tensor = |x| {
            let shape = x.shape();
            let [first, last] = [dim_of("flatten", shape, start)?, dim_of("flatten", shape, end)?];
            if last < first {
                let problem = format!("dimension {end} of {shape} is before dimension {start}");
                return Err(ShapeError::new("flatten", problem));
            }
            let joined = shape[first..=last].iter().product();
            x.try_reshape(replaced("flatten", shape, [first, last + 1], &[joined])?)
        }
    }

    composition! {
        /// A view with dimension `dim` cut into dimensions of these sizes.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::zeros([2, 12]).requires_grad();
        /// assert_eq!(x.unflatten(1, &[3, 4]).shape(), [2, 3, 4]);
        /// assert_eq!(x.unflatten(1, &[3, 4]).sum(..).grad(&[&x])[0].shape(), [2, 12]);
        /// ```
        ///
        /// # Panics
        /// If there is no such dimension, or the sizes do not make it up.
        pub fn unflatten / try_unflatten(&self, dim: isize, sizes: &[usize]) -> Tensor = |x| {
            let shape = x.shape();
            let dim = dim_of("unflatten", shape, dim)?;
            let count = sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
            if count != Some(shape[dim]) {
                let problem = format!("{sizes:?} do not make up dimension {dim} of {shape}, which has {} places", shape[dim]);
                return Err(ShapeError::new("unflatten", problem));
            }
            x.try_reshape(replaced("unflatten", shape, [dim, dim + 1], sizes)?)
        }
    }
}
