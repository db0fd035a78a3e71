//! A vector for each of many things: words, codes, classes.

use crate::cell::Param;
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Tensor};

/// A table of vectors that are looked up by number; see [`Tensor::embedding`]. The name is PyTorch's, `weight`, and so is the initialisation, N(0, 1).
///
/// It is no [`Layer`](crate::Layer), since its input is integers.
///
/// ```
/// use nn::Embedding;
/// use tensor_core::{Random, Tensor};
/// let table = Embedding::new(10, 3, &mut Random::new(0));
/// let vectors = table.forward(&Tensor::from_slice(&[7u32, 7, 2], [3]));
/// assert_eq!(vectors.shape(), [3, 3]);
/// assert_eq!(vectors.narrow(0, 0, 1), vectors.narrow(0, 1, 1));
/// ```
#[derive(Debug)]
pub struct Embedding {
    /// A row for each thing, [count, size].
    pub weight: Param,
    place: Place,
}

impl Embedding {
    /// A table of `count` vectors of this size.
    pub fn new(count: usize, size: usize, random: &mut Random) -> Embedding {
        Embedding {
            weight: Param::new(random.normal([count, size], DType::F32)),
            place: Place::default(),
        }
    }

    /// The rows of these numbers (U32): an index of any shape […] gives […, size].
    ///
    /// # Panics
    /// If a number is not below the count, or the index holds no integers.
    #[track_caller]
    pub fn forward(&self, index: &Tensor) -> Tensor {
        let _scope = self.place.enter();
        self.weight.tensor().embedding(index)
    }
}

impl Module for Embedding {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, module};

    #[test]
    fn gradients_agree_with_differences() {
        let table = Embedding::new(4, 3, &mut Random::new(1));
        module::to_dtype(&table, DType::F64);
        let index = Tensor::from_slice(&[3u32, 0, 3, 1], [2, 2]);
        check::gradcheck(&table, || table.forward(&index).sqr().sum(..)).unwrap();
        assert_eq!(module::entries(&table)[0].0, "weight");
    }
}
