//! The fully connected layer.

use super::Layer;
use crate::cell::Param;
use crate::context::Context;
use crate::init::Init;
use crate::module::{Module, Visitor};
use tensor_core::{Random, Shape, Tensor};

/// Y = X Wᵀ + b: X [batch, in], W [out, in], b [out], Y [batch, out]. Names and layout are PyTorch's: `weight`, `bias`.
///
/// ```
/// use nn::{Context, Layer, Linear};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let layer = Linear::new(784, 400, &mut random.stream("init"));
/// let y = layer.forward(&Tensor::zeros([32, 784]), &mut Context::evaluation(&random));
/// assert_eq!(y.shape(), [32, 400]);
/// ```
pub struct Linear {
    /// W [out, in].
    pub weight: Param,
    /// b [out].
    pub bias: Param,
}

impl Linear {
    /// A layer with PyTorch's default initialisation.
    pub fn new(inputs: usize, outputs: usize, random: &mut Random) -> Linear {
        Linear::with_init(inputs, outputs, Init::PyTorch, random)
    }

    /// A layer with a chosen initialisation.
    pub fn with_init(inputs: usize, outputs: usize, init: Init, random: &mut Random) -> Linear {
        Linear {
            weight: Param::new(init.weight(Shape::from([outputs, inputs]), random)),
            bias: Param::new(init.bias(outputs, inputs, random)),
        }
    }
}

impl Module for Linear {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }
}

impl Layer for Linear {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.linear(&self.weight.tensor(), &self.bias.tensor())
    }
}
