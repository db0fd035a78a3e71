//! Matrix products.

use super::array::Array;
use super::row::Row;
use tensor_core::kernels::matmul::Activation;

/// y[…, i, j] = Σ_k a[…, i, k] b[…, k, j], where the dots are broadcast and a vector has one index only.
fn product(a: &Array, b: &Array) -> Array {
    let rows = matrix(a, &[1, a.size(0)]);
    let columns = matrix(b, &[b.size(0), 1]);
    let (batch_a, [m, inner]) = split(&rows);
    let (batch_b, [_, n]) = split(&columns);
    let ones = |shape: &[usize]| Array::from_fn(shape, |_| 1.0);
    let batch = ones(batch_a).zip(&ones(batch_b), |_, _| 1.0);
    let y = Array::from_fn(&[batch.shape(), &[m, n]].concat(), |index| {
        let (place, ij) = index.split_at(index.len() - 2);
        let a = |k| rows.at(&[place, &[ij[0], k]].concat());
        let b = |k| columns.at(&[place, &[k, ij[1]]].concat());
        (0..inner).map(|k| a(k) * b(k)).sum()
    });
    let vector_has_none = [a.shape().len() == 1, b.shape().len() == 1];
    let sizes = [m, n].into_iter().zip(vector_has_none);
    let kept: Vec<usize> = sizes.filter(|(_, gone)| !gone).map(|(size, _)| size).collect();
    Array::new(&[batch.shape(), &kept].concat(), y.data().to_vec())
}

fn matrix(x: &Array, of_a_vector: &[usize]) -> Array {
    let shape = if x.shape().len() == 1 { of_a_vector } else { x.shape() };
    Array::new(shape, x.data().to_vec())
}

/// The shape of the batch and that of its matrices.
fn split(x: &Array) -> (&[usize], [usize; 2]) {
    let (batch, matrix) = x.shape().split_at(x.shape().len() - 2);
    (batch, [matrix[0], matrix[1]])
}

fn transposed(x: &Array) -> Array {
    Array::from_fn(&[x.size(1), x.size(0)], |i| x.at(&[i[1], i[0]]))
}

fn matmul(name: &'static str) -> Row {
    Row::new(name, |x| x[0].matmul(&x[1]), |x| product(&x[0], &x[1]))
}

fn with_activation(name: &'static str, activation: Activation, sigma: fn(f64) -> f64) -> Row {
    Row::new(
        name,
        move |x| x[0].linear_activation(&x[1], x.get(2), activation),
        move |x| {
            let z = product(&x[0], &transposed(&x[1]));
            x.get(2).map_or(z.clone(), |b| z.zip(b, |z, b| z + b)).map(sigma)
        },
    )
    .on(&[&[3, 4], &[5, 4], &[5]])
    .on(&[&[2, 3, 4], &[5, 4]])
    .on(&[&[4], &[5, 4], &[5]])
    .on(&[&[0, 4], &[5, 4], &[5]])
    .on(&[&[2, 0], &[5, 0], &[5]])
    .at_scale(&[&[300, 200], &[250, 200], &[250]])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        matmul("matmul")
            .on(&[&[3, 4], &[4, 5]])
            .on(&[&[1, 4], &[4, 1]])
            .on(&[&[0, 4], &[4, 5]])
            .on(&[&[3, 0], &[0, 5]])
            .at_scale(&[&[300, 200], &[200, 250]]),
        matmul("matmul of vectors")
            .on(&[&[6], &[6]])
            .on(&[&[0], &[0]])
            .at_scale(&[&[100_000], &[100_000]]),
        matmul("matmul of a vector on the left")
            .on(&[&[4], &[4, 5]])
            .on(&[&[3], &[2, 3, 4]])
            .on(&[&[4], &[4, 0]])
            .on(&[&[0], &[2, 0, 3]])
            .at_scale(&[&[500], &[9, 500, 400]]),
        matmul("matmul of a vector on the right")
            .on(&[&[3, 4], &[4]])
            .on(&[&[2, 3, 4], &[4]])
            .on(&[&[0, 4], &[4]])
            .on(&[&[2, 3, 0], &[0]])
            .at_scale(&[&[9, 500, 400], &[400]]),
        matmul("matmul of batches")
            .on(&[&[2, 3, 4], &[2, 4, 2]])
            .on(&[&[2, 1, 2, 3], &[2, 3, 2]])
            .on(&[&[2, 1, 2], &[3, 1, 2, 2]])
            .on(&[&[0, 2, 3], &[0, 3, 4]])
            .on(&[&[2, 0, 3], &[1, 3, 4]])
            .on(&[&[2, 2, 0], &[2, 0, 3]])
            .at_scale(&[&[6, 20, 30, 40], &[20, 40, 50]]),
        matmul("matmul of a batch and one matrix")
            .on(&[&[2, 3, 4], &[4, 2]])
            .on(&[&[3, 1, 4], &[1, 4, 5]])
            .on(&[&[2, 0, 4], &[4, 2]])
            .on(&[&[2, 3, 0], &[0, 2]])
            .at_scale(&[&[30, 20, 200], &[200, 250]]),
        matmul("matmul of one matrix and a batch")
            .on(&[&[3, 4], &[2, 4, 2]])
            .on(&[&[3, 4], &[1, 4, 5]])
            .on(&[&[3, 4], &[0, 4, 5]])
            .at_scale(&[&[200, 250], &[4, 250, 300]]),
        Row::new(
            "linear",
            |x| x[0].linear(&x[1], Some(&x[2])),
            |x| product(&x[0], &transposed(&x[1])).zip(&x[2], |y, b| y + b),
        )
        .on(&[&[3, 4], &[5, 4], &[5]])
        .on(&[&[2, 3, 4], &[5, 4], &[5]])
        .on(&[&[4], &[5, 4], &[5]])
        .on(&[&[0, 4], &[5, 4], &[5]])
        .on(&[&[2, 3, 0], &[5, 0], &[5]])
        .at_scale(&[&[300, 200], &[250, 200], &[250]]),
        with_activation("linear and ReLU", Activation::Relu, |z| z.max(0.0)),
        with_activation("linear and leaky ReLU", Activation::LeakyRelu(0.2), |z| z.max(0.2 * z)),
        with_activation("linear and tanh", Activation::Tanh, f64::tanh),
        with_activation("linear and sigmoid", Activation::Sigmoid, |z| 1.0 / (1.0 + (-z).exp())),
        with_activation("linear and nothing", Activation::None, |z| z),
        Row::new(
            "linear without a bias",
            |x| x[0].linear(&x[1], None),
            |x| product(&x[0], &transposed(&x[1])),
        )
        .on(&[&[3, 4], &[5, 4]])
        .on(&[&[2, 1, 4], &[5, 4]])
        .on(&[&[4], &[5, 4]])
        .on(&[&[0, 4], &[5, 4]])
        .at_scale(&[&[10, 30, 200], &[250, 200]]),
    ]
}
