//! RMSprop, plain or centred, with or without momentum.

use super::fused::{self, Update, drop_below, least_square};
use super::{Optimiser, check, distinct, get, put, write_debug, zeros};
use crate::cell::Param;
use crate::dictionary::{Dictionary, only};
use std::fmt;
use tensor_core::kernels::Float;
use tensor_core::{Gradients, Tensor};

/// The constants of [`RmsProp`]. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropConfig {
    /// How far a step goes.
    pub learning_rate: f64,
    /// α: how much of the running means is kept.
    pub alpha: f64,
    /// ε: keeps the division sound.
    pub eps: f64,
    /// μ: how much of the velocity is kept. Without it, at 0, no velocity is held.
    pub momentum: f64,
    /// Whether the gradient is divided by its standard deviation (Graves 2013, eq. 38 to 45), not by its root mean square.
    pub centered: bool,
    /// λ: the gradient gets λ w added.
    pub weight_decay: f64,
}

impl Default for RmsPropConfig {
    fn default() -> RmsPropConfig {
        RmsPropConfig {
            learning_rate: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
        }
    }
}

impl RmsPropConfig {
    /// Refuses constants with which no step makes sense.
    #[track_caller]
    fn check(&self) {
        check("RmsProp", "learning_rate", self.learning_rate, f64::INFINITY);
        check("RmsProp", "alpha", self.alpha, 1.0);
        check("RmsProp", "eps", self.eps, f64::INFINITY);
        check("RmsProp", "momentum", self.momentum, f64::INFINITY);
        check("RmsProp", "weight_decay", self.weight_decay, f64::INFINITY);
    }

    /// The moments that a step needs, under PyTorch's names.
    fn moments(&self) -> Vec<&'static str> {
        let mean = self.centered.then_some("grad_avg");
        let velocity = self.has_velocity().then_some("momentum_buffer");
        ["square_avg"].into_iter().chain(mean).chain(velocity).collect()
    }

    fn has_velocity(&self) -> bool {
        self.momentum > 0.0
    }
}

/// RMSprop (Tieleman & Hinton 2012, lecture 6.5) as PyTorch has it: g ← g + λ w, v ← α v + (1 - α) g², w ← w - η g / (√v + ε).
///
/// Centred, a ← α a + (1 - α) g as well, and √(v - a²) stands for √v. (Where a gradient stays the same for very long, rounding can make v - a²
/// negative; the step is then NaN, as in PyTorch.) With momentum, b ← μ b + g / (√v + ε), w ← w - η b.
///
/// ```
/// use nn::{Optimiser, Param, RmsProp, RmsPropConfig};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0]));
/// let config = RmsPropConfig { learning_rate: 0.5, alpha: 0.75, eps: 0.0, ..RmsPropConfig::default() };
/// let mut rmsprop = RmsProp::new([w.clone()], config);
/// let (_, grads) = (w.tensor() * 4.0).sum(..).value_and_grad(rmsprop.params());
/// rmsprop.step(&grads);
/// assert_eq!(w.tensor().item(), 0.0); // v = 0.25 · 4² = 4, so w = 1 - 0.5 · 4 / 2
/// ```
pub struct RmsProp {
    params: Vec<Param>,
    config: RmsPropConfig,
    /// As [`RmsPropConfig::moments`] names them, one tensor for each parameter.
    moments: Vec<Vec<Tensor>>,
}

impl RmsProp {
    /// An optimiser of these parameters.
    ///
    /// # Panics
    /// If a constant is negative, infinite or NaN, or α is not below 1.
    #[track_caller]
    pub fn new(params: impl IntoIterator<Item = Param>, config: RmsPropConfig) -> RmsProp {
        config.check();
        let params = distinct(params);
        RmsProp {
            moments: config.moments().iter().map(|_| zeros(&params)).collect(),
            params,
            config,
        }
    }
}

/// The constants in the type of the parameters.
struct Constants<T> {
    learning_rate: T,
    alpha: T,
    rest: T,
    eps: T,
    momentum: T,
    decay: T,
    least_square: T,
}

