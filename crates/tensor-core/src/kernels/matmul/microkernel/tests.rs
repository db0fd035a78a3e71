//! Tiles of whole numbers, whose sums round nowhere, against the definition. Data ends with the last number that a tile needs.

use super::super::tiles::any_tile;
use super::*;

fn numbers<T: Float>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64((i * 7919 % 23) as f64 - 11.0)).collect()
}

/// One tile of so many rows and vectors, with `k` steps.
fn check<T: Float>(
    [rows, vectors, k]: [usize; 3],
    [row_stride, column_stride]: [usize; 2],
    stride: usize,
    accumulate: bool,
) {
    let columns = vectors * T::Lanes::WIDTH;
    let a = numbers::<T>((rows - 1) * row_stride + (k - 1) * column_stride + 1);
    let b = numbers::<T>((k - 1) * stride + columns);
    let before = numbers::<T>(rows * columns);
    let mut c = before.clone();
    let a = Matrix {
        data: &a,
        row_stride,
        column_stride,
    };
    let panel = Panel { data: &b, stride };
    any_tile(k, a, panel, &mut Piece::whole(&mut c, columns), accumulate);
    for (at, (got, before)) in c.iter().zip(before).enumerate() {
        let (i, j) = (at / columns, at % columns);
        let terms = (0..k).map(|p| a.at(i, p).to_f64() * b[p * stride + j].to_f64());
        let want = if accumulate { before.to_f64() } else { 0.0 } + terms.sum::<f64>();
        assert!(
            got.to_f64() == want,
            "{rows} x {k} x {columns} with strides {row_stride}, {column_stride} and {stride} at ({i}, {j}): {got:?}, not {want}"
        );
    }
}

fn check_all<T: Float>() {
    for rows in [1, 2, 4, TILE.rows] {
        for vectors in 1..=TILE.vectors {
            let columns = vectors * T::Lanes::WIDTH;
            // Below, at and above whole groups of steps.
            for k in [1, 3, 4, 5, 8, 9] {
                // Rows that are one and the same, overlap, follow each other, or have gaps between them; and the same of A's rows and columns.
                for stride in [0, 1, columns - 1, columns, columns + 1] {
                    let by_rows = [0, 1, k, k + 1].map(|apart| [apart, 1]);
                    let by_columns = [0, rows - 1, rows, rows + 1].map(|apart| [1, apart]);
                    for strides in by_rows.into_iter().chain(by_columns) {
                        check::<T>([rows, vectors, k], strides, stride, false);
                        check::<T>([rows, vectors, k], strides, stride, true);
                    }
                }
            }
        }
    }
}

#[test]
fn tiles_are_sums_of_products() {
    check_all::<f32>();
    check_all::<f64>();
}
