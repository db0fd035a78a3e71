//! Every model by name: its settings with their defaults, its presets, and how it is built from them.

use crate::model::Model;
use crate::settings::ConfigError;
use crate::{gan, vae};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tensor_core::Random;
use toml::{Table, Value};

/// A model in the catalogue.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Named settings; the first is `default`, which is used when no other is asked for.
    pub presets: &'static [Preset],
    defaults: fn() -> Table,
    build: Build,
}

/// From the tables `model` and `optimiser`, the number of values of a sample, and the draws of the initial weights.
type Build = fn(&Table, usize, &mut Random) -> Result<Box<dyn Model>, ConfigError>;

/// Settings under a name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// What it sets, as TOML; all else stays at the default.
    pub settings: &'static str,
}

impl Entry {
    /// The tables `model` and `optimiser` with every default.
    pub fn defaults(&self) -> Table {
        (self.defaults)()
    }

    /// The model with the settings of the tables `model` and `optimiser`, for samples of `data_dim` values.
    ///
    /// # Errors
    /// If a setting makes no model; the error names it.
    pub fn build(&self, settings: &Table, data_dim: usize, random: &mut Random) -> Result<Box<dyn Model>, ConfigError> {
        (self.build)(settings, data_dim, random)
    }
}

/// All models.
///
/// ```
/// let names: Vec<&str> = genmodels::catalogue().iter().map(|entry| entry.name).collect();
/// assert_eq!(names, ["vae", "gan"]);
/// ```
pub fn catalogue() -> &'static [Entry] {
    &[VAE, GAN]
}

const VAE: Entry = Entry {
    name: "vae",
    about: "variational autoencoder (Kingma & Welling 2014): images with a code, and a bound on their likelihood",
    presets: &[
        Preset {
            name: "default",
            about: "two hidden layers of 400, code of 20",
            settings: "",
        },
        Preset {
            name: "pytorch-example",
            about: "the VAE of PyTorch's examples: one hidden layer of 400, code of 20",
            settings: "model.hidden = [400]",
        },
    ],
    defaults: || {
        let config = vae::Config::default();
        tables(&config, &config.optimiser)
    },
    build: |settings, data_dim, random| {
        let config = vae::Config {
            optimiser: read(settings, "optimiser")?,
            ..read(settings, "model")?
        };
        Ok(Box::new(vae::Vae::new(data_dim, &config, random)?))
    },
};

const GAN: Entry = Entry {
    name: "gan",
    about: "generative adversarial network (Goodfellow et al. 2014): samples without a likelihood",
    presets: &[
        Preset {
            name: "default",
            about: "images: two hidden layers on either side, non-saturating loss, 30 epochs in batches of 64",
            settings: "train.epochs = 30\ntrain.batch_size = 64",
        },
        Preset {
            name: "minimax",
            about: "the same with the loss of eq. (1)",
            settings: "train.epochs = 30\ntrain.batch_size = 64\nmodel.loss = 'minimax'",
        },
        Preset {
            name: "ring8",
            about: "eight modes on a circle: two hidden layers of 128, batch 256, 15,000 steps",
            settings: "
                data.name = 'ring8'
                train.batch_size = 256
                train.steps = 15000
                model.latent_dim = 8
                model.generator_hidden = [128, 128]
                model.discriminator_hidden = [128, 128]
                model.output = 'linear'
                optimiser.generator.learning_rate = 2.5e-4
                optimiser.discriminator.learning_rate = 1e-3",
        },
    ],
    defaults: || {
        let config = gan::Config::default();
        tables(&config, &config.optimiser)
    },
    build: |settings, data_dim, random| {
        let config = gan::Config {
            optimiser: read(settings, "optimiser")?,
            ..read(settings, "model")?
        };
        Ok(Box::new(gan::Gan::new(data_dim, &config, random)?))
    },
};

fn tables(model: &impl Serialize, optimiser: &impl Serialize) -> Table {
    let table = |settings: Result<Value, _>| settings.expect("settings are plain numbers, names and lists");
    Table::from_iter([
        ("model".to_owned(), table(Value::try_from(model))),
        ("optimiser".to_owned(), table(Value::try_from(optimiser))),
    ])
}

fn read<T: DeserializeOwned>(settings: &Table, table: &str) -> Result<T, ConfigError> {
    let value = settings
        .get(table)
        .cloned()
        .unwrap_or_else(|| Value::Table(Table::new()));
    value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::new(table, value, error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_builds_a_model_that_samples_in_its_range() {
        for entry in catalogue() {
            assert_eq!(entry.presets[0].name, "default");
            let model = entry.build(&entry.defaults(), 36, &mut Random::new(0)).unwrap();
            assert_eq!(model.name(), entry.name);
            let samples = model.sample(3, &mut nn::Context::evaluation(&Random::new(1)));
            assert_eq!(samples.shape(), [3, 36]);
            let (black, white) = model.value_range();
            assert!(
                samples
                    .to_vec::<f32>()
                    .iter()
                    .all(|&x| (black..=white).contains(&f64::from(x)))
            );
        }
    }

    #[test]
    fn presets_only_set_what_exists() {
        for (entry, preset) in catalogue()
            .iter()
            .flat_map(|entry| entry.presets.iter().map(move |p| (entry, p)))
        {
            let settings: Table = preset.settings.parse().unwrap();
            for table in ["model", "optimiser"] {
                let known = entry.defaults()[table].as_table().unwrap().clone();
                let set = settings
                    .get(table)
                    .and_then(Value::as_table)
                    .cloned()
                    .unwrap_or_default();
                assert!(set.keys().all(|key| known.contains_key(key)), "{}: {set}", preset.name);
            }
        }
    }

    /// The tables `model` and `optimiser` with what a preset sets.
    fn resolved(entry: &Entry, name: &str) -> Table {
        fn lay_over(below: &mut Table, above: &Table) {
            for (key, value) in above {
                match (below.get_mut(key), value) {
                    (Some(Value::Table(below)), Value::Table(above)) => lay_over(below, above),
                    (Some(below), value) => *below = value.clone(),
                    (None, _) => {} // a setting of the program, such as train.steps
                }
            }
        }
        let preset = entry.presets.iter().find(|preset| preset.name == name).unwrap();
        let mut settings = entry.defaults();
        lay_over(&mut settings, &preset.settings.parse().unwrap());
        settings
    }

    #[test]
    fn presets_are_the_set_ups_that_reproduce_runs() {
        let example = vae::Config::pytorch_example();
        assert_eq!(resolved(&VAE, "pytorch-example"), tables(&example, &example.optimiser));
        let ring = gan::Config::ring8();
        assert_eq!(resolved(&GAN, "ring8"), tables(&ring, &ring.optimiser));
    }

    #[test]
    fn a_setting_that_makes_no_model_is_named() {
        let vae = catalogue()[0];
        let mut settings = vae.defaults();
        settings["model"]["activation"] = "swish".into();
        let message = vae.build(&settings, 4, &mut Random::new(0)).err().unwrap().to_string();
        assert_eq!(
            message,
            "model.activation = swish: `swish` is no activation: relu, leaky_relu, elu, silu, gelu, tanh, sigmoid and softplus are"
        );
    }
}
