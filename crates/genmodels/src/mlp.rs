//! The multilayer perceptron, which most models here are made of.

use nn::{Activation, Linear, Sequential};
use tensor_core::Random;

/// Linear layers of the given sizes, from the input's to the output's, with an activation between each two:
/// `inputs - hidden[0] - … - outputs`.
pub(crate) fn mlp(
    inputs: usize,
    hidden: &[usize],
    outputs: usize,
    activation: Activation,
    random: &mut Random,
) -> Sequential {
    let mut network = Sequential::new();
    let mut width = inputs;
    for &next in hidden {
        network = network.with(Linear::new(width, next, random)).with(activation.layer());
        width = next;
    }
    network.with(Linear::new(width, outputs, random))
}
