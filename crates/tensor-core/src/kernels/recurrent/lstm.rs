//! Long short-term memory: i, f, o = σ(a_i), σ(a_f), σ(a_o), g = tanh(a_g), c ← f · c + i · g, h ← o · tanh(c), where a is the share of the input
//! plus W_hh h + b_hh.

use super::{
    Float, Lanes, Matrix, Prepacked, Sizes, Store, gates, gates_mut, parallel, row, row_and_last, row_mut, step, update,
};
use crate::storage::Storage;

/// What a forward pass leaves to the backward pass.
#[derive(Clone, Copy)]
pub struct Trace<'a, T> {
    /// i, f, g and o of every step, [batch, time, 4 H].
    pub gates: &'a [T],
    /// Every c, [batch, time, H].
    pub cells: &'a [T],
    /// The c before the first step, [batch, H].
    pub first_cell: &'a [T],
}

/// What [`forward`] writes.
pub struct Forward<'a, T> {
    /// At first the share of the input in the gates, then the gates: [batch, time, 4 H].
    pub gates: &'a mut [T],
    /// Every c, [batch, time, H].
    pub cells: &'a mut [T],
    /// Every h, [batch, time, H].
    pub hidden: &'a mut [T],
    /// The last c, [batch, H].
    pub last_cell: &'a mut [T],
}

/// All steps, from the states h and c, [batch, H] each. `weight` is W_hhᵀ, H x 4 H.
pub fn forward<T: Float>(sizes: Sizes, weight: &Prepacked, bias: Option<&[T]>, states: [&[T]; 2], y: Forward<'_, T>) {
    let Forward {
        gates: shares,
        cells,
        hidden,
        last_cell,
    } = y;
    let Sizes { time, hidden: h, .. } = sizes;
    sizes.check(
        &[states[0], states[1], last_cell],
        [(&*shares, 4), (cells, 1), (hidden, 1)],
    );
    if sizes.is_empty() {
        return;
    }
    let store = Store {
        bias,
        ..Store::new(false)
    };
    let samples = sizes.samples();
    let slices = [
        (shares, samples * time * 4 * h),
        (cells, samples * time * h),
        (hidden, samples * time * h),
        (last_cell, samples * h),
    ];
    parallel::for_each_group(
        slices,
        weight.work(samples) * time,
        |i, [all_gates, cells, hidden, last]| {
            let samples = i * samples..i * samples + last.len() / h;
            let [first_h, first_c] = states.map(|state| &state[samples.start * h..samples.end * h]);
            let mut products = Storage::for_overwrite(samples.len() * 4 * h, T::DTYPE);
            let products = products.as_mut_slice();
            for t in 0..time {
                let before = match t {
                    0 => Matrix::of_rows(first_h, h),
                    _ => step(hidden, t - 1, time, h),
                };
                weight.product(samples.len(), before, products, store);
                for sample in 0..samples.len() {
                    let at = sample * time + t;
                    let (c, last_c) = row_and_last(cells, at, (t == 0).then(|| row(first_c, sample, h)), h);
                    let [a_i, a_f, a_g, a_o] = gates(row(products, sample, 4 * h));
                    let [i, f, g, o] = gates_mut(row_mut(all_gates, at, 4 * h));
                    let y = [i, f, g, o, c, row_mut(hidden, at, h)];
                    update(
                        [a_i, a_f, a_g, a_o, last_c],
                        y,
                        |[a_i, a_f, a_g, a_o, last_c], [i, f, g, o, ..]| {
                            let [i, f, o] = [a_i + i, a_f + f, a_o + o].map(Lanes::sigmoid);
                            let g = (a_g + g).tanh();
                            let c = f * last_c + i * g;
                            [i, f, g, o, c, o * c.tanh()]
                        },
                    );
                }
            }
            for (sample, last) in last.chunks_exact_mut(h).enumerate() {
                last.copy_from_slice(row(cells, sample * time + time - 1, h));
            }
        },
    );
}

/// What [`backward`] writes: the gradients of the gates before their functions, [batch, time, 4 H], and of the first h and c, [batch, H].
pub struct Backward<'a, T> {
    /// Of a.
    pub gates: &'a mut [T],
    /// Of the h before the first step. It is left unfinished unless `wants_state`.
    pub first_hidden: &'a mut [T],
    /// Of the c before the first step.
    pub first_cell: &'a mut [T],
    /// Whether the gradient of the first h is asked for: it takes a product.
    pub wants_state: bool,
}

/// All steps, from the last one to the first. `weight` is W_hh, 4 H x H; `gy` are the gradients of every h, [batch, time, H], and of the last c, [batch, H].
pub fn backward<T: Float>(sizes: Sizes, weight: &Prepacked, trace: Trace<'_, T>, gy: [&[T]; 2], gx: Backward<'_, T>) {
    let Backward {
        gates: g_gates,
        first_hidden,
        first_cell,
        wants_state,
    } = gx;
    let Sizes { time, hidden: h, .. } = sizes;
    let states = [trace.first_cell, gy[1], first_hidden, first_cell];
    sizes.check(&states, [(trace.gates, 4), (trace.cells, 1), (gy[0], 1), (g_gates, 4)]);
    if sizes.is_empty() {
        return;
    }
    let samples = sizes.samples();
    let slices = [
        (g_gates, samples * time * 4 * h),
        (first_hidden, samples * h),
        (first_cell, samples * h),
    ];
    parallel::for_each_group(slices, weight.work(samples) * time, |i, [g_gates, gh, gc]| {
        let samples = i * samples..i * samples + gh.len() / h;
        gh.fill(T::ZERO);
        gc.copy_from_slice(&gy[1][samples.start * h..samples.end * h]);
        for t in (0..time).rev() {
            for (of_piece, sample) in samples.clone().enumerate() {
                let at = sample * time + t;
                let last_c = match t {
                    0 => row(trace.first_cell, sample, h),
                    _ => row(trace.cells, at - 1, h),
                };
                let [i, f, g, o] = gates(row(trace.gates, at, 4 * h));
                let x = [
                    i,
                    f,
                    g,
                    o,
                    row(trace.cells, at, h),
                    last_c,
                    row(gy[0], at, h),
                    row(gh, of_piece, h),
                ];
                let [gi, gf, gg, go] = gates_mut(row_mut(g_gates, of_piece * time + t, 4 * h));
                let y = [gi, gf, gg, go, row_mut(gc, of_piece, h)];
                update(x, y, |[i, f, g, o, c, last_c, gy, gh], [.., gc]| {
                    let one = T::Lanes::one();
                    let (gh, tanh_c) = (gy + gh, c.tanh());
                    let gc = gc + gh * o * (one - tanh_c * tanh_c);
                    [
                        gc * g * i * (one - i),
                        gc * last_c * f * (one - f),
                        gc * i * (one - g * g),
                        gh * tanh_c * o * (one - o),
                        gc * f,
                    ]
                });
            }
            if t > 0 || wants_state {
                weight.product(samples.len(), step(g_gates, t, time, 4 * h), gh, Store::new(false));
            }
        }
    });
}
