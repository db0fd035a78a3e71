//! An operand that many products share, or many pieces of one: it is packed once, before the first of them.

use super::super::simd::{Float, Lanes};
use super::operand::{Matrix, Piece};
use super::pack::Block;
use super::store::Store;
use super::strided::{blocks, times_block};
use super::{WIDE, parallel, reference};
use crate::storage::Storage;
use std::ops::Range;

/// B, k x n, in panels.
///
/// A recurrent network multiplies a few rows by the same weights in each step. [`matmul`](super::matmul) would pack the weights each time, which takes about as long
/// as such a product itself.
pub struct Prepacked {
    k: usize,
    n: usize,
    /// The packed blocks, one after the other.
    panels: Storage,
}

impl Prepacked {
    /// Packs B.
    pub fn new<T: Float>(b: Matrix<'_, T>, k: usize, n: usize) -> Prepacked {
        let room = match WIDE {
            _ if k == 0 || n == 0 => 0,
            true => blocks::<T>(k, n)
                .map(|(steps, columns)| room::<T>(&steps, &columns))
                .sum(),
            false => k * n,
        };
        let mut panels = Storage::for_overwrite(room, T::DTYPE);
        if room > 0 {
            b.check("B", k, n);
            fill(b, [k, n], panels.as_mut_slice());
        }
        Prepacked { k, n, panels }
    }

    /// K.
    pub(super) fn steps(&self) -> usize {
        self.k
    }

    /// The blocks in the order in which they are used: their steps of K, their columns, and their panels. Neither K nor N is 0, and the build has a
    /// microkernel.
    pub(super) fn blocks<T: Float>(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>, Block<'_, T>)> {
        debug_assert!(WIDE && self.k > 0 && self.n > 0);
        let mut panels = self.panels.as_slice();
        blocks::<T>(self.k, self.n).map(move |(steps, columns)| {
            let (packed, rest) = panels.split_at(room::<T>(&steps, &columns));
            panels = rest;
            let block = Block::packed(packed, steps.len());
            (steps, columns, block)
        })
    }

    /// The work of a product with so many rows of A, in the simple elements by which threads are called.
    pub fn work(&self, rows: usize) -> usize {
        parallel::work([rows, self.k, self.n])
    }

    /// C = A B on this thread, with the bits of [`matmul`](super::matmul): C is m x n and contiguous.
    pub fn product<T: Float>(&self, m: usize, a: Matrix<'_, T>, c: &mut [T], store: Store<'_, T>) {
        let (k, n) = (self.k, self.n);
        assert_eq!(m.checked_mul(n), Some(c.len()), "C is not {m} x {n}");
        assert!(
            store.bias.is_none_or(|bias| bias.len() == n),
            "the bias is not one row of C"
        );
        if c.is_empty() {
            return;
        }
        let panels = self.panels.as_slice();
        if k == 0 {
            super::matmul(m, k, n, a, Matrix::of_rows(panels, n), c, store);
        } else if WIDE {
            a.check("A", m, k);
            let c = &mut Piece::whole(c, n);
            for (steps, columns, b) in self.blocks() {
                times_block([m, k], a, &b, (steps, columns), c, store);
            }
        } else {
            let c = &mut Piece::whole(c, n);
            reference::product([m, k, n], a, Matrix::of_rows(panels, n), c, store.accumulate);
            store.finish(c);
        }
    }
}

/// Numbers in a packed block of these steps of K and these columns.
fn room<T: Float>(steps: &Range<usize>, columns: &Range<usize>) -> usize {
    steps.len() * columns.len().next_multiple_of(T::Lanes::WIDTH)
}

/// Fills `panels` with B: packed, or, for the crate `matrixmultiply`, which packs by itself, in rows.
fn fill<T: Float>(b: Matrix<'_, T>, [k, n]: [usize; 2], mut panels: &mut [T]) {
    if !WIDE {
        let rows = panels.chunks_exact_mut(n).enumerate();
        return rows.for_each(|(p, row)| row.iter_mut().enumerate().for_each(|(j, out)| *out = b.at(p, j)));
    }
    for (steps, columns) in blocks::<T>(k, n) {
        let (out, rest) = panels.split_at_mut(room::<T>(&steps, &columns));
        let b = b.from(steps.start, columns.start);
        Block::new(b, steps.len(), columns.len(), true, out);
        panels = rest;
    }
}
