//! Rung 3: a tile of C stays in registers until it is done.
//!
//! The last rung loaded and stored C at each step. Here a tile of 8 x 8 sums is kept in local variables, which the compiler keeps in
//! registers, while all of K passes by: each step loads 8 numbers of B and 8 of A for 64 multiplications. (Larger tiles would load less, but the
//! compiler no longer makes vectors of them.)
//!
//! What limits it: each tile of C reads 8 columns of B from top to bottom, and the next row of tiles reads them again, from main memory
//! once B is larger than the caches.

use super::operand::{Matrix, Piece};
use super::rung::Rung;

/// Rows of a tile.
pub(super) const ROWS: usize = 8;
/// Columns of a tile.
pub(super) const COLUMNS: usize = 8;
/// Bytes that a tile loads for each multiplication.
pub(super) const BYTES: f64 = (4 * (ROWS + COLUMNS)) as f64 / (ROWS * COLUMNS) as f64;

/// Rung 3.
pub(super) struct RegisterTile;

impl Rung for RegisterTile {
    fn name(&self) -> &'static str {
        "register_tile"
    }

    fn idea(&self) -> &'static str {
        "8 x 8 sums stay in registers"
    }

    fn bytes(&self) -> Option<f64> {
        Some(BYTES)
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
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for p in 0..k {
        let b: [f32; COLUMNS] = *b.data[p * b.row_stride..].first_chunk().expect("a row of B");
        let a: [f32; ROWS] = std::array::from_fn(|i| a.at(i, p));
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                sums[i][j] += a[i] * b[j];
            }
        }
    }
    #[expect(
        clippy::needless_range_loop,
        reason = "a reference would take the sums out of the registers"
    )]
    for i in 0..ROWS {
        let c: &mut [f32; COLUMNS] = c.row(i).first_chunk_mut().expect("a row of the tile");
        for j in 0..COLUMNS {
            c[j] = if accumulate { c[j] + sums[i][j] } else { sums[i][j] };
        }
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
