//! Recurrent networks.

use super::array::Array;
use super::row::Row;
use approx::assert_relative_eq;
use tensor_core::autograd::check::gradcheck;
use tensor_core::{DType, Tensor};

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Σ_k w[row, k] x[k] + b[row]
fn affine(w: &Array, b: &Array, row: usize, x: impl Fn(usize) -> f64) -> f64 {
    b.at(&[row]) + (0..w.size(1)).map(|k| w.at(&[row, k]) * x(k)).sum::<f64>()
}

/// Every hidden state of one sequence after another, and the last c of each, from a function that makes the next state (h, c) of the gates' two shares.
fn run(
    x: &[Array],
    states: [Option<&Array>; 2],
    cell: impl Fn([&[f64]; 2], f64, f64, usize) -> [f64; 2],
) -> [Array; 2] {
    let [sequence, w_ih, w_hh, b_ih, b_hh] = [0, 1, 2, 3, 4].map(|i| &x[i]);
    let (batch, time, hidden) = (sequence.size(0), sequence.size(1), w_hh.size(1));
    let (mut all, mut last) = (Vec::new(), Vec::new());
    for sample in 0..batch {
        let begin = |state: Option<&Array>| -> Vec<f64> {
            (0..hidden)
                .map(|j| state.map_or(0.0, |state| state.at(&[sample, j])))
                .collect()
        };
        let [mut h, mut c] = states.map(begin);
        for step in 0..time {
            let rows = 0..w_hh.size(0);
            let of_input: Vec<f64> = rows
                .clone()
                .map(|row| affine(w_ih, b_ih, row, |k| sequence.at(&[sample, step, k])))
                .collect();
            let of_hidden: Vec<f64> = rows.map(|row| affine(w_hh, b_hh, row, |k| h[k])).collect();
            (h, c) = (0..hidden)
                .map(|j| cell([&of_input, &of_hidden], h[j], c[j], j))
                .map(|[h, c]| (h, c))
                .unzip();
            all.extend(h.iter());
        }
        last.extend(c.iter());
    }
    [
        Array::new(&[batch, time, hidden], all),
        Array::new(&[batch, hidden], last),
    ]
}

fn lstm(x: &[Array], states: [Option<&Array>; 2]) -> [Array; 2] {
    let hidden = x[2].size(1);
    run(x, states, |[a, b], _, c, j| {
        let gate = |number: usize| a[number * hidden + j] + b[number * hidden + j];
        let c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * gate(2).tanh();
        [sigmoid(gate(3)) * c.tanh(), c]
    })
}

