use super::testing::{check, check_all, check_values};
use super::*;

#[test]
fn exp_is_accurate() {
    check("exp", 1.0, exp, f64::exp);
}

#[test]
fn exp_m1_is_accurate() {
    check("exp_m1", 1.5, exp_m1, f64::exp_m1);
}

#[test]
fn ln_is_accurate() {
    check("ln", 0.85, ln, f64::ln);
}

#[test]
fn ln_1p_is_accurate() {
    check("ln_1p", 1.45, ln_1p, f64::ln_1p);
}

#[test]
fn tanh_is_accurate() {
    check("tanh", 1.25, tanh, f64::tanh);
}

fn exact_sigmoid(x: f64) -> f64 {
    if x > 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        x.exp() / (1.0 + x.exp())
    }
}

#[test]
fn sigmoid_is_accurate() {
    check("sigmoid", 2.0, sigmoid, exact_sigmoid);
}

// All 2³² arguments.
#[test]
#[ignore = "takes a minute: cargo test -p tensor-core --lib every_f32 -- --ignored --nocapture"]
fn every_f32_of_exp() {
    check_all("exp", 2.0, exp, f64::exp);
}

#[test]
#[ignore = "takes a minute: cargo test -p tensor-core --lib every_f32 -- --ignored --nocapture"]
fn every_f32_of_tanh() {
    check_all("tanh", 2.0, tanh, f64::tanh);
}

#[test]
#[ignore = "takes a minute: cargo test -p tensor-core --lib every_f32 -- --ignored --nocapture"]
fn every_f32_of_sigmoid() {
    check_all("sigmoid", 2.0, sigmoid, exact_sigmoid);
}

#[test]
fn below_zero_exp_has_a_shorter_way_to_the_same_bits() {
    for first in (0x8000_0000..=u32::MAX).step_by(16 * 63) {
        let x = f32x16::new(std::array::from_fn(|i| {
            f32::from_bits(first.saturating_add(i as u32 * 63))
        }));
        let (short, long) = (exp_below_zero(x).to_array(), exp(x).to_array());
        let same = |(a, b): (f32, f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        assert!(
            short.into_iter().zip(long).all(same),
            "at {x:?}: {short:?}, not {long:?}"
        );
    }
    check_values(
        "exp_below_zero",
        exp_below_zero,
        &[(0.0, 1.0), (-0.0, 1.0), (f32::NEG_INFINITY, 0.0)],
    );
}

#[test]
fn softplus_is_accurate() {
    check("softplus", 1.7, softplus, |x| {
        x.max(0.0) + (-x.abs()).exp().ln_1p() + if x.is_nan() { x } else { 0.0 }
    });
}

#[test]
fn special_values() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    check_values(
        "exp",
        exp,
        &[
            (0.0, 1.0),
            (-0.0, 1.0),
            (inf, inf),
            (-inf, 0.0),
            (89.0, inf),
            (-100.0, 3.78e-44),
        ],
    );
    check_values(
        "exp_m1",
        exp_m1,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (inf, inf),
            (-inf, -1.0),
            (89.0, inf),
            (-100.0, -1.0),
            (1e-45, 1e-45),
        ],
    );
    check_values(
        "ln",
        ln,
        &[
            (1.0, 0.0),
            (0.0, -inf),
            (-0.0, -inf),
            (inf, inf),
            (-1.0, nan),
            (1e-45, -103.278_93),
        ],
    );
    check_values(
        "ln_1p",
        ln_1p,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (-1.0, -inf),
            (inf, inf),
            (-2.0, nan),
            (1e-45, 1e-45),
        ],
    );
    check_values(
        "tanh",
        tanh,
        &[
            (0.0, 0.0),
            (-0.0, -0.0),
            (inf, 1.0),
            (-inf, -1.0),
            (30.0, 1.0),
            (1e-45, 1e-45),
        ],
    );
    check_values(
        "sigmoid",
        sigmoid,
        &[
            (0.0, 0.5),
            (-0.0, 0.5),
            (inf, 1.0),
            (-inf, 0.0),
            (100.0, 1.0),
            (-100.0, 3.78e-44),
        ],
    );
    check_values(
        "softplus",
        softplus,
        &[
            (inf, inf),
            (-inf, 0.0),
            (100.0, 100.0),
            (1e30, 1e30),
            (-1e30, 0.0),
            (-100.0, 3.78e-44),
        ],
    );
}