impl<T: Float> Constants<T> {
    fn new(config: &RmsPropConfig) -> Constants<T> {
        Constants {
            learning_rate: T::from_f64(config.learning_rate),
            alpha: T::from_f64(config.alpha),
            rest: T::from_f64(1.0 - config.alpha),
            eps: T::from_f64(config.eps),
            momentum: T::from_f64(config.momentum),
            decay: T::from_f64(config.weight_decay),
            // Centred, v - a² may be seen beside a² although it is not beside ε: a v that were dropped would leave a negative number.
            least_square: match config.centered {
                true => T::ZERO,
                false => least_square(T::ONE, T::from_f64(config.eps)),
            },
        }
    }

    /// Moves one number. Inlined, so that each loop below has only the moments that it names.
    #[inline(always)]
    fn step(&self, w: &mut T, g: T, square: &mut T, mean: Option<&mut T>, velocity: Option<&mut T>) {
        let g = g + self.decay * *w;
        *square = drop_below(self.least_square, self.alpha * *square + self.rest * g * g);
        let mut variance = *square;
        if let Some(mean) = mean {
            *mean = drop_below(T::MIN_POSITIVE, *mean + self.rest * (g - *mean));
            variance = variance - *mean * *mean;
        }
        let root = variance.sqrt() + self.eps;
        match velocity {
            None => *w = *w - self.learning_rate * g / root,
            Some(velocity) => {
                *velocity = drop_below(T::MIN_POSITIVE, self.momentum * *velocity + g / root);
                *w = *w - self.learning_rate * *velocity;
            }
        }
    }
}

impl<const S: usize> Update<S> for RmsPropConfig {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], moments: [&mut [T]; S]) {
        let constants = Constants::new(self);
        let mut moments = moments.into_iter();
        let square = moments.next().expect("the mean square is always held");
        let mean = self.centered.then(|| moments.next()).flatten();
        let velocity = self.has_velocity().then(|| moments.next()).flatten();
        let places = values.iter_mut().zip(gradients).zip(square);
        match (mean, velocity) {
            (None, None) => places.for_each(|((w, &g), s)| constants.step(w, g, s, None, None)),
            (Some(mean), None) => {
                let places = places.zip(mean);
                places.for_each(|(((w, &g), s), a)| constants.step(w, g, s, Some(a), None));
            }
            (None, Some(velocity)) => {
                let places = places.zip(velocity);
                places.for_each(|(((w, &g), s), b)| constants.step(w, g, s, None, Some(b)));
            }
            (Some(mean), Some(velocity)) => {
                let places = places.zip(mean).zip(velocity);
                places.for_each(|((((w, &g), s), a), b)| constants.step(w, g, s, Some(a), Some(b)));
            }
        }
    }
}

impl fmt::Debug for RmsProp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_debug(f, "RmsProp", &self.params, &self.config)
    }
}

impl Optimiser for RmsProp {
    fn params(&self) -> &[Param] {
        &self.params
    }

    #[track_caller]
    fn step(&mut self, gradients: &Gradients) {
        match self.moments.as_mut_slice() {
            [a] => fused::step(&self.params, gradients, [a], &self.config),
            [a, b] => fused::step(&self.params, gradients, [a, b], &self.config),
            [a, b, c] => fused::step(&self.params, gradients, [a, b, c], &self.config),
            _ => unreachable!("there are one to three moments"),
        }
    }

    fn learning_rate(&self) -> f64 {
        self.config.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        check("RmsProp", "learning_rate", learning_rate, f64::INFINITY);
        self.config.learning_rate = learning_rate;
    }

    fn state(&self) -> Dictionary {
        let mut state = Dictionary::new();
        for (kind, moments) in self.config.moments().iter().zip(&self.moments) {
            put(&mut state, kind, &self.params, moments);
        }
        state
    }

