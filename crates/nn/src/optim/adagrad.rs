//! Adagrad: each number's step shrinks with the squares of all gradients that it has had.

use super::fused::{self, Update};
use super::{Optimiser, check, distinct, get, put, write_debug};
use crate::cell::Param;
use crate::dictionary::{Dictionary, counter, get_counter, only};
use std::fmt;
use tensor_core::kernels::Float;
use tensor_core::{Gradients, Tensor};

/// The constants of [`Adagrad`]. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradConfig {
    /// η: how far a step goes.
    pub learning_rate: f64,
    /// δ: step t, from 1, has the factor η / (1 + (t - 1) δ).
    pub lr_decay: f64,
    /// ε: keeps the division sound.
    pub eps: f64,
    /// What the sums of squares start at.
    pub initial_accumulator_value: f64,
    /// λ: the gradient gets λ w added.
    pub weight_decay: f64,
}

impl Default for AdagradConfig {
    fn default() -> AdagradConfig {
        AdagradConfig {
            learning_rate: 1e-2,
            lr_decay: 0.0,
            eps: 1e-10,
            initial_accumulator_value: 0.0,
            weight_decay: 0.0,
        }
    }
}

impl AdagradConfig {
    /// Refuses constants with which no step makes sense.
    #[track_caller]
    fn check(&self) {
        check("Adagrad", "learning_rate", self.learning_rate, f64::INFINITY);
        check("Adagrad", "lr_decay", self.lr_decay, f64::INFINITY);
        check("Adagrad", "eps", self.eps, f64::INFINITY);
        check(
            "Adagrad",
            "initial_accumulator_value",
            self.initial_accumulator_value,
            f64::INFINITY,
        );
        check("Adagrad", "weight_decay", self.weight_decay, f64::INFINITY);
    }
}

/// Adagrad (Duchi, Hazan & Singer 2011) as PyTorch has it: g ← g + λ w, s ← s + g², w ← w - η / (1 + (t - 1) δ) · g / (√s + ε).
///
/// ```
/// use nn::{Adagrad, AdagradConfig, Optimiser, Param};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0]));
/// let config = AdagradConfig { learning_rate: 0.5, initial_accumulator_value: 7.0, ..AdagradConfig::default() };
/// let mut adagrad = Adagrad::new([w.clone()], config);
/// let (_, grads) = (w.tensor() * 3.0).sum(..).value_and_grad(adagrad.params());
/// adagrad.step(&grads);
/// assert_eq!(w.tensor().item(), 0.625); // s = 7 + 3² = 16, so w = 1 - 0.5 · 3 / 4
/// ```
pub struct Adagrad {
    params: Vec<Param>,
    config: AdagradConfig,
    steps: u32,
    /// The sum of the squares of each parameter's gradients.
    sums: Vec<Tensor>,
}

impl Adagrad {
    /// An optimiser of these parameters.
    ///
    /// # Panics
    /// If a constant is negative, infinite or NaN.
    #[track_caller]
    pub fn new(params: impl IntoIterator<Item = Param>, config: AdagradConfig) -> Adagrad {
        config.check();
        let params = distinct(params);
        let start = |param: &Param| param.tensor().zeros_like() + config.initial_accumulator_value;
        Adagrad {
            sums: params.iter().map(start).collect(),
            params,
            config,
            steps: 0,
        }
    }
}

/// One step with its factor worked out.
struct AdagradUpdate {
    learning_rate: f64,
    eps: f64,
    weight_decay: f64,
}

impl Update<1> for AdagradUpdate {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], [sums]: [&mut [T]; 1]) {
        let [learning_rate, eps, decay] = [self.learning_rate, self.eps, self.weight_decay].map(T::from_f64);
        for ((w, &g), s) in values.iter_mut().zip(gradients).zip(sums) {
            let g = g + decay * *w;
            *s = *s + g * g;
            *w = *w - learning_rate * g / (s.sqrt() + eps);
        }
    }
}

impl fmt::Debug for Adagrad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_debug(f, "Adagrad", &self.params, &self.config)
    }
}

