//! Elementary functions and powers, of one number.

use super::row::Row;
use tensor_core::Tensor;

pub(super) fn unary(name: &'static str, run: fn(&Tensor) -> Tensor, naive: fn(f64) -> f64) -> Row {
    Row::new(name, move |x| run(&x[0]), move |x| x[0].map(naive))
        .on(&[&[3, 5]])
        .on(&[&[]])
        .on(&[&[0, 4]])
        .at_scale(&[&[400, 500]])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        unary("exp", |x| x.exp(), f64::exp),
        unary("ln", |x| x.ln(), f64::ln).positive(),
        unary("sqr", |x| x.sqr(), |x| x * x),
        unary("sqrt", |x| x.sqrt(), f64::sqrt).positive(),
        unary("recip", |x| x.recip(), f64::recip).positive(),
        unary("ln_1p", |x| x.ln_1p(), f64::ln_1p).positive(),
        unary("sin", |x| x.sin(), f64::sin),
        unary("cos", |x| x.cos(), f64::cos),
        unary("erf", |x| x.erf(), libm::erf),
        unary("rsqrt", |x| x.rsqrt(), |x| 1.0 / x.sqrt()).positive(),
        unary("powf 0", |x| x.powf(0.0), |_| 1.0),
        unary("powf 1", |x| x.powf(1.0), |x| x),
        unary("powf 2", |x| x.powf(2.0), |x| x * x),
        unary("powf 3", |x| x.powf(3.0), |x| x * x * x),
        unary("powf -2", |x| x.powf(-2.0), |x| 1.0 / (x * x)).positive(),
        unary("powf 2.5", |x| x.powf(2.5), |x| x * x * x.sqrt()).positive(),
    ]
}
