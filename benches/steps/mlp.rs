//! The network that most steps are made of.

use nn::{Activation, Linear, Sequential};
use tensor_core::Random;

/// Two hidden layers of one width: inputs - hidden - hidden - outputs.
pub(crate) fn mlp([inputs, hidden, outputs]: [usize; 3], activation: Activation, random: &mut Random) -> Sequential {
    Sequential::new()
        .with(Linear::new(inputs, hidden, random))
        .with(activation.layer())
        .with(Linear::new(hidden, hidden, random))
        .with(activation.layer())
        .with(Linear::new(hidden, outputs, random))
}
