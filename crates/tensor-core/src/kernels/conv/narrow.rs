//! The product of a tile in builds without vectors worth a microkernel: the columns are gathered, some rows at a time, for `matrixmultiply`,
//! which finds better instructions at run time. With SSE2 alone, the microkernel would take four times as long.

use super::super::matmul::{Matrix, Store, matmul};
use super::super::simd::Float;
use super::image::Room;
use super::microkernel::{Indirect, filled};

/// Rows that are gathered together: with 256 steps, 128 KiB of F32.
const ROWS: usize = 128;

/// C = A B, or C += A B if `accumulate`, for a panel of so many columns. Row i of C begins at `places[i]`.
pub(super) fn product<T: Float>(
    a: Indirect<'_, T>,
    b: &[T],
    columns: usize,
    c: &mut [T],
    places: &[usize],
    accumulate: bool,
) {
    let depth = a.steps.len();
    let most = ROWS.min(a.rows.len());
    let (mut gathered, mut sums) = (Room::of::<T>(most * depth), Room::of::<T>(most * columns));
    for (rows, places) in a.rows.chunks(ROWS).zip(places.chunks(ROWS)) {
        let gathered = &mut gathered.numbers::<T>()[..rows.len() * depth];
        for (&row, gathered) in rows.iter().zip(gathered.chunks_exact_mut(depth.max(1))) {
            let numbers = &a.numbers[row..];
            gathered
                .iter_mut()
                .zip(a.steps)
                .for_each(|(x, &step)| *x = numbers[step]);
        }
        let sums = &mut sums.numbers::<T>()[..rows.len() * columns];
        let panel = Matrix::of_rows(b, filled::<T>(columns));
        let columns_of_rows = Matrix::of_rows(&*gathered, depth);
        matmul(
            rows.len(),
            depth,
            columns,
            columns_of_rows,
            panel,
            sums,
            Store::new(false),
        );
        for (&place, sums) in places.iter().zip(sums.chunks_exact(columns)) {
            let c = c[place..].iter_mut().zip(sums);
            c.for_each(|(c, &sum)| *c = if accumulate { *c + sum } else { sum });
        }
    }
}
