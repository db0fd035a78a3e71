//! Pooling and upsampling.

use super::array::Array;
use super::row::Row;
use tensor_core::Tensor;
use tensor_core::ops::{Pool1dOptions, Pool2dOptions};

/// The number for each window of x [n, c, h, w] from what it sees inside.
fn windows(
    x: &Array,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    number: impl Fn(&[f64]) -> f64,
) -> Array {
    let output = [0, 1].map(|dim| (x.size(2 + dim) + 2 * padding[dim] - kernel[dim]) / stride[dim] + 1);
    Array::from_fn(&[x.size(0), x.size(1), output[0], output[1]], |at| {
        let place = |dim: usize, i: usize| {
            let place = (at[2 + dim] * stride[dim] + i).checked_sub(padding[dim]);
            place.filter(|&place| place < x.size(2 + dim))
        };
        let taps = (0..kernel[0]).flat_map(|i| (0..kernel[1]).map(move |j| (i, j)));
        let seen = taps.filter_map(|(i, j)| Some(x.at(&[at[0], at[1], place(0, i)?, place(1, j)?])));
        number(&seen.collect::<Vec<_>>())
    })
}

fn largest(seen: &[f64]) -> f64 {
    seen.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn sum(seen: &[f64]) -> f64 {
    seen.iter().sum()
}

fn image(x: &Array) -> Array {
    Array::new(&[x.size(0), x.size(1), 1, x.size(2)], x.data().to_vec())
}

fn sequence(y: Array) -> Array {
    Array::new(&[y.size(0), y.size(1), y.size(3)], y.data().to_vec())
}

fn row(name: &'static str, run: fn(&Tensor) -> Tensor, naive: fn(&Array) -> Array) -> Row {
    Row::new(name, move |x| run(&x[0]), move |x| naive(&x[0]))
}

pub(crate) fn rows() -> Vec<Row> {
    let on_images = |row: Row| {
        row.on(&[&[2, 2, 4, 5]])
            .on(&[&[1, 1, 3, 3]])
            .on(&[&[0, 2, 4, 5]])
            .on(&[&[2, 0, 4, 5]])
            .at_scale(&[&[20, 8, 30, 31]])
    };
    let on_sequences = |row: Row| row.on(&[&[2, 2, 6]]).on(&[&[0, 2, 6]]).at_scale(&[&[20, 8, 900]]);
    vec![
        on_images(row(
            "max_pool2d",
            |x| x.max_pool2d(&Pool2dOptions::new(2)),
            |x| windows(x, [2, 2], [2, 2], [0, 0], largest),
        )),
        on_images(row(
            "max_pool2d, overlapping",
            |x| x.max_pool2d(&Pool2dOptions::new([3, 2]).stride([2, 1]).padding(1)),
            |x| windows(x, [3, 2], [2, 1], [1, 1], largest),
        )),
        on_images(row(
            "avg_pool2d",
            |x| x.avg_pool2d(&Pool2dOptions::new(2)),
            |x| windows(x, [2, 2], [2, 2], [0, 0], |seen| sum(seen) / 4.0),
        )),
        on_images(row(
            "avg_pool2d, overlapping",
            |x| x.avg_pool2d(&Pool2dOptions::new([3, 2]).stride([2, 1]).padding(1)),
            |x| windows(x, [3, 2], [2, 1], [1, 1], |seen| sum(seen) / 6.0),
        )),
        on_images(row(
            "avg_pool2d, with gaps",
            |x| x.avg_pool2d(&Pool2dOptions::new(1).stride([3, 2])),
            |x| windows(x, [1, 1], [3, 2], [0, 0], sum),
        )),
        on_images(row(
            "upsample_nearest2d",
            |x| x.upsample_nearest2d([2, 3]),
            |x| {
                let shape = [x.size(0), x.size(1), x.size(2) * 2, x.size(3) * 3];
                Array::from_fn(&shape, |at| x.at(&[at[0], at[1], at[2] / 2, at[3] / 3]))
            },
        )),
        on_sequences(row(
            "max_pool1d",
            |x| x.max_pool1d(&Pool1dOptions::new(3).stride(2).padding(1)),
            |x| sequence(windows(&image(x), [1, 3], [1, 2], [0, 1], largest)),
        )),
        on_sequences(row(
            "avg_pool1d",
            |x| x.avg_pool1d(&Pool1dOptions::new(3).stride(2).padding(1)),
            |x| sequence(windows(&image(x), [1, 3], [1, 2], [0, 1], |seen| sum(seen) / 3.0)),
        )),
        on_sequences(row(
            "upsample_nearest1d",
            |x| x.upsample_nearest1d(2),
            |x| {
                Array::from_fn(&[x.size(0), x.size(1), x.size(2) * 2], |at| {
                    x.at(&[at[0], at[1], at[2] / 2])
                })
            },
        )),
    ]
}
