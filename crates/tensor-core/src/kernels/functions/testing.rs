//! Functions of vectors against double precision.

use super::*;

/// Numbers between floats, as a distance: infinitely many from a number to NaN.
fn ulps(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if got == nearest || got.is_nan() && nearest.is_nan() {
        return 0.0;
    }
    if !got.is_finite() || !nearest.is_finite() {
        return f64::INFINITY;
    }
    let size = nearest.abs();
    let ulp = (size.next_up() as f64 - size as f64).min(f32::MAX as f64);
    ((got as f64 - want) / ulp).abs()
}

/// The largest error over every `step`th vector of arguments, in the order of their bits: all exponents, both signs, infinities and NaN.
fn worst(step: usize, f: impl Fn(f32x16) -> f32x16, exact: impl Fn(f64) -> f64) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    // An odd distance, so that the low bits vary too.
    let distance = step as u32 | 1;
    for first in (0..=u32::MAX).step_by(16 * step) {
        let x: [f32; 16] = std::array::from_fn(|i| f32::from_bits(first.wrapping_add(i as u32 * distance)));
        for (x, y) in x.into_iter().zip(f(f32x16::new(x)).to_array()) {
            let error = ulps(y, exact(x as f64));
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

pub(in crate::kernels) fn check(name: &str, limit: f64, f: impl Fn(f32x16) -> f32x16, exact: impl Fn(f64) -> f64) {
    check_each(256, name, limit, f, exact);
}

/// [`check`] of all 2³² arguments.
pub(in crate::kernels) fn check_all(name: &str, limit: f64, f: impl Fn(f32x16) -> f32x16, exact: impl Fn(f64) -> f64) {
    check_each(1, name, limit, f, exact);
}

fn check_each(step: usize, name: &str, limit: f64, f: impl Fn(f32x16) -> f32x16, exact: impl Fn(f64) -> f64) {
    let (error, x) = worst(step, f, exact);
    println!("{name}: {error:.3} ulp, at {x:e}");
    assert!(error <= limit, "{name}({x:e}) is {error} ulp off");
}

/// Asserts the bits of f at some arguments, and that NaN stays NaN.
pub(in crate::kernels) fn check_values(name: &str, f: impl Fn(f32x16) -> f32x16, values: &[(f32, f32)]) {
    let at = |x: f32| f(f32x16::splat(x)).to_array()[7];
    assert!(at(f32::NAN).is_nan(), "{name}(NaN) = {}", at(f32::NAN));
    for &(x, want) in values {
        let got = at(x);
        let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
        assert!(same, "{name}({x:e}) = {got:e}, not {want:e}");
    }
}
