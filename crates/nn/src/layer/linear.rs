//! The fully connected layer.

use super::Layer;
use crate::cell::Param;
use crate::context::Context;
use crate::init::Init;
use crate::module::{Module, Place, Visitor};
use tensor_core::{Random, Shape, Tensor};

/// Y = X Wᵀ + b: X […, in], W [out, in], b [out], Y […, out]. Names and layout are PyTorch's: `weight`, `bias`.
///
/// ```
/// use nn::{Context, Layer, Linear, module};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let layer = Linear::new(784, 400, &mut random.stream("init"));
/// let y = layer.forward(&Tensor::zeros([32, 784]), &mut Context::evaluation(&random));
/// assert_eq!(y.shape(), [32, 400]);
/// assert_eq!(module::count_params(&layer), 400 * 784 + 400);
/// assert_eq!(module::count_params(&layer.without_bias()), 400 * 784);
/// ```
#[derive(Debug)]
pub struct Linear {
    /// W [out, in].
    pub weight: Param,
    /// b [out], if there is one.
    pub bias: Option<Param>,
    place: Place,
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
            bias: Some(Param::new(init.bias(outputs, inputs, random))),
            place: Place::default(),
        }
    }

    /// The same without a bias, as before a norm.
    #[must_use]
    pub fn without_bias(self) -> Linear {
        Linear { bias: None, ..self }
    }
}

impl Module for Linear {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        if let Some(bias) = &self.bias {
            v.param("bias", bias);
        }
    }
}

impl Layer for Linear {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        let bias = self.bias.as_ref().map(Param::tensor);
        x.linear(&self.weight.tensor(), bias.as_ref())
    }
}
