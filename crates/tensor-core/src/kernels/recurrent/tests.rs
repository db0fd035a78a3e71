//! The kernels against plain loops over samples, steps and units.

use super::super::parallel::testing::same_on_any_pool;
use super::*;

fn numbers<T: Float>(n: usize, seed: usize) -> Vec<T> {
    (0..n)
        .map(|i| T::from_f64(((i + seed) * 7919 % 2003) as f64 / 2003.0 - 0.45))
        .collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Batches of less than a tile, of several pieces, and with a last piece that is smaller; vectors that are whole, and that are not.
const CASES: [[usize; 3]; 6] = [[1, 1, 1], [3, 4, 5], [8, 2, 16], [35, 3, 33], [70, 2, 48], [200, 1, 7]];

fn sizes() -> impl Iterator<Item = Sizes> {
    let of_case = |[batch, time, hidden]: [usize; 3]| Sizes { batch, time, hidden };
    CASES.into_iter().map(of_case)
}

/// Arrays of one kind, and what they are to be.
fn assert_close<T: Float>(what: &str, found: &[T], wanted: &[f64], epsilon: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}: the length");
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let found = found.to_f64();
        assert!(
            (found - wanted).abs() <= epsilon,
            "{what}, number {i}: {found} is not {wanted}"
        );
    }
}

/// b + W h for one sample, where W is [rows, H].
fn product(weight: &[f64], bias: &[f64], h: &[f64]) -> Vec<f64> {
    let row = |(row, b): (&[f64], &f64)| b + row.iter().zip(h).map(|(w, h)| w * h).sum::<f64>();
    weight.chunks(h.len()).zip(bias).map(row).collect()
}

fn in_double<T: Float>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

/// A weight [rows, H] as both directions use it.
fn pack<T: Float>(weight: &[T], rows: usize, hidden: usize) -> [Prepacked; 2] {
    let weight = Matrix::of_rows(weight, hidden);
    [
        Prepacked::new(weight.transposed(), hidden, rows),
        Prepacked::new(weight, rows, hidden),
    ]
}

/// Gates, every c, every h, and the last c.
fn run_lstm<T: Float>(sizes: Sizes, weight: &[T], bias: &[T], shares: &[T], states: [&[T]; 2]) -> [Vec<T>; 4] {
    let Sizes { batch, time, hidden } = sizes;
    let [weight, _] = pack(weight, 4 * hidden, hidden);
    let mut gates = shares.to_vec();
    let [mut cells, mut every_hidden] = [(); 2].map(|()| vec![T::ZERO; batch * time * hidden]);
    let mut last_cell = vec![T::ZERO; batch * hidden];
    let y = lstm::Forward {
        gates: &mut gates,
        cells: &mut cells,
        hidden: &mut every_hidden,
        last_cell: &mut last_cell,
    };
    lstm::forward(sizes, &weight, Some(bias), states, y);
    [gates, cells, every_hidden, last_cell]
}

fn lstm_is_a_plain_loop<T: Float>(epsilon: f64) {
    for sizes in sizes() {
        let Sizes { batch, time, hidden: n } = sizes;
        let (weight, bias) = (numbers::<T>(4 * n * n, 1), numbers::<T>(4 * n, 2));
        let shares = numbers::<T>(batch * time * 4 * n, 3);
        let states = [numbers::<T>(batch * n, 4), numbers::<T>(batch * n, 5)];
        let run = || run_lstm(sizes, &weight, &bias, &shares, states.each_ref().map(Vec::as_slice));
        let [_, cells, hidden, last] = same_on_any_pool(run);
        let [weight, bias, shares] = [&weight, &bias, &shares].map(|x| in_double(x));
        let states = states.map(|state| in_double(&state));
        let (mut wanted_c, mut wanted_h, mut wanted_last) = (Vec::new(), Vec::new(), Vec::new());
        for sample in 0..batch {
            let [mut h, mut c] = states.each_ref().map(|state| row(state, sample, n).to_vec());
            for t in 0..time {
                let share = row(&shares, sample * time + t, 4 * n);
                let a: Vec<f64> = product(&weight, &bias, &h)
                    .iter()
                    .zip(share)
                    .map(|(p, s)| p + s)
                    .collect();
                c = (0..n)
                    .map(|j| sigmoid(a[n + j]) * c[j] + sigmoid(a[j]) * a[2 * n + j].tanh())
                    .collect();
                h = (0..n).map(|j| sigmoid(a[3 * n + j]) * c[j].tanh()).collect();
                wanted_c.extend(&c);
                wanted_h.extend(&h);
            }
            wanted_last.extend(&c);
        }
        assert_close("c", &cells, &wanted_c, epsilon);
        assert_close("h", &hidden, &wanted_h, epsilon);
        assert_close("the last c", &last, &wanted_last, epsilon);
    }
}

