//! The crate `matrixmultiply`: what the other rungs are compared with. It chooses its instructions at run time, so it also computes the
//! engine's products in builds without vectors worth the name (see `WIDE`).

use super::super::simd::Float;
use super::operand::{Matrix, Piece};
use super::rung::{Rung, bytes_of_tile};
use crate::dtype::DType;

/// The reference.
pub(super) struct Reference;

impl Rung for Reference {
    fn name(&self) -> &'static str {
        "matrixmultiply"
    }

    fn idea(&self) -> &'static str {
        "the crate, as reference"
    }

    fn bytes(&self) -> f64 {
        let (rows, columns) = tile();
        bytes_of_tile(rows, columns)
    }

    fn is_reference(&self) -> bool {
        true
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, &mut Piece::whole(c, sizes[2]), false);
    }
}

/// The rows and columns of the crate's tile in single precision, by the source of its version 0.3.11: it looks for these instructions when it runs.
fn tile() -> (usize, usize) {
    #[cfg(target_arch = "x86_64")]
    let (has_512_bits, has_256_bits) = (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx"));
    #[cfg(not(target_arch = "x86_64"))]
    let (has_512_bits, has_256_bits) = (false, cfg!(target_arch = "aarch64")); // NEON: two registers of 128
    if has_512_bits {
        (16, 16)
    } else if has_256_bits {
        (8, 8)
    } else {
        (8, 4)
    }
}

/// C = A B or C += A B on this thread. No size is 0.
pub(super) fn product<T: Float>(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut Piece<'_, T>,
    accumulate: bool,
) {
    let beta = if accumulate { 1.0 } else { 0.0 };
    let (a_rows, a_columns) = (a.row_stride as isize, a.column_stride as isize);
    let (b_rows, b_columns) = (b.row_stride as isize, b.column_stride as isize);
    a.check("A", m, k);
    b.check("B", k, n);
    assert!((c.rows(), c.columns()) == (m, n), "C is not {m} x {n}");
    let (c, c_rows) = c.as_raw();
    // SAFETY: the checks just made put every element that is read inside its slice; the piece of C, of which this is the only user, has
    // m rows and n columns. The dtype names the type that T is, so the casts change nothing.
    #[allow(unsafe_code, reason = "the products of matrixmultiply take pointers")]
    unsafe {
        let (a, b) = (a.data.as_ptr(), b.data.as_ptr());
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
                beta as f32,
                c.cast(),
                c_rows as isize,
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
                beta,
                c.cast(),
                c_rows as isize,
                1,
            ),
            other => unreachable!("{other} is not a floating point type"),
        }
    }
}
