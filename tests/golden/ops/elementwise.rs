//! Operations on single elements.

use super::Case;
use tensor_core::Tensor;

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let bound = |name: &str, open: f64| case.attrs[name].as_f64().unwrap_or(open);
    Some(match op {
        "add" => &x[0] + &x[1],
        "sub" => &x[0] - &x[1],
        "mul" => &x[0] * &x[1],
        "div" => &x[0] / &x[1],
        "neg" => -&x[0],
        "exp" => x[0].exp(),
        "ln" => x[0].ln(),
        "sqrt" => x[0].sqrt(),
        "recip" => x[0].recip(),
        "sqr" => x[0].sqr(),
        "tanh" => x[0].tanh(),
        "sigmoid" => x[0].sigmoid(),
        "softplus" => x[0].softplus(),
        "relu" => x[0].relu(),
        "leaky_relu" => x[0].leaky_relu(case.number("negative_slope")),
        "maximum" => x[0].maximum(&x[1]),
        "minimum" => x[0].minimum(&x[1]),
        "ln_1p" => x[0].ln_1p(),
        "rsqrt" => x[0].rsqrt(),
        "abs" => x[0].abs(),
        "sin" => x[0].sin(),
        "cos" => x[0].cos(),
        "log_sigmoid" => x[0].log_sigmoid(),
        "silu" => x[0].silu(),
        "erf" => x[0].erf(),
        "gelu" if case.attrs["approximate"] == "tanh" => x[0].gelu_tanh(),
        "gelu" => x[0].gelu(),
        "elu" => x[0].elu(case.number("alpha")),
        "powf" => x[0].powf(case.number("exponent")),
        "clamp" => x[0].clamp(bound("min", -f64::INFINITY), bound("max", f64::INFINITY)),
        "where" => case.int_input("mask").where_cond(&x[0], &x[1]),
        _ => return None,
    })
}
