//! What all rungs of the ladder have in common.

use super::operand::Matrix;

/// A way to multiply matrices. See [`RUNGS`](super::RUNGS).
pub trait Rung: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// What is new in it, in a few words.
    fn idea(&self) -> &'static str;

    /// Bytes that its inner loop loads and stores for each multiplication. What the loop before it copies is not counted.
    fn bytes(&self) -> f64;

    /// Whether threads share its work.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether it is no step of the ladder, but what the steps are compared with.
    fn is_reference(&self) -> bool {
        false
    }

    /// C = A B: A is m x k, B is k x n, C is m x n and contiguous. No size is 0, and the operands lie inside their slices: [`product`] sees to it.
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]);
}

/// Bytes that a tile of so many rows and columns of C loads for each multiplication of numbers in single precision.
pub(super) const fn bytes_of_tile(rows: usize, columns: usize) -> f64 {
    (4 * (rows + columns)) as f64 / (rows * columns) as f64
}

/// C = A B by this rung: A is m x k, B is k x n, C is m x n and contiguous.
///
/// ```
/// use tensor_core::kernels::matmul::{Matrix, RUNGS, product};
/// for &rung in RUNGS {
///     let mut c = [0.0; 2];
///     let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0]);
///     product(rung, [2, 2, 1], Matrix::of_rows(&a, 2), Matrix::of_rows(&b, 1), &mut c);
///     assert_eq!(c, [17.0, 39.0], "{}", rung.name());
/// }
/// ```
///
/// # Panics
/// If an operand is shorter than its sizes and strides say.
pub fn product(rung: &dyn Rung, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
    assert_eq!(m.checked_mul(n), Some(c.len()), "C is not {m} x {n}");
    if c.is_empty() || k == 0 {
        return c.fill(0.0);
    }
    a.check("A", m, k);
    b.check("B", k, n);
    rung.run([m, k, n], a, b, c);
}
