//! The settings that models share, as they stand in configuration files.

use nn::AdamConfig;
use serde::{Deserialize, Serialize};

/// A setting that no model can be built from. The message names the setting.
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
