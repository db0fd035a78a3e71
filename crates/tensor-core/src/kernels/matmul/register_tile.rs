//! Rung 3: a tile of C stays in registers until it is done.
//!
//! The last rung loaded and stored C at each step. Here a tile of 4 x 32 sums is kept in local variables, which the compiler keeps in
//! registers, while all of K passes by: each step loads 32 numbers of B and 4 of A for 128 multiplications.
//!
//! What limits it: each tile of C reads 32 columns of B from top to bottom, and the next row of tiles reads them again, from main memory
//! once B is larger than the caches.

use super::operand::{Matrix, Piece};
use super::rung::Rung;

/// Rows of a tile.
pub(super) const ROWS: usize = 4;
/// Columns of a tile.
pub(super) const COLUMNS: usize = 32;

/// Rung 3.
pub(super) struct RegisterTile;

impl Rung for RegisterTile {
    fn name(&self) -> &'static str {
        "register_tile"
    }

    fn idea(&self) -> &'static str {
        "4 x 32 sums stay in registers"
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
        let b = &b.data[p * b.row_stride..][..COLUMNS];
        for (i, sums) in sums.iter_mut().enumerate() {
            let x = a.at(i, p);
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += x * b);
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (c, sum) in c.row(i).iter_mut().zip(sums) {
            *c = if accumulate { *c + sum } else { *sum };
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
