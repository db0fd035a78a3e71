//! Sums, means, variances, lengths and extremes over dimensions.

use super::array::Array;
use super::row::Row;
use tensor_core::Tensor;

/// A reduction of a tensor of three dimensions.
pub(super) fn reduction(
    name: &'static str,
    run: fn(&Tensor) -> Tensor,
    dims: &'static [usize],
    keep: bool,
    naive: fn(&[f64]) -> f64,
) -> Row {
    Row::new(name, move |x| run(&x[0]), move |x| x[0].reduce(dims, keep, naive))
        .on(&[&[2, 3, 4]])
        .on(&[&[2, 1, 5]])
        .at_scale(&[&[40, 100, 50]])
}

fn sum(x: &[f64]) -> f64 {
    x.iter().sum()
}

fn mean(x: &[f64]) -> f64 {
    sum(x) / x.len() as f64
}

fn squares(x: &[f64], correction: f64) -> f64 {
    let mean = mean(x);
    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() as f64 - correction).max(0.0)
}

fn var(x: &[f64]) -> f64 {
    squares(x, 0.0)
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn norm_3(x: &[f64]) -> f64 {
    x.iter().map(|x| x.abs().powi(3)).sum::<f64>().cbrt()
}

fn largest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn smallest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::INFINITY, f64::min)
}

fn logsumexp(x: &[f64]) -> f64 {
    x.iter().map(|x| x.exp()).sum::<f64>().ln()
}

pub(crate) fn rows() -> Vec<Row> {
    [sums(), spreads(), lengths(), extremes()]
        .into_iter()
        .flatten()
        .collect()
}

fn sums() -> Vec<Row> {
    vec![
        reduction("sum of all", |x| x.sum(..), &[0, 1, 2], false, sum).on(&[&[0, 3, 2]]),
        reduction("sum of the first", |x| x.sum(0), &[0], false, sum).on(&[&[0, 3, 2]]),
        reduction("sum of the middle", |x| x.sum(-2), &[1], false, sum).on(&[&[2, 0, 3]]),
        reduction("sum of the last", |x| x.sum(-1), &[2], false, sum).on(&[&[0, 3, 2]]),
        reduction("sum of the outer", |x| x.sum([0, -1]), &[0, 2], false, sum).on(&[&[2, 3, 0]]),
        reduction("sum of the outer, kept", |x| x.sum_keepdim([0, 2]), &[0, 2], true, sum).on(&[&[0, 3, 2]]),
        reduction("mean of all", |x| x.mean(..), &[0, 1, 2], false, mean).on(&[&[0, 3, 2]]),
        reduction("mean of the last", |x| x.mean(-1), &[2], false, mean).on(&[&[0, 3, 2]]),
        reduction("mean of the outer", |x| x.mean([0, 2]), &[0, 2], false, mean).on(&[&[2, 0, 2]]),
        reduction("mean of the middle, kept", |x| x.mean_keepdim(1), &[1], true, mean).on(&[&[2, 3, 0]]),
        reduction("logsumexp of all", |x| x.logsumexp(..), &[0, 1, 2], false, logsumexp).on(&[&[0, 3, 2]]),
        reduction("logsumexp of the last", |x| x.logsumexp(-1), &[2], false, logsumexp).on(&[&[2, 3, 0]]),
        reduction("logsumexp of the middle", |x| x.logsumexp(1), &[1], false, logsumexp).on(&[&[2, 0, 3]]),
        reduction(
            "logsumexp of the outer",
            |x| x.logsumexp_keepdim([0, 2]),
            &[0, 2],
            true,
            logsumexp,
        )
        .on(&[&[0, 3, 2]]),
    ]
}

fn spreads() -> Vec<Row> {
    vec![
        reduction("var of all", |x| x.var(.., 1), &[0, 1, 2], false, |x| squares(x, 1.0)).on(&[&[0, 3, 2]]),
        reduction("var of the middle", |x| x.var(1, 0), &[1], false, var).on(&[&[2, 3, 0]]),
        reduction("var of the last", |x| x.var(-1, 2), &[2], false, |x| squares(x, 2.0)).on(&[&[0, 3, 4]]),
        reduction("var of the outer", |x| x.var_keepdim([0, 2], 0), &[0, 2], true, var).on(&[&[2, 0, 3]]),
        reduction(
            "std of all",
            |x| x.std(.., 1),
            &[0, 1, 2],
            false,
            |x| squares(x, 1.0).sqrt(),
        )
        .on(&[&[0, 3, 2]]),
        reduction(
            "std of the last",
            |x| x.std_keepdim(-1, 0),
            &[2],
            true,
            |x| var(x).sqrt(),
        )
        .on(&[&[0, 3, 2]]),
    ]
}

fn lengths() -> Vec<Row> {
    vec![
        reduction("norm of all", |x| x.norm(..), &[0, 1, 2], false, norm).on(&[&[0, 3, 2]]),
        reduction("norm of the last", |x| x.norm(-1), &[2], false, norm).on(&[&[2, 3, 0]]),
        reduction("norm of the outer", |x| x.norm_keepdim([0, 2]), &[0, 2], true, norm).on(&[&[0, 3, 2]]),
        reduction(
            "1-norm",
            |x| x.norm_p(1.0, 1),
            &[1],
            false,
            |x| x.iter().map(|x| x.abs()).sum(),
        )
        .on(&[&[2, 0, 2]]),
        reduction("3-norm", |x| x.norm_p(3.0, -1), &[2], false, norm_3).on(&[&[0, 3, 2]]),
        reduction("2-norm by its number", |x| x.norm_p(2.0, [0, 2]), &[0, 2], false, norm).on(&[&[2, 3, 0]]),
        reduction(
            "largest size",
            |x| x.norm_p(f64::INFINITY, [0, 2]),
            &[0, 2],
            false,
            |x| largest(&x.iter().map(|x| x.abs()).collect::<Vec<_>>()),
        )
        .on(&[&[2, 0, 3]]),
    ]
}

fn extremes() -> Vec<Row> {
    vec![
        reduction("max of the first", |x| x.max(0), &[0], false, largest).on(&[&[2, 0, 3]]),
        reduction("max of the last", |x| x.max_keepdim(-1), &[2], true, largest).on(&[&[0, 3, 2]]),
        reduction("max of the outer", |x| x.max([0, 2]), &[0, 2], false, largest).on(&[&[2, 0, 3]]),
        reduction("min of the middle", |x| x.min(1), &[1], false, smallest).on(&[&[2, 3, 0]]),
        reduction(
            "min of the outer, kept",
            |x| x.min_keepdim([0, -1]),
            &[0, 2],
            true,
            smallest,
        )
        .on(&[&[2, 0, 3]]),
        Row::new(
            "the two largest",
            |x| x[0].topk(2, 1).0,
            |x| {
                let sorted = x[0].along(1, |line| {
                    let mut line = line.to_vec();
                    line.sort_by(|a, b| b.total_cmp(a));
                    line
                });
                Array::from_fn(&[x[0].size(0), 2, x[0].size(2)], |i| sorted.at(i))
            },
        )
        .on(&[&[2, 5, 3]])
        .on(&[&[0, 3, 2]])
        .at_scale(&[&[20, 100, 50]]),
    ]
}
