//! C = A B, for operands with any strides and for batches of them, through the crate `matrixmultiply`.

use super::parallel;
use super::simd::Float;
use crate::dtype::DType;

/// A matrix that is read: element (i, j) is `data[i * row_stride + j * column_stride]`. A transposed matrix has its strides exchanged.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// The elements, beginning with (0, 0).
    pub data: &'a [T],
    /// From one row to the next.
    pub row_stride: usize,
    /// From one column to the next.
    pub column_stride: usize,
}

impl<'a, T: Float> Matrix<'a, T> {
    /// Panics unless all elements of `rows` x `columns` (at least one) lie inside `data`.
    fn check(&self, name: &str, rows: usize, columns: usize) {
        let last = (rows - 1)
            .checked_mul(self.row_stride)
            .zip((columns - 1).checked_mul(self.column_stride))
            .and_then(|(i, j)| i.checked_add(j));
        assert!(
            last.is_some_and(|last| last < self.data.len()),
            "{name}: a matrix of {rows} x {columns} with strides {} and {} leaves its {} elements",
            self.row_stride,
            self.column_stride,
            self.data.len()
        );
    }

    fn rows_from(self, i: usize) -> Self {
        Matrix {
            data: &self.data[i * self.row_stride..],
            ..self
        }
    }

    fn columns_from(self, j: usize) -> Self {
        Matrix {
            data: &self.data[j * self.column_stride..],
            ..self
        }
    }
}

/// Matrices of one size that are read, one for each index (i, j, …) of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    /// The matrix of index (0, 0, …).
    pub first: Matrix<'a, T>,
    /// From one matrix to the next in each dimension of the batch. 0 uses a matrix again.
    pub strides: &'a [usize],
}

impl<'a, T> Batch<'a, T> {
    /// The `i`-th matrix of a batch of these sizes, of which the last runs fastest.
    fn get(&self, sizes: &[usize], mut i: usize) -> Matrix<'a, T> {
        let mut start = 0;
        for (&size, &stride) in sizes.iter().zip(self.strides).rev() {
            start += i % size * stride;
            i /= size;
        }
        Matrix {
            data: &self.first.data[start..],
            ..self.first
        }
    }
}

/// Multiplications in a piece of a large product; a product of fewer than twice as many is not cut.
const PIECE: usize = 10_000_000;
/// The rows or columns of a piece, at least: in each, the whole other operand is packed again.
const THINNEST: usize = 32;

/// C = A B, or C += A B if `accumulate`: A is m x k, B is k x n, C is m x n and contiguous.
///
/// A large product is cut along the longer side of C into pieces that threads take up.
pub fn matmul<T: Float>(
    m: usize,
    k: usize,
    n: usize,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    accumulate: bool,
) {
    assert_eq!(m.checked_mul(n), Some(c.len()), "C is not {m} x {n}");
    if c.is_empty() {
        return;
    }
    if k == 0 {
        // The sum of no terms.
        if !accumulate {
            c.fill(T::ZERO);
        }
        return;
    }
    a.check("A", m, k);
    b.check("B", k, n);
    let side = m.max(n);
    let piece = piece_len(m, k, n);
    let output = Output(c.as_mut_ptr());
    parallel::for_each_task(side.div_ceil(piece), |task| {
        let start = task * piece;
        let len = piece.min(side - start);
        if m >= n {
            block([len, k, n], a.rows_from(start), b, &output, start * n, n, accumulate);
        } else {
            block([m, k, len], a, b.columns_from(start), &output, start, n, accumulate);
        }
    });
}

/// Multiplications that a task does where the products of a batch are too small to be cut.
const TASK: usize = PIECE / 4;

/// C = A B, or C += A B if `accumulate`, for each index of a batch of these sizes. The matrices of C lie one after the other.
///
/// Products that are large are cut, one after the other; of small ones, each task takes up some whole.
pub fn matmul_batch<T: Float>(
    sizes: &[usize],
    [m, k, n]: [usize; 3],
    a: Batch<'_, T>,
    b: Batch<'_, T>,
    c: &mut [T],
    accumulate: bool,
) {
    let count: usize = sizes.iter().product();
    let width = m.checked_mul(n).expect("a matrix can be counted");
    assert_eq!(
        count.checked_mul(width),
        Some(c.len()),
        "C is not {sizes:?} of {m} x {n}"
    );
    if c.is_empty() || k == 0 {
        // Nothing to write, or sums of no terms: no operand has an element.
        if !accumulate {
            c.fill(T::ZERO);
        }
        return;
    }
    if piece_len(m, k, n) < m.max(n) {
        for (i, c) in c.chunks_exact_mut(width).enumerate() {
            matmul(m, k, n, a.get(sizes, i), b.get(sizes, i), c, accumulate);
        }
        return;
    }
    let output = Output(c.as_mut_ptr());
    let group = (TASK / width.saturating_mul(k)).max(1);
    parallel::for_each_task(count.div_ceil(group), |task| {
        for i in task * group..count.min((task + 1) * group) {
            let (a, b) = (a.get(sizes, i), b.get(sizes, i));
            block([m, k, n], a, b, &output, i * width, n, accumulate);
        }
    });
}

