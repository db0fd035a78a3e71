//! What runs along a dimension: softmax and its relatives, running sums.

use super::array::{Array, with};
use super::row::Row;
use tensor_core::Tensor;

/// An operation along each dimension of three.
fn along(name: [&'static str; 3], run: fn(&Tensor, isize) -> Tensor, naive: fn(&[f64]) -> Vec<f64>) -> [Row; 3] {
    [0, 1, 2].map(|dim| {
        Row::new(
            name[dim],
            move |x| run(&x[0], dim as isize - 3),
            move |x| x[0].along(dim, naive),
        )
        .on(&[&[2, 3, 4]])
        .on(&[&[3, 1, 2]])
        .on(&[&[1, 2, 17]])
        .on(&[&[2, 0, 3]])
        .at_scale(&[&[40, 100, 50]])
    })
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / sum).collect()
}

fn log_softmax(x: &[f64]) -> Vec<f64> {
    softmax(x).into_iter().map(f64::ln).collect()
}

fn cumsum(x: &[f64]) -> Vec<f64> {
    (1..=x.len()).map(|n| x[..n].iter().sum()).collect()
}

/// Class numbers for logits [N, classes, …].
fn targets(sizes: &[usize]) -> Vec<u32> {
    let lines = sizes.iter().product::<usize>() / sizes[1].max(1);
    (0..lines).map(|n| (n * 7 % 5 % sizes[1]) as u32).collect()
}

fn cross_entropy(x: &[Tensor]) -> Tensor {
    let sizes = x[0].shape();
    let lines = [&sizes[..1], &sizes[2..]].concat();
    x[0].cross_entropy(&Tensor::from_slice(&targets(&sizes), lines.as_slice()))
}

fn naive_cross_entropy(x: &[Array]) -> Array {
    let log_probabilities = x[0].along(1, log_softmax);
    let sizes = x[0].shape();
    let lines = [&sizes[..1], &sizes[2..]].concat();
    let targets = Array::new(&lines, targets(sizes).into_iter().map(f64::from).collect());
    Array::from_fn(&lines, |i| {
        let mut place = i.to_vec();
        place.insert(1, 0);
        -log_probabilities.at(&with(&place, 1, targets.at(i) as usize))
    })
}

pub(crate) fn rows() -> Vec<Row> {
    let softmax_names = ["softmax of the first", "softmax of the middle", "softmax of the last"];
    let log_softmax_names = [
        "log_softmax of the first",
        "log_softmax of the middle",
        "log_softmax of the last",
    ];
    let cumsum_names = ["cumsum of the first", "cumsum of the middle", "cumsum of the last"];
    let mut rows: Vec<Row> = [
        along(softmax_names, |x, dim| x.softmax(dim), softmax),
        along(log_softmax_names, |x, dim| x.log_softmax(dim), log_softmax),
        along(cumsum_names, |x, dim| x.cumsum(dim), cumsum),
    ]
    .into_iter()
    .flatten()
    .collect();
    rows.push(
        Row::new("cross_entropy", cross_entropy, naive_cross_entropy)
            .on(&[&[3, 5]])
            .on(&[&[2, 3, 4]])
            .on(&[&[2, 1, 2, 2]])
            .on(&[&[0, 5]])
            .on(&[&[2, 5, 0]])
            .at_scale(&[&[400, 10, 50]]),
    );
    rows
}
