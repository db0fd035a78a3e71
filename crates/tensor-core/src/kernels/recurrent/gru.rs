//! Gated recurrent units: r, z = σ(a_r + b_r), σ(a_z + b_z), n = tanh(a_n + r · b_n), h ← n + z · (h - n), where a is the share of the input and
//! b = W_hh h + b_hh.

use super::{
    Float, Lanes, Matrix, Prepacked, Sizes, Store, gates, gates_mut, parallel, row, row_and_last, row_mut, step, update,
};
use crate::storage::Storage;

/// What a forward pass leaves to the backward pass.
#[derive(Clone, Copy)]
pub struct Trace<'a, T> {
    /// r, z and n of every step, [batch, time, 3 H].
    pub gates: &'a [T],
    /// Every b_n, [batch, time, H].
    pub news: &'a [T],
    /// Every h, [batch, time, H].
    pub hidden: &'a [T],
    /// The h before the first step, [batch, H].
    pub first_hidden: &'a [T],
}

/// What [`forward`] writes.
pub struct Forward<'a, T> {
    /// At first the share of the input in the gates, then the gates: [batch, time, 3 H].
    pub gates: &'a mut [T],
    /// Every b_n, [batch, time, H].
    pub news: &'a mut [T],
    /// Every h, [batch, time, H].
    pub hidden: &'a mut [T],
}

/// All steps, from the state h, [batch, H]. `weight` is W_hhᵀ, H x 3 H.
pub fn forward<T: Float>(sizes: Sizes, weight: &Prepacked, bias: Option<&[T]>, state: &[T], y: Forward<'_, T>) {
    let Forward {
        gates: shares,
        news,
        hidden,
    } = y;
    let Sizes { time, hidden: h, .. } = sizes;
    sizes.check(&[state], [(&*shares, 3), (news, 1), (hidden, 1)]);
    if sizes.is_empty() {
        return;
    }
    let store = Store {
        bias,
        ..Store::new(false)
    };
    let samples = sizes.samples();
    let slices = [
        (shares, samples * time * 3 * h),
        (news, samples * time * h),
        (hidden, samples * time * h),
    ];
    parallel::for_each_group(slices, weight.work(samples) * time, |i, [all_gates, news, hidden]| {
        let samples = i * samples..i * samples + hidden.len() / (time * h);
        let first = &state[samples.start * h..samples.end * h];
        let mut products = Storage::for_overwrite(samples.len() * 3 * h, T::DTYPE);
        let products = products.as_mut_slice();
        for t in 0..time {
            let before = match t {
                0 => Matrix::of_rows(first, h),
                _ => step(hidden, t - 1, time, h),
            };
            weight.product(samples.len(), before, products, store);
            for sample in 0..samples.len() {
                let at = sample * time + t;
                let (new, last) = row_and_last(hidden, at, (t == 0).then(|| row(first, sample, h)), h);
                let [b_r, b_z, b_n] = gates(row(products, sample, 3 * h));
                let [r, z, n] = gates_mut(row_mut(all_gates, at, 3 * h));
                let y = [r, z, n, row_mut(news, at, h), new];
                update([b_r, b_z, b_n, last], y, |[b_r, b_z, b_n, last], [r, z, n, ..]| {
                    let [r, z] = [r + b_r, z + b_z].map(Lanes::sigmoid);
                    let n = (n + r * b_n).tanh();
                    [r, z, n, b_n, n + z * (last - n)]
                });
            }
        }
    });
}

/// What [`backward`] writes.
pub struct Backward<'a, T> {
    /// The gradient of a, [batch, time, 3 H].
    pub of_input: &'a mut [T],
    /// The gradient of b, [batch, time, 3 H].
    pub of_hidden: &'a mut [T],
    /// The gradient of the h before the first step, [batch, H]. It is left unfinished unless `wants_state`.
    pub first_hidden: &'a mut [T],
    /// Whether the gradient of the first h is asked for: it takes a product.
    pub wants_state: bool,
}

/// All steps, from the last one to the first. `weight` is W_hh, 3 H x H; `gy` is the gradient of every h, [batch, time, H].
pub fn backward<T: Float>(sizes: Sizes, weight: &Prepacked, trace: Trace<'_, T>, gy: &[T], gx: Backward<'_, T>) {
    let Backward {
        of_input,
        of_hidden,
        first_hidden,
        wants_state,
    } = gx;
    let Sizes { time, hidden: h, .. } = sizes;
    let steps = [
        (trace.gates, 3),
        (trace.news, 1),
        (trace.hidden, 1),
        (gy, 1),
        (of_input, 3),
        (of_hidden, 3),
    ];
    sizes.check(&[trace.first_hidden, first_hidden], steps);
    if sizes.is_empty() {
        return;
    }
    let samples = sizes.samples();
    let slices = [
        (of_input, samples * time * 3 * h),
        (of_hidden, samples * time * 3 * h),
        (first_hidden, samples * h),
    ];
    parallel::for_each_group(slices, weight.work(samples) * time, |i, [of_input, of_hidden, gh]| {
        let samples = i * samples..i * samples + gh.len() / h;
        gh.fill(T::ZERO);
        for t in (0..time).rev() {
            for (of_piece, sample) in samples.clone().enumerate() {
                let (at, to) = (sample * time + t, of_piece * time + t);
                let last = match t {
                    0 => row(trace.first_hidden, sample, h),
                    _ => row(trace.hidden, at - 1, h),
                };
                let [r, z, n] = gates(row(trace.gates, at, 3 * h));
                let x = [r, z, n, row(trace.news, at, h), last, row(gy, at, h)];
                let [a_r, a_z, a_n] = gates_mut(row_mut(of_input, to, 3 * h));
                let [b_r, b_z, b_n] = gates_mut(row_mut(of_hidden, to, 3 * h));
                let y = [a_r, a_z, a_n, b_r, b_z, b_n, row_mut(gh, of_piece, h)];
                update(x, y, |[r, z, n, b_n, last, gy], [.., gh]| {
                    let one = T::Lanes::one();
                    let gh = gy + gh;
                    let gn = gh * (one - z) * (one - n * n);
                    let gr = gn * b_n * r * (one - r);
                    let gz = gh * (last - n) * z * (one - z);
                    [gr, gz, gn, gr, gz, gn * r, gh * z]
                });
            }
            if t > 0 || wants_state {
                weight.product(samples.len(), step(of_hidden, t, time, 3 * h), gh, Store::new(true));
            }
        }
    });
}
