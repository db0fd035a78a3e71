//! Variances: mean squared distances from the mean.

use super::elementwise::{Operand, map_n};
use super::reduce::{sum, sum_of};
use super::simd::{Float, Lanes};

/// y = Σ (x - mean x)² / (n - correction) over the middle dimension of `[outer, n, inner]`. The three arrays of `scratch`, of y's size, are for what is
/// computed on the way.
///
/// The mean is found and then corrected by the mean of what remains, so that equal numbers have no variance at all. What is lost by the rounding of
/// the mean is taken off at the end (the corrected two-pass algorithm: Chan, Golub and LeVeque, 1983). So numbers that are large beside their spread
/// keep their digits.
pub fn variance<T: Float>(x: &[T], sizes: [usize; 3], correction: usize, scratch: [&mut [T]; 3], y: &mut [T]) {
    let [outer, n, inner] = sizes;
    let [first, rest, mean] = scratch;
    let count = T::Lanes::constant(n as f64);
    let divisor = T::Lanes::constant(n.saturating_sub(correction) as f64);
    sum(x, outer, n, inner, y);
    map_n([Operand::Full(y)], first, |[sum]| sum / count);
    sum_of(x, sizes, first, |x, mean| x - mean, rest);
    map_n([Operand::Full(first), Operand::Full(rest)], mean, |[first, rest]| {
        first + rest / count
    });
    // What remains of the sum of all distances from the corrected mean.
    let operands = [Operand::Full(first), Operand::Full(rest), Operand::Full(mean)];
    map_n(operands, y, |[first, rest, mean]| rest - (mean - first) * count);
    let squares = rest;
    sum_of(x, sizes, mean, |x, mean| (x - mean) * (x - mean), squares);
    let variances = first;
    // The last rounding must not lead below 0.
    map_n(
        [Operand::Full(squares), Operand::Full(y)],
        variances,
        |[squares, rest]| (squares - rest * rest / count).max(T::Lanes::zero()) / divisor,
    );
    y.copy_from_slice(variances);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variance_of(x: &[f32], sizes: [usize; 3], correction: usize) -> Vec<f32> {
        let [mut a, mut b, mut c, mut y] = [0; 4].map(|_| vec![f32::NAN; sizes[0] * sizes[2]]);
        variance(x, sizes, correction, [&mut a, &mut b, &mut c], &mut y);
        y
    }

    #[test]
    fn variances_match_naive_ones() {
        for sizes @ [outer, n, inner] in [[3, 7, 1], [2, 100, 5], [1, 20_000, 3], [4, 1, 2]] {
            let x: Vec<f32> = (0..outer * n * inner)
                .map(|i| (i * 7919 % 2003) as f32 / 100.0)
                .collect();
            for correction in [0, 1] {
                for (at, y) in variance_of(&x, sizes, correction).into_iter().enumerate() {
                    let x = |k: usize| x[(at / inner * n + k) * inner + at % inner] as f64;
                    let mean = (0..n).map(x).sum::<f64>() / n as f64;
                    let want = (0..n).map(|k| (x(k) - mean).powi(2)).sum::<f64>() / (n - correction) as f64;
                    let same = (y as f64 - want).abs() <= 2e-6 * want || y.is_nan() && want.is_nan();
                    assert!(same, "{sizes:?}, {correction}: {y} is not {want}");
                }
            }
        }
    }

    #[test]
    fn a_small_spread_around_a_large_mean_keeps_its_digits() {
        // The mean, 10000.00048828125, lies between two numbers of single precision.
        let x: Vec<f32> = (0..1000).map(|i| 10_000.0 + (i % 2) as f32 / 1024.0).collect();
        assert_eq!(variance_of(&x, [1, 1000, 1], 0), [(0.5f32 / 1024.0).powi(2)]);
        assert_eq!(variance_of(&[0.1; 1000], [1, 1000, 1], 0), [0.0]);
    }

    #[test]
    fn too_few_numbers_have_no_variance() {
        assert!(variance_of(&[], [1, 0, 1], 0)[0].is_nan());
        assert!(variance_of(&[3.0], [1, 1, 1], 1)[0].is_nan());
        assert_eq!(variance_of(&[1.0, 3.0], [1, 2, 1], 2), [f32::INFINITY]);
    }
}