fn gru(x: &[Array], state: Option<&Array>) -> Array {
    let hidden = x[2].size(1);
    let [all, _] = run(x, [state, None], |[a, b], h, _, j| {
        let (a, b) = (
            |number: usize| a[number * hidden + j],
            |number: usize| b[number * hidden + j],
        );
        let (r, z) = (sigmoid(a(0) + b(0)), sigmoid(a(1) + b(1)));
        let n = (a(2) + r * b(2)).tanh();
        [(1.0 - z) * n + z * h, 0.0]
    });
    all
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "lstm",
            |x| x[0].lstm(&x[1], &x[2], Some(&x[3]), Some(&x[4]), None).0,
            |x| lstm(x, [None, None])[0].clone(),
        )
        .on(&[&[2, 3, 2], &[8, 2], &[8, 2], &[8], &[8]])
        .on(&[&[0, 3, 2], &[8, 2], &[8, 2], &[8], &[8]])
        .at_scale(&[&[20, 5, 30], &[200, 30], &[200, 50], &[200], &[200]]),
        Row::new(
            "lstm from a state",
            |x| {
                let (all, [h, c]) = x[0].lstm(&x[1], &x[2], Some(&x[3]), Some(&x[4]), Some([&x[5], &x[6]]));
                all + (h * c).unsqueeze(1)
            },
            |x| {
                let [all, c] = lstm(x, [Some(&x[5]), Some(&x[6])]);
                let last = all.size(1) - 1;
                Array::from_fn(&[all.size(0), all.size(1), all.size(2)], |i| {
                    all.at(i) + all.at(&[i[0], last, i[2]]) * c.at(&[i[0], i[2]])
                })
            },
        )
        .on(&[&[2, 2, 3], &[4, 3], &[4, 1], &[4], &[4], &[2, 1], &[2, 1]])
        .on(&[&[0, 2, 3], &[4, 3], &[4, 1], &[4], &[4], &[0, 1], &[0, 1]])
        .at_scale(&[
            &[20, 3, 30],
            &[200, 30],
            &[200, 50],
            &[200],
            &[200],
            &[20, 50],
            &[20, 50],
        ]),
        Row::new(
            "gru",
            |x| x[0].gru(&x[1], &x[2], Some(&x[3]), Some(&x[4]), None).0,
            |x| gru(x, None),
        )
        .on(&[&[2, 3, 2], &[6, 2], &[6, 2], &[6], &[6]])
        .on(&[&[0, 3, 2], &[6, 2], &[6, 2], &[6], &[6]])
        .at_scale(&[&[20, 5, 30], &[150, 30], &[150, 50], &[150], &[150]]),
        Row::new(
            "the last state of a gru",
            |x| x[0].gru(&x[1], &x[2], Some(&x[3]), Some(&x[4]), Some(&x[5])).1,
            |x| {
                let all = gru(x, Some(&x[5]));
                Array::from_fn(&[all.size(0), all.size(2)], |i| all.at(&[i[0], all.size(1) - 1, i[1]]))
            },
        )
        .on(&[&[2, 3, 3], &[3, 3], &[3, 1], &[3], &[3], &[2, 1]])
        .on(&[&[0, 3, 3], &[3, 3], &[3, 1], &[3], &[3], &[0, 1]])
        .at_scale(&[&[20, 5, 30], &[150, 30], &[150, 50], &[150], &[150], &[20, 50]]),
    ]
}

#[test]
fn the_last_memory_alone_has_a_gradient() {
    let random = |seed: u64, shape: &[usize]| tensor_core::Random::new(seed).normal(shape, DType::F64);
    let inputs = [random(1, &[9, 4, 3]), random(2, &[8, 3]), random(3, &[8, 2])];
    let c = |x: &[Tensor]| x[0].lstm(&x[1], &x[2], None, None, None).1[1].clone();
    gradcheck(c, &inputs).unwrap();
}

#[test]
fn one_bias_may_be_left_out() {
    let random = |seed: u64, shape: &[usize]| tensor_core::Random::new(seed).normal(shape, DType::F64);
    let inputs = [
        random(1, &[2, 3, 3]),
        random(2, &[8, 3]),
        random(3, &[8, 2]),
        random(4, &[8]),
    ];
    // Either bias is added to the gates, so that its place makes no difference.
    let of = |x: &[Tensor], [ih, hh]: [Option<usize>; 2]| {
        let [ih, hh] = [ih, hh].map(|place| place.map(|i| &x[i]));
        x[0].lstm(&x[1], &x[2], ih, hh, None).0
    };
    assert_relative_eq!(
        of(&inputs, [Some(3), None]),
        of(&inputs, [None, Some(3)]),
        max_relative = 1e-12
    );
    gradcheck(|x: &[Tensor]| of(x, [Some(3), None]), &inputs).unwrap();
    gradcheck(|x: &[Tensor]| of(x, [None, Some(3)]), &inputs).unwrap();
}

#[test]
fn biases_may_be_left_out() {
    let x = Tensor::from_slice(&[1.0f64, -2.0], [1, 2, 1]);
    let (w_ih, w_hh) = (x.reshape([2, 1]), x.reshape([2, 1]));
    let four = Tensor::cat(&[&w_ih, &w_hh], 0);
    let zeros = four.reshape(4).zeros_like();
    let with = x.lstm(&four, &four, Some(&zeros), Some(&zeros), None).0;
    assert_eq!(x.lstm(&four, &four, None, None, None).0, with);
}
