//! Functions where numbers are at their limits: at 0, far out, at infinity, at ties, and what is not a number. Against closed forms.

use tensor_core::{DType, Tensor};

type Function = fn(&Tensor) -> Tensor;

/// Value, first and second derivative at one point.
fn derivatives(f: impl Fn(&Tensor) -> Tensor, x: f64, dtype: DType) -> [f64; 3] {
    let x = Tensor::from_slice(&[x], [1]).to_dtype(dtype).requires_grad();
    let y = f(&x);
    let slope = &y.grad_graph(&[&x])[0];
    let fast = &y.grad(&[&x])[0];
    assert_eq!(
        fast.item().to_bits(),
        slope.item().to_bits(),
        "the recorded slope is the other"
    );
    let second = if slope.is_tracked() {
        slope.grad_or_zeros(&[&x])[0].item()
    } else {
        0.0
    };
    [y.item(), slope.item(), second]
}

/// Compares with what is wanted, in both precisions. Below the range of F32, only the size matters.
#[track_caller]
fn check(name: &str, f: impl Fn(&Tensor) -> Tensor, x: f64, wanted: [f64; 3]) {
    for (dtype, tolerance) in [(DType::F32, 2e-6), (DType::F64, 1e-12)] {
        let found = derivatives(&f, x, dtype);
        for (order, (a, b)) in found.into_iter().zip(wanted).enumerate() {
            let close = a == b || (a - b).abs() <= tolerance * b.abs() + f64::from(f32::MIN_POSITIVE);
            assert!(close, "{name}({x}) {dtype}, derivative {order}: {a:e}, not {b:e}");
        }
    }
}

const INFINITY: f64 = f64::INFINITY;

#[test]
fn activations_have_their_limits_far_out() {
    let positive_pass: [(&str, Function); 4] = [
        ("relu", |x| x.relu()),
        ("silu", |x| x.silu()),
        ("gelu", |x| x.gelu()),
        ("gelu_tanh", |x| x.gelu_tanh()),
    ];
    for (name, f) in positive_pass
        .into_iter()
        .chain([("softplus", (|x| x.softplus()) as Function)])
    {
        for x in [100.0, 1e30, INFINITY] {
            check(name, f, x, [x, 1.0, 0.0]);
            check(name, f, -x, [0.0, 0.0, 0.0]);
        }
    }
    for x in [100.0, 1e30, INFINITY] {
        check("elu", |x| x.elu(0.5), x, [x, 1.0, 0.0]);
        check("elu", |x| x.elu(0.5), -x, [-0.5, 0.0, 0.0]);
        check("log_sigmoid", |x| x.log_sigmoid(), x, [0.0, 0.0, 0.0]);
        check("log_sigmoid", |x| x.log_sigmoid(), -x, [-x, 1.0, 0.0]);
        check("tanh", |x| x.tanh(), x, [1.0, 0.0, 0.0]);
        check("tanh", |x| x.tanh(), -x, [-1.0, 0.0, 0.0]);
        check("erf", |x| x.erf(), -x, [-1.0, 0.0, 0.0]);
        check("sigmoid", |x| x.sigmoid(), x, [1.0, 0.0, 0.0]);
        check("sigmoid", |x| x.sigmoid(), -x, [0.0, 0.0, 0.0]);
    }
}

#[test]
fn small_results_keep_their_digits() {
    // Where the logistic function is eˣ to the last digit, so is its integral; the derivatives too.
    let (x, e) = (-40.0, (-40.0f64).exp());
    check("sigmoid", |x| x.sigmoid(), x, [e, e, e]);
    check("softplus", |x| x.softplus(), x, [e, e, e]);
    check("silu", |x| x.silu(), x, [x * e, (1.0 + x) * e, (2.0 + x) * e]);
    check("log_sigmoid", |x| x.log_sigmoid(), -x, [-e, e, -e]);
    check("ln_1p", |x| x.ln_1p(), 1e-20, [1e-20, 1.0, -1.0]);
    check("elu", |x| x.elu(2.0), -1e-20, [-2e-20, 2.0, 2.0]);
    // The lower tail of the normal distribution: Φ(-5) and its density.
    let (x, cdf) = (-5.0, 0.5 * libm::erfc(5.0 / 2f64.sqrt()));
    let density = (-12.5f64).exp() / (2.0 * std::f64::consts::PI).sqrt();
    check(
        "gelu",
        |x| x.gelu(),
        x,
        [x * cdf, cdf + x * density, density * (2.0 - x * x)],
    );
}

