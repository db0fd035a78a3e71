//! What rules give, added up: each node has a slot for the gradient that has arrived so far.

use super::graph::Record;
use super::mode::is_recording;
use crate::ops::{Factors, Grad};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The gradient of a node as far as it has arrived.
#[derive(Clone, Default)]
pub(super) struct Slot {
    pub(super) sum: Option<Tensor>,
    pub(super) contributions: usize,
}

impl Slot {
    /// Adds a contribution, in place where the sum is nobody else's.
    pub(super) fn add(&mut self, contribution: Tensor) {
        self.contributions += 1;
        self.sum = Some(match self.sum.take() {
            None => contribution,
            Some(sum) if is_recording() => sum + contribution,
            Some(mut sum) => {
                sum.add_in_place(&contribution);
                sum
            }
        });
    }

    /// Lets a product add itself to what has arrived, as it is computed.
    fn add_product(&mut self, factors: &Factors) {
        self.contributions += 1;
        factors.add_to(
            self.sum
                .as_mut()
                .expect("the rule was told that a gradient has arrived"),
        );
    }
}

/// Adds what a rule gave for input `index`, which is asked for, to the gradient of that input.
pub(super) fn contribute(record: &Record, index: usize, grad: Grad, slot: &mut Slot) {
    let (name, input) = (record.op.info().name, &record.inputs[index]);
    match grad {
        Grad::Is(gradient) => {
            assert_eq!(
                gradient.dtype(),
                input.dtype(),
                "{name}: the rule gave a gradient of another type for input {index}"
            );
            slot.add(sum_to(gradient, input.shape(), name));
        }
        Grad::AddProduct(factors) => slot.add_product(&factors),
        Grad::Zero => {}
        Grad::Unwanted => panic!(
            "{name}: the rule gave no gradient for input {index}, which is asked for; if it is zero, say Grad::Zero"
        ),
    }
}

/// The gradient summed over what broadcasting repeated.
fn sum_to(gradient: Tensor, shape: Shape, name: &str) -> Tensor {
    let from = gradient.shape();
    if from == shape {
        return gradient;
    }
    assert_eq!(
        shape.broadcast(&from),
        Some(from),
        "{name}: the rule gave a gradient of shape {from} for an input of shape {shape}"
    );
    let missing = from.rank() - shape.rank();
    let repeated = |&dim: &usize| dim < missing || shape[dim - missing] != from[dim];
    let dims: Vec<isize> = (0..from.rank()).filter(repeated).map(|dim| dim as isize).collect();
    gradient.sum(dims.as_slice()).reshape(shape)
}
