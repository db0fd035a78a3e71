//! Long short-term memory.

use super::{Given, Inputs, gate, in_one, last};
use crate::error::ShapeError;
use crate::kernels::recurrent::{Sizes, lstm as kernel};
use crate::kernels::simd::Float;
use crate::ops::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use crate::ops::with_float;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::sync::OnceLock;

/// A layer over a whole sequence. Its output has rows of H numbers: every h, [batch, time, H], and then the last c, [batch, H].
struct Lstm {
    given: Given,
    /// From the forward pass, for the first-order rule: all gates, [batch, time, 4 H], and every c, [batch, time, H].
    trace: OnceLock<[Tensor; 2]>,
}

impl Lstm {
    fn compose(&self, inputs: &[Tensor]) -> Tensor {
        let inputs = self.given.inputs(inputs);
        let Sizes { batch, time, hidden } = inputs.sizes();
        let [mut h, mut c] = [0, 1].map(|i| inputs.initial(i));
        let mut outputs = Vec::with_capacity(time);
        for of_input in inputs.share_of_input() {
            let gates = of_input + inputs.share_of_hidden(&h);
            let i = gate(&gates, 0, hidden).sigmoid();
            let f = gate(&gates, 1, hidden).sigmoid();
            let g = gate(&gates, 2, hidden).tanh();
            let o = gate(&gates, 3, hidden).sigmoid();
            c = f * c + i * g;
            h = o * c.tanh();
            outputs.push(h.clone());
        }
        Tensor::cat(&[&in_one(&outputs).reshape([batch * time, hidden]), &c], 0)
    }

    fn run<T: Float>(&self, inputs: &Inputs<'_>, shape: Shape) -> Tensor {
        let Sizes { batch, time, hidden } = inputs.sizes();
        let mut gates = inputs.input_product();
        let mut cells = Storage::for_overwrite(batch * time * hidden, T::DTYPE);
        let mut out = Storage::for_overwrite(shape.count(), T::DTYPE);
        let (every_hidden, last_cell) = out.as_mut_slice().split_at_mut(batch * time * hidden);
        let (bias, states) = (inputs.hidden_bias(), [0, 1].map(|i| inputs.initial(i).dense()));
        kernel::forward::<T>(
            inputs.sizes(),
            &inputs.packed::<T>(true),
            bias.as_ref().map(Tensor::as_slice),
            states.each_ref().map(Tensor::as_slice),
            kernel::Forward {
                gates: gates.as_mut_slice(),
                cells: cells.as_mut_slice(),
                hidden: every_hidden,
                last_cell,
            },
        );
        let trace = [(gates, 4 * hidden), (cells, hidden)]
            .map(|(storage, width)| Tensor::from_storage(storage, Shape::from([batch, time, width])));
        self.trace.set(trace).expect("an operation runs once");
        Tensor::from_storage(out, shape)
    }

    /// The gradients of the gates before their functions, [batch, time, 4 H], and of the initial states.
    fn backward<T: Float>(&self, inputs: &Inputs<'_>, gy: &Tensor, wants_state: bool) -> [Tensor; 3] {
        let Sizes { batch, time, hidden } = inputs.sizes();
        let [gates, cells] = self
            .trace
            .get()
            .expect("the forward pass kept them")
            .each_ref()
            .map(Tensor::as_slice);
        let first_cell = inputs.initial(1).dense();
        let shapes = [
            Shape::from([batch, time, 4 * hidden]),
            Shape::from([batch, hidden]),
            Shape::from([batch, hidden]),
        ];
        let mut out = shapes.map(|shape| Storage::for_overwrite(shape.count(), T::DTYPE));
        let [g_gates, g_hidden, g_cell] = out.each_mut().map(Storage::as_mut_slice);
        kernel::backward::<T>(
            inputs.sizes(),
            &inputs.packed::<T>(false),
            kernel::Trace {
                gates,
                cells,
                first_cell: first_cell.as_slice(),
            },
            gy.as_slice().split_at(batch * time * hidden).into(),
            kernel::Backward {
                gates: g_gates,
                first_hidden: g_hidden,
                first_cell: g_cell,
                wants_state,
            },
        );
        let mut shapes = shapes.into_iter();
        out.map(|storage| Tensor::from_storage(storage, shapes.next().expect("three shapes")))
    }
}

impl Op for Lstm {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "lstm",
            formula: "i, f, o = σ(a_i), σ(a_f), σ(a_o), g = tanh(a_g), c ← f · c + i · g, h ← o · tanh(c), with a = W_ih x + b_ih + W_hh h + b_hh",
            rule: "back over the steps, with gh = gy + W_hhᵀ ga and gc ← f · gc + gh · o · (1 - tanh² c): ga of all steps; gW_ih = Σ ga xᵀ, gW_hh = Σ ga hᵀ, gx = W_ihᵀ ga",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let inputs = self.given.inputs(inputs.iter().copied());
        let hidden = inputs.check("lstm", 4)?;
        let Sizes { batch, time, .. } = inputs.sizes();
        inputs.check_gates("lstm")?;
        let rows = batch.saturating_mul(time).saturating_add(batch);
        Shape::try_new(&[rows, hidden]).map_err(|problem| ShapeError::new("lstm", problem))
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let inputs = self.given.inputs(inputs.iter().copied());
        with_float!(inputs.x.dtype(), T => self.run::<T>(&inputs, shape))
    }

    fn keeps(&self) -> Keeps {
        Keeps::all_inputs().and_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| self.compose(inputs))
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        let inputs = self.given.saved(saved);
        let (gy, wants_state) = (gy.dense(), inputs.wants_state(saved));
        let [gates, h, c] = with_float!(gy.dtype(), T => self.backward::<T>(&inputs, &gy, wants_state));
        let (every_hidden, _) = parts(&saved.output(), inputs.sizes());
        Some(inputs.gradients(saved, [&gates; 2], &every_hidden, &[h, c]))
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        self.given.inputs(inputs.iter().copied()).cost(shape)
    }
}

/// Every h, [batch, time, H], and the last c: views of an output.
#[track_caller]
fn parts(output: &Tensor, sizes: Sizes) -> (Tensor, Tensor) {
    let Sizes { batch, time, hidden } = sizes;
    let every_hidden = output.narrow(0, 0, batch * time).reshape([batch, time, hidden]);
    (every_hidden, output.narrow(0, batch * time, batch))
}

/// Every h, and the last h and c.
#[track_caller]
pub(super) fn run(inputs: &Inputs<'_>) -> Result<(Tensor, [Tensor; 2]), ShapeError> {
    let op = Lstm {
        given: inputs.given(),
        trace: OnceLock::new(),
    };
    let output = crate::ops::try_apply(op, &inputs.all())?;
    let (every_hidden, c) = parts(&output, inputs.sizes());
    let h = last(&every_hidden);
    Ok((every_hidden, [h, c]))
}