/// The values stay visible, and most slopes. The slopes of piecewise functions at what is not a number are PyTorch's.
#[test]
fn what_is_not_a_number_stays_visible() {
    let piecewise: [(&str, Function, f64); 7] = [
        ("abs", |x| x.abs(), 0.0),
        ("clamp", |x| x.clamp(-1.0, 1.0), 0.0),
        ("elu", |x| x.elu(0.5), 1.0),
        ("leaky_relu", |x| x.leaky_relu(0.25), 0.25),
        ("maximum", |x| x.maximum(&x.zeros_like()), 1.0),
        ("minimum", |x| x.zeros_like().minimum(x), 1.0),
        ("relu", |x| x.relu(), 1.0),
    ];
    for (name, f, wanted) in piecewise {
        for dtype in [DType::F32, DType::F64] {
            let [y, slope, _] = derivatives(f, f64::NAN, dtype);
            assert!(y.is_nan(), "{name}(NaN) = {y} {dtype}");
            assert_eq!(slope, wanted, "{name}: the slope at NaN, {dtype}");
        }
    }
    let functions: [(&str, Function); 20] = [
        ("bce", |x| x.bce(&x.ones_like())),
        ("cos", |x| x.cos()),
        ("erf", |x| x.erf()),
        ("exp", |x| x.exp()),
        ("gelu", |x| x.gelu()),
        ("gelu_tanh", |x| x.gelu_tanh()),
        ("ln", |x| x.ln()),
        ("ln_1p", |x| x.ln_1p()),
        ("log_sigmoid", |x| x.log_sigmoid()),
        ("powf", |x| x.powf(2.5)),
        ("recip", |x| x.recip()),
        ("rsqrt", |x| x.rsqrt()),
        ("sigmoid", |x| x.sigmoid()),
        ("sign", |x| x.sign()),
        ("silu", |x| x.silu()),
        ("sin", |x| x.sin()),
        ("softplus", |x| x.softplus()),
        ("sqr", |x| x.sqr()),
        ("sqrt", |x| x.sqrt()),
        ("tanh", |x| x.tanh()),
    ];
    for (name, f) in functions {
        for dtype in [DType::F32, DType::F64] {
            let [y, slope, _] = derivatives(f, f64::NAN, dtype);
            assert!(y.is_nan(), "{name}(NaN) = {y} {dtype}");
            assert!(
                name == "sign" || slope != 0.0,
                "{name}: the slope at NaN is {slope} {dtype}"
            );
        }
    }
}

/// These rules compute from the output, whose handle is rebuilt: the second derivative has to find its way through it.
#[test]
fn rules_that_keep_the_output_have_the_right_second_derivative() {
    let x = 0.7f64;
    let (t, s) = (x.tanh(), 1.0 / (1.0 + (-x).exp()));
    check("tanh", |x| x.tanh(), x, [t, 1.0 - t * t, -2.0 * t * (1.0 - t * t)]);
    check(
        "sigmoid",
        |x| x.sigmoid(),
        x,
        [s, s * (1.0 - s), s * (1.0 - s) * (1.0 - 2.0 * s)],
    );
    check("exp", |x| x.exp(), x, [x.exp(); 3]);
    check(
        "sqrt",
        |x| x.sqrt(),
        x,
        [x.sqrt(), 0.5 * x.powf(-0.5), -0.25 * x.powf(-1.5)],
    );
    check(
        "rsqrt",
        |x| x.rsqrt(),
        x,
        [x.powf(-0.5), -0.5 * x.powf(-1.5), 0.75 * x.powf(-2.5)],
    );
    check("recip", |x| x.recip(), x, [1.0 / x, -x.powi(-2), 2.0 * x.powi(-3)]);
    check("relu", |x| x.relu(), x, [x, 1.0, 0.0]);
}

