use super::*;
use crate::kernels::parallel::testing::same_on_any_pool;

const SHAPES: [[usize; 3]; 18] = [
    [1, 0, 1],
    [3, 0, 4],
    [0, 3, 4],
    [4, 3, 0],
    [1, 1, 1],
    [1, 15, 1],
    [1, 16, 1],
    [1, 17, 1],
    [1, 1000, 1],
    [3, 1000, 17],
    [1, 100_003, 1],
    [2, 150_001, 1],
    [5, 40_000, 1],
    [1, 128, 400],
    [1, 3001, 131],
    [2, 70_000, 3],
    [10_007, 10, 1],
    [7, 33, 100],
];

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 7919 % 20_011) as f32 / 20_011.0 - 0.3).collect()
}

fn naive(x: &[f32], [outer, reduced, inner]: [usize; 3], first: f64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let element = |o: usize, r: usize, i: usize| x[(o * reduced + r) * inner + i] as f64;
    (0..outer * inner)
        .map(|at| (0..reduced).fold(first, |y, r| f(y, element(at / inner, r, at % inner))))
        .collect()
}

#[test]
fn sums_match_naive_ones_in_double_precision() {
    for shape @ [outer, reduced, inner] in SHAPES {
        let x = numbers(outer * reduced * inner);
        let y = same_on_any_pool(|| {
            let mut y = vec![f32::NAN; outer * inner];
            sum(&x, outer, reduced, inner, &mut y);
            y
        });
        let sizes = naive(&x, shape, 0.0, |y, x| y + x.abs());
        for ((y, want), size) in y.iter().zip(naive(&x, shape, 0.0, |y, x| y + x)).zip(sizes) {
            let error = (*y as f64 - want).abs();
            assert!(
                error <= 8.0 * f32::EPSILON as f64 * size,
                "{shape:?}: {y} is not {want}"
            );
        }
        let x: Vec<f64> = x.iter().map(|&x| x as f64).collect();
        let mut y64 = vec![f64::NAN; outer * inner];
        sum(&x, outer, reduced, inner, &mut y64);
        assert!(
            y64.iter()
                .zip(&y)
                .all(|(a, &b)| (a - b as f64).abs() <= 1e-5 * a.abs().max(1.0)),
            "{shape:?}"
        );
    }
}

#[test]
fn sums_of_terms_match_naive_ones() {
    for shape @ [outer, reduced, inner] in SHAPES {
        let x: Vec<f64> = numbers(outer * reduced * inner).into_iter().map(f64::from).collect();
        let c: Vec<f64> = (0..outer * inner).map(|i| (i % 17) as f64 / 4.0).collect();
        let y = same_on_any_pool(|| {
            let mut y = vec![f64::NAN; outer * inner];
            sum_of(&x, shape, &c, |x, c| (x - c) * x, &mut y);
            y
        });
        for (at, &y) in y.iter().enumerate() {
            let x = |r: usize| x[(at / inner * reduced + r) * inner + at % inner];
            let want: f64 = (0..reduced).map(|r| (x(r) - c[at]) * x(r)).sum();
            assert!(
                (y - want).abs() <= 1e-9 * want.abs().max(1.0),
                "{shape:?}: {y} is not {want}"
            );
        }
    }
}

#[test]
fn maxima_and_minima_are_exact() {
    for shape @ [outer, reduced, inner] in SHAPES {
        // All below zero, so that padding would show.
        let x: Vec<f32> = numbers(outer * reduced * inner).iter().map(|x| x - 2.0).collect();
        let y = same_on_any_pool(|| {
            let mut y = vec![f32::NAN; outer * inner];
            max(&x, outer, reduced, inner, &mut y);
            y
        });
        let want = naive(&x, shape, f64::NEG_INFINITY, f64::max);
        assert!(y.iter().zip(want).all(|(&y, want)| y as f64 == want), "{shape:?}");
        let negated: Vec<f32> = x.iter().map(|x| -x).collect();
        let mut least = vec![f32::NAN; outer * inner];
        min(&negated, outer, reduced, inner, &mut least);
        assert!(least.iter().zip(y).all(|(&least, y)| least == -y), "{shape:?}");
    }
}

#[test]
fn nan_is_not_lost() {
    for [outer, reduced, inner] in [[1, 1000, 1], [1, 33, 17], [1, 33, 64], [1, 100_003, 1]] {
        for row in [0, 1, reduced / 2, reduced - 1] {
            let mut x = numbers(outer * reduced * inner);
            x[row * inner] = f32::NAN;
            let mut y = vec![0.0; inner];
            max(&x, outer, reduced, inner, &mut y);
            assert!(y[0].is_nan() && y[1..].iter().all(|y| !y.is_nan()));
            min(&x, outer, reduced, inner, &mut y);
            assert!(y[0].is_nan() && y[1..].iter().all(|y| !y.is_nan()));
            sum(&x, outer, reduced, inner, &mut y);
            assert!(y[0].is_nan() && y[1..].iter().all(|y| !y.is_nan()));
        }
    }
}

#[test]
fn a_long_sum_is_as_accurate_as_a_short_one() {
    // Added one after the other in single precision, these give 1.0: each is lost against the first.
    let mut x = vec![2f32.powi(-25); 1 << 22];
    x[0] = 1.0;
    let mut y = [0.0];
    sum(&x, 1, x.len(), 1, &mut y);
    let want = 1.0 + ((1 << 22) - 1) as f64 * 2f64.powi(-25);
    assert!(
        (y[0] as f64 - want).abs() < 4.0 * f32::EPSILON as f64,
        "{} is not {want}",
        y[0]
    );
}

#[test]
fn sums_that_cancel_keep_within_the_bound() {
    for (rows, columns) in [(1 << 20, 1), (65_537, 1), (1 << 14, 65)] {
        // Each number is followed, some thousands later, by its opposite, but for a rest that is far smaller than the last digit of the whole.
        let x: Vec<f32> = (0..rows * columns)
            .map(|i| ((i % 4096 * 7919 % 4099) as f32 + 0.3) * if i / 4096 % 2 == 0 { 1.0 } else { -0.999_999 })
            .collect();
        let mut y = vec![f32::NAN; columns];
        sum(&x, 1, rows, columns, &mut y);
        let shape = [1, rows, columns];
        let sizes = naive(&x, shape, 0.0, |y, x| y + x.abs());
        for ((y, want), size) in y.iter().zip(naive(&x, shape, 0.0, |y, x| y + x)).zip(sizes) {
            let error = (*y as f64 - want).abs();
            assert!(error <= 16.0 * 2f64.powi(-24) * size, "{shape:?}: {y} is not {want}");
        }
    }
}

#[test]
#[should_panic(expected = "x is not [2, 3, 4]")]
fn a_wrong_shape_is_refused() {
    sum(&[0.0; 23], 2, 3, 4, &mut [0.0; 8]);
}
