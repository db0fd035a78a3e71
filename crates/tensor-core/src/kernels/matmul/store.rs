//! What happens to a sum when it is stored.

use super::super::simd::{Float, Lanes};
use super::operand::Piece;
use std::ops::Range;

/// A function that a fused operation applies to each element.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// x where it is positive, else this multiple of it.
    LeakyRelu(f64),
    /// tanh x
    Tanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
}

/// C = activation(C + A B + bias), where C on the right counts only if `accumulate`, and the bias is added to each row.
#[derive(Clone, Copy, Debug)]
pub struct Store<'a, T> {
    /// Whether the product is added to what C holds.
    pub accumulate: bool,
    /// For each column of C.
    pub bias: Option<&'a [T]>,
    /// Applied last.
    pub activation: Activation,
}

impl<'a, T: Float> Store<'a, T> {
    /// C = A B, or C += A B if `accumulate`.
    pub fn new(accumulate: bool) -> Self {
        Store {
            accumulate,
            bias: None,
            activation: Activation::None,
        }
    }

    /// The same for these columns of C alone.
    pub(super) fn columns(&self, columns: Range<usize>) -> Self {
        Store {
            bias: self.bias.map(|bias| &bias[columns]),
            ..*self
        }
    }

    /// Bias and activation for a rectangle of C that holds the sums. It was written a moment ago and is still in the fastest cache, where one
    /// more pass costs next to nothing; so the microkernel stays small.
    pub(super) fn finish(&self, c: &mut Piece<'_, T>) {
        match self.activation {
            Activation::None if self.bias.is_none() => {}
            Activation::None => self.map(c, |x| x),
            Activation::Relu => self.map(c, |x| x.max(T::Lanes::zero())),
            Activation::LeakyRelu(slope) => {
                let slope = T::Lanes::constant(slope);
                self.map(c, |x| T::Lanes::select_gt(x, T::Lanes::zero(), x, x * slope));
            }
            Activation::Tanh => self.map(c, T::Lanes::tanh),
            Activation::Sigmoid => self.map(c, T::Lanes::sigmoid),
        }
    }

    #[inline(never)]
    fn map(&self, c: &mut Piece<'_, T>, f: impl Fn(T::Lanes) -> T::Lanes) {
        let (biases, biases_left) = T::Lanes::chunks(self.bias.unwrap_or_default());
        for i in 0..c.rows() {
            // Whole vectors by themselves: a copy of a length that the compiler does not know is a call.
            let (vectors, left) = T::Lanes::chunks_mut(c.row(i));
            match self.bias {
                None => vectors
                    .iter_mut()
                    .for_each(|c| *c = f(T::Lanes::from_array(*c)).to_array()),
                Some(_) => {
                    for (c, bias) in vectors.iter_mut().zip(biases) {
                        *c = f(T::Lanes::from_array(*c) + T::Lanes::from_array(*bias)).to_array();
                    }
                }
            }
            if !left.is_empty() {
                let x = T::Lanes::load_padded(left, T::ZERO);
                let x = match self.bias {
                    None => x,
                    Some(_) => x + T::Lanes::load_padded(biases_left, T::ZERO),
                };
                f(x).store_padded(left);
            }
        }
    }
}
