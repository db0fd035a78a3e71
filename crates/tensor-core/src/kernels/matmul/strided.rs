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
use super::microkernel::{Panel, TILE};
use super::operand::{Matrix, Piece};
use super::pack;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{any_tile, block_len, panels, tile_rows};
use crate::storage::Storage;
use std::ops::Range;

/// Vectors in a row of a block of B: with 512 steps of K, 480 KiB, half of the second-level cache.
pub(super) const BLOCK: usize = 15;

/// Rung 7.
pub(super) struct Strided;

impl Rung for Strided {
    fn name(&self) -> &'static str {
        "strided"
    }

    fn idea(&self) -> &'static str {
        "A is read where it lies, edges have smaller tiles"
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
    let is_packed = |columns: &Range<usize>| packs || !columns.len().is_multiple_of(width);
    let room = depth * if packs { block } else { width * TILE.vectors };
    let needs_room = is_packed(&(0..n));
    let mut room = Storage::for_overwrite(if needs_room { room } else { 0 }, T::DTYPE);
    let room = room.as_mut_slice::<T>();
    for p in (0..k).step_by(depth) {
        let depth = depth.min(k - p);
        let accumulate = store.accumulate || p > 0;
        for j in (0..n).step_by(block) {
            let (a, b) = (a.from(0, p), b.from(p, j));
            let store = store.columns(j..n.min(j + block));
            let mut c = c.part(0..m, j..n.min(j + block));
            let columns = c.columns();
            // Where a panel lies in the room: those before it are all as deep, and if only the last one is packed, it is the first there.
            let place = |panel: &Range<usize>| if packs { panel.start * depth } else { 0 };
            for panel in panels(columns, width).filter(is_packed) {
                let filled = panel.len().next_multiple_of(width);
                let room = &mut room[place(&panel)..][..filled * depth];
                pack::panel(b.from(0, panel.start), depth, panel.len(), filled, room);
            }
            let mut i = 0;
            while i < m {
                let rows = tile_rows(m - i);
                for panel in panels(columns, width) {
                    let b = if is_packed(&panel) {
                        let stride = panel.len().next_multiple_of(width);
                        let data = &room[place(&panel)..][..stride * depth];
                        Panel { data, stride }
                    } else {
                        let data = &b.data[panel.start..];
                        Panel {
                            data,
                            stride: b.row_stride,
                        }
                    };
                    let mut c = c.part(i..i + rows, panel.clone());
                    any_tile(depth, a.from(i, 0), b, &mut c, accumulate);
                    if p + depth == k {
                        store.columns(panel).finish(&mut c);
                    }
                }
                i += rows;
            }
        }
    }
}
