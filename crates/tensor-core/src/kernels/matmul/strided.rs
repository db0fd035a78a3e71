//! Rung 7: operands are read where they lie, and edges have tiles of their own.
//!
//! The last rung copied A although each number of it is read only once for a whole row of tiles, multiplied zeros at the edges, and stored
//! each tile twice. Here the microkernel reads A's rows or columns in place, so that only B is packed: by vectors where its rows are contiguous, by
//! squares turned in registers where its columns are. And what is left at the edges goes to smaller tiles: of 4, 2 and 1 rows, of 2 vectors and 1;
//! only a last vector that is not whole is filled up with zeros. A row of tiles is finished before the next one begins: B's panels come from
//! the second-level cache each time, as fast as they are used, and A's few rows stay in the first.
//!
//! Only where neither rows nor columns of A are contiguous, or its columns push each other out of the caches, the rows of two tiles are gathered first.
//!
//! What limits it: in a small product, B is hardly read more often than it is copied.

use super::super::simd::{Float, Lanes};
use super::microkernel::{TILE, UNROLLED};
use super::operand::{Matrix, Piece};
use super::pack::Block;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{any_tile, block_len, column_blocks, panels, tile_rows};
use crate::storage::Storage;
use std::ops::Range;

/// Rung 7.
pub(super) struct Strided;

impl Rung for Strided {
    fn name(&self) -> &'static str {
        "strided"
    }

    fn idea(&self) -> &'static str {
        "A is read where it lies, edges have smaller tiles"
    }

    fn bytes(&self) -> Option<f64> {
        Some(TILE.bytes())
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, &mut Piece::whole(c, sizes[2]), Store::new(false), true);
    }
}

/// One thread's product. Where `packs` is false, whole vectors of B are read where they lie: its rows must be contiguous.
///
/// Neither that nor the cut of C into tiles changes a bit of the result: each element is summed in the order of K, block by block.
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

/// Steps of K in each block of B but the last.
fn steps_in_block(k: usize) -> usize {
    block_len(k, TILE.depth, UNROLLED)
}

/// The steps of K and the columns of each block of B, in the order in which they are used.
pub(super) fn blocks<T: Float>(k: usize, n: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let depth = steps_in_block(k);
    let columns = move |p: usize| column_blocks::<T>(n).map(move |columns| (p..k.min(p + depth), columns));
    (0..k).step_by(depth).flat_map(columns)
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
    let has_several_panels = c.columns() > TILE.vectors * T::Lanes::WIDTH;
    let gathers = a.column_stride != 1
        && c.rows() > 1
        && (a.row_stride != 1 || has_several_panels && collide::<T>(k, a.column_stride));
    let mut room = Storage::for_overwrite(if gathers { GROUP * k } else { 0 }, T::DTYPE);
    let room = room.as_mut_slice();
    for start in (0..c.rows()).step_by(GROUP) {
        let end = c.rows().min(start + GROUP);
        let a = match gathers {
            true => gathered(a.from(start, 0), end - start, k, room),
            false => a.from(start, 0),
        };
        let mut i = start;
        while i < end {
            let rows = tile_rows(end - i);
            for columns in panels::<T>(c.columns()) {
                let mut c = c.part(i..i + rows, columns.clone());
                any_tile(k, a.from(i - start, 0), b.panel(&columns), &mut c, accumulate);
                if let Some(store) = complete {
                    store.columns(columns).finish(&mut c);
                }
            }
            i += rows;
        }
    }
}

/// Whether so many lines of memory, so many numbers apart, push each other out of the caches: those that are whole pages apart share a few places
/// there, the fewer the larger the power of two in their distance. Where they do, a product of 1024 x 512 x 400 with a transposed A is a fifth slower unless
/// its rows are gathered first; with half as many, nothing is lost, and where they do not, reading in place is 5 to 10 % faster.
pub(super) fn collide<T: Float>(lines: usize, apart: usize) -> bool {
    const PAGE: usize = 4096;
    let bytes = apart.saturating_mul(T::DTYPE.size());
    let power_of_two = bytes & bytes.wrapping_neg();
    power_of_two >= PAGE && lines.saturating_mul(power_of_two) > 128 * PAGE
}

/// Rows that are gathered together: those of two tiles, which share lines of memory where columns are contiguous.
const GROUP: usize = 2 * TILE.rows;

/// So many rows of A, column after column.
fn gathered<'a, T: Float>(a: Matrix<'_, T>, rows: usize, k: usize, room: &'a mut [T]) -> Matrix<'a, T> {
    let columns = (0..k).map(|p| &a.data[p * a.column_stride..]);
    let room = &mut room[..k * rows];
    match (a.row_stride, rows) {
        // By a length that the compiler knows: a copy of another is a call.
        (1, GROUP) => room
            .as_chunks_mut::<GROUP>()
            .0
            .iter_mut()
            .zip(columns)
            .for_each(|(out, column)| *out = *column.first_chunk().expect("a column has all rows")),
        (1, _) => room
            .chunks_exact_mut(rows)
            .zip(columns)
            .for_each(|(out, column)| out.copy_from_slice(&column[..rows])),
        _ => room
            .chunks_exact_mut(rows)
            .zip(columns)
            .for_each(|(out, column)| (0..rows).for_each(|i| out[i] = column[i * a.row_stride])),
    }
    Matrix::of_rows(&*room, rows).transposed()
}
