//! A rectangle of Cᵀ, computed by itself, and its place in C: squares of it are turned in registers.

use super::super::simd::Float;
use super::operand::Piece;
use super::pack::SQUARE;
use std::array::from_fn;

/// Stores sums of Cᵀ, whose rows are so wide, in C.
pub(super) fn store<T: Float>(sums: &[T], width: usize, c: &mut Piece<'_, T>) {
    for (i, j) in squares(c) {
        let mut place = c.part(i..i + SQUARE, j..j + SQUARE);
        let rows = &sums[j * width + i..][..(SQUARE - 1) * width + SQUARE];
        let square = from_fn(|q| *rows[q * width..].first_chunk().expect("a whole line"));
        for (p, sums) in T::transpose(square).iter().enumerate() {
            place.row(p).copy_from_slice(sums);
        }
    }
    for_each_beside_squares(c, |i, j, c| *c = sums[j * width + i]);
}

/// Reads the same rows of Cᵀ from C.
pub(super) fn load<T: Float>(sums: &mut [T], width: usize, c: &mut Piece<'_, T>) {
    for (i, j) in squares(c) {
        let mut place = c.part(i..i + SQUARE, j..j + SQUARE);
        let square = from_fn(|p| *place.row(p).first_chunk().expect("a whole line"));
        let rows = &mut sums[j * width + i..][..(SQUARE - 1) * width + SQUARE];
        for (q, c) in T::transpose(square).iter().enumerate() {
            rows[q * width..][..SQUARE].copy_from_slice(c);
        }
    }
    for_each_beside_squares(c, |i, j, c| sums[j * width + i] = *c);
}

/// Where each whole square of C begins.
fn squares<T: Float>(c: &Piece<'_, T>) -> impl Iterator<Item = (usize, usize)> + use<T> {
    let [rows, columns] = [c.rows(), c.columns()].map(|len| len / SQUARE * SQUARE);
    let in_row = move |i| (0..columns).step_by(SQUARE).map(move |j| (i, j));
    (0..rows).step_by(SQUARE).flat_map(in_row)
}

/// The numbers of C that no whole square has.
fn for_each_beside_squares<T: Float>(c: &mut Piece<'_, T>, mut f: impl FnMut(usize, usize, &mut T)) {
    let [whole_rows, whole_columns] = [c.rows(), c.columns()].map(|len| len / SQUARE * SQUARE);
    let beside = [
        (0..whole_rows, whole_columns..c.columns()),
        (whole_rows..c.rows(), 0..c.columns()),
    ];
    // Most pieces have nothing there: then no row is walked through.
    for (rows, columns) in beside.into_iter().filter(|(_, columns)| !columns.is_empty()) {
        for i in rows {
            let row = &mut c.row(i)[columns.clone()];
            row.iter_mut().zip(columns.clone()).for_each(|(c, j)| f(i, j, c));
        }
    }
}
