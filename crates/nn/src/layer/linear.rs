//! The fully connected layer.

use super::{Epilogue, Layer, Weighted};
use crate::cell::{Param, value_of};
use crate::context::Context;
use crate::init::Init;
use crate::module::{Module, Place, Visitor};
use tensor_core::{Random, Shape, Tensor};

/// Y = X Wᵀ + b: X […, in], W [out, in], b \[out\], Y […, out], F32 or F64; see [`Tensor::linear`]. Names and layout are PyTorch's: `weight`, `bias`.
///
/// ```
/// use nn::{Context, Layer, Linear, module};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let layer = Linear::new(2, 1, &mut random.stream("init"));
/// layer.weight.set(&Tensor::from([[10.0, 1.0]]));
/// layer.bias.as_ref().unwrap().set(&Tensor::from([0.5]));
/// let y = layer.forward(&Tensor::from([[2.0, 3.0], [4.0, 5.0]]), &mut Context::training(&random));
/// assert_eq!(y.to_vec::<f32>(), [23.5, 45.5]); // 10 · 2 + 1 · 3 + 0.5
/// let (_, gradients) = y.sum(..).value_and_grad(module::params(&layer));
/// assert_eq!(gradients.get(&layer.weight).unwrap().to_vec::<f32>(), [6.0, 8.0]); // the columns of X, added up
/// assert_eq!(module::count_params(&layer), 2 + 1);
/// assert_eq!(module::count_params(&layer.without_bias()), 2);
/// ```
///
/// # Panics
/// At the caller's line, if the last dimension of the input is not `in`.
#[derive(Debug)]
pub struct Linear {
    /// W [out, in].
    pub weight: Param,
    /// b \[out\], if there is one.
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
        v.param("bias", &self.bias);
    }
}

impl Layer for Linear {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        self.forward_with(&self.weight.tensor(), x)
    }

    fn as_linear(&self) -> Option<&Linear> {
        Some(self)
    }
}

impl Linear {
    /// The layer and the activation after it: σ(X Wᵀ + b).
    #[track_caller]
    pub(super) fn forward_and(&self, epilogue: Epilogue, x: &Tensor) -> Tensor {
        let _scope = self.place.enter();
        x.linear_activation(&self.weight.tensor(), value_of(&self.bias).as_ref(), epilogue)
    }
}

impl Weighted for Linear {
    fn weight(&self) -> &Param {
        &self.weight
    }

    fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }

    #[track_caller]
    fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor {
        x.linear(weight, value_of(&self.bias).as_ref())
    }
}
