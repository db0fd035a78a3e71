//! Where a product is cut into blocks, whose parts of B stay in the cache.

use super::super::simd::{Float, Lanes};
use super::WIDE;
use super::microkernel::{CHAIN, TILE, UNROLLED};
use std::ops::Range;

// What is cut between whole units is not longer than these only if they are whole units themselves.
const _: () = assert!(TILE.block.is_multiple_of(TILE.vectors) && TILE.depth.is_multiple_of(UNROLLED));
const _: () = assert!(CHAIN.is_multiple_of(UNROLLED));

/// As few equal blocks as are not longer than `most`; all but the last are multiples of `unit` long.
pub(in super::super) fn block_len(len: usize, most: usize, unit: usize) -> usize {
    len.div_ceil(len.div_ceil(most)).next_multiple_of(unit)
}

/// The columns of each block of B: as few blocks as are not too wide, cut between whole tiles.
pub(in super::super) fn column_blocks<T: Float>(columns: usize) -> impl Iterator<Item = Range<usize>> {
    let width = T::Lanes::WIDTH;
    let count = columns.div_ceil(TILE.block * width);
    (0..count).map(move |i| part(columns, TILE.vectors * width, count, i))
}

/// Steps of K in each block of B but the last.
pub(super) fn steps_in_block(k: usize) -> usize {
    block_len(k, TILE.depth, UNROLLED)
}

/// Whether so many steps of K are one chain, so that each sum is added to C once: C += A B then has the bits of A B, computed first and added to C. (Sums of no
/// terms are not added: -0 in C stays.)
pub(crate) fn is_added_once(k: usize) -> bool {
    WIDE && (1..=CHAIN).contains(&k)
}

/// The steps of K and the columns of each block of B, in the order in which they are used.
pub(super) fn blocks<T: Float>(k: usize, n: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let depth = steps_in_block(k);
    let columns = move |p: usize| column_blocks::<T>(n).map(move |columns| (p..k.min(p + depth), columns));
    (0..k).step_by(depth).flat_map(columns)
}

/// The `i`-th of `count` parts of so many rows or columns. They are as even as whole units allow: of 49 vectors in 8 parts, two threads get 24 and 25;
/// in parts of 7 vectors, 21 and 28.
pub(super) fn part(len: usize, unit: usize, count: usize, i: usize) -> Range<usize> {
    let units = len.div_ceil(unit);
    let start = |i: usize| len.min(units * i / count * unit);
    start(i)..start(i + 1)
}
