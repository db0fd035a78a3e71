//! A matrix times a vector: C is a single column, or a single row.
//!
//! The lanes go along K, and their sums are added in the end, in another order than the microkernel's: so a sample by itself may differ in its last bits from the same
//! sample among others.

use super::super::parallel::{CHUNK, for_each_part};
use super::super::simd::{Float, Lanes};
use super::WIDE;
use super::operand::{Matrix, Piece};
use super::store::Store;
use std::array::from_fn;

/// Rows at a time: as many independent sums, and the vector is loaded once for all of them.
const ROWS: usize = 4;
/// Vectors along K that are summed before they are added to the rest: a sum of a million terms, too, is then off by a few hundred roundings at most.
const BLOCK: usize = 256;

/// A matrix with contiguous rows, and a contiguous vector of at least as many numbers as the lanes have.
pub(super) struct MatrixVector<'a, T> {
    matrix: Matrix<'a, T>,
    vector: &'a [T],
}

impl<'a, T: Float> MatrixVector<'a, T> {
    /// Those of a product where B is one column; or where A is one row, since (A B)ᵀ = Bᵀ Aᵀ. (With fewer numbers in a row than lanes it would take longer.)
    pub(super) fn of([m, k, n]: [usize; 3], a: Matrix<'a, T>, b: Matrix<'a, T>) -> Option<Self> {
        let (matrix, vector) = match (m, n) {
            (_, 1) => (a, b),
            (1, _) => (b.transposed(), a.transposed()),
            _ => return None,
        };
        let is_contiguous = matrix.column_stride == 1 && vector.row_stride == 1;
        (WIDE && is_contiguous && k >= T::Lanes::WIDTH).then(|| MatrixVector {
            matrix,
            vector: &vector.data[..k],
        })
    }

    /// C, on all threads.
    pub(super) fn product(&self, c: &mut [T], store: Store<'_, T>) {
        let k = self.vector.len();
        let rows = (CHUNK / k).next_multiple_of(ROWS).max(ROWS);
        let work = c.len().saturating_mul(k);
        for_each_part(c, rows, work, |first, c| self.part(first, c, store));
    }

    /// The part of C from number `first` on, on this thread.
    pub(super) fn part(&self, first: usize, c: &mut [T], store: Store<'_, T>) {
        for (i, c) in c.chunks_mut(ROWS).enumerate() {
            let matrix = self.matrix.from(first + i * ROWS, 0);
            match c.len() {
                ROWS => self.rows::<ROWS>(matrix, c, store.accumulate),
                some => (0..some).for_each(|i| self.rows::<1>(matrix.from(i, 0), &mut c[i..=i], store.accumulate)),
            }
        }
        let store = match store.bias {
            // The bias of a single column.
            Some(&[bias]) => {
                c.iter_mut().for_each(|c| *c = *c + bias);
                Store { bias: None, ..store }
            }
            _ => store.columns(first..first + c.len()),
        };
        store.finish(&mut Piece::whole(c, c.len()));
    }

    /// The inner products with so many rows, or their sums with `c`.
    fn rows<const N: usize>(&self, matrix: Matrix<'_, T>, c: &mut [T], accumulate: bool) {
        let (vector, vector_rest) = T::Lanes::chunks(self.vector);
        let rows: [_; N] = from_fn(|i| T::Lanes::chunks(&matrix.data[i * matrix.row_stride..][..self.vector.len()]));
        let mut sums = [T::Lanes::zero(); N];
        for (block, vector) in vector.chunks(BLOCK).enumerate() {
            let rows = rows.map(|(row, _)| &row[block * BLOCK..][..vector.len()]);
            let mut of_block = [T::Lanes::zero(); N];
            for (p, x) in vector.iter().enumerate() {
                let x = T::Lanes::from_array(*x);
                for (sum, row) in of_block.iter_mut().zip(rows) {
                    *sum = x.mul_add(T::Lanes::from_array(row[p]), *sum);
                }
            }
            for (sum, of_block) in sums.iter_mut().zip(of_block) {
                *sum = *sum + of_block;
            }
        }
        if !vector_rest.is_empty() {
            let x = T::Lanes::load_padded(vector_rest, T::ZERO);
            for (sum, (_, rest)) in sums.iter_mut().zip(&rows) {
                *sum = x.mul_add(T::Lanes::load_padded(rest, T::ZERO), *sum);
            }
        }
        for (c, sum) in c.iter_mut().zip(sums) {
            *c = if accumulate { *c + sum.sum() } else { sum.sum() };
        }
    }
}
