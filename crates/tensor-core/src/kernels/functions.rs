//! The mathematics: eˣ, ln, tanh and their relatives over vectors of `f32`.
//!
//! All follow the same plan, which Cody and Waite's *Software Manual for the Elementary Functions* (1980) set out: bring the
//! argument into a short interval with exact steps, evaluate a polynomial there, undo the first step. The intervals are those
//! of the Cephes library's single precision functions. The coefficients are our own: minimax fits (Remez' algorithm in 40 digits),
//! rounded to single precision.
//!
//! Largest errors against double precision, in units in the last place of the result, over 16 million arguments of every exponent
//! and both signs: exp 1.00, exp_m1 1.46, ln 0.81, ln_1p 1.41, tanh 1.20, sigmoid 1.80, softplus 1.68. The tests hold them to 2 or less.
//! Zero, infinities, NaN and subnormal numbers, as arguments and as results, come out right.

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use super::simd::{KNOWN_EXTREMES, Lanes};
use std::f32::consts::{LN_2, LOG2_E};
use wide::{f32x16, i32x16};

// ln 2 in two parts. The first has so few digits (355/512) that its product with an exponent is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// Adding 1.5 · 2²³ to a small number leaves it rounded to the nearest integer in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// What is added to an exponent where its bits are stored.
const BIAS: f32 = 127.0;

/// Σ cᵢ xⁱ: neighbours are paired, then Horner's scheme in x² joins the pairs, with half as many steps that wait for one another.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f32x16, coefficients: [f32; N]) -> f32x16 {
    let x2 = x * x;
    let pairs = coefficients.chunks(2).rev().map(|pair| match *pair {
        [low, high] => f32x16::splat(high).mul_add(x, f32x16::splat(low)),
        _ => f32x16::splat(pair[0]),
    });
    pairs.reduce(|sum, pair| sum.mul_add(x2, pair)).unwrap_or_default()
}

#[inline(always)]
pub(super) fn bits(x: f32x16) -> i32x16 {
    bytemuck::cast(x)
}

#[inline(always)]
pub(super) fn from_bits(x: i32x16) -> f32x16 {
    bytemuck::cast(x)
}

/// The larger of x and a number; NaN if x is. Of two zeros, either.
///
/// x86's instruction answers with its second operand where either is NaN, ARM's with NaN. (`Lanes::max` takes three instructions: the compiler does not see
/// that a constant is not NaN.)
#[inline(always)]
fn at_least(x: f32x16, number: f32) -> f32x16 {
    let number = f32x16::splat(number);
    match KNOWN_EXTREMES {
        true => number.fast_max(x),
        false => number.simd_gt(x).select(number, x),
    }
}

/// The smaller of x and a number; NaN if x is. See [`at_least`].
#[inline(always)]
fn at_most(x: f32x16, number: f32) -> f32x16 {
    let number = f32x16::splat(number);
    match KNOWN_EXTREMES {
        true => number.fast_min(x),
        false => x.simd_gt(number).select(number, x),
    }
}

/// 2ⁿ for -126 <= n <= 127.
#[inline(always)]
fn power_of_two(n: i32x16) -> f32x16 {
    from_bits((n + i32x16::splat(BIAS as i32)) << 23)
}

/// The integer in the sum of it and [`ROUND`], in the place of an exponent. (The bits of `ROUND` itself are shifted out.)
#[inline(always)]
fn exponent(rounded: f32x16) -> i32x16 {
    bits(rounded) << 23
}

/// eʳ = 1 + r + r² q(r), for |r| <= ln 2 / 2.
const Q: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_717, 0.001_381_46];

/// x as n ln 2 + r, where n is the integer nearest to x / ln 2, so |r| <= ln 2 / 2. Gives eʳ - 1, and the sum of n and `round` whose lowest bits hold it.
#[inline(always)]
fn reduce(x: f32x16, round: f32) -> (f32x16, f32x16) {
    let rounded = x.mul_add(f32x16::splat(LOG2_E), f32x16::splat(round));
    let n = rounded - f32x16::splat(round);
    let r = n.mul_add(f32x16::splat(-LN_2_HIGH), x);
    let r = n.mul_add(f32x16::splat(-LN_2_LOW), r);
    ((r * r).mul_add(polynomial(r, Q), r), rounded)
}

/// Two powers of two whose product is 2ⁿ, for x and what [`reduce`] gives with [`TWICE_BIASED`]: neither 2¹²⁸ nor 2⁻¹⁵⁰ is a normal number.
///
/// The first has about a sixth of n: for -152, that leaves -127 to the second one, whose bits are then those of 0. (A product of numbers other than 0
/// that underflows to 0 takes an Intel processor 10 to 20 times as long. From -104 to -105, where n is -150 or -151, there still is one.)
#[inline(always)]
fn powers(x: f32x16, rounded: f32x16) -> [f32x16; 2] {
    const PART: f32 = 25.0 / 152.0;
    let part = exponent(x.mul_add(f32x16::splat(PART * LOG2_E), f32x16::splat(ROUND + BIAS)));
    [from_bits(part), from_bits(exponent(rounded) - part)]
}

