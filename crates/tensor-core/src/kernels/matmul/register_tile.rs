//! Rung 3: a tile of C stays in registers until it is done.
//!
//! The last rung loaded and stored C at each step. Here a tile of 6 x 16 sums is kept in local variables, which the compiler keeps in
//! registers, while all of K passes by: each step loads 16 numbers of B and 6 of A for 96 multiplications.
//!
//! What limits it: each tile of C reads 16 columns of B from top to bottom, and the next row of tiles reads them again, from main memory
//! once B is larger than the caches.

use super::operand::{Matrix, Piece};
use super::rung::{Rung, bytes_of_tile};
use std::array::from_fn;

/// Rows of a tile.
pub(super) const ROWS: usize = 6;
/// Columns of a tile.
pub(super) const COLUMNS: usize = 16;
/// Bytes that a tile loads for each multiplication.
pub(super) const BYTES: f64 = bytes_of_tile(ROWS, COLUMNS);

/// Rung 3.
pub(super) struct RegisterTile;

impl Rung for RegisterTile {
    fn name(&self) -> &'static str {
        "register_tile"
    }

    fn idea(&self) -> &'static str {
        "6 x 16 sums stay in registers"
    }

    fn bytes(&self) -> f64 {
        BYTES
    }

    #[inline(never)]
    fn run(&self, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let mut copies = [Vec::new(), Vec::new()];
        let [a_copy, b_copy] = &mut copies;
        let (a, b) = (a.in_rows(m, k, a_copy), b.in_rows(k, n, b_copy));
        tiles([m, k, n], a, b, &mut Piece::whole(c, n), false);
    }
}

/// C = A B or C += A B, tile by tile. A and B are in rows.
pub(super) fn tiles(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    c: &mut Piece<'_, f32>,
    accumulate: bool,
) {
    for i in (0..m).step_by(ROWS) {
        for j in (0..n).step_by(COLUMNS) {
            let mut c = c.part(i..m.min(i + ROWS), j..n.min(j + COLUMNS));
            let (a, b) = (a.from(i, 0), b.from(0, j));
            if c.rows() == ROWS && c.columns() == COLUMNS {
                tile(k, a, b, &mut c, accumulate);
            } else {
                edge(k, a, b, &mut c, accumulate);
            }
        }
    }
}

/// One whole tile. Rows of B are contiguous; A may have any strides.
#[inline(never)]
pub(super) fn tile(k: usize, a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut Piece<'_, f32>, accumulate: bool) {
    let reach = (k - 1) * a.column_stride + 1;
    let rows: [&[f32]; ROWS] = from_fn(|i| &a.data[i * a.row_stride..][..reach]);
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for p in 0..k {
        let b: &[f32; COLUMNS] = b.data[p * b.row_stride..].first_chunk().expect("a row of B");
        for i in 0..ROWS {
            // A row of sums as a whole: this the compiler makes vectors of; of sums that change one by one it does not.
            let a = rows[i][p * a.column_stride];
            sums[i] = from_fn(|j| sums[i][j] + a * b[j]);
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let c: &mut [f32; COLUMNS] = c.row(i).first_chunk_mut().expect("a row of the tile");
        *c = if accumulate { from_fn(|j| c[j] + sums[j]) } else { sums };
    }
}

/// What is left of C at the right and at the bottom, element by element.
pub(super) fn edge(k: usize, a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut Piece<'_, f32>, accumulate: bool) {
    for i in 0..c.rows() {
        for (j, c) in c.row(i).iter_mut().enumerate() {
            let sum: f32 = (0..k).map(|p| a.at(i, p) * b.at(p, j)).sum();
            *c = if accumulate { *c + sum } else { sum };
        }
    }
}
