//! B in panels: the rows of one tile's columns one after the other, in the order in which the microkernel reads them.

use super::super::simd::{Float, Lanes};
use super::operand::Matrix;

/// Side of the squares in which a transposed operand is turned.
const SQUARE: usize = 8;

/// Fills a panel with `k` rows of B, each followed by zeros up to `width`, which is a whole number of vectors.
#[inline(never)]
pub(super) fn panel<T: Float>(b: Matrix<'_, T>, k: usize, columns: usize, width: usize, out: &mut [T]) {
    debug_assert_eq!(out.len(), k * width);
    if columns < width {
        out.fill(T::ZERO);
    }
    if b.column_stride == 1 {
        rows(b, columns, width, out);
    } else if b.row_stride == 1 {
        turned(b, k, columns, width, out);
    } else {
        for (p, out) in out.chunks_exact_mut(width).enumerate() {
            for (j, out) in out[..columns].iter_mut().enumerate() {
                *out = b.at(p, j);
            }
        }
    }
}

/// Where B's rows are contiguous: they are copied.
fn rows<T: Float>(b: Matrix<'_, T>, columns: usize, width: usize, out: &mut [T]) {
    for (p, out) in out.chunks_exact_mut(width).enumerate() {
        let b = &b.data[p * b.row_stride..][..columns];
        if columns == width {
            // Vector by vector: a copy of so few bytes by `memcpy` takes longer to begin than to end.
            let ((out, _), (b, _)) = (T::Lanes::chunks_mut(out), T::Lanes::chunks(b));
            out.iter_mut().zip(b).for_each(|(out, b)| *out = *b);
        } else {
            out[..columns].copy_from_slice(b);
        }
    }
}

/// Where B's columns are contiguous: squares of numbers are turned in registers.
fn turned<T: Float>(b: Matrix<'_, T>, k: usize, columns: usize, width: usize, out: &mut [T]) {
    let (whole_k, whole_columns) = (k / SQUARE * SQUARE, columns / SQUARE * SQUARE);
    for j in (0..whole_columns).step_by(SQUARE) {
        let lines: [&[[T; SQUARE]]; SQUARE] =
            std::array::from_fn(|i| b.data[(j + i) * b.column_stride..][..k].as_chunks().0);
        for p in 0..whole_k / SQUARE {
            let square = T::transpose(std::array::from_fn(|i| lines[i][p]));
            let out = &mut out[p * SQUARE * width + j..];
            for (row, out) in square.iter().zip(out.chunks_mut(width)) {
                out[..SQUARE].copy_from_slice(row);
            }
        }
    }
    for p in 0..k {
        let first = if p < whole_k { whole_columns } else { 0 };
        for j in first..columns {
            out[p * width + j] = b.at(p, j);
        }
    }
}