/// [`ROUND`] with the bias of two exponents.
const TWICE_BIASED: f32 = ROUND + 2.0 * BIAS;
/// Beyond this eˣ is infinite.
const LARGEST: f32 = 89.0;
/// Here and below, eˣ is less than half of the smallest number: 0. It is -151.9 ln 2, so that n is -152.
const LOWEST: f32 = -105.3;

/// eˣ = 2ⁿ eʳ. Behind `reduce`, only the sum, in eʳ = 1 + (eʳ - 1), and the last product round.
#[inline(always)]
pub fn exp(x: f32x16) -> f32x16 {
    let x = at_most(at_least(x, LOWEST), LARGEST);
    let (e_r_1, rounded) = reduce(x, TWICE_BIASED);
    let [first, second] = powers(x, rounded);
    first.mul_add(e_r_1, first) * second
}

/// eˣ for x <= 0, with the bits of [`exp`] in fewer instructions: 2ⁿ⁺²⁵ is a normal number or, for n = -152, stored as 0, and only the product with 2⁻²⁵
/// rounds again.
#[inline(always)]
pub fn exp_below_zero(x: f32x16) -> f32x16 {
    const SHIFT: f32 = 25.0;
    let (e_r_1, rounded) = reduce(at_least(x, LOWEST), ROUND + BIAS + SHIFT);
    let power = from_bits(exponent(rounded));
    power.mul_add(e_r_1, power) * f32x16::splat(1.0 / (1 << (SHIFT as i32)) as f32)
}

/// eˣ - 1 = 2ⁿ ((eʳ - 1) + (1 - 2⁻ⁿ)), where nothing cancels for small x: there n = 0.
#[inline(always)]
pub fn exp_m1(x: f32x16) -> f32x16 {
    // Below -50 the answer is -1, and 2⁻ⁿ would leave the range before long.
    let limited = at_least(x, -50.0);
    let (e_r_1, rounded) = reduce(limited, TWICE_BIASED);
    let n: i32x16 = bits(rounded) - i32x16::splat(TWICE_BIASED.to_bits() as i32);
    let inverse = power_of_two(-n.min(i32x16::splat(126)));
    let [first, second] = powers(limited, rounded);
    let y = (e_r_1 + (f32x16::splat(1.0) - inverse)) * first * second;
    let y = x
        .simd_gt(f32x16::splat(LARGEST))
        .select(f32x16::splat(f32::INFINITY), y);
    // -0 stays -0.
    x.simd_eq(f32x16::splat(0.0)).select(x, y)
}

/// The bits of the largest f32 below √½: mantissas are taken from here to √2, so that ln 1 = 0 needs no cancellation.
const SQRT_HALF: i32 = 0x3f35_04f3;

/// A positive normal x = 2ⁿ m, with m in [√½, √2).
#[inline(always)]
fn split(x: f32x16) -> (f32x16, i32x16) {
    let above = bits(x) - i32x16::splat(SQRT_HALF);
    let m = (above & i32x16::splat(0x007f_ffff)) + i32x16::splat(SQRT_HALF);
    (from_bits(m), above >> 23)
}

/// n ln 2 + ln(1 + f), for 1 + f in [√½, √2).
#[inline(always)]
fn ln_polynomial(n: f32x16, f: f32x16) -> f32x16 {
    // ln(1 + f) = f - f²/2 + f³ p(f); the terms are added from the smallest up.
    let p = polynomial(
        f,
        [
            0.333_333_3,
            -0.250_008_2,
            0.200_012_27,
            -0.166_233_57,
            0.142_017_56,
            -0.131_601_78,
            0.127_615_87,
            -0.076_345_22,
        ],
    );
    let f2 = f * f;
    let tail = n.mul_add(f32x16::splat(LN_2_LOW), f2 * f * p);
    let tail = f2.mul_add(f32x16::splat(-0.5), tail);
    n.mul_add(f32x16::splat(LN_2_HIGH), f + tail)
}

/// `y`, the logarithm of `x`, with the answers that no polynomial gives: for 0, infinity, NaN and negative numbers.
#[inline(always)]
fn ln_special(x: f32x16, y: f32x16) -> f32x16 {
    let zero = f32x16::splat(0.0);
    let other = x.simd_lt(zero).select(f32x16::splat(f32::NAN), x);
    let other = x.simd_eq(zero).select(f32x16::splat(f32::NEG_INFINITY), other);
    (x.simd_gt(zero) & x.simd_lt(f32x16::splat(f32::INFINITY))).select(y, other)
}

/// ln x = n ln 2 + ln m, where x = 2ⁿ m.
#[inline(always)]
pub fn ln(x: f32x16) -> f32x16 {
    // A subnormal number has no exponent of its own until it is multiplied into the normal range.
    const RESCALE: i32 = 23;
    let subnormal = x.simd_lt(f32x16::splat(f32::MIN_POSITIVE));
    let normal = subnormal.select(x * f32x16::splat((1 << RESCALE) as f32), x);
    let correction = subnormal.select(f32x16::splat(-RESCALE as f32), f32x16::splat(0.0));
    let (m, n) = split(normal);
    let y = ln_polynomial(f32x16::from_i32x16(n) + correction, m - f32x16::splat(1.0));
    ln_special(x, y)
}

