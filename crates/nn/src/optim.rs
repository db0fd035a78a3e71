//! Optimisers: what turns gradients into steps.

mod adagrad;
mod adam;
mod fused;
mod rmsprop;
mod sgd;

pub use adagrad::{Adagrad, AdagradConfig};
pub use adam::{Adam, AdamConfig};
pub use rmsprop::{RmsProp, RmsPropConfig};
pub use sgd::{Sgd, SgdConfig};

use crate::cell::Param;
use crate::dictionary::{Dictionary, get_tensor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use tensor_core::{Gradients, Tensor};

/// Something that moves parameters along their gradients.
///
/// ```
/// use nn::{Optimiser, Param};
/// use std::collections::BTreeMap;
/// use tensor_core::{Gradients, Tensor};
///
/// /// w ← w - α sign(g), without momentum: a step of α, however long the gradient is.
/// struct SignDescent {
///     params: Vec<Param>,
///     learning_rate: f64,
/// }
///
/// impl Optimiser for SignDescent {
///     fn params(&self) -> &[Param] {
///         &self.params
///     }
///     fn step(&mut self, gradients: &Gradients) {
///         for param in &self.params {
///             let gradient = gradients.get(param).expect("each parameter has a gradient");
///             param.set(&(param.tensor() - gradient.sign() * self.learning_rate));
///         }
///     }
///     fn learning_rate(&self) -> f64 {
///         self.learning_rate
///     }
///     fn set_learning_rate(&mut self, learning_rate: f64) {
///         self.learning_rate = learning_rate;
///     }
///     fn state(&self) -> BTreeMap<String, Tensor> {
///         BTreeMap::new() // no moments
///     }
///     fn load_state(&mut self, _: &BTreeMap<String, Tensor>) -> Result<(), String> {
///         Ok(())
///     }
/// }
///
/// let w = Param::new(Tensor::from([3.0, -1.0]));
/// let mut optimiser = SignDescent { params: vec![w.clone()], learning_rate: 0.5 };
/// let (loss, gradients) = w.tensor().sqr().sum(..).value_and_grad(optimiser.params());
/// assert_eq!((loss, gradients.get(&w).unwrap().to_vec::<f32>()), (10.0, vec![6.0, -2.0])); // 2 w
/// optimiser.step(&gradients);
/// assert_eq!(w.tensor().to_vec::<f32>(), [2.5, -0.5]);
/// optimiser.set_learning_rate(0.25);
/// optimiser.step(&gradients);
/// assert_eq!(w.tensor().to_vec::<f32>(), [2.25, -0.25]);
/// ```
pub trait Optimiser: Send {
    /// The parameters that it holds, in the order of its state.
    fn params(&self) -> &[Param];

    /// One step. The gradients are those of this optimiser's parameters.
    ///
    /// # Panics
    /// If a parameter that the optimiser holds has no gradient among them, or is not of the type that it had when the optimiser was made: the message
    /// has its name.
    #[track_caller]
    fn step(&mut self, gradients: &Gradients);

    /// The factor of the next step.
    fn learning_rate(&self) -> f64;

    /// Changes the factor, as a [`Schedule`](crate::Schedule) does.
    ///
    /// # Panics
    /// If it is not a number from 0 up.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The moments and counters by name, to save them.
    fn state(&self) -> BTreeMap<String, Tensor>;

    /// Puts back what [`Optimiser::state`] gave.
    ///
    /// # Errors
    /// If a name is missing or a shape differs; nothing has changed then.
    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), String>;
}

/// Refuses a constant outside [0, `end`).
#[track_caller]
fn check(optimiser: &str, field: &str, value: f64, end: f64) {
    assert!(
        (0.0..end).contains(&value),
        "{optimiser}: {field} is {value}, outside [0, {end})"
    );
}

/// Prints an optimiser: its parameters and its constants, without the moments.
fn write_debug(f: &mut fmt::Formatter<'_>, kind: &str, params: &[Param], config: &dyn fmt::Debug) -> fmt::Result {
    let mut text = f.debug_struct(kind);
    text.field("params", &params)
        .field("config", config)
        .finish_non_exhaustive()
}

/// The parameters that an optimiser holds: each cell once, also where two modules share it.
fn distinct(params: impl IntoIterator<Item = Param>) -> Vec<Param> {
    let mut seen = HashSet::new();
    params.into_iter().filter(|param| seen.insert(param.id())).collect()
}

