//! Sizes, broadcasting, and strides (`layout.rs`): how a flat buffer is seen as an array.

mod dims;
mod layout;

pub use dims::{DimError, DimSet, Dims};
pub use layout::{Layout, Strides};

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// The most dimensions that a tensor can have.
pub const MAX_RANK: usize = 8;

/// The size of a tensor in each dimension. No dimensions means a single number (a scalar).
///
/// ```
/// use tensor_core::Shape;
/// let shape = Shape::from([32, 784]);
/// assert_eq!(shape.rank(), 2);
/// assert_eq!(shape.count(), 32 * 784);
/// assert_eq!(shape.to_string(), "[32, 784]");
/// ```
#[derive(Clone, Copy, Eq, Default)]
pub struct Shape {
    rank: usize,
    sizes: [usize; MAX_RANK],
}

/// Size by size. Derived, it compares eight sizes as vectors, and reading a vector that was just written in other pieces stalls: 3 % of small
/// operations' time.
impl PartialEq for Shape {
    fn eq(&self, other: &Shape) -> bool {
        self.rank == other.rank && self.sizes().iter().eq(other.sizes())
    }
}

impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sizes().hash(state);
    }
}

impl Shape {
    /// The shape with these sizes.
    ///
    /// # Panics
    /// With more than [`MAX_RANK`] dimensions, or more elements than can be counted.
    #[track_caller]
    pub fn new(sizes: &[usize]) -> Shape {
        match Shape::try_new(sizes) {
            Ok(shape) => shape,
            Err(problem) => panic!("shape: {problem}"),
        }
    }

