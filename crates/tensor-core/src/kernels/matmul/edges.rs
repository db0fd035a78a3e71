//! Rung 7: a tile is no larger than what C has there.
//!
//! On the last rung all tiles were whole. So panels were filled up with zeros, which were multiplied: for 65 x 65 numbers of C, with AVX-512, tiles of 72 x 96. And each
//! tile left its sums in a buffer, from which the part that C has was copied. Here what is left at an edge goes to smaller tiles, of 4, 2 and 1 rows, of 2
//! vectors and 1 (`tiles.rs`), and each adds its sums to C itself. Only where a last vector is not whole, it is filled up and the tile goes through a buffer.
//!
//! What limits it: A is copied into panels although each number of it is hardly read again.

use super::cache_blocks::{K_BLOCK, N_BLOCK};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::pack::{Block, pack};
use super::packed::M_BLOCK;
use super::rung::Rung;
use super::tiles::{any_tile, panels, tile_rows};
use crate::dtype::DType;
use crate::storage::Storage;

/// Rung 7.
pub(super) struct Edges;

impl Rung for Edges {
    fn name(&self) -> &'static str {
        "edges"
    }

    fn idea(&self) -> &'static str {
        "smaller tiles at the edges"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let room = |len| Storage::for_overwrite(len, DType::F32);
        let mut a_room = room(M_BLOCK.min(m) * K_BLOCK.min(k));
        let mut b_room = room(Block::<f32>::room(K_BLOCK.min(k), N_BLOCK.min(n), true));
        let a_room = a_room.as_mut_slice();
        let mut c = Piece::whole(c, n);
        for p in (0..k).step_by(K_BLOCK) {
            let k = K_BLOCK.min(k - p);
            for j in (0..n).step_by(N_BLOCK) {
                let width = N_BLOCK.min(n - j);
                let b = Block::new(b.from(p, j), k, width, true, b_room.as_mut_slice());
                for i in (0..m).step_by(M_BLOCK) {
                    let height = M_BLOCK.min(m - i);
                    pack_rows(a.from(i, p), k, height, a_room);
                    let mut c = c.part(i..i + height, j..j + width);
                    tiles(k, a_room, &b, &mut c, p > 0);
                }
            }
        }
    }
}

/// A block of A: the rows of a tile, column after column; then those of the next one.
fn pack_rows(a: Matrix<'_, f32>, k: usize, height: usize, room: &mut [f32]) {
    for rows in tile_rows(height) {
        let panel = &mut room[rows.start * k..rows.end * k];
        pack(a.from(rows.start, 0).transposed(), k, rows.len(), rows.len(), panel);
    }
}

/// C = A B or C += A B for packed blocks.
fn tiles(k: usize, a: &[f32], b: &Block<'_, f32>, c: &mut Piece<'_, f32>, accumulate: bool) {
    for columns in panels::<f32>(c.columns()) {
        for rows in tile_rows(c.rows()) {
            let a = Matrix::of_rows(&a[rows.start * k..], rows.len()).transposed();
            let mut c = c.part(rows, columns.clone());
            any_tile(k, a, b.panel(&columns), &mut c, accumulate);
        }
    }
}