#[test]
fn powers_are_right_at_zero_and_below() {
    let powf = |p: f64| move |x: &Tensor| x.powf(p);
    check("x⁰", powf(0.0), 0.0, [1.0, 0.0, 0.0]);
    check("x¹", powf(1.0), 0.0, [0.0, 1.0, 0.0]);
    check("x²", powf(2.0), 0.0, [0.0, 0.0, 2.0]);
    check("x³", powf(3.0), 0.0, [0.0, 0.0, 0.0]);
    check("x^1.5", powf(1.5), 0.0, [0.0, 0.0, INFINITY]);
    check("√x", powf(0.5), 0.0, [0.0, INFINITY, -INFINITY]);
    check("x⁰", powf(0.0), -2.0, [1.0, 0.0, 0.0]);
    check("x³", powf(3.0), -2.0, [-8.0, 12.0, -12.0]);
    check("x⁴", powf(4.0), -2.0, [16.0, -32.0, 48.0]);
    check("1/x", powf(-1.0), -2.0, [-0.5, -0.25, -0.25]);
    check("1/x²", powf(-2.0), -2.0, [0.25, 0.25, 0.375]);
    // The third derivatives of x² and x³, at 0.
    for (p, wanted) in [(2.0, 0.0), (3.0, 6.0)] {
        let x = Tensor::from([0.0]).requires_grad();
        let slope = &x.powf(p).grad_graph(&[&x])[0];
        let second = &slope.grad_graph(&[&x])[0];
        assert_eq!(second.grad_or_zeros(&[&x])[0].item(), wanted);
    }
}

#[test]
fn a_tie_is_shared() {
    let a = Tensor::from([[1.0, 2.0], [3.0, f32::INFINITY]]).requires_grad();
    let b = Tensor::from([2.0, f32::INFINITY]).requires_grad();
    let g = Tensor::from([[1.0, 10.0], [100.0, 1000.0]]);
    for (y, ga, gb) in [
        (a.maximum(&b), [0.0, 0.0, 100.0, 500.0], [1.0, 510.0]),
        (a.minimum(&b), [1.0, 10.0, 0.0, 500.0], [100.0, 500.0]),
    ] {
        let gradients = (y * &g).sum(..).grad(&[&a, &b]);
        assert_eq!(gradients[0].to_vec::<f32>(), ga);
        assert_eq!(gradients[1].to_vec::<f32>(), gb);
    }
    let x = Tensor::from([2.0]).requires_grad();
    assert_eq!(x.maximum(&x).grad(&[&x])[0].item(), 1.0, "both halves");
}

#[test]
fn what_is_not_chosen_has_a_gradient_of_zero() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let a = Tensor::from([2.0, bad]).requires_grad();
        let b = Tensor::from([bad, 3.0]).requires_grad();
        let y = Tensor::from_slice(&[1u32, 0], [2]).where_cond(&a, &b);
        assert_eq!(y.to_vec::<f32>(), [2.0, 3.0]);
        // What comes back to a place may be infinite too, and still only reaches the side that was taken.
        let gradients = (y * Tensor::from([1.0, bad])).sum(..).grad(&[&a, &b]);
        assert_eq!(gradients[0].to_vec::<f32>(), [1.0, 0.0]);
        assert_eq!(gradients[1].to_vec::<f32>()[0], 0.0);
        let filled = a.masked_fill(&Tensor::from_slice(&[0u32, 7], [2]), 1.0);
        let gradients = filled.recip().sum(..).grad(&[&a]);
        assert_eq!(gradients[0].to_vec::<f32>(), [-0.25, 0.0]);
    }
    // The slope of √ at 0 is infinite; the gradient that reaches the side that was not taken is 0 all the same.
    let x = Tensor::from([0.0, 4.0]).requires_grad();
    let zero = Tensor::zeros([2]);
    let y = x.gt(0.0).where_cond(&x, &zero).sqrt();
    assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.25]);
}