    fn load_state(&mut self, state: &Dictionary) -> Result<(), String> {
        let kinds = self.config.moments();
        let moments: Result<_, String> = kinds.iter().map(|kind| get(state, kind, &self.params)).collect();
        let moments = moments?;
        only(state, kinds.len() * self.params.len(), "optimiser")?;
        self.moments = moments;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{five_steps, goes_on_from_its_state};
    use super::*;
    use approx::assert_relative_eq;

    fn config(momentum: f64, centered: bool) -> RmsPropConfig {
        RmsPropConfig {
            learning_rate: 0.05,
            alpha: 0.9,
            eps: 1e-6,
            momentum,
            centered,
            weight_decay: 0.1,
        }
    }

    /// The values that PyTorch 2.15 gives for `five_steps` with `torch.optim.RMSprop([w], lr=0.05, alpha=0.9, eps=1e-6, weight_decay=0.1,
    /// momentum=…, centered=…)`.
    const CASES: [(f64, bool, [f64; 3]); 4] = [
        (
            0.0,
            false,
            [0.4331376044798675, -1.6175395189140773, -0.0559194310399614],
        ),
        (
            0.0,
            true,
            [0.3413303328059943, -1.6000663585219697, -0.14142447801380198],
        ),
        (
            0.9,
            false,
            [-0.6447966567966754, -1.266529040247486, -1.0703984855238677],
        ),
        (
            0.9,
            true,
            [-0.8408030860767163, -1.2548222414573167, -1.2401171787635417],
        ),
    ];

    #[test]
    fn the_steps_are_those_of_pytorch() {
        for (momentum, centered, wanted) in CASES {
            let found = five_steps(|params| RmsProp::new(params, config(momentum, centered)));
            for (found, wanted) in found.iter().zip(wanted) {
                assert_relative_eq!(*found, wanted, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn the_steps_are_those_of_the_formula() {
        for (momentum, centered, _) in CASES {
            let config = config(momentum, centered);
            // Longer than two chunks, to cross their borders. The loss is Σ w², its gradient 2 w.
            let start: Vec<f64> = (0..40_000).map(|i| f64::from(i % 100) / 10.0 - 4.95).collect();
            let w = Param::new(Tensor::from_slice(&start, start.len()));
            let mut rmsprop = RmsProp::new([w.clone()], config);
            for _ in 0..4 {
                let (_, gradients) = w.tensor().sqr().sum(..).value_and_grad(rmsprop.params());
                rmsprop.step(&gradients);
            }
            let found = w.tensor().to_vec::<f64>();
            for i in [0, 16_383, 16_384, 39_999] {
                let (mut w, mut v, mut a, mut b) = (start[i], 0.0, 0.0, 0.0);
                for _ in 0..4 {
                    let g = 2.0 * w + config.weight_decay * w;
                    v = config.alpha * v + (1.0 - config.alpha) * g * g;
                    a = config.alpha * a + (1.0 - config.alpha) * g;
                    let root = f64::sqrt(if centered { v - a * a } else { v }) + config.eps;
                    b = momentum * b + g / root;
                    w -= config.learning_rate * b;
                }
                assert_relative_eq!(found[i], w, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_happened() {
        for (momentum, centered, _) in CASES {
            goes_on_from_its_state(|params| RmsProp::new(params, config(momentum, centered)));
        }
    }

    #[test]
    fn only_the_moments_that_a_step_needs_are_held() {
        let w = Param::new(Tensor::from([1.0]));
        w.set_name("w");
        let names = |momentum, centered| {
            RmsProp::new([w.clone()], config(momentum, centered))
                .state()
                .into_keys()
        };
        assert!(names(0.0, false).eq(["w.square_avg"]));
        assert!(names(0.9, true).eq(["w.grad_avg", "w.momentum_buffer", "w.square_avg"]));
        let centred = RmsProp::new([w.clone()], config(0.0, true)).state();
        assert_eq!(
            RmsProp::new([w.clone()], config(0.0, false)).load_state(&centred),
            Err("there are 2 entries, the optimiser has 1".to_owned())
        );
    }
}
