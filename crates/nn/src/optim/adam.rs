//! Adam, and AdamW with its decoupled weight decay.

use super::fused::{self, Update, drop_below, least_square};
use super::{Optimiser, check, distinct, get, put, write_debug, zeros};
use crate::cell::Param;
use crate::dictionary::{Dictionary, counter, get_counter, only};
use std::fmt;
use tensor_core::kernels::Float;
use tensor_core::{Gradients, Tensor};

/// The constants of [`Adam`]. The defaults are those of Kingma & Ba (2015), algorithm 1, and of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// α: how far a step goes.
    pub learning_rate: f64,
    /// β₁ and β₂: how much of the first and the second moment is kept.
    pub betas: (f64, f64),
    /// ε: keeps the division sound.
    pub eps: f64,
    /// λ of AdamW (Loshchilov & Hutter 2019): each step first shrinks the weights by α λ. 0 makes it Adam.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> AdamConfig {
        AdamConfig {
            learning_rate: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

impl AdamConfig {
    /// Refuses constants with which no step makes sense.
    #[track_caller]
    fn check(&self) {
        check("Adam", "learning_rate", self.learning_rate, f64::INFINITY);
        check("Adam", "betas.0", self.betas.0, 1.0);
        check("Adam", "betas.1", self.betas.1, 1.0);
        check("Adam", "eps", self.eps, f64::INFINITY);
        check("Adam", "weight_decay", self.weight_decay, f64::INFINITY);
    }
}

/// Adam: m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², w ← w - α m̂ / (√v̂ + ε), where m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ).
///
/// ```
/// use nn::{Adam, AdamConfig, Optimiser, Param};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0]));
/// let mut adam = Adam::new([w.clone()], AdamConfig { learning_rate: 0.1, ..AdamConfig::default() });
/// let (_, grads) = (w.tensor() * 5.0).sum(..).value_and_grad(adam.params());
/// adam.step(&grads);
/// assert_eq!(w.tensor().item(), f64::from(1.0 - 0.1f32)); // the first step has length α, whatever the gradient
/// ```
pub struct Adam {
    params: Vec<Param>,
    config: AdamConfig,
    steps: u32,
    /// The first and the second moment of each parameter.
    moments: [Vec<Tensor>; 2],
}

impl Adam {
    /// An optimiser of these parameters.
    ///
    /// # Panics
    /// If a constant is negative, infinite or NaN, or a β is not below 1.
    #[track_caller]
    pub fn new(params: impl IntoIterator<Item = Param>, config: AdamConfig) -> Adam {
        config.check();
        let params = distinct(params);
        Adam {
            moments: [zeros(&params), zeros(&params)],
            params,
            config,
            steps: 0,
        }
    }
}

/// One step with its corrections worked out.
struct AdamUpdate {
    betas: (f64, f64),
    /// α / (1 - β₁ᵗ)
    step_size: f64,
    /// 1 / √(1 - β₂ᵗ): to multiply by, since the two divisions and the root of each element would take longer than its bytes.
    root_correction: f64,
    eps: f64,
    /// 1 - α λ
    shrink: f64,
}

impl Update<2> for AdamUpdate {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], [first, second]: [&mut [T]; 2]) {
        let [beta1, beta2, keep1, keep2] =
            [self.betas.0, self.betas.1, 1.0 - self.betas.0, 1.0 - self.betas.1].map(T::from_f64);
        let [step_size, root_correction, eps, shrink] =
            [self.step_size, self.root_correction, self.eps, self.shrink].map(T::from_f64);
        let least_square = least_square(root_correction, eps);
        // Zipped, so that the compiler sees equal lengths and uses vectors.
        for (((w, &g), m), v) in values.iter_mut().zip(gradients).zip(first).zip(second) {
            *m = drop_below(T::MIN_POSITIVE, beta1 * *m + keep1 * g);
            *v = drop_below(least_square, beta2 * *v + keep2 * g * g);
            *w = *w * shrink - step_size * *m / (v.sqrt() * root_correction + eps);
        }
    }
}

impl fmt::Debug for Adam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_debug(f, "Adam", &self.params, &self.config)
    }
}

impl Optimiser for Adam {
    fn params(&self) -> &[Param] {
        &self.params
    }