#[test]
fn the_steps_of_an_lstm_are_those_of_a_plain_loop() {
    lstm_is_a_plain_loop::<f32>(1e-5);
    lstm_is_a_plain_loop::<f64>(1e-13);
}

/// Gates, every b_n and every h.
fn run_gru<T: Float>(sizes: Sizes, weight: &[T], bias: &[T], shares: &[T], state: &[T]) -> [Vec<T>; 3] {
    let Sizes { batch, time, hidden } = sizes;
    let [weight, _] = pack(weight, 3 * hidden, hidden);
    let mut gates = shares.to_vec();
    let [mut news, mut every_hidden] = [(); 2].map(|()| vec![T::ZERO; batch * time * hidden]);
    let y = gru::Forward {
        gates: &mut gates,
        news: &mut news,
        hidden: &mut every_hidden,
    };
    gru::forward(sizes, &weight, Some(bias), state, y);
    [gates, news, every_hidden]
}

fn gru_is_a_plain_loop<T: Float>(epsilon: f64) {
    for sizes in sizes() {
        let Sizes { batch, time, hidden: n } = sizes;
        let (weight, bias) = (numbers::<T>(3 * n * n, 1), numbers::<T>(3 * n, 2));
        let shares = numbers::<T>(batch * time * 3 * n, 3);
        let state = numbers::<T>(batch * n, 4);
        let [.., hidden] = same_on_any_pool(|| run_gru(sizes, &weight, &bias, &shares, &state));
        let [weight, bias, shares, state] = [&weight, &bias, &shares, &state].map(|x| in_double(x));
        let mut wanted = Vec::new();
        for sample in 0..batch {
            let mut h = row(&state, sample, n).to_vec();
            for t in 0..time {
                let (a, b) = (row(&shares, sample * time + t, 3 * n), product(&weight, &bias, &h));
                h = (0..n)
                    .map(|j| {
                        let (r, z) = (sigmoid(a[j] + b[j]), sigmoid(a[n + j] + b[n + j]));
                        (1.0 - z) * (a[2 * n + j] + r * b[2 * n + j]).tanh() + z * h[j]
                    })
                    .collect();
                wanted.extend(&h);
            }
        }
        assert_close("h", &hidden, &wanted, epsilon);
    }
}

#[test]
fn the_steps_of_a_gru_are_those_of_a_plain_loop() {
    gru_is_a_plain_loop::<f32>(1e-5);
    gru_is_a_plain_loop::<f64>(1e-13);
}

