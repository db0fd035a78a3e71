//! Sums and maxima along one dimension: x is `[outer, reduced, inner]` and contiguous, y is `[outer, inner]`.
//!
//! Numbers are combined in runs and the runs in a balanced tree. A sum's rounding errors then grow with the logarithm of the number of
//! terms, not with the number, and the order is a function of the shape alone.

use super::parallel::{self, CHUNK};
use super::simd::{Float, Lanes};
use std::ops::Range;

/// y = Σ x over the middle dimension; 0 where that is empty.
pub fn sum<T: Float>(x: &[T], outer: usize, reduced: usize, inner: usize, y: &mut [T]) {
    fold::<T, Sum>(x, [outer, reduced, inner], y);
}

/// y = max x over the middle dimension: NaN if any is NaN, -∞ where the dimension is empty.
pub fn max<T: Float>(x: &[T], outer: usize, reduced: usize, inner: usize, y: &mut [T]) {
    fold::<T, Max>(x, [outer, reduced, inner], y);
}

/// An associative operation with a neutral element.
trait Fold {
    fn identity<T: Float>() -> T;
    fn combine<L: Lanes>(a: L, b: L) -> L;
    /// All lanes of one vector.
    fn across<L: Lanes>(x: L) -> L::Scalar;
}

struct Sum;

impl Fold for Sum {
    fn identity<T: Float>() -> T {
        T::ZERO
    }
    #[inline(always)]
    fn combine<L: Lanes>(a: L, b: L) -> L {
        a + b
    }
    #[inline(always)]
    fn across<L: Lanes>(x: L) -> L::Scalar {
        x.sum()
    }
}

struct Max;

impl Fold for Max {
    fn identity<T: Float>() -> T {
        T::NEG_INFINITY
    }
    #[inline(always)]
    fn combine<L: Lanes>(a: L, b: L) -> L {
        a.max(b)
    }
    #[inline(always)]
    fn across<L: Lanes>(x: L) -> L::Scalar {
        x.max_lane()
    }
}

/// Vectors that a run combines one after the other along a contiguous dimension.
const RUN: usize = 32;
/// Rows that a run combines one after the other, where the reduced dimension is not the last.
const ROWS: usize = 16;
/// Vectors side by side in one walk down the rows: enough independent additions to keep the processor busy.
const TILE: usize = 4;

fn fold<T: Float, F: Fold>(x: &[T], [outer, reduced, inner]: [usize; 3], y: &mut [T]) {
    assert_eq!(
        x.len(),
        outer * reduced * inner,
        "x is not [{outer}, {reduced}, {inner}]"
    );
    assert_eq!(y.len(), outer * inner, "y is not [{outer}, {inner}]");
    if x.is_empty() {
        return y.fill(F::identity());
    }
    // A long dimension is cut into pieces, which several threads can work on, and then the pieces' results are combined.
    let piece = (CHUNK / inner).max(64);
    if reduced <= 2 * piece {
        fold_pieces::<T, F>(x, [outer, reduced, inner], reduced, y);
    } else {
        let pieces = reduced.div_ceil(piece);
        let mut partial = vec![F::identity(); outer * pieces * inner];
        fold_pieces::<T, F>(x, [outer, reduced, inner], piece, &mut partial);
        fold::<T, F>(&partial, [outer, pieces, inner], y);
    }
}

/// Reduces `piece` rows at a time: y is `[outer, pieces, inner]`.
fn fold_pieces<T: Float, F: Fold>(x: &[T], [_, reduced, inner]: [usize; 3], piece: usize, y: &mut [T]) {
    let pieces = reduced.div_ceil(piece);
    let chunk = (CHUNK / piece)
        .max(1)
        .next_multiple_of(inner.min(TILE * T::Lanes::WIDTH));
    parallel::for_each_chunk(y, chunk, |start, y| {
        // A chunk of the output may begin and end in the middle of a row of `inner` numbers.
        let mut at = 0;
        while at < y.len() {
            let (row, column) = ((start + at) / inner, (start + at) % inner);
            let (o, first) = (row / pieces, row % pieces * piece);
            let last = (first + piece).min(reduced);
            let x = &x[(o * reduced + first) * inner..(o * reduced + last) * inner];
            let end = y.len().min(at + inner - column);
            if inner == 1 {
                y[at] = fold_contiguous::<T, F>(x);
            } else {
                fold_columns::<T, F>(x, inner, column, &mut y[at..end]);
            }
            at = end;
        }
    });
}