    #[track_caller]
    fn step(&mut self, gradients: &Gradients) {
        let steps = self.steps + 1;
        let AdamConfig {
            learning_rate,
            betas,
            eps,
            weight_decay,
        } = self.config;
        let update = AdamUpdate {
            betas,
            step_size: learning_rate / (1.0 - betas.0.powi(steps as i32)),
            root_correction: (1.0 - betas.1.powi(steps as i32)).sqrt().recip(),
            eps,
            shrink: 1.0 - learning_rate * weight_decay,
        };
        fused::step(&self.params, gradients, self.moments.each_mut(), &update);
        self.steps = steps;
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        check("Adam", "learning_rate", learning_rate, f64::INFINITY);
        self.config.learning_rate = learning_rate;
    }

    fn state(&self) -> Dictionary {
        let mut state = Dictionary::from([("steps".to_owned(), counter(self.steps))]);
        put(&mut state, "exp_avg", &self.params, &self.moments[0]);
        put(&mut state, "exp_avg_sq", &self.params, &self.moments[1]);
        state
    }

    fn load_state(&mut self, state: &Dictionary) -> Result<(), String> {
        let steps = get_counter(state, "steps")?;
        let moments = [
            get(state, "exp_avg", &self.params)?,
            get(state, "exp_avg_sq", &self.params)?,
        ];
        only(state, 1 + 2 * self.params.len(), "optimiser")?;
        self.moments = moments;
        self.steps = steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::five_steps;
    use super::*;
    use approx::assert_relative_eq;
    use tensor_core::DType;

    /// Steps on the loss Σ c w² / 2, whose gradient is c w, written out in f64.
    fn by_hand(start: f64, c: f64, config: AdamConfig, steps: i32) -> f64 {
        let (mut w, mut m, mut v) = (start, 0.0, 0.0);
        for t in 1..=steps {
            let g = c * w;
            m = config.betas.0 * m + (1.0 - config.betas.0) * g;
            v = config.betas.1 * v + (1.0 - config.betas.1) * g * g;
            let m_hat = m / (1.0 - config.betas.0.powi(t));
            let v_hat = v / (1.0 - config.betas.1.powi(t));
            w -= config.learning_rate * config.weight_decay * w;
            w -= config.learning_rate * m_hat / (v_hat.sqrt() + config.eps);
        }
        w
    }

    fn by_adam(start: &Tensor, c: f64, config: AdamConfig, steps: usize) -> Tensor {
        let w = Param::new(start.clone());
        let mut adam = Adam::new([w.clone()], config);
        for _ in 0..steps {
            let (_, gradients) = (w.tensor().sqr() * (0.5 * c)).sum(..).value_and_grad(adam.params());
            adam.step(&gradients);
        }
        w.tensor().detach()
    }

    #[test]
    fn the_steps_are_those_of_the_paper() {
        let config = AdamConfig {
            learning_rate: 0.05,
            betas: (0.8, 0.95),
            eps: 1e-6,
            weight_decay: 0.1,
        };
        // Longer than two chunks, to cross their borders.
        let values: Vec<f64> = (0..40_000).map(|i| f64::from(i % 100) / 10.0 - 5.0).collect();
        let found = by_adam(&Tensor::from_slice(&values, values.len()), 0.7, config, 20).to_vec::<f64>();
        for i in [0, 1, 99, 16_383, 16_384, 39_999] {
            assert_relative_eq!(
                found[i],
                by_hand(values[i], 0.7, config, 20),
                max_relative = 1e-12,
                epsilon = 1e-13
            );
        }
        let single = Tensor::from_slice(&values, values.len()).to_dtype(DType::F32);
        let found = by_adam(&single, 0.7, config, 20).to_vec::<f32>();
        assert_relative_eq!(
            f64::from(found[99]),
            by_hand(values[99], 0.7, config, 20),
            max_relative = 1e-5
        );
    }

    /// The values that PyTorch 2.15 gives for `five_steps` with `torch.optim.AdamW([w], lr=0.1, weight_decay=0.1)`.
    #[test]
    fn the_steps_with_weight_decay_are_those_of_pytorchs_adamw() {
        let config = AdamConfig {
            learning_rate: 0.1,
            weight_decay: 0.1,
            ..AdamConfig::default()
        };
        let found = five_steps(|params| Adam::new(params, config));
        let wanted = [0.4590041650319779, -2.381097270723254, -0.01648154866100962];
        for (found, wanted) in found.iter().zip(wanted) {
            assert_relative_eq!(*found, wanted, max_relative = 1e-12);
        }
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_happened() {
        let gradient = |w: &Param| w.tensor().sqr().sum(..).value_and_grad([w]).1;
        let (a, b) = (
            Param::new(Tensor::from([1.0, -2.0])),
            Param::new(Tensor::from([1.0, -2.0])),
        );
        let mut whole = Adam::new([a.clone()], AdamConfig::default());
        let mut first = Adam::new([b.clone()], AdamConfig::default());
        for _ in 0..6 {
            whole.step(&gradient(&a));
        }
        for _ in 0..3 {
            first.step(&gradient(&b));
        }
        let mut second = Adam::new([b.clone()], AdamConfig::default());
        second.load_state(&first.state()).unwrap();
        for _ in 0..3 {
            second.step(&gradient(&b));
        }
        assert_eq!(a.tensor(), b.tensor());
        assert_eq!(
            second.load_state(&Dictionary::new()),
            Err("`steps` is missing".to_owned())
        );
    }

    #[test]
    fn a_cell_that_two_modules_share_is_held_once() {
        let w = Param::new(Tensor::from([1.0]));
        let mut adam = Adam::new([w.clone(), w.clone()], AdamConfig::default());
        assert_eq!(adam.params().len(), 1);
        let (_, gradients) = w.tensor().sum(..).value_and_grad(adam.params());
        adam.step(&gradients);
        assert_eq!(w.tensor().item(), f64::from(1.0 - 1e-3f32));
    }

    #[test]
    fn a_state_of_another_optimiser_is_refused() {
        let w = Param::new(Tensor::from([1.0]));
        w.set_name("w");
        let mut adam = Adam::new([w], AdamConfig::default());
        let mut state = adam.state();
        state.insert("v.exp_avg".to_owned(), Tensor::zeros([1]));
        assert_eq!(
            adam.load_state(&state),
            Err("there are 4 entries, the optimiser has 3".to_owned())
        );
        state.insert("steps".to_owned(), Tensor::from([f32::NAN]));
        assert_eq!(
            adam.load_state(&state),
            Err("`steps` is F32 [1], not one number of U32".to_owned())
        );
    }

    #[test]
    #[should_panic(expected = "two parameters are called `unnamed`")]
    fn a_state_in_which_moments_would_be_lost_is_not_made() {
        let [a, b] = [1.0, 2.0].map(|w| Param::new(Tensor::from([w])));
        Adam::new([a, b], AdamConfig::default()).state();
    }

    #[test]
    #[should_panic(expected = "step: the gradient of `w` [3] has shape [1]")]
    fn a_gradient_of_another_size_is_refused() {
        let w = Param::new(Tensor::ones([3]));
        w.set_name("w");
        let (_, mut gradients) = w.tensor().sum(..).value_and_grad([&w]);
        gradients
            .iter_mut()
            .for_each(|(_, gradient)| *gradient = Tensor::ones([1]));
        Adam::new([w], AdamConfig::default()).step(&gradients);
    }

    #[test]
    fn an_ordinary_step_copies_no_parameter() {
        let w = Param::new(Tensor::from([1.0, 2.0]));
        let mut adam = Adam::new([w.clone()], AdamConfig::default());
        let address = w.tensor().as_slice::<f32>().as_ptr();
        let (_, gradients) = w.tensor().exp().sum(..).value_and_grad(adam.params());
        adam.step(&gradients);
        assert_eq!(w.tensor().as_slice::<f32>().as_ptr(), address);
    }

    #[test]
    #[should_panic(expected = "step: the gradients are not those of `w` [1], which the optimiser holds")]
    fn the_gradients_of_others_are_refused() {
        let (w, other) = (Param::new(Tensor::from([1.0])), Param::new(Tensor::from([1.0])));
        w.set_name("w");
        let (_, gradients) = other.tensor().sum(..).value_and_grad([&other]);
        Adam::new([w], AdamConfig::default()).step(&gradients);
    }
}