/// One tensor of zeros for each parameter.
fn zeros(params: &[Param]) -> Vec<Tensor> {
    params.iter().map(|param| param.tensor().zeros_like()).collect()
}

/// Adds the tensors of one kind of moment to a state, under `parameter.kind`.
///
/// # Panics
/// If two parameters have the same name, so that one's moments would be lost.
fn put(state: &mut Dictionary, kind: &str, params: &[Param], moments: &[Tensor]) {
    for (param, moment) in params.iter().zip(moments) {
        let other = state.insert(format!("{}.{kind}", param.name()), moment.clone());
        assert!(
            other.is_none(),
            "state: two parameters are called `{}`; module::name gives each its own",
            param.name()
        );
    }
}

/// Reads the tensors of one kind of moment from a state.
fn get(state: &Dictionary, kind: &str, params: &[Param]) -> Result<Vec<Tensor>, String> {
    let moment = |param: &Param| {
        let name = format!("{}.{kind}", param.name());
        get_tensor(state, &name, "parameter", param.shape(), param.dtype())
    };
    params.iter().map(moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use tensor_core::{DType, Tensor};

    /// A step with this gradient.
    fn step(optimiser: &mut dyn Optimiser, gradient: f64) {
        let w = optimiser.params()[0].clone();
        let (_, gradients) = (w.tensor() * gradient).sum(..).value_and_grad([&w]);
        optimiser.step(&gradients);
    }

    #[test]
    fn moments_without_gradients_fall_to_zero() {
        let w = || [Param::new(Tensor::from([1.0, -2.0]))];
        let adam = AdamConfig {
            betas: (0.9, 0.9),
            ..AdamConfig::default()
        };
        let sgd = SgdConfig {
            momentum: 0.9,
            ..SgdConfig::default()
        };
        let rmsprop = RmsPropConfig {
            alpha: 0.9,
            momentum: 0.9,
            ..RmsPropConfig::default()
        };
        let optimisers: [Box<dyn Optimiser>; 3] = [
            Box::new(Adam::new(w(), adam)),
            Box::new(Sgd::new(w(), sgd)),
            Box::new(RmsProp::new(w(), rmsprop)),
        ];
        for mut optimiser in optimisers {
            let moments = |optimiser: &dyn Optimiser| -> Vec<f32> {
                let state = optimiser.state().into_iter();
                let moments = state.filter(|(_, value)| value.dtype() == DType::F32);
                moments.flat_map(|(_, value)| value.to_vec::<f32>()).collect()
            };
            step(&mut *optimiser, -1e-3);
            let first = moments(&*optimiser);
            assert!(first.len() >= 2 && first.iter().all(|m| *m != 0.0), "{first:?}");
            for _ in 0..1200 {
                step(&mut *optimiser, 0.0);
            }
            let last = moments(&*optimiser);
            assert!(
                last.iter().all(|m| *m == 0.0),
                "0.9 times the smallest number is that number: {last:?}"
            );
        }
    }

    #[test]
    fn a_centred_variance_is_not_negative_where_gradients_vanish() {
        for size in [1e-16, 1e-17, 1e-18, 1e-20] {
            let w = Param::new(Tensor::from([1.0]));
            let config = RmsPropConfig {
                centered: true,
                ..RmsPropConfig::default()
            };
            let mut rmsprop = RmsProp::new([w.clone()], config);
            for i in 0..2000 {
                let sign = if i % 2 == 0 { size } else { -0.5 * size };
                step(&mut rmsprop, if i < 50 { sign } else { 0.0 });
            }
            assert_relative_eq!(w.tensor().item(), 1.0, max_relative = 1e-6);
        }
    }

    #[test]
    fn a_mean_square_that_is_seen_beside_epsilon_stays() {
        // Its root is 3e-21, g is 1e-20: a step of Adam goes α, as always at first.
        let w = Param::new(Tensor::from([1.0]));
        let config = AdamConfig {
            eps: 0.0,
            betas: (0.9, 0.9),
            ..AdamConfig::default()
        };
        let mut adam = Adam::new([w.clone()], config);
        step(&mut adam, 1e-20);
        assert_relative_eq!(w.tensor().item(), 1.0 - 1e-3, max_relative = 1e-6);
    }

    fn refusal(run: impl FnOnce()) -> String {
        *catch_unwind(AssertUnwindSafe(run)).unwrap_err().downcast().unwrap()
    }

    #[test]
    fn constants_outside_their_ranges_are_refused() {
        let adam = |change: fn(&mut AdamConfig)| {
            let mut config = AdamConfig::default();
            change(&mut config);
            refusal(|| drop(Adam::new([], config)))
        };
        assert_eq!(
            adam(|c| c.learning_rate = -0.1),
            "Adam: learning_rate is -0.1, outside [0, inf)"
        );
        assert_eq!(adam(|c| c.betas.0 = 1.0), "Adam: betas.0 is 1, outside [0, 1)");
        assert_eq!(adam(|c| c.betas.1 = f64::NAN), "Adam: betas.1 is NaN, outside [0, 1)");
        assert_eq!(adam(|c| c.eps = -1e-8), "Adam: eps is -0.00000001, outside [0, inf)");
        assert_eq!(
            adam(|c| c.weight_decay = f64::INFINITY),
            "Adam: weight_decay is inf, outside [0, inf)"
        );

        let sgd = |change: fn(&mut SgdConfig)| {
            let mut config = SgdConfig::default();
            change(&mut config);
            refusal(|| drop(Sgd::new([], config)))
        };
        assert_eq!(
            sgd(|c| c.learning_rate = f64::NAN),
            "Sgd: learning_rate is NaN, outside [0, inf)"
        );
        assert_eq!(sgd(|c| c.momentum = -0.9), "Sgd: momentum is -0.9, outside [0, inf)");
        assert_eq!(
            sgd(|c| c.weight_decay = -1.0),
            "Sgd: weight_decay is -1, outside [0, inf)"
        );
        assert_eq!(
            sgd(|c| c.nesterov = true),
            "Sgd: nesterov needs a momentum above 0, it is 0"
        );

        let rmsprop = |change: fn(&mut RmsPropConfig)| {
            let mut config = RmsPropConfig::default();
            change(&mut config);
            refusal(|| drop(RmsProp::new([], config)))
        };
        assert_eq!(
            rmsprop(|c| c.learning_rate = -1.0),
            "RmsProp: learning_rate is -1, outside [0, inf)"
        );
        assert_eq!(rmsprop(|c| c.alpha = 1.0), "RmsProp: alpha is 1, outside [0, 1)");
        assert_eq!(rmsprop(|c| c.eps = -1.0), "RmsProp: eps is -1, outside [0, inf)");
        assert_eq!(
            rmsprop(|c| c.momentum = -1.0),
            "RmsProp: momentum is -1, outside [0, inf)"
        );
        assert_eq!(
            rmsprop(|c| c.weight_decay = -1.0),
            "RmsProp: weight_decay is -1, outside [0, inf)"
        );

        let adagrad = |change: fn(&mut AdagradConfig)| {
            let mut config = AdagradConfig::default();
            change(&mut config);
            refusal(|| drop(Adagrad::new([], config)))
        };
        assert_eq!(
            adagrad(|c| c.learning_rate = -1.0),
            "Adagrad: learning_rate is -1, outside [0, inf)"
        );
        assert_eq!(
            adagrad(|c| c.lr_decay = -1.0),
            "Adagrad: lr_decay is -1, outside [0, inf)"
        );
        assert_eq!(adagrad(|c| c.eps = -1.0), "Adagrad: eps is -1, outside [0, inf)");
        assert_eq!(
            adagrad(|c| c.initial_accumulator_value = -1.0),
            "Adagrad: initial_accumulator_value is -1, outside [0, inf)"
        );
        assert_eq!(
            adagrad(|c| c.weight_decay = -1.0),
            "Adagrad: weight_decay is -1, outside [0, inf)"
        );
    }

    #[test]
    fn a_learning_rate_that_is_set_is_checked_too() {
        let optimisers: [(&str, Box<dyn Optimiser>); 4] = [
            ("Sgd", Box::new(Sgd::new([], SgdConfig::default()))),
            ("Adam", Box::new(Adam::new([], AdamConfig::default()))),
            ("RmsProp", Box::new(RmsProp::new([], RmsPropConfig::default()))),
            ("Adagrad", Box::new(Adagrad::new([], AdagradConfig::default()))),
        ];
        for (name, mut optimiser) in optimisers {
            let message = refusal(|| optimiser.set_learning_rate(-1.0));
            assert_eq!(message, format!("{name}: learning_rate is -1, outside [0, inf)"));
            optimiser.set_learning_rate(0.0);
            assert_eq!(optimiser.learning_rate(), 0.0);
        }
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::testing::panic_of;

    /// Five steps in F64 as PyTorch makes them:
    ///
    /// ```python
    /// w = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
    /// c = torch.tensor([0.5, 1.0, 3.0])
    /// for _ in range(5):
    ///     optimiser.zero_grad(); (c * w.tanh()).sum().backward(); optimiser.step()
    /// ```
    ///
    /// The optimiser is given the cell twice, as by two modules that share it: it is to hold it once.
    pub(super) fn five_steps<O: Optimiser>(make: impl FnOnce([Param; 2]) -> O) -> Vec<f64> {
        let w = Param::new(Tensor::from_slice(&[1.0, -2.0, 0.5], [3]));
        let mut optimiser = make([w.clone(), w.clone()]);
        for _ in 0..5 {
            optimiser.step(&gradients_of(&w));
        }
        w.tensor().to_vec()
    }

    /// Asserts that a run whose optimiser is saved and loaded half-way is the run that was not interrupted.
    pub(super) fn goes_on_from_its_state<O: Optimiser>(make: impl Fn([Param; 2]) -> O) {
        let wanted = five_steps(&make);
        let w = Param::new(Tensor::from_slice(&[1.0, -2.0, 0.5], [3]));
        let mut first = make([w.clone(), w.clone()]);
        for _ in 0..2 {
            first.step(&gradients_of(&w));
        }
        let mut second = make([w.clone(), w.clone()]);
        second.load_state(&first.state()).unwrap();
        for _ in 0..3 {
            second.step(&gradients_of(&w));
        }
        assert_eq!(w.tensor().to_vec::<f64>(), wanted);
        assert!(
            second
                .load_state(&Dictionary::new())
                .unwrap_err()
                .ends_with("is missing")
        );
    }

    #[test]
    fn gradients_of_other_parameters_are_refused_at_the_users_line() {
        let (w, other) = (Param::new(Tensor::from([1.0])), Param::new(Tensor::from([[1.0, 2.0]])));
        let (_, gradients) = w.tensor().sum(..).value_and_grad([&w]);
        let optimisers: [Box<dyn Optimiser>; 4] = [
            Box::new(Sgd::new([other.clone()], SgdConfig::default())),
            Box::new(Adam::new([other.clone()], AdamConfig::default())),
            Box::new(RmsProp::new([other.clone()], RmsPropConfig::default())),
            Box::new(Adagrad::new([other.clone()], AdagradConfig::default())),
        ];
        for mut optimiser in optimisers {
            let (line, (message, at)) = (line!(), panic_of(|| optimiser.step(&gradients)));
            assert_eq!(at, (file!().to_owned(), line));
            let wanted = "step: the gradients are not those of an unnamed parameter of shape [1, 2] (module::name gives names), \
                          which the optimiser holds\n  hint: optimiser.params() is what to ask gradients for";
            assert_eq!(message, wanted);
        }
        other.set_name("w");
        let mut sgd = Sgd::new([other], SgdConfig::default());
        let (message, at) = panic_of(|| sgd.step(&gradients));
        assert_eq!(at.0, file!());
        assert!(
            message.starts_with("step: the gradients are not those of `w` [1, 2], which the optimiser holds"),
            "{message}"
        );
    }

    #[test]
    fn a_gradient_of_another_type_is_refused() {
        let w = Param::new(Tensor::from([1.0]));
        let mut sgd = Sgd::new([w.clone()], SgdConfig::default());
        let (_, mut gradients) = w.tensor().sum(..).value_and_grad([&w]);
        for (_, gradient) in gradients.iter_mut() {
            *gradient = gradient.to_dtype(tensor_core::DType::F64);
        }
        w.set_name("w");
        let (message, at) = panic_of(|| sgd.step(&gradients));
        assert_eq!(
            (at.0.as_str(), message.as_str()),
            (file!(), "step: the gradient of `w` [1] is F64, the parameter is F32")
        );
    }

    fn gradients_of(w: &Param) -> Gradients {
        let c = Tensor::from_slice(&[0.5, 1.0, 3.0], [3]);
        (c * w.tensor().tanh()).sum(..).value_and_grad([w]).1
    }
}
