//! The models and data sets of the crates below, behind the traits that the program knows.

use crate::config::settings;
use crate::errors::Failure;
use crate::library::{DataCard, Library, ModelCard, Preset, Workload};
use crate::pictures::Pictures;
use crate::run_folder::PastRun;
use datasets::{DataError, Dataset, fetch};
use genmodels::{ConfigError, Losses, Model, TrainError, Trainer};
use tensor_core::Random;
use toml::Table;
use work::{Judged, Work};

mod divergence;
mod info;
mod memory;
mod size;
mod work;

/// Sets that the program makes are the same in every run, so that losses of different seeds can be compared.
const DATA_SEED: u64 = 0;

/// Everything that the crates below have.
pub(crate) struct Crates;

impl Library for Crates {
    fn models(&self) -> Vec<ModelCard> {
        let preset = |preset: &genmodels::catalogue::Preset| Preset {
            name: preset.name,
            about: preset.about,
            settings: preset
                .settings
                .parse()
                .expect("a preset is TOML: the catalogue's tests"),
        };
        let card = |entry: &genmodels::catalogue::Entry| ModelCard {
            name: entry.name,
            about: entry.about,
            defaults: entry.defaults(),
            presets: entry.presets.iter().map(preset).collect(),
        };
        genmodels::catalogue().iter().map(card).collect()
    }

    fn data_sets(&self) -> Vec<DataCard> {
        let card = |entry: &datasets::Entry| DataCard {
            name: entry.usage,
            about: entry.about,
        };
        datasets::names().iter().map(card).collect()
    }

    fn data_info(&self, spec: &str) -> Result<Vec<(String, String)>, Failure> {
        Ok(info::facts(&open_data(spec)?))
    }

    fn open(&self, model: &str, config: &Table) -> Result<Box<dyn Workload>, Failure> {
        let settings = settings(config)?;
        let data = open_data(&settings.data.name)?;
        work::check_batch(&data, &settings)?;
        let judged = || {
            let trainer = build(model, config, data.dim(), settings.train.seed)?;
            Judged::new(trainer, data.clone(), &settings)
        };
        let memory = memory::check(&judged)?;
        Ok(Box::new(Work::new(judged()?, memory)?))
    }

    fn evaluate(&self, run: &PastRun) -> Result<Option<Losses>, Failure> {
        let settings = settings(&run.config)?;
        let data = open_data(&settings.data.name)?;
        if data.shape != run.checkpoint.shape {
            let (is, was) = (info::size(&data.shape), info::size(&run.checkpoint.shape));
            return Err(Failure::input(
                format!("{} has {is}, but the run was trained on {was}", settings.data.name),
                "name a data set of the same kind with --data",
            ));
        }
        let trainer = load(run, settings.train.seed)?;
        Ok(Judged::new(trainer, data, &settings)?.evaluate())
    }

    fn draw(&self, run: &PastRun, seed: u64, count: usize) -> Result<(Pictures, Option<Pictures>), Failure> {
        size::check_samples(count, run.checkpoint.shape.iter().product())?;
        let trainer = load(run, seed)?;
        let samples = work::pictures(
            &trainer.sample(count),
            &run.checkpoint.shape,
            trainer.model().value_range(),
        );
        let real = match samples {
            // Those of a file may not be there any more; samples can be drawn all the same.
            Pictures::Points(_) => {
                let data = open_data(&settings(&run.config)?.data.name);
                data.ok().and_then(|data| work::backdrop(&data))
            }
            Pictures::Images(_) => None,
        };
        Ok((samples, real))
    }
}

fn open_data(spec: &str) -> Result<Dataset, Failure> {
    Dataset::open(spec, DATA_SEED).map_err(data_failure)
}

/// The model of a resolved configuration, for samples of `data_dim` values, before its first step.
fn build(model: &str, config: &Table, data_dim: usize, seed: u64) -> Result<Trainer, Failure> {
    let entry = genmodels::catalogue().iter().find(|entry| entry.name == model);
    let entry = entry.ok_or_else(|| {
        let message = format!("there is no model {model}");
        Failure::input(message, "`genlab list` shows every model")
    })?;
    size::check(config, data_dim)?;
    let built = |config: &Table| entry.build(config, data_dim, &mut Random::new(seed).stream("init"));
    let exact = |error: ConfigError| error.exact(config, |config| built(config).err());
    let model = built(config).map_err(|error| setting_failure(exact(error)))?;
    Trainer::new(model, seed).map_err(train_failure)
}

/// The model of a past run with the weights of its checkpoint. `seed` keys what is sampled.
fn load(run: &PastRun, seed: u64) -> Result<Trainer, Failure> {
    let mut trainer = build(&run.model, &run.config, run.checkpoint.shape.iter().product(), seed)?;
    trainer.load_model(&run.checkpoint.path).map_err(train_failure)?;
    Ok(trainer)
}

fn data_failure(error: DataError) -> Failure {
    let hint = match &error {
        DataError::NoFolder { name } if fetch::find(name).is_ok() => {
            format!("{}; `genlab data fetch {name}` downloads them", error.hint()).into()
        }
        _ => error.hint(),
    };
    Failure::input(error.to_string(), hint)
}

fn setting_failure(error: ConfigError) -> Failure {
    Failure::input(
        error.to_string(),
        format!("{}; `genlab list` shows every setting", error.hint()),
    )
}

fn train_failure(error: TrainError) -> Failure {
    match error {
        TrainError::Diverged { step, loss, value } => Failure::diverged(step, loss, value),
        TrainError::NotFinite { step, name } => Failure::diverged_parameter(step, &name),
        other => Failure::input(other.to_string(), other.hint()),
    }
}

/// Refuses points of the plane for a model whose samples cannot be anywhere.
fn check_reach(model: &dyn Model, data: &Dataset) -> Result<(), Failure> {
    if !model.is_bounded() || data.train.values().is_none() {
        return Ok(());
    }
    let ((low, high), name) = (model.value_range(), model.name());
    let message = format!(
        "{name} makes values from {low} to {high}, but the points of {} lie anywhere in the plane",
        data.name
    );
    let hint = match name {
        "gan" => "let its last layer be linear with -s model.output=linear, or use --preset ring8",
        _ => "for points: genlab train gan --preset ring8",
    };
    Err(Failure::input(message, hint))
}

#[cfg(test)]
mod tests;
