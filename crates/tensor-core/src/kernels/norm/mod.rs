//! Normalisation: numbers minus their mean, over their standard deviation, times a weight, plus a bias; and the gradient of that.
//!
//! What is normalised together either lies side by side ([`rows`]: layer, group and instance normalisation), or is a channel of all
//! samples ([`channels`]: batch normalisation).
//!
//! A mean is found first, then the variance around it, in a second pass that finds data in the cache; what the mean lost by rounding is
//! taken into account at the end (the corrected two-pass algorithm: Chan, Golub and LeVeque, 1983). So numbers that are large beside
//! their spread keep their digits.

pub mod channels;
pub mod rows;
#[cfg(test)]
mod tests;

use super::arrays::array_of;
use super::simd::{Float, Lanes};

/// Vectors that are added up one after the other, before their sum is added to the total: errors grow with the square root of the number.
const RUN: usize = 64;
/// Independent sums side by side, which keep the processor busy.
const WAYS: usize = 4;

/// M sums of what `term` makes of the first `len` numbers of N slices, lane by lane. `padding` fills their last vectors up: `term` must make 0 of it.
///
/// Slices that go on behind these numbers are faster: their last vector is loaded as a whole. (With 49 numbers at a time, as in the images of a
/// DCGAN, copying the last one took longer than adding all of them.)
#[inline(always)]
fn sums<T: Float, const N: usize, const M: usize>(
    x: [&[T]; N],
    len: usize,
    padding: [T; N],
    term: impl Fn([T::Lanes; N]) -> [T::Lanes; M],
) -> [T::Lanes; M] {
    let vectors: [_; N] = array_of(|k| T::Lanes::chunks(&x[k][..len]).0);
    let at = |i: usize| term(array_of(|k| T::Lanes::from_array(vectors[k][i])));
    let count = vectors[0].len();
    let mut total = [T::Lanes::zero(); M];
    for start in (0..count).step_by(RUN) {
        let end = count.min(start + RUN);
        let whole = start + (end - start) / WAYS * WAYS;
        let mut ways = [[T::Lanes::zero(); M]; WAYS];
        for i in (start..whole).step_by(WAYS) {
            for (way, sums) in ways.iter_mut().enumerate() {
                add(sums, at(i + way));
            }
        }
        (whole..end).for_each(|i| add(&mut ways[0], at(i)));
        ways.into_iter().for_each(|sums| add(&mut total, sums));
    }
    let (done, rest) = (count * T::Lanes::WIDTH, len % T::Lanes::WIDTH);
    if rest > 0 {
        let last = |k: usize| T::Lanes::load_first(&x[k][done..], rest).keep_first(rest, padding[k]);
        add(&mut total, term(array_of(last)));
    }
    total
}

#[inline(always)]
fn add<L: Lanes, const M: usize>(sums: &mut [L; M], terms: [L; M]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum = *sum + term;
    }
}

/// Mean and variance of `n` numbers: a mean that may be off by rounding, and the sums of the distances from it and of their squares.
#[inline(always)]
fn corrected<T: Float>(mean: T, distances: T, squares: T, n: T) -> (T, T) {
    let rest = distances / n;
    let variance = squares / n - rest * rest;
    // Numbers that all have the same distance from their rounded mean must not get a variance below 0. NaN stays.
    (mean + rest, if variance < T::ZERO { T::ZERO } else { variance })
}

/// 1 / √(variance + eps)
#[inline(always)]
fn inverse_deviation<T: Float>(variance: T, eps: f64) -> T {
    T::ONE / (variance + T::from_f64(eps)).sqrt()
}
