//! Layers one after another.

use super::{Epilogue, Layer, Linear};
use crate::context::Context;
use crate::module::{Module, Place, Visitor};
use std::fmt;
use tensor_core::Tensor;
use tensor_core::autograd::observe::is_observed;

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

impl Sequential {
    /// A fully connected layer and its activation, if these come next and can run as one operation, with the same bits. Who watches sees each of them
    /// by itself, and a mistake in shape or type is told by the layer alone.
    fn fused(&self, i: usize, x: &Tensor) -> Option<(&Linear, Epilogue)> {
        let linear = self.layers[i].as_linear()?;
        let epilogue = self.layers.get(i + 1)?.as_epilogue()?;
        let fits = x.shape().last() == Some(&linear.weight.shape()[1]) && x.dtype() == linear.weight.dtype();
        (fits && !is_observed()).then_some((linear, epilogue))
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
        let mut i = 0;
        while let Some(layer) = self.layers.get(i) {
            let _scope = self.place.enter_part(i);
            (x, i) = match self.fused(i, &x) {
                Some((linear, epilogue)) => (linear.forward_and(epilogue, &x), i + 2),
                None => (layer.forward(&x, cx), i + 1),
            };
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LeakyReLU, ReLU, SiLU, Sigmoid, Tanh, module};
    use tensor_core::autograd::export::Graph;
    use tensor_core::autograd::observe::{Counter, observe};
    use tensor_core::{DType, Random};

    /// The value, and the gradients by all parameters and by x.
    fn run(net: &Sequential, x: &Tensor, cx: &mut Context) -> Vec<Tensor> {
        let y = net.forward(x, cx);
        let weights = module::params(net).into_iter().map(|param| param.tensor());
        let targets: Vec<Tensor> = weights.chain([x.clone()]).collect();
        let gradients = y.sqr().sum(..).grad(&targets.iter().collect::<Vec<_>>());
        [y].into_iter().chain(gradients).collect()
    }

    #[test]
    fn a_layer_and_its_activation_run_as_one_with_the_same_bits_and_are_watched_as_two() {
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let activations: [(Box<dyn Layer>, bool); 6] = [
            (Box::new(ReLU), true),
            (Box::new(Tanh), true),
            (Box::new(Sigmoid), true),
            (Box::new(LeakyReLU::new(0.2)), true),
            (Box::new(LeakyReLU::new(-0.5)), false),
            (Box::new(SiLU), false),
        ];
        for (activation, fuses) in activations {
            let name = format!("{activation:?}");
            let net = Sequential::new().with(Linear::new(40, 70, init)).with(activation);
            let net = net.with(Linear::new(70, 3, init).without_bias());
            let x = random.stream("x").normal([33, 40], DType::F32).requires_grad();
            let cx = &mut Context::training(&random);
            let alone = run(&net, &x, cx);
            let (watched, counter) = observe(Counter::default(), || run(&net, &x, cx));
            assert_eq!(alone, watched, "{name}");
            assert_eq!(counter.count("linear"), 2, "{name}");
            let graph = Graph::of(&[&net.forward(&x, cx)]);
            let runs_as_one = graph.nodes().iter().any(|node| node.name() == "linear_activation");
            assert_eq!(runs_as_one, fuses, "{name}");
        }
    }

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
