//! Sums, maxima and minima along one dimension: x is `[outer, reduced, inner]` and contiguous, y is `[outer, inner]`.
//!
//! Numbers are combined in runs and the runs in a balanced tree. A sum's rounding errors then grow with the logarithm of the number of
//! terms, not with the number, and the order is a function of the shape alone.

use super::parallel::{self, CHUNK};
use super::simd::{Float, Lanes};
use std::ops::Range;

/// y = Σ x over the middle dimension; 0 where that is empty.
pub fn sum<T: Float>(x: &[T], outer: usize, reduced: usize, inner: usize, y: &mut [T]) {
    fold::<T, Sum>(x, [outer, reduced, inner], &Each(std::convert::identity), y);
}

/// y = Σ term(x) over the middle dimension.
pub fn sum_map<T: Float>(x: &[T], sizes: [usize; 3], term: impl Fn(T::Lanes) -> T::Lanes + Sync, y: &mut [T]) {
    fold::<T, Sum>(x, sizes, &Each(term), y);
}

/// y = Σ term(x, c) over the middle dimension. `c`, of y's size, has a number for each sum: a mean that its terms are taken from, say.
pub fn sum_of<T: Float>(
    x: &[T],
    [outer, reduced, inner]: [usize; 3],
    c: &[T],
    term: impl Fn(T::Lanes, T::Lanes) -> T::Lanes + Sync,
    y: &mut [T],
) {
    assert_eq!(c.len(), outer * inner, "c is not [{outer}, {inner}]");
    fold::<T, Sum>(x, [outer, reduced, inner], &Mapped { c, term }, y);
}

/// y = max x over the middle dimension: NaN if any is NaN, -∞ where the dimension is empty.
pub fn max<T: Float>(x: &[T], outer: usize, reduced: usize, inner: usize, y: &mut [T]) {
    fold::<T, Max>(x, [outer, reduced, inner], &Each(std::convert::identity), y);
}

/// y = min x over the middle dimension: NaN if any is NaN, ∞ where the dimension is empty.
pub fn min<T: Float>(x: &[T], outer: usize, reduced: usize, inner: usize, y: &mut [T]) {
    fold::<T, Min>(x, [outer, reduced, inner], &Each(std::convert::identity), y);
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

struct Min;

impl Fold for Min {
    fn identity<T: Float>() -> T {
        -T::NEG_INFINITY
    }
    #[inline(always)]
    fn combine<L: Lanes>(a: L, b: L) -> L {
        a.min(b)
    }
    #[inline(always)]
    fn across<L: Lanes>(x: L) -> L::Scalar {
        -(-x).max_lane()
    }
}

/// What is combined: computed from an element and from a number that belongs to its output.
trait Terms<T: Float>: Sync {
    /// The numbers of the `n` outputs from `first` on.
    fn numbers(&self, first: usize, n: usize) -> T::Lanes;
    /// The number of output `at`, in every lane.
    fn number(&self, at: usize) -> T::Lanes;
    fn term(&self, x: T::Lanes, number: T::Lanes) -> T::Lanes;
}

/// A function of each element.
struct Each<M>(M);

impl<T: Float, M: Fn(T::Lanes) -> T::Lanes + Sync> Terms<T> for Each<M> {
    #[inline(always)]
    fn numbers(&self, _: usize, _: usize) -> T::Lanes {
        T::Lanes::zero()
    }
    #[inline(always)]
    fn number(&self, _: usize) -> T::Lanes {
        T::Lanes::zero()
    }
    #[inline(always)]
    fn term(&self, x: T::Lanes, _: T::Lanes) -> T::Lanes {
        (self.0)(x)
    }
}

/// A function of each element and of its output's number.
struct Mapped<'a, T, M> {
    c: &'a [T],
    term: M,
}

impl<T: Float, M: Fn(T::Lanes, T::Lanes) -> T::Lanes + Sync> Terms<T> for Mapped<'_, T, M> {
    #[inline(always)]
    fn numbers(&self, first: usize, n: usize) -> T::Lanes {
        T::Lanes::load_some(&self.c[first..first + n], T::ZERO)
    }
    #[inline(always)]
    fn number(&self, at: usize) -> T::Lanes {
        T::Lanes::splat(self.c[at])
    }
    #[inline(always)]
    fn term(&self, x: T::Lanes, number: T::Lanes) -> T::Lanes {
        (self.term)(x, number)
    }
}

