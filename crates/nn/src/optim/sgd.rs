//! Stochastic gradient descent, with momentum and Nesterov's form of it.

use super::fused::{self, Update, drop_below};
use super::{Optimiser, check, distinct, get, put, write_debug, zeros};
use crate::cell::Param;
use crate::dictionary::{Dictionary, only};
use std::fmt;
use tensor_core::kernels::Float;
use tensor_core::{Gradients, Tensor};

/// The constants of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    /// How far a step goes.
    pub learning_rate: f64,
    /// μ: how much of the velocity is kept. Without it, at 0, no velocity is held: plain gradient descent.
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

impl SgdConfig {
    /// Refuses constants with which no step makes sense.
    #[track_caller]
    fn check(&self) {
        check("Sgd", "learning_rate", self.learning_rate, f64::INFINITY);
        check("Sgd", "momentum", self.momentum, f64::INFINITY);
        check("Sgd", "weight_decay", self.weight_decay, f64::INFINITY);
        assert!(
            !self.nesterov || self.has_velocity(),
            "Sgd: nesterov needs a momentum above 0, it is {}",
            self.momentum
        );
    }

    fn has_velocity(&self) -> bool {
        self.momentum > 0.0
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
    /// b of each parameter, with momentum.
    velocity: Option<Vec<Tensor>>,
}

impl Sgd {
    /// An optimiser of these parameters.
    ///
    /// # Panics
    /// If a constant is negative, infinite or NaN, or Nesterov's form is asked for without momentum.
    #[track_caller]
    pub fn new(params: impl IntoIterator<Item = Param>, config: SgdConfig) -> Sgd {
        config.check();
        let params = distinct(params);
        Sgd {
            velocity: config.has_velocity().then(|| zeros(&params)),
            params,
            config,
        }
    }
}

impl Update<0> for SgdConfig {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], []: [&mut [T]; 0]) {
        let [learning_rate, decay] = [self.learning_rate, self.weight_decay].map(T::from_f64);
        for (w, &g) in values.iter_mut().zip(gradients) {
            *w = *w - learning_rate * (g + decay * *w);
        }
    }
}

impl Update<1> for SgdConfig {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], [velocity]: [&mut [T]; 1]) {
        let [learning_rate, momentum, decay] = [self.learning_rate, self.momentum, self.weight_decay].map(T::from_f64);
        for ((w, &g), b) in values.iter_mut().zip(gradients).zip(velocity) {
            let g = g + decay * *w;
            *b = drop_below(T::MIN_POSITIVE, momentum * *b + g);
            let direction = if self.nesterov { g + momentum * *b } else { *b };
            *w = *w - learning_rate * direction;
        }
    }
}

impl fmt::Debug for Sgd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_debug(f, "Sgd", &self.params, &self.config)
    }
}

impl Optimiser for Sgd {
    fn params(&self) -> &[Param] {
        &self.params
    }

    #[track_caller]
    fn step(&mut self, gradients: &Gradients) {
        match &mut self.velocity {
            None => fused::step(&self.params, gradients, [], &self.config),
            Some(velocity) => fused::step(&self.params, gradients, [velocity], &self.config),
        }
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        check("Sgd", "learning_rate", learning_rate, f64::INFINITY);
        self.config.learning_rate = learning_rate;
    }

    fn state(&self) -> Dictionary {
        let mut state = Dictionary::new();
        if let Some(velocity) = &self.velocity {
            put(&mut state, "momentum_buffer", &self.params, velocity);
        }
        state
    }

    fn load_state(&mut self, state: &Dictionary) -> Result<(), String> {
        if let Some(velocity) = &mut self.velocity {
            let saved = get(state, "momentum_buffer", &self.params)?;
            only(state, self.params.len(), "optimiser")?;
            *velocity = saved;
        } else if let Some(name) = state.keys().next() {
            return Err(format!(
                "there is `{name}`, gradient descent without momentum has no state"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::goes_on_from_its_state;
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

    #[test]
    fn a_saved_velocity_goes_on_as_if_nothing_had_happened() {
        let momentum = SgdConfig {
            momentum: 0.9,
            ..SgdConfig::default()
        };
        goes_on_from_its_state(|params| Sgd::new(params, momentum));
    }

    #[test]
    fn without_momentum_there_is_no_state() {
        let w = Param::new(Tensor::from([1.0]));
        w.set_name("w");
        let sgd = |momentum| {
            Sgd::new(
                [w.clone()],
                SgdConfig {
                    momentum,
                    ..SgdConfig::default()
                },
            )
        };
        assert!(sgd(0.9).state().keys().eq(["w.momentum_buffer"]));
        assert!(sgd(0.0).state().is_empty());
        assert_eq!(sgd(0.0).load_state(&sgd(0.0).state()), Ok(()));
        assert_eq!(
            sgd(0.0).load_state(&sgd(0.9).state()),
            Err("there is `w.momentum_buffer`, gradient descent without momentum has no state".to_owned())
        );
        assert_eq!(
            sgd(0.9).load_state(&sgd(0.0).state()),
            Err("`w.momentum_buffer` is missing".to_owned())
        );
    }
}
