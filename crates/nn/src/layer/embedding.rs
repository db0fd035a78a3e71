//! A vector for each of many things: words, codes, classes.

use super::Layer;
use crate::cell::Param;
use crate::context::Context;
use crate::init::Init;
use crate::module::{Module, Place, Visitor};
use tensor_core::{Random, Tensor};

/// A table of vectors that are looked up by number: an index […] of U32 gives […, size], F32 or F64; see [`Tensor::embedding`]. The name is PyTorch's,
/// `weight`, and so is the initialisation, N(0, 1).
///
/// ```
/// use nn::{Context, Embedding, Layer};
/// use tensor_core::{Random, Tensor};
/// let table = Embedding::new(3, 2, &mut Random::new(0));
/// table.weight.set(&Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
/// let y = table.forward(&Tensor::from_slice(&[2u32, 0, 2], [3]), &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.shape(), [3, 2]);
/// assert_eq!(y.to_vec::<f32>(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
/// let (_, gradients) = y.sum(..).value_and_grad([&table.weight]);
/// // Each row as often as it was looked up.
/// assert_eq!(gradients.get(&table.weight).unwrap().to_vec::<f32>(), [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]);
/// ```
///
/// # Panics
/// At the caller's line, if the input holds no U32, or a number that is not below the count.
#[derive(Debug)]
pub struct Embedding {
    /// A row for each thing, [count, size].
    pub weight: Param,
    place: Place,
}

impl Embedding {
    /// A table of `count` vectors of this size.
    pub fn new(count: usize, size: usize, random: &mut Random) -> Embedding {
        Embedding::with_init(count, size, Init::Normal { std: 1.0 }, random)
    }

    /// A table with a chosen initialisation: that of a weight [count, size].
    pub fn with_init(count: usize, size: usize, init: Init, random: &mut Random) -> Embedding {
        Embedding {
            weight: Param::new(init.weight([count, size].into(), random)),
            place: Place::default(),
        }
    }
}

impl Module for Embedding {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
    }
}

impl Layer for Embedding {
    #[track_caller]
    fn forward(&self, index: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        self.weight.tensor().embedding(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flatten, Linear, Sequential, check, module};
    use tensor_core::DType;

    #[test]
    fn a_sequence_of_layers_can_begin_with_words() {
        let random = &mut Random::new(1);
        let net = Sequential::new()
            .with(Embedding::new(4, 3, random))
            .with(Flatten)
            .with(Linear::new(6, 2, random));
        module::to_dtype(&net, DType::F64);
        let words = Tensor::from_slice(&[3u32, 0, 3, 1], [2, 2]);
        let loss = || {
            net.forward(&words, &mut Context::training(&Random::new(0)))
                .sqr()
                .sum(..)
        };
        check::gradcheck(&net, loss).unwrap();
        assert_eq!(module::entries(&net)[0].0, "0.weight");
    }
}
