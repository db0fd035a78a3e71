//! The simplest array: what the table's plain loops compute with. It knows nothing of the engine.

/// Numbers with a shape, the last dimension side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Array {
    pub(crate) fn new(shape: &[usize], data: Vec<f64>) -> Array {
        assert_eq!(shape.iter().product::<usize>(), data.len());
        Array {
            shape: shape.to_vec(),
            data,
        }
    }

    /// Each element from its index.
    pub(crate) fn from_fn(shape: &[usize], f: impl Fn(&[usize]) -> f64) -> Array {
        let count = shape.iter().product();
        let element = |n: usize| f(&index_of(n, shape));
        Array::new(shape, (0..count).map(element).collect())
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn data(&self) -> &[f64] {
        &self.data
    }

    pub(crate) fn size(&self, dim: usize) -> usize {
        self.shape[dim]
    }

    /// The element at an index, which may have more dimensions, and other places where this array has a size of 1: broadcasting.
    pub(crate) fn at(&self, index: &[usize]) -> f64 {
        let index = &index[index.len() - self.shape.len()..];
        let place = |place, (&i, &size): (&usize, &usize)| place * size + if size == 1 { 0 } else { i };
        self.data[index.iter().zip(&self.shape).fold(0, place)]
    }

    /// f of each element.
    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Array {
        Array::new(&self.shape, self.data.iter().copied().map(f).collect())
    }

    /// f of the elements of two arrays, with broadcasting.
    pub(crate) fn zip(&self, other: &Array, f: impl Fn(f64, f64) -> f64) -> Array {
        let rank = self.shape.len().max(other.shape.len());
        let size = |array: &Array, dim: usize| match (dim + array.shape.len()).checked_sub(rank) {
            Some(dim) => array.shape[dim],
            None => 1,
        };
        let sizes: Vec<usize> = (0..rank)
            .map(|dim| {
                if size(self, dim) == 1 {
                    size(other, dim)
                } else {
                    size(self, dim)
                }
            })
            .collect();
        Array::from_fn(&sizes, |index| f(self.at(index), other.at(index)))
    }

    /// f of each line along dimension `dim`, put back in its place.
    pub(crate) fn along(&self, dim: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
        Array::from_fn(&self.shape, |index| {
            let element = |k| self.at(&with(index, dim, k));
            f(&(0..self.shape[dim]).map(element).collect::<Vec<_>>())[index[dim]]
        })
    }

    /// f of what lies along `dims`, in order: one number for each place in the others. The dimensions disappear, or stay with size 1.
    pub(crate) fn reduce(&self, dims: &[usize], keep: bool, f: impl Fn(&[f64]) -> f64) -> Array {
        let sizes: Vec<usize> = dims.iter().map(|&dim| self.shape[dim]).collect();
        let reduced = |dim: &usize| dims.contains(dim);
        let rank = self.shape.len();
        let kept: Vec<usize> = (0..rank).filter(|dim| keep || !reduced(dim)).collect();
        let shape: Vec<usize> = kept
            .iter()
            .map(|dim| if reduced(dim) { 1 } else { self.shape[*dim] })
            .collect();
        Array::from_fn(&shape, |out| {
            let mut index = vec![0; rank];
            for (&dim, &i) in kept.iter().zip(out) {
                index[dim] = i;
            }
            let along: Vec<f64> = (0..sizes.iter().product())
                .map(|n| {
                    for (&dim, i) in dims.iter().zip(index_of(n, &sizes)) {
                        index[dim] = i;
                    }
                    self.at(&index)
                })
                .collect();
            f(&along)
        })
    }
}

/// The index with another place in dimension `dim`.
pub(crate) fn with(index: &[usize], dim: usize, place: usize) -> Vec<usize> {
    let mut index = index.to_vec();
    index[dim] = place;
    index
}

/// The index of element `n` in an array of this shape.
pub(crate) fn index_of(mut n: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, &size) in index.iter_mut().zip(shape).rev() {
        (*i, n) = (n % size, n / size);
    }
    index
}
