//! Layers one after another.

use super::Layer;
use crate::context::Context;
use crate::module::{Module, Place, Visitor};
use std::fmt;
use tensor_core::Tensor;

/// Layers that are applied in order: y = fₙ(… f₂(f₁(x))). Parameters are named by position, as in PyTorch: `0.weight`, `2.weight`.
///
/// ```
/// use nn::{Context, Layer, Linear, ReLU, Sequential, module};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let init = &mut random.stream("init");
/// let mlp = Sequential::new()
///     .with(Linear::new(784, 400, init))
///     .with(ReLU)
///     .with(Linear::new(400, 10, init));
/// let cx = &mut Context::evaluation(&random);
/// assert_eq!(mlp.forward(&Tensor::zeros([32, 784]), cx).shape(), [32, 10]);
///
/// let line = |weight: f32| {
///     let linear = Linear::new(1, 1, &mut Random::new(0)).without_bias();
///     linear.weight.set(&Tensor::from([[weight]]));
///     linear
/// };
/// let net = Sequential::new().with(line(2.0)).with(ReLU).with(line(5.0));
/// let y = net.forward(&Tensor::from([[3.0]]), cx);
/// assert_eq!(y.item(), 30.0); // 5 · max(2 · 3, 0)
/// let params = module::params(&net);
/// let (_, gradients) = y.sum(..).value_and_grad(&params);
/// let slopes: Vec<f64> = params.iter().map(|param| gradients.get(param).unwrap().item()).collect();
/// assert_eq!(slopes, [15.0, 6.0]); // 5 · 3, and 2 · 3
/// ```
///
/// # Panics
/// As the layers: at the caller's line, in the scope of the layer.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
    place: Place,
}

impl Sequential {
    /// No layers yet.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// The same with one more layer at the end.
    #[must_use]
    pub fn with(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl fmt::Debug for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequential ")?;
        f.debug_list().entries(&self.layers).finish()
    }
}

impl Module for Sequential {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        for (i, layer) in self.layers.iter().enumerate() {
            v.module(&i.to_string(), layer);
        }
    }
}

impl Layer for Sequential {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let mut x = x.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            let _scope = self.place.enter_part(i);
            x = layer.forward(&x, cx);
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Linear, ReLU, module};
    use tensor_core::Random;

    struct Model {
        encoder: Sequential,
    }

    impl Module for Model {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.module("encoder", &self.encoder);
        }
    }

    #[test]
    fn an_error_names_the_line_of_the_model_and_the_scope() {
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let encoder = Sequential::new()
            .with(Linear::new(4, 3, init))
            .with(ReLU)
            .with(Linear::new(4, 3, init));
        let model = Model { encoder };
        module::name(&model);
        let mut cx = Context::evaluation(&random);
        let line = line!() + 2;
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            model.encoder.forward(&Tensor::zeros([2, 4]), &mut cx)
        }));
        let message = *panic.unwrap_err().downcast::<String>().unwrap();
        let file = file!();
        assert_eq!(
            message,
            format!(
                "linear: input [2, 3] has 3 features, weight [3, 4] takes 4\n  at {file}:{line}:27, in encoder.2\n  \
                 hint: should the layer before give 4 features, or is the weight transposed? it is [out, in]"
            )
        );
    }
}
