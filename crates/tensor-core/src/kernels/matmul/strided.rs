//! Rung 8: A is read where it lies.
//!
//! The last rung copied A although each number of it is read only once for a row of tiles. Here the microkernel reads A's rows or columns in place, and only B
//! is packed. So the loops change places: a row of tiles is finished before the next one begins, while its few rows of A are still in the first cache, and
//! B's panels come from the second each time, as fast as they are used. For that the blocks are long and not too wide: 18 vectors by
//! up to 800 steps of K, with AVX-512 (`microkernel.rs`). (With blocks of 15 vectors by 256 steps, about those of the last rung, this one is 14 %
//! faster than that at 1000 and 1024, and with its own 16 %: the means of three runs in turn.)
//!
//! Only where neither rows nor columns of A are contiguous, or its columns push each other out of the caches, the rows of two tiles are gathered first.
//!
//! What limits it: in a small product, B is hardly read more often than it is copied.

use super::super::simd::Float;
use super::cut::{blocks, column_blocks, steps_in_block};
use super::gather::{self, GROUP};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::pack::Block;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{any_tile, panels, tile_rows};
use crate::storage::Storage;
use std::ops::Range;

/// Rung 8.
pub(super) struct Strided;

impl Rung for Strided {
    fn name(&self) -> &'static str {
        "strided"
    }

    fn idea(&self) -> &'static str {
        "A is read where it lies"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, &mut Piece::whole(c, sizes[2]), Store::new(false), true);
    }
}

/// One thread's product. Where `packs` is false, whole vectors of B are read where they lie: its rows must be contiguous.
///
/// Neither that nor the cut of C into tiles changes a bit of the result: each element is summed in the order of K, chain by chain of each block.
pub(super) fn product<T: Float>(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut Piece<'_, T>,
    store: Store<'_, T>,
    packs: bool,
) {
    let block = |columns: Range<usize>| Block::<T>::room(steps_in_block(k), columns.len(), packs);
    let room = column_blocks::<T>(n).map(block).max().unwrap_or(0);
    let mut room = Storage::for_overwrite(room, T::DTYPE);
    for (steps, columns) in blocks::<T>(k, n) {
        let b = b.from(steps.start, columns.start);
        let b = Block::new(b, steps.len(), columns.len(), packs, room.as_mut_slice());
        times_block([m, k], a, &b, (steps, columns), c, store);
    }
}

/// What a block of B, of these steps of K and these columns, adds to C.
pub(super) fn times_block<T: Float>(
    [m, k]: [usize; 2],
    a: Matrix<'_, T>,
    b: &Block<'_, T>,
    (steps, columns): (Range<usize>, Range<usize>),
    c: &mut Piece<'_, T>,
    store: Store<'_, T>,
) {
    let mut c = c.part(0..m, columns.clone());
    let accumulate = store.accumulate || steps.start > 0;
    let complete = (steps.end == k).then(|| store.columns(columns));
    rows_of_tiles(steps.len(), a.from(0, steps.start), b, &mut c, accumulate, complete);
}

/// C = A B or C += A B for a block of B. What is left to do with the sums is done where C is complete.
fn rows_of_tiles<T: Float>(
    k: usize,
    a: Matrix<'_, T>,
    b: &Block<'_, T>,
    c: &mut Piece<'_, T>,
    accumulate: bool,
    complete: Option<Store<'_, T>>,
) {
    let gathers = gather::pays(k, &a, [c.rows(), c.columns()]);
    let mut room = Storage::for_overwrite(if gathers { GROUP * k } else { 0 }, T::DTYPE);
    let room = room.as_mut_slice();
    for start in (0..c.rows()).step_by(GROUP) {
        let end = c.rows().min(start + GROUP);
        let a = match gathers {
            true => gather::rows(a.from(start, 0), end - start, k, room),
            false => a.from(start, 0),
        };
        for rows in tile_rows(end - start) {
            let a = a.from(rows.start, 0);
            for columns in panels::<T>(c.columns()) {
                let mut c = c.part(start + rows.start..start + rows.end, columns.clone());
                any_tile(k, a, b.panel(&columns), &mut c, accumulate);
                if let Some(store) = complete {
                    store.columns(columns).finish(&mut c);
                }
            }
        }
    }
}
