//! Normalisation over the features of a sample.

use super::{EPS, affine, affine_option, eps_option};
use crate::cell::{Param, value_of};
use crate::context::Context;
use crate::layer::Layer;
use crate::module::{Module, Place, Visitor};
use tensor_core::{Shape, Tensor};

/// Layer normalisation (Ba et al. 2016) over the last dimensions, with `weight` and `bias` of their shape; see [`Tensor::layer_norm`].
///
/// ```
/// use nn::{Context, Layer, LayerNorm, module};
/// use tensor_core::{Random, Tensor};
/// let cx = &mut Context::training(&Random::new(0));
/// let layer = LayerNorm::new([2]);
/// let y = layer.forward(&Tensor::from([[0.0, 2000.0], [-4000.0, 0.0]]), cx);
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// let (_, gradients) = (y * Tensor::from([[1.0, 2.0], [3.0, 4.0]])).sum(..).value_and_grad(module::params(&layer));
/// let [weight, bias] = [&layer.weight, &layer.bias].map(|param| gradients.get(param.as_ref().unwrap()).unwrap());
/// assert_eq!(weight.to_vec::<f32>(), [-4.0, 6.0]); // -1 · 1 - 1 · 3 and 1 · 2 + 1 · 4
/// assert_eq!(bias.to_vec::<f32>(), [4.0, 6.0]);
///
/// // Of two numbers a and b with d = (a - b) / 2, the first becomes d / √(d² + eps), with the slope ½ eps / √(d² + eps)³ by a.
/// let x = Tensor::from([[1.0, 3.0]]).requires_grad();
/// let y = LayerNorm::new([2]).eps(3.0).without_affine().forward(&x, cx);
/// assert_eq!(y.to_vec::<f32>(), [-0.5, 0.5]);
/// assert_eq!(y.narrow(1, 0, 1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.1875, -0.1875]); // ½ · 3 / 8
/// ```
///
/// # Panics
/// At the caller's line, if the input does not end with these sizes.
#[derive(Debug)]
pub struct LayerNorm {
    /// The factor of each place, if there is one.
    pub weight: Option<Param>,
    /// What is added at each place, if there is something.
    pub bias: Option<Param>,
    normalized_shape: Shape,
    eps: f64,
    place: Place,
}

impl LayerNorm {
    /// A layer that normalises over last dimensions of these sizes.
    pub fn new(normalized_shape: impl Into<Shape>) -> LayerNorm {
        let normalized_shape = normalized_shape.into();
        let [weight, bias] = affine(normalized_shape);
        LayerNorm {
            weight,
            bias,
            normalized_shape,
            eps: EPS,
            place: Place::default(),
        }
    }

    eps_option!("LayerNorm");
    affine_option!();

    /// The same with a weight only: PyTorch's `bias=False`.
    #[must_use]
    pub fn without_bias(self) -> LayerNorm {
        LayerNorm { bias: None, ..self }
    }
}

impl Module for LayerNorm {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }
}

impl Layer for LayerNorm {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        let (weight, bias) = (value_of(&self.weight), value_of(&self.bias));
        x.layer_norm(self.normalized_shape, weight.as_ref(), bias.as_ref(), self.eps)
    }
}
