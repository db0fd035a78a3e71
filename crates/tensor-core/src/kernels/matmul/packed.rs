//! Rung 5: blocks are copied into panels first, in the order in which the tiles read them.
//!
//! The last rung read numbers that lie apart. Here each block of B is copied into panels: the 16 columns of a tile, row after row; and each
//! block of A likewise: the 6 rows of a tile, column after column. The tile then reads forward, without a gap, and the copies are read
//! many times. Panels are filled up with zeros at the edges of a matrix, so that every tile is whole.
//!
//! What limits it: the compiler's code for the tile. It multiplies and adds in two instructions, and in vectors of its own choice.

use super::cache_blocks::{K_BLOCK, N_BLOCK};
use super::operand::{Matrix, Piece};
use super::pack::pack;
use super::register_tile::{self, COLUMNS, ROWS};
use super::rung::Rung;
use crate::dtype::DType;
use crate::storage::Storage;

/// Rows of A in a block.
pub(super) const M_BLOCK: usize = 96;

/// Rung 5.
pub(super) struct Packed;

impl Rung for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn idea(&self) -> &'static str {
        "blocks are copied into panels"
    }

    fn bytes(&self) -> f64 {
        register_tile::BYTES
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        blocks(sizes, a, b, c, [ROWS, COLUMNS], register_tile::tile);
    }
}

/// C = A B by a kernel for whole tiles of this size.
pub(super) fn blocks(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    c: &mut [f32],
    [rows, columns]: [usize; 2],
    tile: impl Fn(usize, Matrix<'_, f32>, Matrix<'_, f32>, &mut Piece<'_, f32>, bool),
) {
    // These begin with lines of the caches.
    let room = |len| Storage::for_overwrite(len, DType::F32);
    let mut a_room = room(K_BLOCK.min(k) * M_BLOCK.min(m).next_multiple_of(rows));
    let mut b_room = room(K_BLOCK.min(k) * N_BLOCK.min(n).next_multiple_of(columns));
    let mut sums = room(rows * columns);
    let sums = sums.as_mut_slice();
    let mut c = Piece::whole(c, n);
    for p in (0..k).step_by(K_BLOCK) {
        let k = K_BLOCK.min(k - p);
        for j in (0..n).step_by(N_BLOCK) {
            let width = N_BLOCK.min(n - j);
            let b_panels = pack_panels(b.from(p, j), k, width, columns, b_room.as_mut_slice());
            for i in (0..m).step_by(M_BLOCK) {
                let height = M_BLOCK.min(m - i);
                let a_panels = pack_panels(a.from(i, p).transposed(), k, height, rows, a_room.as_mut_slice());
                let mut c = c.part(i..i + height, j..j + width);
                for (b, j) in b_panels.chunks_exact(k * columns).zip((0..width).step_by(columns)) {
                    for (a, i) in a_panels.chunks_exact(k * rows).zip((0..height).step_by(rows)) {
                        let mut c = c.part(i..height.min(i + rows), j..width.min(j + columns));
                        tile(
                            k,
                            Matrix::of_rows(a, rows).transposed(),
                            Matrix::of_rows(b, columns),
                            &mut Piece::whole(sums, columns),
                            false,
                        );
                        store(sums, columns, &mut c, p > 0);
                    }
                }
            }
        }
    }
}

/// Panels of so many columns, each with `k` rows, the last filled up with zeros.
fn pack_panels<'a>(b: Matrix<'_, f32>, k: usize, width: usize, columns: usize, room: &'a mut [f32]) -> &'a [f32] {
    let panels = &mut room[..width.next_multiple_of(columns) * k];
    for (panel, j) in panels.chunks_exact_mut(k * columns).zip((0..width).step_by(columns)) {
        pack(b.from(0, j), k, columns.min(width - j), columns, panel);
    }
    panels
}

/// The part of a tile's sums that C has.
fn store(sums: &[f32], columns: usize, c: &mut Piece<'_, f32>, accumulate: bool) {
    for i in 0..c.rows() {
        for (c, &sum) in c.row(i).iter_mut().zip(&sums[i * columns..]) {
            *c = if accumulate { *c + sum } else { sum };
        }
    }
}
