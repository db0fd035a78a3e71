//! Where a product is cut: into blocks, whose parts of B stay in the cache, and into pieces of C, which threads take up.

use super::super::simd::{Float, Lanes};
use super::microkernel::{TILE, UNROLLED};
use std::ops::Range;

/// Vectors in a row of a block of B, at most: with 512 steps of K, 384 KiB, less than half of a second-level cache of 1 MiB.
pub(super) const BLOCK: usize = 12;
// What is cut between whole units is not longer than these only if they are whole units themselves.
const _: () = assert!(BLOCK.is_multiple_of(TILE.vectors) && TILE.depth.is_multiple_of(UNROLLED));

/// As few equal blocks as are not longer than `most`; all but the last are multiples of `unit` long.
pub(in super::super) fn block_len(len: usize, most: usize, unit: usize) -> usize {
    len.div_ceil(len.div_ceil(most)).next_multiple_of(unit)
}

/// The columns of each block of B: as few blocks as are not wider than [`BLOCK`], cut between whole tiles.
pub(in super::super) fn column_blocks<T: Float>(columns: usize) -> impl Iterator<Item = Range<usize>> {
    let width = T::Lanes::WIDTH;
    let count = columns.div_ceil(BLOCK * width);
    (0..count).map(move |i| part(columns, TILE.vectors * width, count, i))
}

/// The `i`-th of `count` parts of so many rows or columns. They are as even as whole units allow: of 49 vectors in 8 parts, two threads get 24 and 25;
/// in parts of 7 vectors, 21 and 28.
pub(super) fn part(len: usize, unit: usize, count: usize, i: usize) -> Range<usize> {
    let units = len.div_ceil(unit);
    let start = |i: usize| len.min(units * i / count * unit);
    start(i)..start(i + 1)
}

/// Multiplications in a piece, at least: some 8 µs, where threads that are awake share work within 1 µs. With twice as many, a product of 128 x 128 x 128 stays on one
/// thread and takes 1.8 times as long; with half as many, nothing was faster.
const PIECE: usize = 1_000_000;
/// Multiplications that take as long as one of the simple elements by which [`for_each_task_of`] decides whether to wake threads.
///
/// [`for_each_task_of`]: super::super::parallel::for_each_task_of
const PER_ELEMENT: usize = 6;
/// Pieces that are enough: with twice as many, each so much smaller, one thread loses 2 % at N = 1024.
const PIECES: usize = 16;
/// Rows of a piece, and vectors in each, at least: first so that little is packed twice, and no tile is narrow; and where that gives fewer than
/// [`FEW`] pieces, so that a thread gets any work at all. (With 512 rows at least, two threads were a sixth slower at N = 512, where a piece was a fourth.)
const LEAST: [[usize; 2]; 2] = [[256, 6], [32, 2]];
const FEW: usize = 4;

/// The work of a product in simple elements.
pub(super) fn work(sizes: [usize; 3]) -> usize {
    work_of_batch(1, sizes)
}

/// The work of so many products.
pub(super) fn work_of_batch(count: usize, sizes: [usize; 3]) -> usize {
    multiplications(sizes).saturating_mul(count) / PER_ELEMENT
}

fn multiplications([m, k, n]: [usize; 3]) -> usize {
    (m * n).saturating_mul(k)
}

/// How many pieces a product is worth.
pub(super) fn pieces(sizes: [usize; 3]) -> usize {
    (multiplications(sizes) / PIECE).clamp(1, PIECES)
}

/// How many small products make up a piece.
pub(super) fn products_in_a_piece(sizes: [usize; 3]) -> usize {
    (PIECE / multiplications(sizes)).max(1)
}

/// Whether a product is too small to be cut.
pub(super) fn is_whole<T: Float>([m, k, n]: [usize; 3]) -> bool {
    rectangles::<T>([m, k, n]) == [1, 1]
}

/// Into how many parts the rows and the columns are cut, by the shape alone.
pub(super) fn rectangles<T: Float>(sizes: [usize; 3]) -> [usize; 2] {
    let [m, _, n] = sizes;
    let width = T::Lanes::WIDTH;
    let mut wanted = pieces(sizes);
    let mut down = 1;
    let mut across = wanted.min(n.div_ceil(BLOCK * width));
    // By columns nothing is packed twice, so they come first; then by rows; and by columns again if these are too few.
    for [rows, vectors] in LEAST {
        down = wanted.div_ceil(across).min(m / rows).max(down);
        across = wanted.div_ceil(down).min(n / (vectors * width)).max(across);
        wanted = wanted.min(FEW);
    }
    [down, across]
}
