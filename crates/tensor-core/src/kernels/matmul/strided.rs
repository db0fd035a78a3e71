//! Rung 7: operands are read where they lie, and edges have tiles of their own.
//!
//! The last rung copied A although each number of it is read only once for a whole row of tiles, multiplied zeros at the edges, and stored
//! each tile twice. Here the microkernel reads A by its strides, so that only B is packed: by vectors where its rows are contiguous, by
//! squares turned in registers where its columns are. And what is left at the edges goes to smaller tiles: of 4, 2 and 1 rows, of 2 vectors and 1;
//! only a last vector that is not whole is filled up with zeros. A row of tiles is finished before the next one begins: B's panels come from
//! the second-level cache each time, as fast as they are used, and A's few rows stay in the first.
//!
//! What limits it: in a small product, B is hardly read more often than it is copied.

use super::super::simd::{Float, Lanes};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::pack::Block;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{any_tile, block_len, panels, tile_rows};
use crate::storage::Storage;

/// Vectors in a row of a block of B: with 512 steps of K, 384 KiB, less than half of a second-level cache of 1 MiB.
pub(in super::super) const BLOCK: usize = 12;

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
    let width = T::Lanes::WIDTH;
    let (depth, block) = (block_len(k, TILE.depth, 1), block_len(n, BLOCK * width, width));
    let room = if packs {
        depth * block
    } else {
        Block::<T>::room(depth, n % block, false)
    };
    let mut room = Storage::for_overwrite(room, T::DTYPE);
    for p in (0..k).step_by(depth) {
        let depth = depth.min(k - p);
        let last = p + depth == k;
        let accumulate = store.accumulate || p > 0;
        for j in (0..n).step_by(block) {
            let columns = j..n.min(j + block);
            let b = Block::new(b.from(p, j), depth, columns.len(), packs, room.as_mut_slice());
            let mut c = c.part(0..m, columns.clone());
            rows_of_tiles(
                depth,
                a.from(0, p),
                &b,
                &mut c,
                accumulate,
                last.then(|| store.columns(columns)),
            );
        }
    }
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
    let mut i = 0;
    while i < c.rows() {
        let rows = tile_rows(c.rows() - i);
        for columns in panels::<T>(c.columns()) {
            let mut c = c.part(i..i + rows, columns.clone());
            any_tile(k, a.from(i, 0), b.panel(&columns), &mut c, accumulate);
            if let Some(store) = complete {
                store.columns(columns).finish(&mut c);
            }
        }
        i += rows;
    }
}
