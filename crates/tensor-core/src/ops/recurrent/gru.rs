//! Gated recurrent units.

use super::{Given, Inputs, gate, in_one, last};
use crate::error::ShapeError;
use crate::kernels::recurrent::{Sizes, gru as kernel};
use crate::kernels::simd::Float;
use crate::ops::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use crate::ops::with_float;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::sync::OnceLock;

/// A layer over a whole sequence. Its output is every h, [batch, time, H].
struct Gru {
    given: Given,
    /// From the forward pass, for the first-order rule: all gates, [batch, time, 3 H], and every b_n, [batch, time, H].
    trace: OnceLock<[Tensor; 2]>,
}

impl Gru {
    fn compose(&self, inputs: &[Tensor]) -> Tensor {
        let inputs = self.given.inputs(inputs);
        let Sizes { time, hidden, .. } = inputs.sizes();
        let mut h = inputs.initial(0);
        let mut outputs = Vec::with_capacity(time);
        for of_input in inputs.share_of_input() {
            let of_hidden = inputs.share_of_hidden(&h);
            let r = (gate(&of_input, 0, hidden) + gate(&of_hidden, 0, hidden)).sigmoid();
            let z = (gate(&of_input, 1, hidden) + gate(&of_hidden, 1, hidden)).sigmoid();
            let n = (gate(&of_input, 2, hidden) + r * gate(&of_hidden, 2, hidden)).tanh();
            h = &n + z * (&h - &n); // (1 - z) n + z h
            outputs.push(h.clone());
        }
        in_one(&outputs)
    }

    fn run<T: Float>(&self, inputs: &Inputs<'_>, shape: Shape) -> Tensor {
        let Sizes { batch, time, hidden } = inputs.sizes();
        let mut gates = inputs.input_product();
        let [mut news, mut out] = [(); 2].map(|()| Storage::for_overwrite(shape.count(), T::DTYPE));
        let (bias, state) = (inputs.hidden_bias(), inputs.initial(0).dense());
        kernel::forward::<T>(
            inputs.sizes(),
            &inputs.packed::<T>(true),
            bias.as_ref().map(Tensor::as_slice),
            state.as_slice(),
            kernel::Forward {
                gates: gates.as_mut_slice(),
                news: news.as_mut_slice(),
                hidden: out.as_mut_slice(),
            },
        );
        let gates = Tensor::from_storage(gates, Shape::from([batch, time, 3 * hidden]));
        let trace = [gates, Tensor::from_storage(news, shape)];
        self.trace.set(trace).expect("an operation runs once");
        Tensor::from_storage(out, shape)
    }

    /// The gradients of the shares of the input and of the hidden state in the gates, [batch, time, 3 H], and of the initial state.
    fn backward<T: Float>(
        &self,
        inputs: &Inputs<'_>,
        every_hidden: &Tensor,
        gy: &Tensor,
        wants_state: bool,
    ) -> [Tensor; 3] {
        let Sizes { batch, time, hidden } = inputs.sizes();
        let [gates, news] = self
            .trace
            .get()
            .expect("the forward pass kept them")
            .each_ref()
            .map(Tensor::as_slice);
        let first_hidden = inputs.initial(0).dense();
        let rows = Shape::from([batch, time, 3 * hidden]);
        let shapes = [rows, rows, Shape::from([batch, hidden])];
        let mut out = shapes.map(|shape| Storage::for_overwrite(shape.count(), T::DTYPE));
        let [of_input, of_hidden, g_hidden] = out.each_mut().map(Storage::as_mut_slice);
        kernel::backward::<T>(
            inputs.sizes(),
            &inputs.packed::<T>(false),
            kernel::Trace {
                gates,
                news,
                hidden: every_hidden.as_slice(),
                first_hidden: first_hidden.as_slice(),
            },
            gy.as_slice(),
            kernel::Backward {
                of_input,
                of_hidden,
                first_hidden: g_hidden,
                wants_state,
            },
        );
        let mut shapes = shapes.into_iter();
        out.map(|storage| Tensor::from_storage(storage, shapes.next().expect("three shapes")))
    }
}

impl Op for Gru {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "gru",
            formula: "r, z = σ(a_r + b_r), σ(a_z + b_z), n = tanh(a_n + r · b_n), h ← (1 - z) · n + z · h, with a = W_ih x + b_ih and b = W_hh h + b_hh",
            rule: "back over the steps, with gh ← gy + z · gh + W_hhᵀ gb: ga and gb of all steps; gW_ih = Σ ga xᵀ, gW_hh = Σ gb hᵀ, gx = W_ihᵀ ga",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let inputs = self.given.inputs(inputs.iter().copied());
        let hidden = inputs.check("gru", 3)?;
        let Sizes { batch, time, .. } = inputs.sizes();
        inputs.check_gates("gru")?;
        Shape::try_new(&[batch, time, hidden]).map_err(|problem| ShapeError::new("gru", problem))
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
        let (gy, every_hidden) = (gy.dense(), saved.output());
        let wants_state = inputs.wants_state(saved);
        let [of_input, of_hidden, h] =
            with_float!(gy.dtype(), T => self.backward::<T>(&inputs, &every_hidden, &gy, wants_state));
        Some(inputs.gradients(saved, [&of_input, &of_hidden], &every_hidden, &[h]))
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        self.given.inputs(inputs.iter().copied()).cost(shape)
    }
}

/// Every h, and the last one.
#[track_caller]
pub(super) fn run(inputs: &Inputs<'_>) -> Result<(Tensor, Tensor), ShapeError> {
    let op = Gru {
        given: inputs.given(),
        trace: OnceLock::new(),
    };
    let every_hidden = crate::ops::try_apply(op, &inputs.all())?;
    let h = last(&every_hidden);
    Ok((every_hidden, h))
}