/// Vectors that a run combines one after the other along a contiguous dimension.
const RUN: usize = 32;
/// Rows that a run combines one after the other, where the reduced dimension is not the last.
const ROWS: usize = 16;
/// Vectors side by side in one walk down the rows: enough independent additions to keep the processor busy.
const TILE: usize = 4;

fn fold<T: Float, F: Fold>(x: &[T], [outer, reduced, inner]: [usize; 3], terms: &impl Terms<T>, y: &mut [T]) {
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
        fold_pieces::<T, F>(x, [outer, reduced, inner], reduced, terms, y);
    } else {
        let pieces = reduced.div_ceil(piece);
        let mut partial = vec![F::identity(); outer * pieces * inner];
        fold_pieces::<T, F>(x, [outer, reduced, inner], piece, terms, &mut partial);
        fold::<T, F>(&partial, [outer, pieces, inner], &Each(std::convert::identity), y);
    }
}

/// Reduces `piece` rows at a time: y is `[outer, pieces, inner]`.
fn fold_pieces<T: Float, F: Fold>(
    x: &[T],
    [_, reduced, inner]: [usize; 3],
    piece: usize,
    terms: &impl Terms<T>,
    y: &mut [T],
) {
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
                let number = terms.number(o);
                y[at] = fold_contiguous::<T, F>(x, |x| terms.term(x, number));
            } else {
                fold_columns::<T, F>(x, inner, column, o * inner, terms, &mut y[at..end]);
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

/// The terms of all numbers of a slice that is not empty.
fn fold_contiguous<T: Float, F: Fold>(x: &[T], term: impl Fn(T::Lanes) -> T::Lanes) -> T {
    let run = RUN * T::Lanes::WIDTH;
    let leaf = |i: usize| fold_run::<T::Lanes, F>(&x[i * run..x.len().min((i + 1) * run)], &term);
    F::across(tree(0..x.len().div_ceil(run), &leaf, &F::combine))
}

#[inline]
fn fold_run<L: Lanes, F: Fold>(x: &[L::Scalar], term: &impl Fn(L) -> L) -> L {
    let (vectors, rest) = L::chunks(x);
    let mut sums = [L::splat(F::identity()); TILE];
    for vectors in vectors.chunks(TILE) {
        for (sum, &x) in sums.iter_mut().zip(vectors) {
            *sum = F::combine(*sum, term(L::from_array(x)));
        }
    }
    if !rest.is_empty() {
        let terms = term(L::load_padded(rest, F::identity())).to_array();
        let terms = L::load_padded(&terms.as_ref()[..rest.len()], F::identity());
        sums[TILE - 1] = F::combine(sums[TILE - 1], terms);
    }
    F::combine(F::combine(sums[0], sums[1]), F::combine(sums[2], sums[3]))
}

/// Columns `first..first + y.len()` of rows of `width` numbers. A column's bits do not depend on the company it is reduced in. The
/// number of column 0 is number `row` of the terms.
fn fold_columns<T: Float, F: Fold>(
    x: &[T],
    width: usize,
    first: usize,
    row: usize,
    terms: &impl Terms<T>,
    y: &mut [T],
) {
    let lanes = T::Lanes::WIDTH;
    let mut at = 0;
    while at < y.len() {
        let column = first + at;
        let numbers = |k: usize, n: usize| terms.numbers(row + column + k * lanes, n);
        at += match y.len() - at {
            n if n >= TILE * lanes => {
                let numbers: [T::Lanes; TILE] = std::array::from_fn(|k| numbers(k, lanes));
                let sums = fold_tile::<T, F, TILE>(x, width, |row| {
                    let (vectors, _) = T::Lanes::chunks(&row[column..][..TILE * lanes]);
                    std::array::from_fn(|k| terms.term(T::Lanes::from_array(vectors[k]), numbers[k]))
                });
                for (sum, y) in sums.iter().zip(y[at..].chunks_exact_mut(lanes)) {
                    sum.store(y);
                }
                TILE * lanes
            }
            n if n >= lanes => {
                let number = numbers(0, lanes);
                let [sum] = fold_tile::<T, F, 1>(x, width, |row| {
                    [terms.term(T::Lanes::load(&row[column..][..lanes]), number)]
                });
                sum.store(&mut y[at..at + lanes]);
                lanes
            }
            n => {
                let number = numbers(0, n);
                let [sum] = fold_tile::<T, F, 1>(x, width, |row| {
                    [terms.term(T::Lanes::load_padded(&row[column..][..n], F::identity()), number)]
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
mod tests;
