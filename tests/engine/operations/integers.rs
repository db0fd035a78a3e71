//! What gives integers, which have no gradient: masks, places; and what takes them for numbers: rows with a single 1.

use super::arithmetic::binary;
use super::array::Array;
use super::elementary::unary;
use super::reduce::reduction;
use super::row::Row;
use tensor_core::{DType, Tensor};

/// With many elements of -1 and of 1 exactly, so that some are equal.
fn with_ties(row: Row) -> Row {
    row.adapted(|x| (x * 1.5).clamp(-1.0, 1.0)).without_gradient()
}

fn mask(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// The first place whose number no other one beats.
fn place(line: &[f64], beats: fn(f64, f64) -> bool) -> f64 {
    let better = |best: usize, i: usize| if beats(line[i], line[best]) { i } else { best };
    (0..line.len()).reduce(better).map_or(f64::NAN, |place| place as f64)
}

fn largest(line: &[f64]) -> f64 {
    place(line, |a, b| a > b)
}

fn smallest(line: &[f64]) -> f64 {
    place(line, |a, b| a < b)
}

fn comparisons() -> Vec<Row> {
    vec![
        with_ties(binary("eq", |a, b| a.eq(b), |a, b| mask(a == b))),
        with_ties(binary("ne", |a, b| a.ne(b), |a, b| mask(a != b))),
        with_ties(binary("lt", |a, b| a.lt(b), |a, b| mask(a < b))),
        with_ties(binary("le", |a, b| a.le(b), |a, b| mask(a <= b))),
        with_ties(binary("gt", |a, b| a.gt(b), |a, b| mask(a > b))),
        with_ties(binary("ge", |a, b| a.ge(b), |a, b| mask(a >= b))),
        with_ties(unary("ge, a number", |x| x.ge(1.0), |x| mask(x >= 1.0))),
    ]
}

fn places() -> Vec<Row> {
    let rows = vec![
        reduction("argmax of the first", |x| x.argmax(0), &[0], false, largest).on(&[&[2, 0, 3]]),
        reduction("argmax of the middle", |x| x.argmax(-2), &[1], false, largest).on(&[&[2, 3, 0]]),
        reduction("argmax of the last", |x| x.argmax(2), &[2], false, largest).on(&[&[0, 3, 2]]),
        reduction("argmin of the first", |x| x.argmin(0), &[0], false, smallest).on(&[&[2, 0, 3]]),
        reduction(
            "argmax of the outer, kept",
            |x| x.argmax_keepdim([0, 2]),
            &[0, 2],
            true,
            largest,
        )
        .on(&[&[2, 0, 3]]),
        reduction("argmin of the last", |x| x.argmin(-1), &[2], false, smallest).on(&[&[0, 3, 2]]),
        Row::new(
            "places of the two largest",
            |x| x[0].topk(2, 1).1,
            |x| {
                let sorted = x[0].along(1, |line| {
                    let mut places: Vec<usize> = (0..line.len()).collect();
                    places.sort_by(|&a, &b| line[b].total_cmp(&line[a]));
                    places.into_iter().map(|place| place as f64).collect()
                });
                Array::from_fn(&[x[0].size(0), 2, x[0].size(2)], |i| sorted.at(i))
            },
        )
        .on(&[&[2, 5, 3]])
        .on(&[&[0, 3, 2]])
        .at_scale(&[&[20, 100, 50]]),
    ];
    rows.into_iter().map(Row::without_gradient).collect()
}

/// Integers from 0 to 2, from numbers around 0.
fn classes(x: &Tensor) -> Tensor {
    x.abs().clamp(0.0, 2.5).to_dtype(DType::U32)
}

fn one_hot() -> Row {
    let naive = |x: &[Array]| {
        let classes = x[0].map(|x| x.abs().clamp(0.0, 2.5).trunc());
        Array::from_fn(&[x[0].shape(), &[3]].concat(), |i| {
            let (place, class) = i.split_at(i.len() - 1);
            mask(classes.at(place) == class[0] as f64)
        })
    };
    Row::new("one_hot", |x| classes(&x[0]).one_hot(3, DType::F32), naive)
        .on(&[&[4, 5]])
        .on(&[&[]])
        .on(&[&[0, 4]])
        .at_scale(&[&[400, 500]])
        .without_gradient()
}

pub(crate) fn rows() -> Vec<Row> {
    [comparisons(), places(), vec![one_hot()]]
        .into_iter()
        .flatten()
        .collect()
}
