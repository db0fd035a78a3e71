//! A training run without files and without a loop of its own: the model, its optimisers, and the count of steps, from which all randomness
//! follows.

use crate::losses::Losses;
use crate::model::{Model, NamedOptimiser};
use nn::{Context, Optimiser, StateError, module, state};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tensor_core::{Random, Tensor, no_grad};

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
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl TrainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            TrainError::Untrained { .. } => "give it to one, or name it in Model::frozen",
            TrainError::Diverged { .. } => "a smaller learning rate often helps",
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
    /// If a parameter is neither held by an optimiser nor named as frozen.
    pub fn new(model: Box<dyn Model>, seed: u64) -> Result<Trainer, TrainError> {
        module::name(&model);
        let optimisers = model.optimisers();
        let held: HashSet<_> = optimisers
            .iter()
            .flat_map(|o| o.adam.params())
            .map(|param| param.id())
            .collect();
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
        let losses = self.model.train_step(x, &mut self.optimisers, &mut cx);
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
            let losses = no_grad(|| self.model.evaluate(&x, &mut cx))?;
            parts.push((losses, x.size(0)));
        }
        Losses::mean(parts)
    }

    /// `n` samples, from the same noise each time, so that pictures of successive epochs can be compared.
    pub fn sample(&self, n: usize) -> Tensor {
        let mut cx = Context::evaluation(&self.random.stream("sample"));
        no_grad(|| self.model.sample(n, &mut cx))
    }

    /// A batch as the model gives it back, if it can; from the same noise each time.
    pub fn reconstruct(&self, x: &Tensor) -> Option<Tensor> {
        let mut cx = Context::evaluation(&self.random.stream("reconstruct"));
        no_grad(|| self.model.reconstruct(x, &mut cx))
    }

    /// Writes `model.safetensors` (under PyTorch's names) and `optimiser.safetensors` into a folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TrainError> {
        state::save(&self.model, &folder.join("model.safetensors"))?;
        let mut all = BTreeMap::new();
        for NamedOptimiser { name, adam } in &self.optimisers {
            all.extend(
                adam.state()
                    .into_iter()
                    .map(|(key, value)| (format!("{name}/{key}"), value)),
            );
        }
        state::save_tensors(&all, &folder.join("optimiser.safetensors"))?;
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

    /// Reads everything that [`Trainer::save`] wrote, and goes on from step `steps`.
    ///
    /// # Errors
    /// If a file cannot be read or does not fit the model.
    pub fn load(&mut self, folder: &Path, steps: u64) -> Result<(), TrainError> {
        let path = folder.join("optimiser.safetensors");
        let all = state::load_tensors(&path)?;
        self.load_model(folder)?;
        for NamedOptimiser { name, adam } in &mut self.optimisers {
            let prefix = format!("{name}/");
            let own = all
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())));
            adam.load_state(&own.collect()).map_err(|reason| StateError::Mismatch {
                path: path.clone(),
                reason,
            })?;
        }
        self.steps = steps;
        Ok(())
    }
}
