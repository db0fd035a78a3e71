//! Where the elements of a tensor lie in its buffer.

use super::{MAX_RANK, Shape};

/// How far apart neighbours are in each dimension, in elements. 0 repeats an element, a negative number walks backwards.
pub type Strides = [isize; MAX_RANK];

/// Where the elements of a tensor lie in its buffer: element (i, j, …) is at `offset + i * strides[0] + j * strides[1] + …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    pub(crate) shape: Shape,
    pub(crate) strides: Strides,
    pub(crate) offset: usize,
}

impl Layout {
    /// The layout of a fresh buffer.
    pub(crate) fn contiguous(shape: Shape) -> Layout {
        Layout {
            shape,
            strides: shape.contiguous_strides(),
            offset: 0,
        }
    }

    /// Whether the elements follow one another without gaps, in order. Sizes of 1 have no stride that matters.
    pub fn is_contiguous(&self) -> bool {
        let mut step = 1;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if size != 1 && stride != step {
                return self.shape.count() == 0;
            }
            step *= size as isize;
        }
        true
    }

    /// This view stretched to `shape` by repeating elements (stride 0). The shapes must be compatible.
    pub(crate) fn expand(&self, shape: Shape) -> Layout {
        let mut strides = [0; MAX_RANK];
        let missing = shape.rank() - self.shape.rank();
        for (dim, &size) in self.shape.iter().enumerate() {
            if size == shape[missing + dim] {
                strides[missing + dim] = self.strides[dim];
            }
        }
        Layout {
            shape,
            strides,
            offset: self.offset,
        }
    }

    /// The opposite: each element once, with a size of 1 where it was repeated.
    pub(crate) fn without_repeats(&self) -> Layout {
        let mut layout = *self;
        let is_repeated = |&dim: &usize| self.strides[dim] == 0 && self.shape[dim] > 1;
        for dim in (0..self.shape.rank()).filter(is_repeated) {
            layout.shape = layout.shape.with_size(dim, 1);
        }
        layout
    }

    /// This view in another shape with as many elements, if there are strides that express it.
    pub(crate) fn reshaped(&self, shape: Shape) -> Option<Layout> {
        let mut layout = Layout {
            offset: self.offset,
            ..Layout::contiguous(shape)
        };
        if shape.count() == 0 {
            return Some(layout);
        }
        // Neighbouring dimensions that lie together, as one: its size and its stride, from the last on.
        let mut runs: Vec<(usize, isize)> = Vec::new();
        for (&size, &stride) in self
            .shape
            .iter()
            .zip(&self.strides)
            .rev()
            .filter(|&(&size, _)| size != 1)
        {
            match runs.last_mut() {
                Some((run, step)) if stride == *run as isize * *step => *run *= size,
                _ => runs.push((size, stride)),
            }
        }
        let mut runs = runs.into_iter();
        let (mut left, mut step) = (1, 1);
        for dim in (0..shape.rank()).rev().filter(|&dim| shape[dim] != 1) {
            if left == 1 {
                (left, step) = runs.next()?;
            }
            if !left.is_multiple_of(shape[dim]) {
                return None;
            }
            layout.strides[dim] = step;
            left /= shape[dim];
            step *= shape[dim] as isize;
        }
        Some(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_knows_whether_it_is_contiguous() {
        let layout = Layout::contiguous(Shape::from([4, 1, 3]));
        assert!(layout.is_contiguous());
        assert!(!layout.expand(Shape::from([4, 5, 3])).is_contiguous());
        let mut transposed = Layout::contiguous(Shape::from([3, 4]));
        transposed.strides[0] = 1;
        transposed.strides[1] = 3;
        assert!(!transposed.is_contiguous());
        assert!(Layout::contiguous(Shape::from([0, 7])).is_contiguous());
    }

    #[test]
    fn repeats_are_taken_back() {
        let column = Layout::contiguous(Shape::from([4, 1, 3]));
        assert_eq!(
            column.expand(Shape::from([2, 4, 5, 3])).without_repeats().shape,
            Shape::from([1, 4, 1, 3])
        );
        assert_eq!(column.without_repeats(), column);
        let nothing = Layout::contiguous(Shape::from(())).expand(Shape::from([0, 3]));
        assert_eq!(nothing.without_repeats().shape, Shape::from([0, 1]));
    }

    #[test]
    fn a_view_takes_another_shape_where_strides_can_express_it() {
        let layout = |shape: &[usize], strides: &[isize]| {
            let mut layout = Layout::contiguous(Shape::new(shape));
            layout.strides[..strides.len()].copy_from_slice(strides);
            layout.offset = 5;
            layout
        };
        let reshaped = |layout: Layout, shape: &[usize]| {
            let layout = layout.reshaped(Shape::new(shape))?;
            assert_eq!((&*layout.shape, layout.offset), (shape, 5));
            Some(layout.strides[..shape.len()].to_vec())
        };
        let transposed = layout(&[3, 4], &[1, 3]);
        assert_eq!(reshaped(transposed, &[3, 2, 2]), Some(vec![1, 6, 3]));
        assert_eq!(reshaped(transposed, &[1, 3, 1, 4]), Some(vec![12, 1, 4, 3]));
        assert_eq!(reshaped(transposed, &[12]), None);
        assert_eq!(reshaped(transposed, &[4, 3]), None);
        // The last two dimensions of a transposed batch lie together.
        assert_eq!(reshaped(layout(&[2, 3, 4], &[4, 8, 1]), &[6, 4]), None);
        assert_eq!(reshaped(layout(&[3, 2, 4], &[100, 4, 1]), &[3, 8]), Some(vec![100, 1]));
        assert_eq!(reshaped(layout(&[2, 6], &[0, 0]), &[4, 3]), Some(vec![0, 0]));
        assert_eq!(reshaped(layout(&[6], &[-2]), &[2, 3]), Some(vec![-6, -2]));
        assert_eq!(reshaped(layout(&[], &[]), &[1, 1]), Some(vec![1, 1]));
        assert_eq!(reshaped(layout(&[0, 3], &[7, 9]), &[5, 0]), Some(vec![0, 1]));
    }
}