/// The slope of a loss in each of some numbers, by differences.
fn differences(x: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-5;
    let moved = |i: usize, by: f64| {
        let mut x = x.to_vec();
        x[i] += by;
        loss(&x)
    };
    (0..x.len())
        .map(|i| (moved(i, step) - moved(i, -step)) / (2.0 * step))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

const SMALL: Sizes = Sizes {
    batch: 11,
    time: 3,
    hidden: 3,
};

#[test]
fn the_gradients_of_an_lstm_agree_with_differences() {
    let Sizes { batch, time, hidden: n } = SMALL;
    let (weight, bias) = (numbers::<f64>(4 * n * n, 1), numbers::<f64>(4 * n, 2));
    let shares = numbers::<f64>(batch * time * 4 * n, 3);
    let [h, c] = [4, 5].map(|seed| numbers::<f64>(batch * n, seed));
    let gy = [numbers::<f64>(batch * time * n, 6), numbers::<f64>(batch * n, 7)];
    let loss = |shares: &[f64], h: &[f64], c: &[f64]| {
        let [_, _, hidden, last] = run_lstm(SMALL, &weight, &bias, shares, [h, c]);
        dot(&hidden, &gy[0]) + dot(&last, &gy[1])
    };
    let [gates, cells, ..] = run_lstm(SMALL, &weight, &bias, &shares, [&h, &c]);
    let [ga, gh, gc] = same_on_any_pool(|| {
        let mut out = [batch * time * 4 * n, batch * n, batch * n].map(|len| vec![f64::NAN; len]);
        let [ga, gh, gc] = out.each_mut();
        let trace = lstm::Trace {
            gates: &gates,
            cells: &cells,
            first_cell: &c,
        };
        let gx = lstm::Backward {
            gates: ga,
            first_hidden: gh,
            first_cell: gc,
            wants_state: true,
        };
        let [_, weight] = pack(&weight, 4 * n, n);
        lstm::backward(SMALL, &weight, trace, [&gy[0], &gy[1]], gx);
        out
    });
    assert_close("ga", &ga, &differences(&shares, |x| loss(x, &h, &c)), 1e-9);
    assert_close("gh", &gh, &differences(&h, |x| loss(&shares, x, &c)), 1e-9);
    assert_close("gc", &gc, &differences(&c, |x| loss(&shares, &h, x)), 1e-9);
}

#[test]
fn the_gradients_of_a_gru_agree_with_differences() {
    let Sizes { batch, time, hidden: n } = SMALL;
    let (weight, bias) = (numbers::<f64>(3 * n * n, 1), numbers::<f64>(3 * n, 2));
    let shares = numbers::<f64>(batch * time * 3 * n, 3);
    let h = numbers::<f64>(batch * n, 4);
    let gy = numbers::<f64>(batch * time * n, 6);
    let loss = |bias: &[f64], shares: &[f64], h: &[f64]| dot(&run_gru(SMALL, &weight, bias, shares, h)[2], &gy);
    let [gates, news, hidden] = run_gru(SMALL, &weight, &bias, &shares, &h);
    let [ga, gb, gh] = same_on_any_pool(|| {
        let mut out = [batch * time * 3 * n, batch * time * 3 * n, batch * n].map(|len| vec![f64::NAN; len]);
        let [of_input, of_hidden, first_hidden] = out.each_mut();
        let trace = gru::Trace {
            gates: &gates,
            news: &news,
            hidden: &hidden,
            first_hidden: &h,
        };
        let gx = gru::Backward {
            of_input,
            of_hidden,
            first_hidden,
            wants_state: true,
        };
        let [_, weight] = pack(&weight, 3 * n, n);
        gru::backward(SMALL, &weight, trace, &gy, gx);
        out
    });
    assert_close("ga", &ga, &differences(&shares, |x| loss(&bias, x, &h)), 1e-9);
    assert_close("gh", &gh, &differences(&h, |x| loss(&bias, &shares, x)), 1e-9);
    // The bias is added to b of every sample and step.
    let sum = |j: usize| gb.iter().skip(j).step_by(3 * n).sum();
    let sums: Vec<f64> = (0..3 * n).map(sum).collect();
    assert_close("Σ gb", &sums, &differences(&bias, |x| loss(x, &shares, &h)), 1e-9);
}

#[test]
fn nothing_is_left_alone() {
    for (batch, hidden) in [(0, 3), (2, 0)] {
        let sizes = Sizes { batch, time: 2, hidden };
        let [weight, shares] = [4 * hidden * hidden, batch * 2 * 4 * hidden].map(|n| numbers::<f32>(n, 1));
        let state = numbers::<f32>(batch * hidden, 1);
        let y = run_lstm(sizes, &weight, &weight[..4 * hidden.min(1)], &shares, [&state, &state]);
        assert!(y.iter().all(Vec::is_empty));
    }
}

#[test]
#[should_panic(expected = "an array of all steps is not Sizes")]
fn a_wrong_length_is_refused() {
    let sizes = Sizes {
        batch: 2,
        time: 2,
        hidden: 1,
    };
    run_gru(sizes, &[0.0f32; 3], &[0.0; 3], &[0.0; 11], &[0.0; 2]);
}

#[test]
#[should_panic(expected = "no step to take the states through")]
fn no_step_is_refused() {
    let sizes = Sizes {
        batch: 2,
        time: 0,
        hidden: 1,
    };
    run_gru(sizes, &[0.0f32; 3], &[0.0; 3], &[], &[0.0; 2]);
}
