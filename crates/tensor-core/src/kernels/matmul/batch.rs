//! Many products that are too small to be cut: each task takes up some whole.

use super::super::parallel::for_each_task_of;
use super::super::simd::Float;
use super::matrix_vector::MatrixVector;
use super::operand::{Matrix, Piece, Shared};
use super::parallel::piece;
use super::rectangles;
use super::store::Store;

/// The products of a batch of so many. No size is 0.
pub(super) fn product<'a, T: Float>(
    count: usize,
    sizes: [usize; 3],
    operands: impl Fn(usize) -> [Matrix<'a, T>; 2] + Sync,
    c: &mut [T],
    store: Store<'_, T>,
) {
    let [m, _, n] = sizes;
    let group = rectangles::products_in_a_rectangle(sizes);
    let c = Shared::new(Piece::whole(c, m * n));
    for_each_task_of(rectangles::work_of_batch(count, sizes), count.div_ceil(group), |task| {
        for i in task * group..count.min((task + 1) * group) {
            let [a, b] = operands(i);
            // SAFETY: each i is another's, and each task is called once; so the matrices do not overlap.
            #[allow(unsafe_code, reason = "matrices of one slice")]
            let mut c = unsafe { c.part(i..i + 1, 0..m * n) };
            let c = c.row(0);
            match MatrixVector::of(sizes, a, b) {
                Some(operands) => operands.part(0, c, store),
                None => piece(sizes, a, b, &mut Piece::whole(c, n), store),
            }
        }
    });
}
