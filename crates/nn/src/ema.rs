//! The moving average of a model's parameters, which often draws better samples than the parameters themselves.

#[cfg(test)]
mod tests;

use crate::dictionary::{Dictionary, counter, get_counter, get_tensor, only};
use crate::module::{self, Entry, Module};
use crate::pass::for_each_stretch;
use std::marker::PhantomData;
use tensor_core::kernels::Float;
use tensor_core::{DType, Shape, Tensor};

/// The name of the count in the state, as in PyTorch's `AveragedModel`.
const COUNT: &str = "n_averaged";

/// An exponential moving average of a module's parameters: s ← s + (1 - d) (w - s) after each step, with the decay d. It starts as the
/// parameters are.
///
/// Buffers are copied as they are, as PyTorch's `AveragedModel` does by default: running statistics are moving averages already, and would lag
/// behind twice; counters and indices have no mean.
///
/// ```
/// use nn::{Context, Ema, Layer, Linear};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let model = Linear::new(1, 1, &mut random.stream("init"));
/// model.weight.set(&Tensor::from([[1.0]]));
/// let mut ema = Ema::new(&model, 0.75);
/// model.weight.set(&Tensor::from([[5.0]])); // what a step of an optimiser does
/// ema.update(&model);
/// {
///     let _applied = ema.apply_to(&model);
///     assert_eq!(model.weight.tensor().item(), 2.0); // 1 + 0.25 · (5 - 1): evaluate and sample here
/// }
/// assert_eq!(model.weight.tensor().item(), 5.0); // training goes on
/// ```
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f64,
    warm_up: bool,
    /// How many values of the module are in the average. The first is the one with which it started.
    averaged: u32,
    /// In the order of the module's walk.
    shadows: Vec<Shadow>,
}

/// What the average has of one entry of the module.
#[derive(Clone, Debug)]
struct Shadow {
    name: String,
    value: Tensor,
    /// Parameters are averaged, buffers copied.
    is_param: bool,
}

impl Shadow {
    fn new((name, entry): (String, Entry)) -> Shadow {
        Shadow {
            name,
            value: entry.tensor(),
            is_param: matches!(entry, Entry::Param(_)),
        }
    }

    /// The name in the state, as PyTorch's `AveragedModel` has it.
    fn saved_name(&self) -> String {
        format!("module.{}", self.name)
    }
}

impl Ema {
    /// The average of one value: the present one.
    ///
    /// # Panics
    /// If the decay is not between 0 and 1.
    #[track_caller]
    pub fn new(module: &(impl Module + ?Sized), decay: f64) -> Ema {
        assert!(
            (0.0..=1.0).contains(&decay),
            "the decay of an average is between 0 and 1, not {decay}"
        );
        Ema {
            decay,
            warm_up: false,
            averaged: 1,
            shadows: shadows(module),
        }
    }

    /// The same with a smaller decay at first, so that the beginning is soon forgotten: update t, from 0, has min(d, (1 + t) / (10 + t)). That is
    /// the rule of TensorFlow's `ExponentialMovingAverage` with `num_updates`.
    ///
    /// ```
    /// use nn::{Ema, Linear};
    /// let model = Linear::new(1, 1, &mut tensor_core::Random::new(0));
    /// let mut ema = Ema::new(&model, 0.25).with_warm_up();
    /// let mut decays = Vec::new();
    /// for _ in 0..4 {
    ///     decays.push(ema.decay());
    ///     ema.update(&model);
    /// }
    /// assert_eq!(decays, [1.0 / 10.0, 2.0 / 11.0, 0.25, 0.25]); // (1 + t) / (10 + t) as long as that is less
    /// ```
    #[must_use]
    pub fn with_warm_up(self) -> Ema {
        Ema { warm_up: true, ..self }
    }

    /// The decay of the next update.
    pub fn decay(&self) -> f64 {
        let updates = f64::from(self.averaged - 1);
        match self.warm_up {
            true => self.decay.min((1.0 + updates) / (10.0 + updates)),
            false => self.decay,
        }
    }

