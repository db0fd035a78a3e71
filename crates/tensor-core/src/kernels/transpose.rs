//! Matrices turned over in small tiles, with shuffles of vectors where there are such for the size of an element.

use crate::dtype::Element;
use wide::f32x8;

/// Rows and columns of a tile: what eight registers of eight numbers of 32 bits hold.
const TILE: usize = 8;

/// `x[i * stride + j]` goes to `y[j * y_stride + i]`, for i below `rows` and j below `columns`.
pub(super) fn transpose<T: Element>(
    x: &[T],
    x_stride: usize,
    [rows, columns]: [usize; 2],
    y: &mut [T],
    y_stride: usize,
) {
    for i in (0..rows).step_by(TILE) {
        for j in (0..columns).step_by(TILE) {
            let (height, width) = (TILE.min(rows - i), TILE.min(columns - j));
            let (x, y) = (&x[i * x_stride + j..], &mut y[j * y_stride + i..]);
            if (height, width, size_of::<T>()) == (TILE, TILE, 4) {
                whole_tile(bytemuck::cast_slice(x), x_stride, bytemuck::cast_slice_mut(y), y_stride);
            } else {
                for j in 0..width {
                    for i in 0..height {
                        y[j * y_stride + i] = x[i * x_stride + j];
                    }
                }
            }
        }
    }
}

/// One tile of words of 32 bits, which vectors of floats carry as they are.
#[inline(always)]
fn whole_tile(x: &[f32], x_stride: usize, y: &mut [f32], y_stride: usize) {
    let row = |i: usize| {
        let (row, _) = x[i * x_stride..][..TILE].as_chunks();
        f32x8::new(row[0])
    };
    let columns = f32x8::transpose(std::array::from_fn(row));
    for (j, column) in columns.into_iter().enumerate() {
        y[j * y_stride..][..TILE].copy_from_slice(&column.to_array());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Element>(number: impl Fn(usize) -> T) {
        for [rows, columns] in [[0, 3], [1, 1], [8, 8], [7, 9], [16, 24], [33, 50]] {
            let (x_stride, y_stride) = (columns + 3, rows + 2);
            let x: Vec<T> = (0..rows * x_stride).map(&number).collect();
            let mut y = vec![T::zeroed(); columns * y_stride];
            transpose(&x, x_stride, [rows, columns], &mut y, y_stride);
            for (at, &y) in y.iter().enumerate() {
                let (j, i) = (at / y_stride, at % y_stride);
                let want = if i < rows { x[i * x_stride + j] } else { T::zeroed() };
                assert_eq!(y, want, "row {i}, column {j} of {rows} x {columns}");
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        check(|i| i as f32 + 1.0);
        check(|i| i as f64 + 1.0);
        // Among them words that are signalling NaN as floats.
        check(|i| 0x7f80_0000 + i as u32);
    }
}
