//! Rows of A that are copied before the tiles read them: where neither they nor the columns are contiguous, or columns push each other out of the caches.

use super::super::simd::{Float, Lanes};
use super::microkernel::TILE;
use super::operand::Matrix;

/// Whether to gather the rows of A for a part of C with so many rows and columns.
pub(super) fn pays<T: Float>(k: usize, a: &Matrix<'_, T>, [rows, columns]: [usize; 2]) -> bool {
    let has_several_panels = columns > TILE.vectors * T::Lanes::WIDTH;
    let is_costly = a.row_stride != 1 || has_several_panels && collide::<T>(k, a.column_stride);
    a.column_stride != 1 && rows > 1 && is_costly
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
pub(super) const GROUP: usize = 2 * TILE.rows;

/// So many rows of A, column after column.
pub(super) fn rows<'a, T: Float>(a: Matrix<'_, T>, rows: usize, k: usize, room: &'a mut [T]) -> Matrix<'a, T> {
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
