//! A training run without files and without a loop of its own: the model, its optimisers, and the count of steps, from which all randomness
//! follows.

use crate::losses::Losses;
use crate::model::{Model, NamedOptimiser};
use nn::{Context, StateError, module, state};
use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::path::Path;
use tensor_core::{DType, Random, Tensor, no_grad, parallel_region};

/// Why a run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A parameter would silently stay as it is.
    #[error("no optimiser of `{model}` holds the parameter `{parameter}`")]
    Untrained {
        /// The model.
        model: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// A parameter would be moved twice in a step, by gradients of different losses.
    #[error("two optimisers of `{model}` hold the parameter `{parameter}`")]
    TrainedTwice {
        /// The model.
        model: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// A loss is not a finite number.
    #[error("step {step}: the loss `{loss}` is {value}")]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The loss.
        loss: &'static str,
        /// What it is.
        value: f64,
    },
    /// A number that is learnt is not finite.
    #[error("step {step}: `{name}` is not finite")]
    NotFinite {
        /// The step after which it was found, from 1.
        step: u64,
        /// The parameter or buffer, or the moment of an optimiser.
        name: String,
    },
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl TrainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            TrainError::Untrained { .. } => "give it to one, or name it in Model::frozen",
            TrainError::TrainedTwice { .. } => "give it to one of them",
            TrainError::Diverged { .. } | TrainError::NotFinite { .. } => "a smaller learning rate often helps",
            TrainError::State(StateError::Io { source, .. })
                if [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&source.kind()) =>
            {
                "make room on that disk; an earlier checkpoint, if there is one, is whole"
            }
            TrainError::State(StateError::Io { .. }) => "check that its folder exists, and that you may use it",
            TrainError::State(StateError::Format { .. }) => {
                "the checkpoint is damaged: without its folder, the one before it is used"
            }
            TrainError::State(StateError::Mismatch { .. }) => {
                "the checkpoint is that of another model or configuration"
            }
        }
    }
}

/// The state of a training run.
pub struct Trainer {
    model: Box<dyn Model>,
    optimisers: Vec<NamedOptimiser>,
    random: Random,
    steps: u64,
}

impl Trainer {
    /// A run of this model from its present parameters. All its random numbers follow from `seed`.
    ///
    /// # Errors
    /// If a parameter is neither held by an optimiser nor named as frozen, or held by two.
    pub fn new(model: Box<dyn Model>, seed: u64) -> Result<Trainer, TrainError> {
        module::name(&model);
        let optimisers = model.optimisers();
        let mut held = HashSet::new();
        for param in optimisers.iter().flat_map(|named| named.optimiser.params()) {
            if !held.insert(param.id()) {
                return Err(TrainError::TrainedTwice {
                    model: model.name(),
                    parameter: param.name(),
                });
            }
        }
        for param in module::params(&model) {
            let name = param.name();
            if !held.contains(&param.id()) && !model.frozen().contains(&name.as_str()) {
                return Err(TrainError::Untrained {
                    model: model.name(),
                    parameter: name,
                });
            }
        }
        Ok(Trainer {
            model,
            optimisers,
            random: Random::new(seed),
            steps: 0,
        })
    }

    /// The model.
    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step on a batch \[B, D\].
    ///
    /// # Errors
    /// If a loss is not finite: the run has diverged.
    pub fn step(&mut self, x: &Tensor) -> Result<Losses, TrainError> {
        let mut cx = Context::training(&self.random.stream("train").at(self.steps));
        let losses = parallel_region(|| self.model.train_step(x, &mut self.optimisers, &mut cx));
        self.steps += 1;
        match losses.not_finite() {
            None => Ok(losses),
            Some((loss, value)) => Err(TrainError::Diverged {
                step: self.steps,
                loss,
                value,
            }),
        }
    }

