//! Generative models, one file each, written for reading beside their papers.
//!
//! | file | what it is |
//! |---|---|
//! | [`vae`] | the variational autoencoder of Kingma & Welling (2014) |
//! | [`gan`] | the generative adversarial network of Goodfellow et al. (2014) |
//! | [`likelihoods`] | the log densities and divergences that models share |
//! | [`metrics`] | what generated samples are judged by |
//! | [`trainer`] | step after step: the state of a training run, without files and without a loop of its own |
//! | [`catalogue`](mod@catalogue) | every model by name, with its settings and presets |
//!
//! ```
//! use genmodels::{Trainer, vae};
//! use tensor_core::{DType, Random};
//!
//! let random = Random::new(0);
//! let config = vae::Config { latent_dim: 2, hidden: vec![16], ..vae::Config::default() };
//! let model = vae::Vae::new(9, &config, &mut random.stream("init"))?;
//! let mut trainer = Trainer::new(Box::new(model), 0)?;
//! let x = random.stream("data").uniform([32, 9], DType::F32);
//! let first = trainer.step(&x)?;
//! for _ in 0..50 {
//!     trainer.step(&x)?;
//! }
//! let last = trainer.step(&x)?;
//! assert!(last.get("elbo") > first.get("elbo")); // nats per sample, greater is better
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod catalogue;
pub mod gan;
pub mod likelihoods;
mod losses;
pub mod metrics;
mod mlp;
mod model;
mod settings;
pub mod trainer;
pub mod vae;

pub use catalogue::catalogue;
pub use losses::Losses;
pub use model::{Model, NamedOptimiser};
pub use settings::{AdamSettings, ConfigError};
pub use trainer::{TrainError, Trainer};