/// How many rows (or columns, where there are more of them) of C a task computes: decided by the shape alone.
fn piece_len(m: usize, k: usize, n: usize) -> usize {
    let side = m.max(n);
    let pieces = (m * n).saturating_mul(k) / PIECE;
    side.div_ceil(pieces.max(1)).next_multiple_of(16).max(THINNEST)
}

/// Where C begins, for tasks that write to disjoint parts of it.
struct Output<T>(*mut T);

// SAFETY: the pointer comes from the `&mut [T]` that `matmul` or `matmul_batch` holds while its tasks run, and no two tasks write to
// the same element: each has its own rows, its own columns, or its own matrices.
#[allow(
    unsafe_code,
    reason = "tasks write to disjoint columns of the same rows, which slices cannot say"
)]
unsafe impl<T: Send> Sync for Output<T> {}

/// One piece: m x n elements of C, which begin at `first` in rows of `width`.
fn block<T: Float>(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &Output<T>,
    first: usize,
    width: usize,
    accumulate: bool,
) {
    let beta = if accumulate { T::ONE } else { T::ZERO };
    let (a_rows, a_columns) = (a.row_stride as isize, a.column_stride as isize);
    let (b_rows, b_columns) = (b.row_stride as isize, b.column_stride as isize);
    a.check("A", m, k);
    b.check("B", k, n);
    // SAFETY: the two checks just made put every element that is read inside its slice. The caller's C has `width` columns, and
    // the piece's rows and columns are among them, in whichever matrix of a batch `first` lies in; so what is written lies inside C,
    // and no other task touches it (see `Output`).
    // The dtype names the type that T is, so the casts change nothing.
    #[allow(unsafe_code, reason = "the products of matrixmultiply take pointers")]
    unsafe {
        let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.0.add(first));
        match T::DTYPE {
            DType::F32 => matrixmultiply::sgemm(
                m,
                k,
                n,
                1.0,
                a.cast(),
                a_rows,
                a_columns,
                b.cast(),
                b_rows,
                b_columns,
                beta.to_f64() as f32,
                c.cast(),
                width as isize,
                1,
            ),
            DType::F64 => matrixmultiply::dgemm(
                m,
                k,
                n,
                1.0,
                a.cast(),
                a_rows,
                a_columns,
                b.cast(),
                b_rows,
                b_columns,
                beta.to_f64(),
                c.cast(),
                width as isize,
                1,
            ),
            other => unreachable!("{other} is not a floating point type"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;
    use proptest::prelude::*;

    fn numbers<T: Float>(n: usize) -> Vec<T> {
        (0..n)
            .map(|i| T::from_f64((i * 7919 % 2003) as f64 / 2003.0 - 0.4))
            .collect()
    }

    /// C by the definition, in double precision, and the largest error that rounding may cause.
    fn check<T: Float>(
        m: usize,
        k: usize,
        n: usize,
        a: Matrix<'_, T>,
        b: Matrix<'_, T>,
        accumulate: bool,
        epsilon: f64,
    ) {
        let before = numbers::<T>(m * n);
        let c = same_on_any_pool(|| {
            let mut c = before.clone();
            matmul(m, k, n, a, b, &mut c, accumulate);
            c
        });
        for i in 0..m {
            for j in 0..n {
                let mut want = if accumulate { before[i * n + j].to_f64() } else { 0.0 };
                for p in 0..k {
                    let a = a.data[i * a.row_stride + p * a.column_stride].to_f64();
                    want += a * b.data[p * b.row_stride + j * b.column_stride].to_f64();
                }
                let got = c[i * n + j].to_f64();
                assert!(
                    (got - want).abs() <= epsilon * (k + 1) as f64,
                    "{m} x {k} x {n} at ({i}, {j}): {got} is not {want}"
                );
            }
        }
    }

    fn matrix<T>(data: &[T], rows: usize, columns: usize, transposed: bool) -> Matrix<'_, T> {
        match transposed {
            false => Matrix {
                data,
                row_stride: columns,
                column_stride: 1,
            },
            true => Matrix {
                data,
                row_stride: 1,
                column_stride: rows,
            },
        }
    }

    fn all_layouts<T: Float>(m: usize, k: usize, n: usize, epsilon: f64) {
        let (a, b) = (numbers::<T>(m * k), numbers::<T>(k * n));
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            check(m, k, n, matrix(&a, m, k, ta), matrix(&b, k, n, tb), ta, epsilon);
        }
    }

    #[test]
    fn sizes_and_layouts() {
        for (m, k, n) in [
            (1, 1, 1),
            (0, 3, 2),
            (3, 0, 2),
            (2, 3, 0),
            (15, 16, 17),
            (1, 1000, 1),
            (33, 1, 65),
            (200, 7, 3),
        ] {
            all_layouts::<f32>(m, k, n, f32::EPSILON as f64);
            all_layouts::<f64>(m, k, n, f64::EPSILON);
        }
    }

    #[test]
    fn large_products_are_cut() {
        for (m, k, n) in [(128, 784, 400), (784, 128, 400), (1003, 310, 77)] {
            assert!(piece_len(m, k, n) < m.max(n), "{m} x {k} x {n} stays whole");
            all_layouts::<f32>(m, k, n, f32::EPSILON as f64);
        }
        all_layouts::<f64>(77, 310, 1003, f64::EPSILON);
    }

    #[test]
    fn a_batch_is_each_of_its_products() {
        // Products that are cut, products that several tasks share, and tiny ones; B is used again along the first dimension.
        for (sizes, m, k, n) in [
            ([2, 2], 200, 400, 300),
            ([3, 5], 64, 50, 70),
            ([3, 40], 2, 3, 4),
            ([0, 4], 2, 3, 4),
            ([2, 2], 2, 0, 3),
        ] {
            let (a, b) = (
                numbers::<f32>(sizes[0] * sizes[1] * m * k),
                numbers::<f32>(sizes[1] * k * n),
            );
            let (a_strides, b_strides) = ([sizes[1] * m * k, m * k], [0, k * n]);
            let a_batch = Batch {
                first: matrix(&a, m, k, false),
                strides: &a_strides,
            };
            let b_batch = Batch {
                first: matrix(&b, k, n, false),
                strides: &b_strides,
            };
            for accumulate in [false, true] {
                let c = same_on_any_pool(|| {
                    let mut c = numbers::<f32>(sizes[0] * sizes[1] * m * n);
                    matmul_batch(&sizes, [m, k, n], a_batch, b_batch, &mut c, accumulate);
                    c
                });
                let mut wanted = numbers::<f32>(c.len());
                for (i, c) in wanted.chunks_exact_mut(m * n).enumerate() {
                    let (a, b) = (&a[i * m * k..], &b[i % sizes[1] * k * n..]);
                    matmul(m, k, n, matrix(a, m, k, false), matrix(b, k, n, false), c, accumulate);
                }
                assert!(c == wanted, "{sizes:?} of {m} x {k} x {n}");
            }
        }
    }

    #[test]
    fn what_was_in_c_is_not_read() {
        let mut c = [f32::NAN; 4];
        matmul(
            2,
            2,
            2,
            matrix(&[1.0; 4], 2, 2, false),
            matrix(&[2.0; 4], 2, 2, false),
            &mut c,
            false,
        );
        assert_eq!(c, [4.0; 4]);
    }

    proptest! {
        #[test]
        fn any_strides(
            (m, k, n) in (1usize..12, 1usize..12, 1usize..12),
            a_strides in (0usize..20, 0usize..20),
            b_strides in (0usize..20, 0usize..20),
            accumulate: bool,
        ) {
            let (a, b) = (numbers::<f64>(441), numbers::<f64>(441));
            let a = Matrix { data: &a[..], row_stride: a_strides.0, column_stride: a_strides.1 };
            let b = Matrix { data: &b[3..], row_stride: b_strides.0, column_stride: b_strides.1 };
            check(m, k, n, a, b, accumulate, f64::EPSILON);
        }
    }

    #[test]
    #[should_panic(expected = "B: a matrix of 3 x 2")]
    fn a_short_operand_is_refused() {
        matmul(
            2,
            3,
            2,
            matrix(&[1.0; 6], 2, 3, false),
            matrix(&[1.0; 5], 3, 2, false),
            &mut [0.0; 4],
            false,
        );
    }
}
