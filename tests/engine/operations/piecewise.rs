//! Functions made of straight pieces, and choices by masks.

use super::arithmetic::binary;
use super::array::Array;
use super::elementary::unary;
use super::row::Row;
use tensor_core::Tensor;

/// 1, 0, 1, 1, 0, 1, … along the last dimension of x: one row for all.
fn mask_of(width: usize) -> Tensor {
    let mask: Vec<u32> = (0..width).map(|i| u32::from(i % 3 != 1)).collect();
    Tensor::from_slice(&mask, [width])
}

fn chosen(index: &[usize]) -> bool {
    index[index.len() - 1] % 3 != 1
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        binary("maximum", |a, b| a.maximum(b), f64::max),
        binary("minimum", |a, b| a.minimum(b), f64::min),
        binary(
            "where_cond by a comparison",
            |a, b| a.lt(b).where_cond(&a.exp(), b),
            |a, b| {
                if a < b { a.exp() } else { b }
            },
        ),
        unary("abs", |x| x.abs(), f64::abs),
        unary("clamp", |x| x.clamp(-0.7, 0.9), |x| x.clamp(-0.7, 0.9)),
        unary("sign", |x| x.sign(), f64::signum),
        Row::new(
            "where_cond",
            |x| mask_of(x[0].size(-1)).where_cond(&x[0], &x[1]),
            |x| {
                let shape = x[0].zip(&x[1], |a, _| a);
                let element = |index: &[usize]| if chosen(index) { x[0].at(index) } else { x[1].at(index) };
                Array::from_fn(shape.shape(), element)
            },
        )
        .on(&[&[3, 5], &[3, 5]])
        .on(&[&[3, 5], &[3, 1]])
        .on(&[&[5], &[3, 5]])
        .on(&[&[0, 5], &[5]])
        .at_scale(&[&[400, 500], &[400, 1]]),
        Row::new(
            "masked_fill",
            |x| x[0].masked_fill(&mask_of(x[0].size(-1)), -2.0),
            |x| Array::from_fn(x[0].shape(), |index| if chosen(index) { -2.0 } else { x[0].at(index) }),
        )
        .on(&[&[3, 5]])
        .on(&[&[2, 3, 4]])
        .on(&[&[0, 5]])
        .at_scale(&[&[400, 500]]),
    ]
}
