//! Normalisations.

use super::array::Array;
use super::row::Row;
use tensor_core::Tensor;

const EPS: f64 = 0.1;

/// What is normalised together: all places to which `group` gives the same numbers. Then the weight and the bias that `channel` finds.
fn normalised(
    x: &Array,
    affine: Option<[&Array; 2]>,
    group: impl Fn(&[usize]) -> Vec<usize>,
    channel: impl Fn(&[usize]) -> Vec<usize>,
) -> Array {
    let group_of = Array::from_fn(x.shape(), |i| group(i).iter().fold(0.0, |n, &g| 1000.0 * n + g as f64));
    Array::from_fn(x.shape(), |i| {
        let together = x.data().iter().zip(group_of.data());
        let together: Vec<f64> = together
            .filter(|(_, g)| **g == group_of.at(i))
            .map(|(x, _)| *x)
            .collect();
        let n = together.len() as f64;
        let mean = together.iter().sum::<f64>() / n;
        let variance = together.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let y = (x.at(i) - mean) / (variance + EPS).sqrt();
        match affine {
            Some([weight, bias]) => y * weight.at(&channel(i)) + bias.at(&channel(i)),
            None => y,
        }
    })
}

fn batch(x: &[Array]) -> Array {
    normalised(&x[0], Some([&x[1], &x[2]]), |i| vec![i[1]], |i| vec![i[1]])
}

fn inference(x: &[Array]) -> Array {
    Array::from_fn(x[0].shape(), |i| {
        let [mean, variance, weight, bias] = [1, 2, 3, 4].map(|k: usize| x[k].at(&i[1..2]));
        (x[0].at(i) - mean) / (variance * variance + EPS).sqrt() * weight + bias
    })
}

/// Running statistics of channel c, which are constants to the graph: a mean and a variance.
fn running(c: usize) -> [f64; 2] {
    [0.1 * c as f64 - 0.2, 1.0 + 0.5 * c as f64]
}

fn by_running(x: &[Tensor]) -> Tensor {
    let channels = x[0].size(1);
    let [mean, variance] = [0, 1].map(|k: usize| {
        let values: Vec<f64> = (0..channels).map(|c| running(c)[k]).collect();
        Tensor::from_slice(&values, channels).to_dtype(x[0].dtype())
    });
    x[0].batch_norm_inference(&mean, &variance, x.get(1), x.get(2), EPS)
}

fn naive_by_running(x: &[Array]) -> Array {
    Array::from_fn(x[0].shape(), |i| {
        let [mean, variance] = running(i[1]);
        let affine = |k: usize, otherwise: f64| x.get(k).map_or(otherwise, |values| values.at(&i[1..2]));
        (x[0].at(i) - mean) / (variance + EPS).sqrt() * affine(1, 1.0) + affine(2, 0.0)
    })
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new("batch_norm", |x| x[0].batch_norm(Some(&x[1]), Some(&x[2]), EPS), batch)
            .on(&[&[4, 3], &[3], &[3]])
            .on(&[&[3, 18], &[18], &[18]])
            .on(&[&[2, 3, 4], &[3], &[3]])
            .on(&[&[2, 2, 3, 2], &[2], &[2]])
            .on(&[&[1, 2, 3], &[2], &[2]])
            .on(&[&[0, 3], &[3], &[3]])
            .on(&[&[2, 3, 0], &[3], &[3]])
            .on(&[&[2, 0, 3], &[0], &[0]])
            .at_scale(&[&[8, 40, 30, 20], &[40], &[40]]),
        Row::new(
            "batch_norm of vectors, without weights",
            |x| x[0].batch_norm(None, None, EPS),
            |x| normalised(&x[0], None, |i| vec![i[1]], |_| vec![]),
        )
        .on(&[&[5, 4]])
        .on(&[&[0, 4]])
        .at_scale(&[&[700, 300]]),
        Row::new(
            "batch_norm_inference",
            |x| x[0].batch_norm_inference(&x[1], &x[2].sqr(), Some(&x[3]), Some(&x[4]), EPS),
            inference,
        )
        .on(&[&[4, 3], &[3], &[3], &[3], &[3]])
        .on(&[&[2, 3, 2], &[3], &[3], &[3], &[3]])
        .on(&[&[0, 3], &[3], &[3], &[3], &[3]])
        .at_scale(&[&[8, 40, 30, 20], &[40], &[40], &[40], &[40]]),
        Row::new(
            "batch_norm_inference by running statistics",
            by_running,
            naive_by_running,
        )
        .on(&[&[4, 3], &[3], &[3]])
        .on(&[&[2, 3, 2], &[3], &[3]])
        .on(&[&[0, 3], &[3], &[3]])
        .at_scale(&[&[8, 40, 30, 20], &[40], &[40]]),
        Row::new(
            "batch_norm_inference by running statistics, without weights",
            by_running,
            naive_by_running,
        )
        .on(&[&[2, 3, 2]])
        .on(&[&[0, 3]])
        .at_scale(&[&[8, 40, 30, 20]]),
        Row::new(
            "layer_norm",
            |x| x[0].layer_norm([5], Some(&x[1]), Some(&x[2]), EPS),
            |x| {
                let rank = x[0].shape().len();
                normalised(
                    &x[0],
                    Some([&x[1], &x[2]]),
                    |i| i[..rank - 1].to_vec(),
                    |i| vec![i[rank - 1]],
                )
            },
        )
        .on(&[&[3, 5], &[5], &[5]])
        .on(&[&[2, 3, 5], &[5], &[5]])
        .on(&[&[5], &[5], &[5]])
        .on(&[&[0, 5], &[5], &[5]])
        .at_scale(&[&[300, 200, 5], &[5], &[5]]),
        Row::new(
            "layer_norm over two dimensions, without a bias",
            |x| x[0].layer_norm([4, 5], Some(&x[1]), None, EPS),
            |x| {
                let zeros = x[1].map(|_| 0.0);
                normalised(&x[0], Some([&x[1], &zeros]), |i| vec![i[0]], |i| i[1..].to_vec())
            },
        )
        .on(&[&[2, 4, 5], &[4, 5]])
        .on(&[&[0, 4, 5], &[4, 5]])
        .at_scale(&[&[9000, 4, 5], &[4, 5]]),
        Row::new(
            "group_norm",
            |x| x[0].group_norm(2, Some(&x[1]), Some(&x[2]), EPS),
            |x| {
                let half = x[0].size(1) / 2;
                normalised(&x[0], Some([&x[1], &x[2]]), |i| vec![i[0], i[1] / half], |i| vec![i[1]])
            },
        )
        .on(&[&[2, 4, 3], &[4], &[4]])
        .on(&[&[3, 6], &[6], &[6]])
        .on(&[&[2, 2, 2, 3], &[2], &[2]])
        .on(&[&[0, 4, 3], &[4], &[4]])
        .on(&[&[2, 4, 0], &[4], &[4]])
        .at_scale(&[&[20, 16, 30, 20], &[16], &[16]]),
        Row::new(
            "instance_norm",
            |x| x[0].instance_norm(Some(&x[1]), Some(&x[2]), EPS),
            |x| normalised(&x[0], Some([&x[1], &x[2]]), |i| i[..2].to_vec(), |i| vec![i[1]]),
        )
        .on(&[&[2, 3, 4], &[3], &[3]])
        .on(&[&[1, 2, 3, 2], &[2], &[2]])
        .on(&[&[2, 3, 0], &[3], &[3]])
        .on(&[&[0, 3, 4], &[3], &[3]])
        .at_scale(&[&[20, 16, 30, 20], &[16], &[16]]),
    ]
}