/// ln(1 + x) for -1 < x < ∞, through the sum u = 1 + x and what its rounding lost, c = (1 + x) - u (Knuth's two-sum).
#[inline(always)]
fn ln_1p_finite(x: f32x16) -> f32x16 {
    let one = f32x16::splat(1.0);
    let u = one + x;
    let x_part = u - one;
    let c = (one - (u - x_part)) + (x - x_part);
    // 1 + x = u + c = 2ⁿ (m + 2⁻ⁿ c). For large u, c is below the last digit: no matter that its factor is limited.
    let (m, n) = split(u);
    let f = (m - one) + c * power_of_two(-n.min(i32x16::splat(126)));
    ln_polynomial(f32x16::from_i32x16(n), f)
}

/// ln(1 + x)
#[inline(always)]
pub fn ln_1p(x: f32x16) -> f32x16 {
    let y = ln_special(f32x16::splat(1.0) + x, ln_1p_finite(x));
    // -0 stays -0.
    x.simd_eq(f32x16::splat(0.0)).select(x, y)
}

/// 1 + e²ˣ for 0 <= x <= 10, with an error in e²ˣ of some 2⁻²³. (Without fused multiply-add up to 2⁻²⁰ for large x, where tanh is 1 whatever it is.)
///
/// As in [`reduce`], but x = (n ln 2) / 2 + s, and e²ˢ = 1 + 2 (s + s² 2q(2s)): so nothing is doubled but coefficients and a power of two. And one product
/// with n is enough: the digits that ln 2 lacks are 2⁻²⁴ of e²ˣ where n is 30, and less before.
#[inline(always)]
fn one_and_exp_2(x: f32x16) -> f32x16 {
    const Q_OF_DOUBLE: [f32; 5] = [2.0 * Q[0], 4.0 * Q[1], 8.0 * Q[2], 16.0 * Q[3], 32.0 * Q[4]];
    const BIASED: f32 = ROUND + BIAS + 1.0;
    let rounded = x.mul_add(f32x16::splat(2.0 * LOG2_E), f32x16::splat(BIASED));
    let n = rounded - f32x16::splat(BIASED);
    let s = n.mul_add(f32x16::splat(-0.5 * LN_2), x);
    let half = (s * s).mul_add(polynomial(s, Q_OF_DOUBLE), s);
    let twice_the_power = from_bits(exponent(rounded));
    let one_and_power = twice_the_power.mul_add(f32x16::splat(0.5), f32x16::splat(1.0));
    twice_the_power.mul_add(half, one_and_power)
}

/// tanh x = 1 - 2 / (1 + e²ˣ) for positive x, which would cancel near 0: there x + x³ p(x²). tanh is odd.
#[inline(always)]
pub fn tanh(x: f32x16) -> f32x16 {
    let one = f32x16::splat(1.0);
    let size = x.abs();
    // The lower bound is where the result no longer depends on it: products of tiny numbers underflow, and each that does can take an Intel processor 150
    // cycles. Where tanh is repeated until it shrinks to nothing, a vector took 220 ns instead of 80.
    let not_tiny = at_least(size, 1e-12);
    // From 10 on the answer is 1, and e²⁰ is far from the limits of the exponent.
    let large = one - f32x16::splat(2.0) / one_and_exp_2(at_most(not_tiny, 10.0));
    let x2 = not_tiny * not_tiny;
    let p = polynomial(
        x2,
        [
            -0.333_332_8,
            0.133_314_42,
            -0.053_739_715,
            0.020_639_086,
            -0.005_704_986_4,
        ],
    );
    let small = (x2 * p).mul_add(size, size);
    // NaN is not above, and has passed through the sum of the small ones.
    size.simd_gt(f32x16::splat(0.625)).select(large, small) | (x & f32x16::splat(-0.0))
}

/// 1 / (1 + e⁻ˣ), as e / (1 + e) with e = eˣ where x is negative: that e cannot overflow.
#[inline(always)]
pub fn sigmoid<L: Lanes>(x: L) -> L {
    let e = (-x.abs()).exp_below_zero();
    let sum = L::one() + e;
    let y = L::select_gt(x, L::zero(), L::one(), e) / sum;
    // What the sum's rounding lost, relative to the sum, is most of the error: 1 / (1 + e) is y or 1 - y.
    let lost = (e - (sum - L::one())) * L::select_gt(x, L::zero(), y, L::one() - y);
    (-y).mul_add(lost, y)
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|), which neither overflows nor loses small results.
#[inline(always)]
pub fn softplus(x: f32x16) -> f32x16 {
    // The logarithm's argument is between 0 and 1, except that it is anything for NaN, which the first term preserves.
    at_least(x, 0.0) + ln_1p_finite(exp_below_zero(-x.abs()))
}
