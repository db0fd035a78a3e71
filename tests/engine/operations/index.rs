//! Rows and elements picked by integers, and added up by them.

use super::array::{Array, with};
use super::row::Row;
use tensor_core::Tensor;

/// Places below `size`, some of them more than once.
fn places(n: usize, size: usize) -> Vec<usize> {
    (0..n).map(|i| i * 7919 % 1009 % size).collect()
}

fn index(sizes: &[usize], size: usize) -> Tensor {
    let places: Vec<u32> = places(sizes.iter().product(), size)
        .into_iter()
        .map(|i| i as u32)
        .collect();
    Tensor::from_slice(&places, sizes)
}

/// One more row than there is.
fn picked(x: &[usize], dim: usize) -> usize {
    if x[dim] == 0 { 0 } else { x[dim] + 1 }
}

fn index_select(x: &Tensor, dim: usize) -> Tensor {
    let sizes = x.shape();
    x.index_select(dim as isize, &index(&[picked(&sizes, dim)], sizes[dim]))
}

fn naive_index_select(x: &Array, dim: usize) -> Array {
    let places = places(picked(x.shape(), dim), x.size(dim));
    Array::from_fn(&with(x.shape(), dim, places.len()), |i| {
        x.at(&with(i, dim, places[i[dim]]))
    })
}

/// The second input is added to the first.
fn naive_index_add(x: &[Array], dim: usize) -> Array {
    let places = places(x[1].size(dim), x[0].size(dim));
    Array::from_fn(x[0].shape(), |i| {
        let arrives = |&k: &usize| places[k] == i[dim];
        x[0].at(i)
            + (0..places.len())
                .filter(arrives)
                .map(|k| x[1].at(&with(i, dim, k)))
                .sum::<f64>()
    })
}

fn gather(x: &Tensor, dim: usize) -> Tensor {
    let sizes = x.shape();
    x.gather(
        dim as isize,
        &index(&with(&sizes, dim, picked(&sizes, dim)), sizes[dim]),
    )
}

fn naive_gather(x: &Array, dim: usize) -> Array {
    let sizes = with(x.shape(), dim, picked(x.shape(), dim));
    let places = Array::new(
        &sizes,
        places(sizes.iter().product(), x.size(dim))
            .iter()
            .map(|&i| i as f64)
            .collect(),
    );
    Array::from_fn(&sizes, |i| x.at(&with(i, dim, places.at(i) as usize)))
}

fn naive_scatter_add(x: &[Array], dim: usize) -> Array {
    let count = x[1].shape().iter().product();
    let places: Vec<f64> = places(count, x[0].size(dim)).iter().map(|&i| i as f64).collect();
    let places = Array::new(x[1].shape(), places);
    Array::from_fn(x[0].shape(), |i| {
        let arrives = |&k: &usize| places.at(&with(i, dim, k)) as usize == i[dim];
        x[0].at(i)
            + (0..x[1].size(dim))
                .filter(arrives)
                .map(|k| x[1].at(&with(i, dim, k)))
                .sum::<f64>()
    })
}

fn picks(name: &'static str, run: fn(&Tensor, usize) -> Tensor, naive: fn(&Array, usize) -> Array, dim: usize) -> Row {
    Row::new(name, move |x| run(&x[0], dim), move |x| naive(&x[0], dim))
        .on(&[&[2, 3, 4]])
        .on(&[&[4, 1, 2]])
        .on(&[&[0, 3, 2]])
        .on(&[&[2, 3, 0]])
        .at_scale(&[&[40, 100, 50]])
}

fn index_add(x: &[Tensor], dim: isize) -> Tensor {
    x[0].index_add(dim, &index(&[x[1].size(dim)], x[0].size(dim)), &x[1])
}

fn scatter_add(x: &[Tensor], dim: isize) -> Tensor {
    x[0].scatter_add(dim, &index(&x[1].shape(), x[0].size(dim)), &x[1])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        picks("index_select of the first", index_select, naive_index_select, 0),
        picks("index_select of the middle", index_select, naive_index_select, 1),
        picks("index_select of the last", index_select, naive_index_select, 2),
        picks("gather of the first", gather, naive_gather, 0),
        picks("gather of the middle", gather, naive_gather, 1),
        picks("gather of the last", gather, naive_gather, 2),
        Row::new(
            "gather, from a part of the lines",
            |x| x[0].gather(1, &index(&[x[0].size(0).div_ceil(2), 4], x[0].size(1))),
            |x| {
                let sizes = [x[0].size(0).div_ceil(2), 4];
                let places = places(sizes[0] * 4, x[0].size(1));
                Array::from_fn(&sizes, |i| x[0].at(&[i[0], places[i[0] * 4 + i[1]]]))
            },
        )
        .on(&[&[3, 5]])
        .on(&[&[0, 5]])
        .at_scale(&[&[500, 300]]),
        Row::new("index_add to the first", |x| index_add(x, 0), |x| naive_index_add(x, 0))
            .on(&[&[3, 4], &[5, 4]])
            .on(&[&[3, 4], &[0, 4]])
            .at_scale(&[&[300, 500], &[400, 500]]),
        Row::new("index_add to the last", |x| index_add(x, -1), |x| naive_index_add(x, 1))
            .on(&[&[3, 4], &[3, 2]])
            .on(&[&[0, 4], &[0, 2]])
            .at_scale(&[&[300, 500], &[300, 400]]),
        Row::new(
            "scatter_add to the first",
            |x| scatter_add(x, 0),
            |x| naive_scatter_add(x, 0),
        )
        .on(&[&[3, 4], &[5, 4]])
        .on(&[&[3, 4], &[0, 4]])
        .at_scale(&[&[300, 500], &[400, 500]]),
        Row::new(
            "scatter_add to the last",
            |x| scatter_add(x, -1),
            |x| naive_scatter_add(x, 1),
        )
        .on(&[&[3, 4], &[3, 6]])
        .on(&[&[0, 4], &[0, 2]])
        .at_scale(&[&[300, 500], &[300, 400]]),
        Row::new(
            "embedding",
            |x| x[0].embedding(&index(&[2, x[0].size(0)], x[0].size(0))),
            |x| {
                let places = places(2 * x[0].size(0), x[0].size(0));
                let sizes = [2, x[0].size(0), x[0].size(1)];
                Array::from_fn(&sizes, |i| x[0].at(&[places[i[0] * sizes[1] + i[1]], i[2]]))
            },
        )
        .on(&[&[4, 3]])
        .on(&[&[4, 0]])
        .on(&[&[0, 3]])
        .at_scale(&[&[500, 300]]),
    ]
}