    /// Takes the present values in. Called after each step.
    ///
    /// ```
    /// use nn::{Ema, Linear};
    /// use tensor_core::{Random, Tensor};
    /// let model = Linear::new(1, 1, &mut Random::new(0)).without_bias();
    /// model.weight.set(&Tensor::from([[8.0]]));
    /// let mut ema = Ema::new(&model, 0.5);
    /// let mut averages = Vec::new();
    /// for _ in 0..3 {
    ///     model.weight.set(&Tensor::from([[0.0]]));
    ///     ema.update(&model);
    ///     averages.push(ema.state()["module.weight"].item());
    /// }
    /// assert_eq!(averages, [4.0, 2.0, 1.0]); // half of the way to 0 each time
    /// ```
    ///
    /// # Panics
    /// If the module has other names, shapes or types than the one that the average was made of.
    #[track_caller]
    pub fn update(&mut self, module: &(impl Module + ?Sized)) {
        let present = shadows(module);
        self.check_fit(&present);
        let rest = 1.0 - self.decay();
        blend::<f32>(&mut self.shadows, &present, rest);
        blend::<f64>(&mut self.shadows, &present, rest);
        for (shadow, present) in self.shadows.iter_mut().zip(present) {
            if !shadow.is_param {
                *shadow = present;
            }
        }
        self.averaged = self.averaged.saturating_add(1);
    }

    /// Puts the averages into the module, until the guard is dropped: then it gets back the values that it has now. Nothing is copied.
    ///
    /// What changes in the module meanwhile is lost. So it is for evaluating, sampling and saving, not for training.
    ///
    /// ```
    /// use nn::{Context, Ema, Layer, Linear};
    /// use tensor_core::{Random, Tensor};
    /// let random = &mut Random::new(0);
    /// let (model, mut cx) = (Linear::new(1, 1, random).without_bias(), Context::evaluation(random));
    /// model.weight.set(&Tensor::from([[2.0]]));
    /// let ema = Ema::new(&model, 0.5);
    /// model.weight.set(&Tensor::from([[6.0]]));
    /// let mut of_three = || model.forward(&Tensor::from([[3.0]]), &mut cx).item();
    /// assert_eq!(of_three(), 18.0);
    /// let applied = ema.apply_to(&model);
    /// assert_eq!(of_three(), 6.0);
    /// model.weight.set(&Tensor::from([[100.0]])); // lost
    /// drop(applied);
    /// assert_eq!(of_three(), 18.0);
    /// ```
    ///
    /// # Panics
    /// If the module has other names, shapes or types than the one that the average was made of, or averages are in it already.
    #[track_caller]
    pub fn apply_to(&self, module: &(impl Module + ?Sized)) -> Applied<'_> {
        self.check_fit(&shadows(module));
        // Grows as values are replaced: a panic half-way undoes what was done.
        let mut applied = Applied {
            before: Vec::new(),
            ema: PhantomData,
        };
        for ((name, entry), shadow) in module::entries(module).into_iter().zip(&self.shadows) {
            if let Entry::Param(param) = &entry {
                // Of two guards, the one that is dropped last would put back the averages of the other.
                assert!(
                    !param.set_replaced(true),
                    "apply_to: an average is in `{name}` already\n  hint: drop the guard of the first `apply_to` before the second"
                );
            }
            let before = entry.tensor();
            entry.set(&shadow.value);
            applied.before.push((entry, before));
        }
        applied
    }

    #[track_caller]
    fn check_fit(&self, present: &[Shadow]) {
        const MESSAGE: &str = "the module is not the one of the average";
        fn facts(shadow: &Shadow) -> (&str, DType, Shape) {
            (&shadow.name, shadow.value.dtype(), shadow.value.shape())
        }
        for (ours, theirs) in self.shadows.iter().zip(present) {
            let ((name, dtype, shape), (other, other_dtype, other_shape)) = (facts(ours), facts(theirs));
            assert!(
                facts(ours) == facts(theirs),
                "{MESSAGE}: that has `{name}` {dtype} {shape}, this `{other}` {other_dtype} {other_shape}"
            );
        }
        let (ours, theirs) = (self.shadows.len(), present.len());
        assert!(
            ours == theirs,
            "{MESSAGE}: that has {ours} parameters and buffers, this {theirs}"
        );
    }

    /// The averages under the names that PyTorch's `AveragedModel` gives them, `module.encoder.0.weight` and so on, with their count,
    /// `n_averaged`.
    ///
    /// ```
    /// use nn::{Ema, Linear};
    /// use tensor_core::{Random, Tensor};
    /// let model = Linear::new(1, 1, &mut Random::new(0)).without_bias();
    /// model.weight.set(&Tensor::from([[8.0]]));
    /// let state = Ema::new(&model, 0.5).state();
    /// assert_eq!((state["module.weight"].item(), state["n_averaged"].item()), (8.0, 1.0));
    ///
    /// model.weight.set(&Tensor::from([[0.0]]));
    /// let mut other = Ema::new(&model, 0.5);
    /// other.load_state(&state)?;
    /// other.update(&model);
    /// assert_eq!(other.state()["module.weight"].item(), 4.0); // 8 + 0.5 · (0 - 8)
    /// # Ok::<(), String>(())
    /// ```
    pub fn state(&self) -> Dictionary {
        let shadows = self.shadows.iter();
        let mut state: Dictionary = shadows
            .map(|shadow| (shadow.saved_name(), shadow.value.clone()))
            .collect();
        state.insert(COUNT.to_owned(), counter(self.averaged));
        state
    }

    /// Puts back what [`Ema::state`] gave. The decay and its warm-up are those of this average.
    ///
    /// # Errors
    /// If a name is missing or a shape differs; nothing has changed then.
    pub fn load_state(&mut self, state: &Dictionary) -> Result<(), String> {
        let averaged = get_counter(state, COUNT)?;
        if averaged == 0 {
            return Err(format!("`{COUNT}` is 0: an average has one value at least"));
        }
        let read = |shadow: &Shadow| {
            let (shape, dtype) = (shadow.value.shape(), shadow.value.dtype());
            get_tensor(state, &shadow.saved_name(), "average", shape, dtype)
        };
        let values: Vec<Tensor> = self.shadows.iter().map(read).collect::<Result<_, _>>()?;
        only(state, 1 + self.shadows.len(), "average")?;
        for (shadow, value) in self.shadows.iter_mut().zip(values) {
            shadow.value = value;
        }
        self.averaged = averaged;
        Ok(())
    }
}

