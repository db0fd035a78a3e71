//! What a product reads and writes: matrices with any strides, batches of them, and the rectangles of C that tasks fill.

use super::super::simd::Float;
use std::marker::PhantomData;
use std::ops::Range;

/// A matrix that is read: element (i, j) is `data[i * row_stride + j * column_stride]`. A transposed matrix has its strides exchanged.
#[derive(Debug)]
pub struct Matrix<'a, T> {
    /// The elements, beginning with (0, 0).
    pub data: &'a [T],
    /// From one row to the next.
    pub row_stride: usize,
    /// From one column to the next.
    pub column_stride: usize,
}

impl<T> Clone for Matrix<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<'_, T> {}

impl<'a, T> Matrix<'a, T> {
    /// A matrix whose rows lie one after the other.
    pub fn of_rows(data: &'a [T], columns: usize) -> Self {
        Matrix {
            data,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The matrix with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Matrix {
            data: self.data,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Panics unless all elements of `rows` x `columns` (at least one) lie inside `data`.
    pub(super) fn check(&self, name: &str, rows: usize, columns: usize) {
        let last = (rows - 1)
            .checked_mul(self.row_stride)
            .zip((columns - 1).checked_mul(self.column_stride))
            .and_then(|(i, j)| i.checked_add(j));
        assert!(
            last.is_some_and(|last| last < self.data.len()),
            "{name}: a matrix of {rows} x {columns} with strides {} and {} leaves its {} elements",
            self.row_stride,
            self.column_stride,
            self.data.len()
        );
    }

    /// What lies below and to the right of element (i, j).
    #[inline]
    pub(super) fn from(&self, i: usize, j: usize) -> Self {
        Matrix {
            data: &self.data[i * self.row_stride + j * self.column_stride..],
            ..*self
        }
    }
}

impl<'a, T: Copy> Matrix<'a, T> {
    /// The matrix with contiguous rows: itself, or a copy.
    pub(super) fn in_rows(self, rows: usize, columns: usize, copy: &'a mut Vec<T>) -> Self {
        if self.column_stride == 1 {
            return self;
        }
        copy.extend((0..rows * columns).map(|at| self.at(at / columns, at % columns)));
        Matrix::of_rows(copy, columns)
    }

    /// Element (i, j).
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> T {
        self.data[i * self.row_stride + j * self.column_stride]
    }
}

/// Matrices of one size that are read, one for each index (i, j, …) of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    /// The matrix of index (0, 0, …).
    pub first: Matrix<'a, T>,
    /// From one matrix to the next in each dimension of the batch. 0 uses a matrix again.
    pub strides: &'a [usize],
}

impl<'a, T> Batch<'a, T> {
    /// A batch without dimensions: one matrix.
    pub fn of_one(matrix: Matrix<'a, T>) -> Self {
        Batch {
            first: matrix,
            strides: &[],
        }
    }

    /// The `i`-th matrix of a batch of these sizes, of which the last runs fastest.
    pub(super) fn get(&self, sizes: &[usize], mut i: usize) -> Matrix<'a, T> {
        let mut start = 0;
        for (&size, &stride) in sizes.iter().zip(self.strides).rev() {
            start += i % size * stride;
            i /= size;
        }
        Matrix {
            data: &self.first.data[start..],
            ..self.first
        }
    }
}

/// A rectangle of C that is written: its rows are `width` elements apart. One product fills it from one thread.
pub(in super::super) struct Piece<'a, T> {
    first: *mut T,
    width: usize,
    rows: usize,
    columns: usize,
    owner: PhantomData<&'a mut [T]>,
}

impl<'a, T: Float> Piece<'a, T> {
    /// A whole matrix.
    pub(in super::super) fn whole(c: &'a mut [T], columns: usize) -> Self {
        Piece {
            first: c.as_mut_ptr(),
            width: columns,
            rows: c.len() / columns.max(1),
            columns,
            owner: PhantomData,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The rectangle of these rows and columns of this one, while it is borrowed.
    #[inline]
    pub(super) fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Piece<'_, T> {
        self.rectangle(rows, columns)
    }

    fn rectangle(&self, rows: Range<usize>, columns: Range<usize>) -> Piece<'_, T> {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows of C");
        assert!(
            columns.start <= columns.end && columns.end <= self.columns,
            "columns of C"
        );
        Piece {
            // Where the part is empty, this may point one row too far: nothing is read there.
            first: self.first.wrapping_add(rows.start * self.width + columns.start),
            width: self.width,
            rows: rows.len(),
            columns: columns.len(),
            owner: PhantomData,
        }
    }

    /// Row `i`.
    #[inline(always)]
    pub(in super::super) fn row(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows, "a row of C");
        // SAFETY: a piece is all of a `&mut [T]`, or lies inside another piece, by the assertions of `rectangle`; so the row lies inside
        // that slice. And whoever holds a piece is alone in its rectangle: `part` borrows the larger one, and `Shared` asks for it.
        #[allow(unsafe_code, reason = "the rows of a rectangle are not one slice")]
        unsafe {
            std::slice::from_raw_parts_mut(self.first.add(i * self.width), self.columns)
        }
    }

    /// Where it begins, and how far its rows are apart.
    pub(super) fn as_raw(&mut self) -> (*mut T, usize) {
        (self.first, self.width)
    }
}

/// A piece that several threads fill, each its own part.
pub(in super::super) struct Shared<'a, T>(Piece<'a, T>);

// SAFETY: what a thread can do with it is to take a part, and it promises that this is its own.
#[allow(
    unsafe_code,
    reason = "threads write to disjoint columns of the same rows, which slices cannot say"
)]
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T: Float> Shared<'a, T> {
    pub(in super::super) fn new(piece: Piece<'a, T>) -> Self {
        Shared(piece)
    }

    /// A part of it.
    ///
    /// # Safety
    /// No two parts that exist at the same time may overlap.
    #[allow(unsafe_code, reason = "see above")]
    pub(in super::super) unsafe fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Piece<'_, T> {
        self.0.rectangle(rows, columns)
    }
}
