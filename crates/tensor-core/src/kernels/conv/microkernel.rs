//! The innermost loop of all three functions: C = A B for a tile of C, where A is read from an image by offsets.
//!
//! It is that of the matrix product, with one load more for each step: number p of row i is `a[rows[i] + steps[p]]`. It takes one step at a time: of four that are
//! written out, the compiler loads all numbers first, runs out of registers, and takes twice as long. Rows of A are positions and
//! steps are taps, or the other way round. A table costs nothing that could be measured, and saves the whole matrix of columns.

use super::super::arrays::array_of;
use super::super::matmul::{CHAIN, TILE, WIDE, column_blocks, panels_up_to, tile_rows_up_to};
use super::super::simd::{Float, Lanes};
use super::narrow;
use std::ops::Range;

/// The largest tile. With AVX-512 it has as many sums as that of a matrix product, 8 rows by 3 vectors, but the columns here are channels: 64 or 128 of them would be cut
/// into tiles of 2 vectors, too, which take a fifth more instructions for each multiplication (a convolution to 64 channels 8 % longer, a step of the DCGAN 6 %; with 32,
/// 48, 80 and 96 channels nothing changes).
const ROWS: usize = if TILE.vectors == 3 { 6 } else { TILE.rows };
const VECTORS: usize = if TILE.vectors == 3 { 4 } else { TILE.vectors };

/// A matrix whose number (i, p) is `numbers[rows[i] + steps[p]]`.
#[derive(Clone, Copy)]
pub(super) struct Indirect<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) rows: &'a [usize],
    pub(super) steps: &'a [usize],
}

/// So many numbers, filled up to whole vectors.
pub(super) fn filled<T: Float>(columns: usize) -> usize {
    columns.next_multiple_of(T::Lanes::WIDTH)
}

/// The columns of each tile of a block: all, where there is no microkernel.
pub(super) fn panels_of<T: Float>(block: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let all = (!WIDE).then(|| block.clone());
    let panels = panels_up_to::<T>(VECTORS, if WIDE { block.len() } else { 0 });
    let moved = panels.map(move |panel| block.start + panel.start..block.start + panel.end);
    all.into_iter().chain(moved)
}

/// C = A B, or C += A B if `accumulate`. Row i of C begins at `places[i]`, and has room for whole vectors.
///
/// B lies in panels: that of columns j to k begins at j times the number of steps, and each of its rows is [`filled`] up.
pub(super) fn product<T: Float>(
    a: Indirect<'_, T>,
    b: &[T],
    columns: usize,
    c: &mut [T],
    places: &[usize],
    accumulate: bool,
) {
    assert_eq!(a.rows.len(), places.len(), "a place for each row");
    let reach = a.steps.iter().max().map_or(0, |last| last + 1);
    let depth = a.steps.len();
    for block in column_blocks::<T>(columns) {
        if !WIDE {
            let (b, c) = (&b[block.start * depth..], &mut c[block.start..]);
            narrow::product(a, b, block.len(), c, places, accumulate);
            continue;
        }
        for rows in tile_rows_up_to(ROWS, a.rows.len()) {
            let a = Indirect {
                rows: &a.rows[rows.clone()],
                ..a
            };
            for columns in panels_of::<T>(block.clone()) {
                let width = filled::<T>(columns.len());
                let b = &b[columns.start * depth..][..width * depth];
                let c = &mut c[columns.start..];
                any_tile(a, reach, b, width, c, &places[rows.clone()], accumulate);
            }
        }
    }
}

/// Two and three vectors, if a tile has as many.
const TWO: usize = if VECTORS > 1 { 2 } else { 1 };
const THREE: usize = if VECTORS > 1 { 3 } else { 1 };

/// The microkernel for a tile of this size.
fn any_tile<T: Float>(
    a: Indirect<'_, T>,
    reach: usize,
    b: &[T],
    width: usize,
    c: &mut [T],
    places: &[usize],
    accumulate: bool,
) {
    let kernel = match (places.len(), width / T::Lanes::WIDTH) {
        (1, 1) => tile::<T, 1, 1>,
        (1, 2) => tile::<T, 1, TWO>,
        (1, 3) => tile::<T, 1, THREE>,
        (1, _) => tile::<T, 1, VECTORS>,
        (2, 1) => tile::<T, 2, 1>,
        (2, 2) => tile::<T, 2, TWO>,
        (2, 3) => tile::<T, 2, THREE>,
        (2, _) => tile::<T, 2, VECTORS>,
        (4, 1) => tile::<T, 4, 1>,
        (4, 2) => tile::<T, 4, TWO>,
        (4, 3) => tile::<T, 4, THREE>,
        (4, _) => tile::<T, 4, VECTORS>,
        (_, 1) => tile::<T, ROWS, 1>,
        (_, 2) => tile::<T, ROWS, TWO>,
        (_, 3) => tile::<T, ROWS, THREE>,
        (_, _) => tile::<T, ROWS, VECTORS>,
    };
    if a.steps.len() <= CHAIN {
        return kernel(a, reach, b, c, places, accumulate);
    }
    for (chain, steps) in a.steps.chunks(CHAIN).enumerate() {
        let b = &b[chain * CHAIN * width..][..steps.len() * width];
        kernel(Indirect { steps, ..a }, reach, b, c, places, accumulate || chain > 0);
    }
}

/// One tile. `reach` is more than each of the steps.
#[inline(never)]
fn tile<T: Float, const ROWS: usize, const VECTORS: usize>(
    a: Indirect<'_, T>,
    reach: usize,
    b: &[T],
    c: &mut [T],
    places: &[usize],
    accumulate: bool,
) {
    // All rows have one length, so that one comparison serves for the numbers of all of them.
    let rows: [&[T]; ROWS] = array_of(|i| &a.numbers[a.rows[i]..][..reach]);
    let (b, _) = T::Lanes::chunks(b);
    let mut sums = [[T::Lanes::zero(); VECTORS]; ROWS];
    for (&step, b) in a.steps.iter().zip(b.chunks_exact(VECTORS)) {
        let b: [T::Lanes; VECTORS] = array_of(|j| T::Lanes::from_array(b[j]));
        for i in 0..ROWS {
            let x = T::Lanes::splat(rows[i][step]);
            for j in 0..VECTORS {
                sums[i][j] = x.mul_add(b[j], sums[i][j]);
            }
        }
    }
    // By indices that the compiler knows: a reference to the sums would take them out of the registers.
    for i in 0..ROWS {
        let (c, _) = T::Lanes::chunks_mut(&mut c[places[i]..][..VECTORS * T::Lanes::WIDTH]);
        for j in 0..VECTORS {
            let sum = if accumulate {
                T::Lanes::from_array(c[j]) + sums[i][j]
            } else {
                sums[i][j]
            };
            c[j] = sum.to_array();
        }
    }
}