/// The averages are in the module for as long as this lives; see [`Ema::apply_to`].
#[must_use = "the averages leave the module when the guard is dropped"]
pub struct Applied<'a> {
    before: Vec<(Entry, Tensor)>,
    /// Borrowed, so that no update takes the averages themselves in.
    ema: PhantomData<&'a Ema>,
}

impl Drop for Applied<'_> {
    fn drop(&mut self) {
        for (entry, value) in &self.before {
            entry.set(value);
            if let Entry::Param(param) = entry {
                param.set_replaced(false);
            }
        }
    }
}

/// The present values of a module.
fn shadows(module: &(impl Module + ?Sized)) -> Vec<Shadow> {
    module::entries(module).into_iter().map(Shadow::new).collect()
}

/// s ← s + rest · (w - s), for the parameters of type `T`.
fn blend<T: Float>(shadows: &mut [Shadow], present: &[Shadow], rest: f64) {
    let rest = T::from_f64(rest);
    let is_own = |shadow: &Shadow| shadow.is_param && shadow.value.dtype() == T::DTYPE;
    let present = present.iter().filter(|shadow| is_own(shadow));
    let present: Vec<Tensor> = present.map(|shadow| shadow.value.dense()).collect();
    let shadows = shadows.iter_mut().filter(|shadow| is_own(shadow));
    for_each_stretch(
        shadows.map(|shadow| shadow.value.as_mut_slice::<T>()).collect(),
        [present.iter().map(Tensor::as_slice).collect()],
        [],
        |averages, [values], []| {
            for (s, &w) in averages.iter_mut().zip(values) {
                *s = *s + rest * (w - *s);
            }
        },
    );
}
