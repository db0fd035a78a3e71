//! The error function, erf x = 2/√π ∫₀ˣ e^-t² dt, and what it lacks of 1, erfc x = 1 - erf x, over vectors of `f32`.
//!
//! Near 0 a polynomial gives erf; further out, another one gives erfc relative to e^-x². So neither loses digits where it is small: the
//! normal distribution, Φ(x) = erfc(-x / √2) / 2, is accurate in its lower tail too. The coefficients are our own, as in [`functions`](super::functions).
//!
//! Largest errors, in units in the last place, over 16 million arguments: erf 1.78, erfc 4.98. The tests hold them to 2 and 5.5.

use super::functions::{bits, exp_below_zero, from_bits, polynomial};
use wide::{f32x16, i32x16};

/// Up to here erf is computed, from here on erfc.
const BORDER: f32 = 0.75;

/// erf x = x + x p(x²), for |x| <= [`BORDER`].
#[inline(always)]
fn near_zero(x: f32x16) -> f32x16 {
    let p = polynomial(
        x * x,
        [
            0.128_379_17,
            -0.376_126_2,
            0.112_833_77,
            -0.026_834_624,
            0.005_114_346,
            -0.000_674_951_36,
        ],
    );
    p.mul_add(x, x)
}

/// erfc x = e^-x² t q(t), where t = 1 / (x + 3/2), for x >= [`BORDER`].
#[inline(always)]
fn tail(x: f32x16) -> f32x16 {
    let t = f32x16::splat(1.0) / (x + f32x16::splat(1.5));
    let q = polynomial(
        t,
        [
            0.564_218_74,
            0.844_952_15,
            1.012_923_6,
            0.365_227_83,
            1.162_697_6,
            -8.419_587,
            11.225_86,
            -5.012_599,
        ],
    );
    exp_of_minus_square(x) * (t * q)
}

/// e^-x². An error in x² is multiplied by x² in the result, so the digits that rounding takes from the square are given back:
/// e^-(s + c) = e^-s (1 - c), with c from Dekker's product (1971), in which the halves of x have exact products.
#[inline(always)]
fn exp_of_minus_square(x: f32x16) -> f32x16 {
    // Beyond, the result is 0, and the halves' products would leave the range.
    let x = x.fast_min(f32x16::splat(16.0));
    let square = x * x;
    let high = from_bits(bits(x) & i32x16::splat(!0xfff));
    let low = x - high;
    let lost = ((high * high - square) + (high * low + high * low)) + low * low;
    let e = exp_below_zero(-square);
    e - e * lost
}

/// erf x
#[inline(always)]
pub fn erf(x: f32x16) -> f32x16 {
    let size = x.abs();
    let y = f32x16::splat(1.0) - tail(size);
    // erf is odd: the argument's sign is the result's. NaN is not above the border, and passes through the polynomial as NaN.
    size.simd_gt(f32x16::splat(BORDER))
        .select(y | (x & f32x16::splat(-0.0)), near_zero(x))
}

/// 1 - erf x
#[inline(always)]
pub fn erfc(x: f32x16) -> f32x16 {
    let size = x.abs();
    let tail = tail(size);
    let far = x.simd_gt(f32x16::splat(0.0)).select(tail, f32x16::splat(2.0) - tail);
    size.simd_gt(f32x16::splat(BORDER))
        .select(far, f32x16::splat(1.0) - near_zero(x))
}

#[cfg(test)]
mod tests {
    use super::super::functions::testing::{check, check_values};
    use super::*;

    #[test]
    fn erf_is_accurate() {
        check("erf", 2.0, erf, libm::erf);
    }

    #[test]
    fn erfc_is_accurate() {
        check("erfc", 5.5, erfc, libm::erfc);
    }

    #[test]
    fn special_values() {
        let inf = f32::INFINITY;
        check_values(
            "erf",
            erf,
            &[(0.0, 0.0), (-0.0, -0.0), (inf, 1.0), (-inf, -1.0), (1e30, 1.0)],
        );
        check_values(
            "erfc",
            erfc,
            &[(0.0, 1.0), (inf, 0.0), (-inf, 2.0), (1e30, 0.0), (-1e30, 2.0)],
        );
    }
}
