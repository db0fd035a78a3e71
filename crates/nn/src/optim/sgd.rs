//! Stochastic gradient descent, with momentum and Nesterov's form of it.

use super::fused::{self, Update};
use super::{Optimiser, distinct, get, only, put, zeros};
use crate::cell::Param;
use std::collections::BTreeMap;
use tensor_core::kernels::Float;
use tensor_core::{Gradients, Tensor};

/// The constants of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    /// How far a step goes.
    pub learning_rate: f64,
    /// μ: how much of the velocity is kept. 0 is plain gradient descent.
    pub momentum: f64,
    /// Whether the gradient is taken as if the velocity had already been applied (Nesterov 1983, in PyTorch's form).
    pub nesterov: bool,
    /// λ: the gradient gets λ w added.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    fn default() -> SgdConfig {
        SgdConfig {
            learning_rate: 1e-2,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }
}

/// Gradient descent as PyTorch has it: g ← g + λ w, b ← μ b + g (b = g at the first step), w ← w - α (b, or g + μ b for Nesterov).
///
/// ```
/// use nn::{Optimiser, Param, Sgd, SgdConfig};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0]));
/// let mut sgd = Sgd::new([w.clone()], SgdConfig { learning_rate: 0.25, ..SgdConfig::default() });
/// let (_, grads) = w.tensor().sqr().sum(..).value_and_grad(sgd.params());
/// sgd.step(&grads);
/// assert_eq!(w.tensor().item(), 0.5); // 1 - 0.25 · 2
/// ```
pub struct Sgd {
    params: Vec<Param>,
    config: SgdConfig,
    velocity: [Vec<Tensor>; 1],
}

impl Sgd {
    /// An optimiser of these parameters.
    pub fn new(params: impl IntoIterator<Item = Param>, config: SgdConfig) -> Sgd {
        let params = distinct(params);
        Sgd {
            velocity: [zeros(&params)],
            params,
            config,
        }
    }
}

impl Update<1> for SgdConfig {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], [velocity]: [&mut [T]; 1]) {
        let [learning_rate, momentum, decay] = [self.learning_rate, self.momentum, self.weight_decay].map(T::from_f64);
        for ((w, &g), b) in values.iter_mut().zip(gradients).zip(velocity) {
            let g = g + decay * *w;
            *b = momentum * *b + g;
            let direction = if self.nesterov { g + momentum * *b } else { *b };
            *w = *w - learning_rate * direction;
        }
    }
}

impl Optimiser for Sgd {
    fn params(&self) -> &[Param] {
        &self.params
    }

    #[track_caller]
    fn step(&mut self, gradients: &Gradients) {
        fused::step(&self.params, gradients, &mut self.velocity, &self.config);
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.learning_rate = learning_rate;
    }

    fn state(&self) -> BTreeMap<String, Tensor> {
        let mut state = BTreeMap::new();
        put(&mut state, "momentum_buffer", &self.params, &self.velocity[0]);
        state
    }

    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), String> {
        let velocity = get(state, "momentum_buffer", &self.params)?;
        only(state, self.params.len())?;
        self.velocity = [velocity];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Three steps on the loss w², whose gradient is 2 w, written out.
    fn by_hand(config: SgdConfig) -> f64 {
        let (mut w, mut b) = (1.0, 0.0);
        for step in 0..3 {
            let g = 2.0 * w + config.weight_decay * w;
            b = if step == 0 { g } else { config.momentum * b + g };
            w -= config.learning_rate * if config.nesterov { g + config.momentum * b } else { b };
        }
        w
    }

    #[test]
    fn the_steps_are_those_of_pytorch() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let config = SgdConfig {
                learning_rate: 0.1,
                momentum,
                nesterov,
                weight_decay: 0.05,
            };
            let w = Param::new(Tensor::from_slice(&[1.0f64], [1]));
            let mut sgd = Sgd::new([w.clone()], config);
            for _ in 0..3 {
                let (_, gradients) = w.tensor().sqr().sum(..).value_and_grad(sgd.params());
                sgd.step(&gradients);
            }
            assert_relative_eq!(w.tensor().item(), by_hand(config), max_relative = 1e-14);
        }
    }
}
