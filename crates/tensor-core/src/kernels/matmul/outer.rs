//! A column times a row: each row of C is a multiple of the row.

use super::super::parallel::{CHUNK, for_each_part};
use super::super::simd::{Float, Lanes};
use super::WIDE;
use super::operand::{Matrix, Piece};
use super::store::Store;

/// A column, and a contiguous row, of which a thread takes some multiples at a time.
pub(super) struct Outer<'a, T> {
    column: Matrix<'a, T>,
    row: &'a [T],
}

impl<'a, T: Float> Outer<'a, T> {
    /// Those of a product where K is 1 and B a contiguous row that is no more than one thread is to take at a time.
    pub(super) fn of([_, k, n]: [usize; 3], a: Matrix<'a, T>, b: Matrix<'a, T>) -> Option<Self> {
        let is_short = n <= CHUNK && b.column_stride == 1;
        (WIDE && k == 1 && is_short).then(|| Outer {
            column: a,
            row: &b.data[..n],
        })
    }

    /// C, on all threads.
    pub(super) fn product(&self, c: &mut [T], store: Store<'_, T>) {
        let n = self.row.len();
        let (rows, work) = (CHUNK / n, c.len());
        for_each_part(c, rows * n, work, |first, c| self.part(first / n, c, store));
    }

    /// The rows of C from row `first` on, on this thread.
    pub(super) fn part(&self, first: usize, c: &mut [T], store: Store<'_, T>) {
        let n = self.row.len();
        let (row, row_rest) = T::Lanes::chunks(self.row);
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            let x = T::Lanes::splat(self.column.at(first + i, 0));
            // Added to 0, as all sums are.
            let sum = |c: T::Lanes, b: T::Lanes| {
                let product = x.mul_add(b, T::Lanes::zero());
                if store.accumulate { c + product } else { product }
            };
            let (c, c_rest) = T::Lanes::chunks_mut(c);
            for (c, b) in c.iter_mut().zip(row) {
                *c = sum(T::Lanes::from_array(*c), T::Lanes::from_array(*b)).to_array();
            }
            if !c_rest.is_empty() {
                let b = T::Lanes::load_padded(row_rest, T::ZERO);
                sum(T::Lanes::load_padded(c_rest, T::ZERO), b).store_padded(c_rest);
            }
        }
        store.finish(&mut Piece::whole(c, n));
    }
}