/// Combines leaves in a balanced binary tree.
fn tree<A>(leaves: Range<usize>, leaf: &impl Fn(usize) -> A, combine: &impl Fn(A, A) -> A) -> A {
    if leaves.len() == 1 {
        return leaf(leaves.start);
    }
    let middle = leaves.start + leaves.len() / 2;
    combine(
        tree(leaves.start..middle, leaf, combine),
        tree(middle..leaves.end, leaf, combine),
    )
}

/// All numbers of a slice that is not empty.
fn fold_contiguous<T: Float, F: Fold>(x: &[T]) -> T {
    let run = RUN * T::Lanes::WIDTH;
    let leaf = |i: usize| fold_run::<T::Lanes, F>(&x[i * run..x.len().min((i + 1) * run)]);
    F::across(tree(0..x.len().div_ceil(run), &leaf, &F::combine))
}

#[inline]
fn fold_run<L: Lanes, F: Fold>(x: &[L::Scalar]) -> L {
    let (vectors, rest) = L::chunks(x);
    let mut sums = [L::splat(F::identity()); TILE];
    for vectors in vectors.chunks(TILE) {
        for (sum, &x) in sums.iter_mut().zip(vectors) {
            *sum = F::combine(*sum, L::from_array(x));
        }
    }
    if !rest.is_empty() {
        sums[TILE - 1] = F::combine(sums[TILE - 1], L::load_padded(rest, F::identity()));
    }
    F::combine(F::combine(sums[0], sums[1]), F::combine(sums[2], sums[3]))
}

/// Columns `first..first + y.len()` of rows of `width` numbers. A column's bits do not depend on the company it is reduced in.
fn fold_columns<T: Float, F: Fold>(x: &[T], width: usize, first: usize, y: &mut [T]) {
    let lanes = T::Lanes::WIDTH;
    let mut at = 0;
    while at < y.len() {
        let column = first + at;
        at += match y.len() - at {
            n if n >= TILE * lanes => {
                let sums = fold_tile::<T, F, TILE>(x, width, |row| {
                    let (vectors, _) = T::Lanes::chunks(&row[column..][..TILE * lanes]);
                    std::array::from_fn(|k| T::Lanes::from_array(vectors[k]))
                });
                for (sum, y) in sums.iter().zip(y[at..].chunks_exact_mut(lanes)) {
                    sum.store(y);
                }
                TILE * lanes
            }
            n if n >= lanes => {
                let [sum] = fold_tile::<T, F, 1>(x, width, |row| [T::Lanes::load(&row[column..][..lanes])]);
                sum.store(&mut y[at..at + lanes]);
                lanes
            }
            n => {
                let [sum] = fold_tile::<T, F, 1>(x, width, |row| {
                    [T::Lanes::load_padded(&row[column..][..n], F::identity())]
                });
                sum.store_padded(&mut y[at..]);
                n
            }
        };
    }
}

/// Some columns of all rows; `load` picks them from a row.
#[inline(always)]
fn fold_tile<T: Float, F: Fold, const N: usize>(
    x: &[T],
    width: usize,
    load: impl Fn(&[T]) -> [T::Lanes; N],
) -> [T::Lanes; N] {
    let combine = |mut a: [T::Lanes; N], b: [T::Lanes; N]| {
        for (a, b) in a.iter_mut().zip(b) {
            *a = F::combine(*a, b);
        }
        a
    };
    let run = ROWS * width;
    let leaf = |i: usize| {
        let rows = x[i * run..x.len().min((i + 1) * run)].chunks_exact(width);
        rows.fold([T::Lanes::splat(F::identity()); N], |sums, row| {
            combine(sums, load(row))
        })
    };
    tree(0..x.len().div_ceil(run), &leaf, &combine)
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;

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
    fn maxima_are_exact() {
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
    #[should_panic(expected = "x is not [2, 3, 4]")]
    fn a_wrong_shape_is_refused() {
        sum(&[0.0; 23], 2, 3, 4, &mut [0.0; 8]);
    }
}