    /// Mean losses over batches that are not trained on. The same noise each time, so that values can be compared; training goes on as if
    /// nothing had happened.
    pub fn evaluate(&self, batches: impl IntoIterator<Item = Tensor>) -> Option<Losses> {
        let random = self.random.stream("evaluate");
        let mut parts = Vec::new();
        for (i, x) in batches.into_iter().enumerate() {
            let mut cx = Context::evaluation(&random.at(i as u64));
            let losses = parallel_region(|| no_grad(|| self.model.evaluate(&x, &mut cx)))?;
            parts.push((losses, x.size(0)));
        }
        Losses::mean(parts)
    }

    /// `n` samples, from the same noise each time, so that pictures of successive epochs can be compared.
    pub fn sample(&self, n: usize) -> Tensor {
        let mut cx = Context::evaluation(&self.random.stream("sample"));
        parallel_region(|| no_grad(|| self.model.sample(n, &mut cx)))
    }

    /// A batch as the model gives it back, if it can; from the same noise each time.
    pub fn reconstruct(&self, x: &Tensor) -> Option<Tensor> {
        let mut cx = Context::evaluation(&self.random.stream("reconstruct"));
        parallel_region(|| no_grad(|| self.model.reconstruct(x, &mut cx)))
    }

    /// Multiplies the learning rate of each optimiser by `factor`.
    pub fn scale_learning_rates(&mut self, factor: f64) {
        for NamedOptimiser { optimiser, .. } in &mut self.optimisers {
            optimiser.set_learning_rate(optimiser.learning_rate() * factor);
        }
    }

    /// Looks at everything that is learnt. A step whose gradient is not finite leaves such numbers behind, which the losses show one step later.
    ///
    /// # Errors
    /// With the first name that has a number that is not finite.
    pub fn check_finite(&self) -> Result<(), TrainError> {
        let moments = self.optimiser_state();
        let model = state::state_dict(&self.model);
        match model.iter().chain(&moments).find(|(_, tensor)| !is_finite(tensor)) {
            None => Ok(()),
            Some((name, _)) => Err(TrainError::NotFinite {
                step: self.steps,
                name: name.clone(),
            }),
        }
    }

    fn optimiser_state(&self) -> BTreeMap<String, Tensor> {
        let each = self.optimisers.iter().flat_map(|NamedOptimiser { name, optimiser }| {
            let state = optimiser.state().into_iter();
            state.map(move |(key, value)| (format!("{name}/{key}"), value))
        });
        each.collect()
    }

    /// Writes `model.safetensors` (under PyTorch's names) and `optimiser.safetensors` into a folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        state::save(&self.model, &folder.join("model.safetensors"))?;
        state::save_tensors(&self.optimiser_state(), &folder.join("optimiser.safetensors"))?;
        Ok(())
    }

    /// Reads the parameters of the model from a folder that [`Trainer::save`] wrote: what sampling and evaluating need.
    ///
    /// # Errors
    /// If the file cannot be read or does not fit the model.
    pub fn load_model(&mut self, folder: &Path) -> Result<(), TrainError> {
        state::load(&self.model, &folder.join("model.safetensors"))?;
        Ok(())
    }

    /// Reads everything that [`Trainer::save`] wrote, and goes on after `steps` steps. Nothing changes unless everything fits.
    ///
    /// # Errors
    /// If a file cannot be read or does not fit the model.
    pub fn load(&mut self, folder: &Path, steps: u64) -> Result<(), TrainError> {
        let path = folder.join("optimiser.safetensors");
        let all = state::load_tensors(&path)?;
        let mut optimisers = self.model.optimisers();
        for NamedOptimiser { name, optimiser } in &mut optimisers {
            let prefix = format!("{name}/");
            let own = all
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
            optimiser
                .load_state(&own.collect())
                .map_err(|reason| StateError::Mismatch {
                    path: path.clone(),
                    reason: format!("optimiser `{name}`: {reason}"),
                })?;
        }
        self.load_model(folder)?;
        self.optimisers = optimisers;
        self.steps = steps;
        Ok(())
    }
}

