//! Sums, products and so on, with every kind of broadcasting.

use super::elementary::unary;
use super::row::Row;
use tensor_core::Tensor;

pub(super) fn binary(name: &'static str, run: fn(&Tensor, &Tensor) -> Tensor, naive: fn(f64, f64) -> f64) -> Row {
    Row::new(name, move |x| run(&x[0], &x[1]), move |x| x[0].zip(&x[1], naive))
        .on(&[&[3, 5], &[3, 5]])
        .on(&[&[3, 5], &[5]])
        .on(&[&[3, 5], &[3, 1]])
        .on(&[&[3, 1], &[1, 5]])
        .on(&[&[5], &[2, 3, 5]])
        .on(&[&[2, 3, 1], &[2, 1, 4]])
        .on(&[&[3, 5], &[1]])
        .on(&[&[], &[4]])
        .on(&[&[0, 5], &[5]])
        .on(&[&[3, 1], &[3, 0]])
        .at_scale(&[&[400, 500], &[400, 1]])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        binary("add", |a, b| a + b, |a, b| a + b),
        binary("sub", |a, b| a - b, |a, b| a - b),
        binary("mul", |a, b| a * b, |a, b| a * b),
        binary("div", |a, b| a / b, |a, b| a / b).adapted(|x| x.sqr() + 0.3),
        unary("neg", |x| -x, |x| -x),
        unary("add_scalar", |x| 1.5 + x, |x| x + 1.5),
        unary("rsub_scalar", |x| 1.5 - x, |x| 1.5 - x),
        unary("mul_scalar", |x| x * 3.0, |x| x * 3.0),
        unary("div_scalar", |x| x / 3.0, |x| x / 3.0),
        unary("rdiv_scalar", |x| 3.0 / x, |x| 3.0 / x).positive(),
    ]
}