impl Optimiser for Adagrad {
    fn params(&self) -> &[Param] {
        &self.params
    }

    #[track_caller]
    fn step(&mut self, gradients: &Gradients) {
        let update = AdagradUpdate {
            learning_rate: self.config.learning_rate / (1.0 + f64::from(self.steps) * self.config.lr_decay),
            eps: self.config.eps,
            weight_decay: self.config.weight_decay,
        };
        fused::step(&self.params, gradients, [&mut self.sums], &update);
        self.steps += 1;
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        check("Adagrad", "learning_rate", learning_rate, f64::INFINITY);
        self.config.learning_rate = learning_rate;
    }

    fn state(&self) -> Dictionary {
        let mut state = Dictionary::from([("steps".to_owned(), counter(self.steps))]);
        put(&mut state, "sum", &self.params, &self.sums);
        state
    }

    fn load_state(&mut self, state: &Dictionary) -> Result<(), String> {
        let steps = get_counter(state, "steps")?;
        let sums = get(state, "sum", &self.params)?;
        only(state, 1 + self.params.len(), "optimiser")?;
        (self.steps, self.sums) = (steps, sums);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{five_steps, goes_on_from_its_state};
    use super::*;
    use approx::assert_relative_eq;

    fn config(lr_decay: f64, initial_accumulator_value: f64) -> AdagradConfig {
        AdagradConfig {
            learning_rate: 0.1,
            lr_decay,
            eps: 1e-6,
            initial_accumulator_value,
            weight_decay: 0.1,
        }
    }

    /// The values that PyTorch 2.15 gives for `five_steps` with `torch.optim.Adagrad([w], lr=0.1, lr_decay=…, eps=1e-6, weight_decay=0.1,
    /// initial_accumulator_value=…)`.
    const CASES: [(f64, f64, [f64; 3]); 2] = [
        (0.0, 0.0, [0.6626248415353415, -1.7245898614830804, 0.16431525928155732]),
        (0.1, 0.5, [0.8438426707070614, -1.929824070426743, 0.2144477944720316]),
    ];

    #[test]
    fn the_steps_are_those_of_pytorch() {
        for (lr_decay, start, wanted) in CASES {
            let found = five_steps(|params| Adagrad::new(params, config(lr_decay, start)));
            for (found, wanted) in found.iter().zip(wanted) {
                assert_relative_eq!(*found, wanted, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn the_steps_are_those_of_the_formula() {
        for (lr_decay, start, _) in CASES {
            let config = config(lr_decay, start);
            // Longer than two chunks, to cross their borders. The loss is Σ w², its gradient 2 w.
            let from: Vec<f64> = (0..40_000).map(|i| f64::from(i % 100) / 10.0 - 4.95).collect();
            let w = Param::new(Tensor::from_slice(&from, from.len()));
            let mut adagrad = Adagrad::new([w.clone()], config);
            for _ in 0..4 {
                let (_, gradients) = w.tensor().sqr().sum(..).value_and_grad(adagrad.params());
                adagrad.step(&gradients);
            }
            let found = w.tensor().to_vec::<f64>();
            for i in [0, 16_383, 16_384, 39_999] {
                let (mut w, mut s) = (from[i], start);
                for t in 1..=4 {
                    let g = 2.0 * w + config.weight_decay * w;
                    s += g * g;
                    let rate = config.learning_rate / (1.0 + f64::from(t - 1) * lr_decay);
                    w -= rate * g / (s.sqrt() + config.eps);
                }
                assert_relative_eq!(found[i], w, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_happened() {
        goes_on_from_its_state(|params| Adagrad::new(params, config(0.1, 0.5)));
    }

    #[test]
    fn the_state_has_pytorchs_names() {
        let w = Param::new(Tensor::from([1.0]));
        w.set_name("w");
        let state = Adagrad::new([w], config(0.0, 0.5)).state();
        assert!(state.keys().eq(["steps", "w.sum"]));
        assert_eq!(state["w.sum"].item(), 0.5);
    }
}