/// Whether each number is finite: of one that is not, no multiple is 0.
fn is_finite(tensor: &Tensor) -> bool {
    tensor.dtype() == DType::U32 || no_grad(|| (tensor * 0.0).sum(..).item() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn trainer(entry: &catalogue::Entry, seed: u64) -> Trainer {
        let mut settings = entry.defaults();
        for (key, value) in settings["model"].as_table_mut().unwrap() {
            if key.ends_with("hidden") {
                *value = vec![12i64, 8].into();
            }
        }
        let model = entry.build(&settings, 6, &mut Random::new(seed)).unwrap();
        Trainer::new(model, 3).unwrap()
    }

    fn steps(trainer: &mut Trainer, count: u64) -> Vec<Losses> {
        let batch = |step| Random::new(9).at(step).uniform([5, 6], DType::F32);
        (0..count)
            .map(|_| trainer.step(&batch(trainer.steps())).unwrap())
            .collect()
    }

    #[test]
    fn a_run_that_was_saved_and_loaded_is_the_run_that_was_not() {
        for entry in catalogue() {
            let folder = tempfile::tempdir().unwrap();
            let mut whole = trainer(entry, 1);
            let losses = steps(&mut whole, 6);
            let mut first = trainer(entry, 1);
            steps(&mut first, 3);
            first.save(folder.path()).unwrap();
            let mut second = trainer(entry, 2);
            second.load(folder.path(), 3).unwrap();
            assert_eq!(steps(&mut second, 3), losses[3..], "{}", entry.name);
            assert_eq!(
                state::state_dict(&second.model),
                state::state_dict(&whole.model),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_found_by_its_name() {
        for entry in catalogue() {
            let mut trainer = trainer(entry, 1);
            steps(&mut trainer, 2);
            trainer.check_finite().unwrap();
            let params = module::params(&trainer.model);
            let last = params.last().unwrap();
            let spoilt = last.tensor() * f64::INFINITY;
            last.set(&spoilt);
            let message = trainer.check_finite().unwrap_err().to_string();
            assert_eq!(message, format!("step 2: `{}` is not finite", last.name()));
        }
    }

    #[test]
    fn learning_rates_are_scaled_by_a_factor() {
        for entry in catalogue() {
            let rates = |trainer: &Trainer| -> Vec<f64> {
                trainer
                    .optimisers
                    .iter()
                    .map(|named| named.optimiser.learning_rate())
                    .collect()
            };
            let mut trainer = trainer(entry, 1);
            let before = rates(&trainer);
            trainer.scale_learning_rates(0.25);
            let quarters: Vec<f64> = before.iter().map(|rate| rate / 4.0).collect();
            assert_eq!(rates(&trainer), quarters);
        }
    }

    #[test]
    fn a_checkpoint_that_does_not_fit_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [vae, gan] = catalogue() else { panic!("two models") };
        trainer(vae, 1).save(folder.path()).unwrap();
        let mut other = trainer(gan, 1);
        let before = state::state_dict(&other.model);
        let message = other.load(folder.path(), 3).unwrap_err().to_string();
        assert!(
            message.ends_with("does not fit the model: optimiser `generator`: `steps` is missing"),
            "{message}"
        );
        assert_eq!((state::state_dict(&other.model), other.steps()), (before, 0));
    }

    #[test]
    fn looking_at_a_run_does_not_change_it() {
        for entry in catalogue() {
            let (mut watched, mut alone) = (trainer(entry, 1), trainer(entry, 1));
            let x = Random::new(4).uniform([5, 6], DType::F32);
            for _ in 0..3 {
                watched.evaluate([x.clone()]);
                watched.sample(7);
                watched.reconstruct(&x);
                assert_eq!(steps(&mut watched, 1), steps(&mut alone, 1), "{}", entry.name);
            }
        }
    }
}
