//! How a block is cut into tiles: whole ones, and smaller ones at its edges.

use super::super::arrays::Lines;
use super::super::simd::{Float, Lanes};
use super::microkernel::{CHAIN, Panel, TILE, tile};
use super::operand::{Matrix, Piece};
use std::ops::Range;

/// The columns of each tile, from left to right: as wide as possible, except that a single vector at the end takes one of its neighbours'. It
/// would use each number of A only once.
pub(super) fn panels<T: Float>(columns: usize) -> impl Iterator<Item = Range<usize>> {
    panels_up_to::<T>(TILE.vectors, columns)
}

/// [`panels`] of so many vectors at most.
pub(in super::super) fn panels_up_to<T: Float>(most: usize, columns: usize) -> impl Iterator<Item = Range<usize>> {
    let width = T::Lanes::WIDTH;
    let mut start = 0;
    std::iter::from_fn(move || {
        let vectors = match (columns - start).div_ceil(width) {
            0 => return None,
            left if left == most + 1 => left / 2,
            left => left.min(most),
        };
        let end = columns.min(start + vectors * width);
        Some(std::mem::replace(&mut start, end)..end)
    })
}

/// The rows of each tile, from top to bottom: as many as there can be.
pub(super) fn tile_rows(rows: usize) -> impl Iterator<Item = Range<usize>> {
    tile_rows_up_to(TILE.rows, rows)
}

/// [`tile_rows`], so many at most.
pub(in super::super) fn tile_rows_up_to(most: usize, rows: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let end = start
            + match rows - start {
                0 => return None,
                left if left >= most => most,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
        Some(std::mem::replace(&mut start, end)..end)
    })
}

/// Two vectors, if a tile has as many.
const TWO: usize = if TILE.vectors > 1 { 2 } else { 1 };
/// Numbers in the largest tile.
pub(super) const LARGEST: usize = TILE.rows * TILE.vectors * 16;

/// The microkernel for a tile of this size, chain by chain. A last vector of which C has only a part goes through a buffer.
pub(super) fn any_tile<T: Float>(k: usize, a: Matrix<'_, T>, b: Panel<'_, T>, c: &mut Piece<'_, T>, accumulate: bool) {
    let vectors = c.columns().div_ceil(T::Lanes::WIDTH);
    let kernel = match a.column_stride {
        1 => kernel::<T, true>(c.rows(), vectors),
        _ => kernel::<T, false>(c.rows(), vectors),
    };
    let width = vectors * T::Lanes::WIDTH;
    if c.columns() == width {
        return match k {
            ..=CHAIN => kernel(k, a, b, c, accumulate),
            _ => in_chains(kernel, k, a, b, c, accumulate),
        };
    }
    let columns = c.columns();
    let mut sums = Lines([T::ZERO; LARGEST]);
    let sums = &mut sums.0[..c.rows() * width];
    if accumulate {
        let rows = sums.chunks_exact_mut(width).enumerate();
        rows.for_each(|(i, sums)| sums[..columns].copy_from_slice(c.row(i)));
    }
    in_chains(kernel, k, a, b, &mut Piece::whole(sums, width), accumulate);
    let rows = sums.chunks_exact(width).enumerate();
    rows.for_each(|(i, sums)| c.row(i).copy_from_slice(&sums[..columns]));
}

/// The microkernel for one chain of steps after the other. A function of its own: inlined, it cost products with a single chain up to 8 % (64 x 64 x 64).
#[inline(never)]
fn in_chains<T: Float>(
    kernel: Kernel<T>,
    k: usize,
    a: Matrix<'_, T>,
    b: Panel<'_, T>,
    c: &mut Piece<'_, T>,
    accumulate: bool,
) {
    for start in (0..k).step_by(CHAIN) {
        let (a, b) = (a.from(0, start), b.from(start));
        kernel(CHAIN.min(k - start), a, b, c, accumulate || start > 0);
    }
}

/// A microkernel: see [`tile`].
type Kernel<T> = fn(usize, Matrix<'_, T>, Panel<'_, T>, &mut Piece<'_, T>, bool);

fn kernel<T: Float, const BY_ROWS: bool>(rows: usize, vectors: usize) -> Kernel<T> {
    const ROWS: usize = TILE.rows;
    const VECTORS: usize = TILE.vectors;
    match (rows, vectors) {
        (1, 1) => tile::<T, 1, 1, BY_ROWS>,
        (1, 2) => tile::<T, 1, TWO, BY_ROWS>,
        (1, _) => tile::<T, 1, VECTORS, BY_ROWS>,
        (2, 1) => tile::<T, 2, 1, BY_ROWS>,
        (2, 2) => tile::<T, 2, TWO, BY_ROWS>,
        (2, _) => tile::<T, 2, VECTORS, BY_ROWS>,
        (4, 1) => tile::<T, 4, 1, BY_ROWS>,
        (4, 2) => tile::<T, 4, TWO, BY_ROWS>,
        (4, _) => tile::<T, 4, VECTORS, BY_ROWS>,
        (_, 1) => tile::<T, ROWS, 1, BY_ROWS>,
        (_, 2) => tile::<T, ROWS, TWO, BY_ROWS>,
        (_, _) => tile::<T, ROWS, VECTORS, BY_ROWS>,
    }
}
