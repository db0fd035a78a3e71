//! A right operand that many products share: it is packed once, before the first of them.

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
            true => blocks::<T>(k, n).map(|block| room::<T>(&block)).sum(),
            false => k * n,
        };
        let mut panels = Storage::for_overwrite(room, T::DTYPE);
        if room > 0 {
            b.check("B", k, n);
            fill(b, [k, n], panels.as_mut_slice());
        }
        Prepacked { k, n, panels }
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
        let mut panels = self.panels.as_slice();
        if k == 0 {
            super::matmul(m, k, n, a, Matrix::of_rows(panels, n), c, store);
        } else if WIDE {
            a.check("A", m, k);
            let c = &mut Piece::whole(c, n);
            for block in blocks::<T>(k, n) {
                let (packed, rest) = panels.split_at(room::<T>(&block));
                let b = Block::packed(packed, block.0.len());
                times_block([m, k], a, &b, block, c, store);
                panels = rest;
            }
        } else {
            let c = &mut Piece::whole(c, n);
            reference::product([m, k, n], a, Matrix::of_rows(panels, n), c, store.accumulate);
            store.finish(c);
        }
    }
}

/// Numbers in a packed block of these steps of K and these columns.
fn room<T: Float>((steps, columns): &(Range<usize>, Range<usize>)) -> usize {
    steps.len() * columns.len().next_multiple_of(T::Lanes::WIDTH)
}

/// Fills `panels` with B: packed, or, for the crate `matrixmultiply`, which packs by itself, in rows.
fn fill<T: Float>(b: Matrix<'_, T>, [k, n]: [usize; 2], mut panels: &mut [T]) {
    if !WIDE {
        let rows = panels.chunks_exact_mut(n).enumerate();
        return rows.for_each(|(p, row)| row.iter_mut().enumerate().for_each(|(j, out)| *out = b.at(p, j)));
    }
    for block in blocks::<T>(k, n) {
        let (out, rest) = panels.split_at_mut(room::<T>(&block));
        let (steps, columns) = block;
        let b = b.from(steps.start, columns.start);
        Block::new(b, steps.len(), columns.len(), true, out);
        panels = rest;
    }
}
