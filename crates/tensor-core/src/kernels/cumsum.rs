//! Running sums.

use super::parallel::{self, CHUNK};
use super::simd::Float;

/// Columns whose sums run side by side.
const TILE: usize = 64;

/// y_k = x_0 + … + x_k along the middle dimension of `[outer, size, inner]`, or x_k + … + x_last if `reverse`.
///
/// The sums run in double precision: in single precision the error would grow with the number of terms.
pub fn cumsum<T: Float>(x: &[T], [outer, size, inner]: [usize; 3], reverse: bool, y: &mut [T]) {
    let block = size * inner;
    assert_eq!(x.len(), outer * block, "x is not [{outer}, {size}, {inner}]");
    assert_eq!(y.len(), x.len(), "y is not [{outer}, {size}, {inner}]");
    if block == 0 {
        return;
    }
    let blocks = (CHUNK / block).max(1);
    parallel::for_each_chunk(y, blocks * block, |start, y| {
        for (x, y) in x[start..].chunks_exact(block).zip(y.chunks_exact_mut(block)) {
            match (inner, reverse) {
                (1, false) => scan(x.iter().zip(y)),
                (1, true) => scan(x.iter().zip(y).rev()),
                _ => scan_columns(x, inner, reverse, y),
            }
        }
    });
}

/// The running sums of one line.
fn scan<'a, T: Float>(line: impl Iterator<Item = (&'a T, &'a mut T)>) {
    let mut sum = 0.0;
    for (x, y) in line {
        sum += x.to_f64();
        *y = T::from_f64(sum);
    }
}

/// The running sums of all columns of rows of `width` numbers.
fn scan_columns<T: Float>(x: &[T], width: usize, reverse: bool, y: &mut [T]) {
    let rows = x.len() / width;
    for first in (0..width).step_by(TILE) {
        let mut sums = [0.0; TILE];
        for k in 0..rows {
            let row = if reverse { rows - 1 - k } else { k } * width;
            let columns = row + first..row + width.min(first + TILE);
            for ((sum, x), y) in sums.iter_mut().zip(&x[columns.clone()]).zip(&mut y[columns]) {
                *sum += x.to_f64();
                *y = T::from_f64(*sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;

    #[test]
    fn every_element_is_the_sum_of_those_before_it() {
        for sizes @ [outer, size, inner] in [
            [0, 3, 2],
            [2, 0, 3],
            [1, 1, 1],
            [3, 1000, 1],
            [2, 5, 3],
            [2, 7, 130],
            [900, 20, 10],
        ] {
            let x: Vec<f64> = (0..outer * size * inner)
                .map(|i| (i * 37 % 101) as f64 - 50.0)
                .collect();
            for reverse in [false, true] {
                let y = same_on_any_pool(|| {
                    let mut y = vec![f64::NAN; x.len()];
                    cumsum(&x, sizes, reverse, &mut y);
                    y
                });
                for (at, y) in y.into_iter().enumerate() {
                    let (o, k, i) = (at / inner / size, at / inner % size, at % inner);
                    let terms = if reverse { k..size } else { 0..k + 1 };
                    let want: f64 = terms.map(|k| x[(o * size + k) * inner + i]).sum();
                    assert_eq!(y, want, "{sizes:?}, reverse: {reverse}");
                }
            }
        }
    }

    #[test]
    fn a_long_sum_keeps_its_digits() {
        let x = vec![0.1f32; 1 << 20];
        let mut y = vec![0.0f32; x.len()];
        cumsum(&x, [1, x.len(), 1], false, &mut y);
        assert_eq!(y[x.len() - 1], (x.len() as f64 * f64::from(0.1f32)) as f32);
    }
}