    /// [`Shape::new`] for sizes that come from outside.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn try_new(sizes: &[usize]) -> Result<Shape, String> {
        if sizes.len() > MAX_RANK {
            return Err(format!(
                "a tensor has at most {MAX_RANK} dimensions, not {}: {sizes:?}",
                sizes.len()
            ));
        }
        // Sizes of 0 count as 1 here: strides are made of the others.
        let count = sizes
            .iter()
            .try_fold(1usize, |count, &size| count.checked_mul(size.max(1)));
        if count.is_none_or(|count| count > isize::MAX as usize / size_of::<f64>()) {
            return Err(format!("{sizes:?} are more elements than can be counted"));
        }
        let mut shape = Shape {
            rank: sizes.len(),
            sizes: [0; MAX_RANK],
        };
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        Ok(shape)
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The sizes, one a dimension.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank()]
    }

    /// How many elements there are: the product of the sizes, 1 for a scalar.
    pub fn count(&self) -> usize {
        // It always fits. Unchecked, the compiler makes vectors of these few factors, which took a twentieth of small operations' time.
        let product = |count: usize, &size: &usize| count.checked_mul(size);
        self.sizes()
            .iter()
            .try_fold(1, product)
            .expect("a shape's elements can be counted")
    }

    /// The strides of a contiguous array of this shape, in elements: the last dimension is next to each other.
    pub fn contiguous_strides(&self) -> Strides {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for dim in (0..self.rank()).rev() {
            strides[dim] = step;
            step *= self.sizes[dim] as isize;
        }
        strides
    }

    /// The index in each dimension of the element at this place in row order.
    ///
    /// ```
    /// use tensor_core::Shape;
    /// assert_eq!(Shape::from([3, 4]).coordinates(6), [1, 2]);
    /// ```
    pub fn coordinates(&self, mut place: usize) -> Vec<usize> {
        let mut coordinates = vec![0; self.rank()];
        for (index, &size) in coordinates.iter_mut().zip(self.sizes()).rev() {
            (*index, place) = (place % size, place / size);
        }
        coordinates
    }

    /// The shape without, or with size 1 in, the dimensions that `reduced` marks.
    pub fn reduce(&self, reduced: DimSet, keep: bool) -> Shape {
        let mut sizes = [0; MAX_RANK];
        let mut rank = 0;
        for (dim, &size) in self.sizes().iter().enumerate() {
            if !reduced.contains(dim) || keep {
                sizes[rank] = if reduced.contains(dim) { 1 } else { size };
                rank += 1;
            }
        }
        Shape::new(&sizes[..rank])
    }

    /// The shape that two operands are stretched to: sizes are compared from the last dimension, and a 1 or a missing dimension
    /// takes the other's size. `None` if two sizes differ and neither is 1, or if there are more elements than can be counted.
    ///
    /// ```
    /// use tensor_core::Shape;
    /// let (batch, bias) = (Shape::from([32, 784]), Shape::from([784]));
    /// assert_eq!(batch.broadcast(&bias), Some(batch));
    /// assert_eq!(batch.broadcast(&Shape::from([32])), None);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        self.try_broadcast(other)?.ok()
    }

    /// [`Shape::broadcast`], with what is wrong with sizes that fit, but are no shape.
    pub(crate) fn try_broadcast(&self, other: &Shape) -> Option<Result<Shape, String>> {
        if self == other {
            return Some(Ok(*self));
        }
        let rank = self.rank().max(other.rank());
        let mut sizes = [0; MAX_RANK];
        for (dim, size) in sizes[..rank].iter_mut().enumerate() {
            *size = match (self.size_from_end(rank - dim), other.size_from_end(rank - dim)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(Shape::try_new(&sizes[..rank]))
    }

    /// The size of the `k`-th dimension from the end (1 is the last), 1 where there is none.
    fn size_from_end(&self, k: usize) -> usize {
        if k <= self.rank() {
            self.sizes[self.rank() - k]
        } else {
            1
        }
    }

    /// The sizes of all that is before dimension `dim`, of it, and of all that is after it: an array of three dimensions, as kernels see it.
    pub(crate) fn around(&self, dim: usize) -> [usize; 3] {
        let product = |sizes: &[usize]| sizes.iter().product();
        [product(&self[..dim]), self[dim], product(&self[dim + 1..])]
    }

    /// The shape with another size in dimension `dim`.
    ///
    /// # Errors
    /// As [`Shape::try_new`].
    pub(crate) fn try_with_size(&self, dim: usize, size: usize) -> Result<Shape, String> {
        let mut sizes = self.sizes;
        sizes[dim] = size;
        Shape::try_new(&sizes[..self.rank()])
    }

    /// [`Shape::try_with_size`] for a size that is not larger than the one that it replaces, or than 1.
    pub(crate) fn with_size(&self, dim: usize, size: usize) -> Shape {
        self.try_with_size(dim, size).expect("a smaller shape")
    }

    /// Whether the other shape has the same dimensions, but for the size of `dim`, which both have.
    pub(crate) fn differs_only_in(&self, dim: usize, other: &Shape) -> bool {
        self.rank() == other.rank() && self[..dim] == other[..dim] && self[dim + 1..] == other[dim + 1..]
    }

    /// The position of dimension `dim`, where a negative number counts from the end. `None` if there is no such dimension.
    pub fn dim(&self, dim: isize) -> Option<usize> {
        let rank = self.rank() as isize;
        (-rank..rank).contains(&dim).then(|| dim.rem_euclid(rank) as usize)
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        self.sizes()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}

impl PartialEq<[usize]> for Shape {
    fn eq(&self, other: &[usize]) -> bool {
        self.sizes() == other
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self.sizes() == other
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(sizes: [usize; N]) -> Shape {
        Shape::new(&sizes)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(sizes: &[usize]) -> Shape {
        Shape::new(sizes)
    }
}

impl From<usize> for Shape {
    #[track_caller]
    fn from(size: usize) -> Shape {
        Shape::new(&[size])
    }
}

impl From<()> for Shape {
    fn from((): ()) -> Shape {
        Shape::new(&[])
    }
}

/// What an operation accepts as a shape: a [`Shape`], an array or a slice of sizes, one size, or `()` for a single number.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::shape::ToShape;
/// fn in_rows(x: &Tensor, shape: impl ToShape) -> Tensor {
///     x.reshape(shape).softmax(-1)
/// }
/// let x = Tensor::zeros([4]);
/// assert_eq!(in_rows(&x, [2, 2]).to_vec::<f32>(), [0.5; 4]);
/// assert_eq!(in_rows(&x, x.shape()).to_vec::<f32>(), [0.25; 4]);
/// assert_eq!(in_rows(&Tensor::zeros([1]), 1).shape(), [1]);
/// assert!(x.try_reshape(vec![usize::MAX, 2].as_slice()).is_err()); // more elements than can be counted
/// ```
pub trait ToShape {
    /// The shape.
    ///
    /// # Errors
    /// As [`Shape::try_new`].
    fn to_shape(&self) -> Result<Shape, String>;
}

impl ToShape for Shape {
    fn to_shape(&self) -> Result<Shape, String> {
        Ok(*self)
    }
}

impl ToShape for &[usize] {
    fn to_shape(&self) -> Result<Shape, String> {
        Shape::try_new(self)
    }
}

impl<const N: usize> ToShape for [usize; N] {
    fn to_shape(&self) -> Result<Shape, String> {
        Shape::try_new(self)
    }
}

impl ToShape for usize {
    fn to_shape(&self) -> Result<Shape, String> {
        Shape::try_new(&[*self])
    }
}

impl ToShape for () {
    fn to_shape(&self) -> Result<Shape, String> {
        Shape::try_new(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        type Sizes = &'static [usize];
        let cases: [(Sizes, Sizes, Option<Sizes>); 7] = [
            (&[2, 3], &[2, 3], Some(&[2, 3])),
            (&[2, 3], &[3], Some(&[2, 3])),
            (&[2, 1], &[1, 3], Some(&[2, 3])),
            (&[], &[4], Some(&[4])),
            (&[0], &[1], Some(&[0])),
            (&[2], &[3], None),
            (&[2, 3], &[2], None),
        ];
        for (a, b, wanted) in cases {
            let (a, b) = (Shape::new(a), Shape::new(b));
            assert_eq!(a.broadcast(&b), wanted.map(Shape::new), "{a} with {b}");
            assert_eq!(b.broadcast(&a), wanted.map(Shape::new), "{b} with {a}");
        }
    }

    #[test]
    fn sizes_that_cannot_be_counted_are_refused() {
        assert!(
            Shape::try_new(&[0, 1 << 63, 4])
                .unwrap_err()
                .contains("more elements than can be counted")
        );
        assert!(Shape::try_new(&[1 << 32, 1 << 32]).is_err());
        assert!(
            Shape::try_new(&[1; 9])
                .unwrap_err()
                .starts_with("a tensor has at most 8 dimensions, not 9")
        );
        assert_eq!(Shape::try_new(&[0, 7]).unwrap().count(), 0);
    }

    #[test]
    fn dimensions_count_from_either_end() {
        let shape = Shape::from([2, 3, 4]);
        assert_eq!((-1).resolve(&shape), Ok(DimSet::default().with(2)));
        assert_eq!([0, -2].resolve(&shape), Ok(DimSet::default().with(0).with(1)));
        assert_eq!(3.resolve(&shape), Err(DimError::Missing(3)));
        assert_eq!([1, -2].resolve(&shape), Err(DimError::Repeated(-2)));
        assert_eq!(shape.reduce((..).resolve(&shape).unwrap(), false), Shape::from(()));
        assert_eq!(shape.reduce(1.resolve(&shape).unwrap(), true), Shape::from([2, 1, 4]));
    }
}
