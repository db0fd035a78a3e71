//! The settings that models share, as they stand in configuration files.

use nn::AdamConfig;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// A setting that no model can be built from. The message names the setting; [`ConfigError::hint`] is a way out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} = {value}: {reason}")]
pub struct ConfigError {
    /// The setting, as in `model.latent_dim`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub reason: String,
}

impl ConfigError {
    /// An error about one setting.
    pub fn new(key: &str, value: impl ToString, reason: impl ToString) -> ConfigError {
        ConfigError {
            key: key.to_owned(),
            value: value.to_string(),
            reason: reason.to_string(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        format!("choose another value for {}", self.key)
    }

    /// The same error about the setting itself, where it is about a whole table. What reads a table cannot say which
    /// of its settings it stumbled over: it is the one without which reading stumbles over something else. Going down
    /// table by table, since a table that lacks a setting is an error of its own.
    pub fn exact(mut self, settings: &Table, build: impl Fn(&Table) -> Option<ConfigError>) -> ConfigError {
        while let Some(Value::Table(table)) = at(settings, &self.key) {
            let guilty = table.iter().find(|(name, _)| {
                let mut rest = settings.clone();
                remove(&mut rest, &format!("{}.{name}", self.key));
                build(&rest).is_none_or(|other| other.reason != self.reason)
            });
            let Some((name, value)) = guilty else {
                break;
            };
            self.key = format!("{}.{name}", self.key);
            self.value = value.to_string();
        }
        self
    }
}

fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((head, rest)) => at(table.get(head)?.as_table()?, rest),
    }
}

fn remove(table: &mut Table, path: &str) {
    match path.split_once('.') {
        None => {
            table.remove(path);
        }
        Some((head, rest)) => {
            if let Some(inner) = table.get_mut(head).and_then(Value::as_table_mut) {
                remove(inner, rest);
            }
        }
    }
}

/// The constants of [Adam](nn::Adam).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamSettings {
    /// α
    pub learning_rate: f64,
    /// β₁
    pub beta1: f64,
    /// β₂
    pub beta2: f64,
    /// ε
    pub eps: f64,
    /// λ of AdamW; 0 is Adam.
    pub weight_decay: f64,
}

impl AdamSettings {
    /// Adam with this rate and first moment, all else as in its paper.
    pub fn new(learning_rate: f64, beta1: f64) -> AdamSettings {
        let AdamConfig {
            betas,
            eps,
            weight_decay,
            ..
        } = AdamConfig::default();
        AdamSettings {
            learning_rate,
            beta1,
            beta2: betas.1,
            eps,
            weight_decay,
        }
    }
}

impl From<AdamSettings> for AdamConfig {
    fn from(settings: AdamSettings) -> AdamConfig {
        AdamConfig {
            learning_rate: settings.learning_rate,
            betas: (settings.beta1, settings.beta2),
            eps: settings.eps,
            weight_decay: settings.weight_decay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_a_table_was_refused_for_is_found() {
        let settings: Table = "[optimiser.generator]\nrate = 1\n[optimiser.discriminator]\nrate = 'x'\neps = 1"
            .parse()
            .unwrap();
        // As what reads tables does: a wrong value is told before a missing one, whatever the order of the table.
        let build = |settings: &Table| {
            let rates =
                ["generator", "discriminator"].map(|network| at(settings, &format!("optimiser.{network}.rate")));
            let wrong = rates.iter().flatten().any(|rate| !rate.is_integer());
            let reason = match rates.iter().position(Option::is_none) {
                _ if wrong => "no number".to_owned(),
                Some(network) => format!("network {network} is missing"),
                None => return None,
            };
            Some(ConfigError::new("optimiser", "", reason))
        };
        let error = build(&settings).unwrap().exact(&settings, build);
        assert_eq!(error.to_string(), "optimiser.discriminator.rate = \"x\": no number");
        assert_eq!(error.hint(), "choose another value for optimiser.discriminator.rate");
        let plain = ConfigError::new("model.latent_dim", 0, "too few");
        assert_eq!(plain.clone().exact(&settings, build), plain);
    }
}