#[test]
fn the_slopes_of_straight_pieces_choose_and_do_not_multiply() {
    // √ hands back an infinite gradient at 0.
    let at = |f: fn(&Tensor) -> Tensor, x: f64| derivatives(|x| f(x).sqrt(), x, DType::F32)[1];
    assert_eq!(at(|x| x.abs(), 0.0), 0.0);
    assert_eq!(at(|x| x.clamp(0.0, 1.0), -1.0), 0.0);
    assert_eq!(at(|x| x.maximum(&x.zeros_like()), -1.0), 0.0);
    check("clamp at a border", |x| x.clamp(-1.0, 2.0), 2.0, [2.0, 1.0, 0.0]);
    check("clamp at a border", |x| x.clamp(-1.0, 2.0), -1.0, [-1.0, 1.0, 0.0]);
    check("clamp, one side", |x| x.clamp(-1.0, INFINITY), 1e30, [1e30, 1.0, 0.0]);
    check(
        "clamp, the wrong way round",
        |x| x.clamp(2.0, -1.0),
        0.0,
        [-1.0, 0.0, 0.0],
    );
}

#[test]
fn cross_entropy_of_a_certainty_is_held() {
    let to = |t: f64| move |p: &Tensor| p.bce(&Tensor::full_of([1], t, p.dtype()));
    check("bce, wrong", to(1.0), 0.0, [100.0, -1e12, 1e12]);
    check("bce, wrong", to(0.0), 1.0, [100.0, 1e12, 1e12]);
    check("bce, right", to(0.0), 0.0, [0.0, 0.0, 1e12]);
    check("bce, right", to(1.0), 1.0, [0.0, 0.0, 1e12]);
    let p = Tensor::from([0.0, 1.0]);
    let t = Tensor::from([0.5, 0.5]).requires_grad();
    assert_eq!(p.bce(&t).sum(..).grad(&[&t])[0].to_vec::<f32>(), [100.0, -100.0]);
}

#[test]
fn comparisons_are_exact() {
    let nan = f32::NAN;
    let (x, y) = (Tensor::from([nan, 0.0, 1.0, 0.1]), Tensor::from([nan, -0.0, 2.0, 0.1]));
    let mask = |x: Tensor| x.to_vec::<u32>();
    assert_eq!(mask(x.eq(&y)), [0, 1, 0, 1]);
    assert_eq!(mask(x.ne(&y)), [1, 0, 1, 0]);
    assert_eq!(mask(x.lt(&y)), [0, 0, 1, 0]);
    assert_eq!(mask(x.le(&y)), [0, 1, 1, 1]);
    assert_eq!(mask(x.gt(&y)), [0, 0, 0, 0]);
    assert_eq!(mask(x.ge(&y)), [0, 1, 0, 1]);
    assert_eq!(mask(x.eq(0.1)), [0, 0, 0, 1], "0.1 in F32");
    // Integers beyond the digits of F32, and numbers that are no integers.
    let n = Tensor::from_slice(&[0, 16_777_217, u32::MAX], [3]);
    assert_eq!(mask(n.eq(16_777_217.0)), [0, 1, 0]);
    assert_eq!(mask(n.gt(-1.0)), [1, 1, 1]);
    assert_eq!(mask(n.lt(0.5)), [1, 0, 0]);
    assert_eq!(mask(n.ge(&Tensor::from_slice(&[16_777_217u32], [1]))), [0, 1, 1]);
    assert!(!x.requires_grad().gt(0.0).is_tracked());
}
