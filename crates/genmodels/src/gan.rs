//! The generative adversarial network: Goodfellow et al., *Generative Adversarial Nets* (NIPS 2014, arXiv 1406.2661).
//!
//! **The problem.** We want samples that look like the data, and do not need their density. The paper's way: train a second network to tell real from
//! generated, and the first one to make that impossible. No likelihood is ever computed; what the generator learns from is the gradient that comes back
//! through its judge.
//!
//! **The model** (section 3):
//!
//! - z ~ N(0, I), x = G(z): the generator, which defines p_g
//! - D(x): the probability that x is real
//!
//! **The objective**, eq. (1), is a game: min over G, max over D of
//!
//! V(D, G) = E ln D(x) + E ln(1 - D(G(z))).
//!
//! For a perfect D it is 2 JS(p_data || p_g) - ln 4 (theorem 1), so at equilibrium D says ½ everywhere and V = -ln 4 ≈ -1.386. Early on, D is sure of itself and
//! ln(1 - D(G(z))) is flat; section 3 therefore lets G maximise ln D(G(z)) instead: the non-saturating loss, the default here. All losses are computed from
//! logits, since D(x) = σ(logit) rounds to 0 or 1 long before the logit stops telling.
//!
//! | paper | here | shape |
//! |---|---|---|
//! | x | `x` | \[B, D\], values from -1 to 1 for images |
//! | z | `z` | \[B, Z\] |
//! | G(z) | `fake` | \[B, D\] |
//! | D(x) = σ(·) | logits of the discriminator | \[B, 1\] |
//! | -V(D, G) | `d_loss` | a number |
//! | G's part | `g_loss` | a number |

use crate::losses::Losses;
use crate::metrics::{Coverage, coverage};
use crate::mlp::mlp;
use crate::model::{Model, NamedOptimiser};
use crate::settings::{AdamSettings, ConfigError};
use crate::trainer::Trainer;
use datasets::{Batches, Dataset, LastBatch, Presentation};
use nn::loss::bce_with_logits;
use nn::{Activation, Adam, Context, Layer, Module, Optimiser, Sequential, Tanh, Visitor, module};
use serde::{Deserialize, Serialize};
use tensor_core::{DType, Random, Tensor};

/// What the generator minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// -E ln D(G(z)): strong gradients while D still wins.
    NonSaturating,
    /// E ln(1 - D(G(z))): the game of eq. (1) itself.
    Minimax,
}

/// What the generator's last layer is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Values from -1 to 1, for images.
    Tanh,
    /// Any values, for points.
    Linear,
}

/// The settings of the networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Z. 64, our choice; the paper has 100 for MNIST.
    pub latent_dim: usize,
    /// The widths of the generator's hidden layers, with ReLU between them. 256 and 512, chosen by the looks of digits after 30 epochs of MNIST; the
    /// paper has two of 1200.
    pub generator_hidden: Vec<usize>,
    /// The widths of the discriminator's hidden layers, with LeakyReLU of slope 0.2 between them (Radford et al. 2016; the paper has maxout). The
    /// generator's in reverse.
    pub discriminator_hidden: Vec<usize>,
    /// The generator's loss.
    pub loss: Loss,
    /// The generator's last activation.
    pub output: Output,
    /// The optimisers of the two networks.
    #[serde(skip)]
    pub optimiser: Optimisers,
}

/// One Adam for each network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimisers {
    /// The generator's.
    pub generator: AdamSettings,
    /// The discriminator's.
    pub discriminator: AdamSettings,
}

impl Default for Optimisers {
    /// Radford et al. (2016): rate 2e-4 and β₁ 0.5, since a high momentum makes the game oscillate. Half that rate for the discriminator, which
    /// otherwise wins: chosen, too, by the looks of digits.
    fn default() -> Optimisers {
        Optimisers {
            generator: AdamSettings::new(2e-4, 0.5),
            discriminator: AdamSettings::new(1e-4, 0.5),
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            latent_dim: 64,
            generator_hidden: vec![256, 512],
            discriminator_hidden: vec![512, 256],
            loss: Loss::NonSaturating,
            output: Output::Tanh,
            optimiser: Optimisers::default(),
        }
    }
}

impl Config {
    /// The networks for eight modes on a circle, which [`reproduce`] and the preset `ring8` train.
    pub fn ring8() -> Config {
        Config {
            latent_dim: 8,
            generator_hidden: vec![128, 128],
            discriminator_hidden: vec![128, 128],
            output: Output::Linear,
            optimiser: Optimisers {
                generator: AdamSettings::new(2.5e-4, 0.5),
                discriminator: AdamSettings::new(1e-3, 0.5),
            },
            ..Config::default()
        }
    }
}

/// The model: Z - H - … - D and D - H - … - 1. Parameters are named `generator.0.weight`, …, `discriminator.4.bias`.
pub struct Gan {
    generator: Sequential,
    discriminator: Sequential,
    latent_dim: usize,
    loss: Loss,
    output: Output,
    optimiser: Optimisers,
}

impl Gan {
    /// A model of samples with `data_dim` values, with PyTorch's default initialisation.
    ///
    /// # Errors
    /// If a setting makes no model; the error names it.
    pub fn new(data_dim: usize, config: &Config, random: &mut Random) -> Result<Gan, ConfigError> {
        if config.latent_dim == 0 {
            return Err(ConfigError::new(
                "model.latent_dim",
                0,
                "noise has at least one dimension",
            ));
        }
        let generator = mlp(
            config.latent_dim,
            &config.generator_hidden,
            data_dim,
            Activation::ReLU,
            random,
        );
        let gan = Gan {
            generator: match config.output {
                Output::Tanh => generator.with(Tanh),
                Output::Linear => generator,
            },
            discriminator: mlp(data_dim, &config.discriminator_hidden, 1, Activation::LeakyReLU, random),
            latent_dim: config.latent_dim,
            loss: config.loss,
            output: config.output,
            optimiser: config.optimiser,
        };
        module::name(&gan);
        Ok(gan)
    }

    /// G(z): \[B, Z\] to \[B, D\].
    #[track_caller]
    pub fn generate(&self, z: &Tensor, cx: &mut Context) -> Tensor {
        self.generator.forward(z, cx)
    }

    /// The logit of D(x): \[B, D\] to \[B, 1\]. It is positive where D takes x for real.
    #[track_caller]
    pub fn discriminate(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        self.discriminator.forward(x, cx)
    }

    /// -V(D, G) of eq. (1) = -E ln D(x) - E ln(1 - D(G(z))): what D minimises. `fake` counts as a constant.
    #[track_caller]
    pub fn discriminator_loss(&self, x: &Tensor, fake: &Tensor, cx: &mut Context) -> Tensor {
        let real_logits = self.discriminate(x, cx);
        let fake_logits = self.discriminate(&fake.detach(), cx);
        let taken_for_fake = bce_with_logits(&real_logits, &real_logits.ones_like()); //  -ln D(x)
        let taken_for_real = bce_with_logits(&fake_logits, &fake_logits.zeros_like()); // -ln(1 - D(G(z)))
        taken_for_fake.mean(..) + taken_for_real.mean(..)
    }

    /// What G minimises: -E ln D(G(z)), or E ln(1 - D(G(z))).
    #[track_caller]
    pub fn generator_loss(&self, fake: &Tensor, cx: &mut Context) -> Tensor {
        let logits = self.discriminate(fake, cx);
        match self.loss {
            Loss::NonSaturating => bce_with_logits(&logits, &logits.ones_like()).mean(..),
            Loss::Minimax => -bce_with_logits(&logits, &logits.zeros_like()).mean(..),
        }
    }

    /// One step of algorithm 1 with k = 1: D ascends V, then G plays against the new D, with the same noise.
    pub fn train_step(
        &self,
        x: &Tensor,
        generator: &mut dyn Optimiser,
        discriminator: &mut dyn Optimiser,
        cx: &mut Context,
    ) -> Losses {
        let z = cx.noise.normal([x.size(0), self.latent_dim], x.dtype());
        let fake = self.generate(&z, cx);
        let d_loss = self.discriminator_step(x, &fake, discriminator, cx);
        let g_loss = self.generator_step(fake, generator, cx);
        Losses::new([("d_loss", d_loss), ("g_loss", g_loss)])
    }

    /// D's half: no gradient of the generator is computed, since `fake` is a constant here.
    fn discriminator_step(&self, x: &Tensor, fake: &Tensor, optimiser: &mut dyn Optimiser, cx: &mut Context) -> f64 {
        let loss = self.discriminator_loss(x, fake, cx);
        let (value, gradients) = loss.value_and_grad(optimiser.params());
        optimiser.step(&gradients);
        value
    }

    /// G's half: the gradient passes through D, but none by D's parameters is computed. `fake` is consumed, and with it the graph behind it.
    fn generator_step(&self, fake: Tensor, optimiser: &mut dyn Optimiser, cx: &mut Context) -> f64 {
        let loss = self.generator_loss(&fake, cx);
        drop(fake);
        let (value, gradients) = loss.value_and_grad(optimiser.params());
        optimiser.step(&gradients);
        value
    }
}

impl Module for Gan {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("generator", &self.generator);
        v.module("discriminator", &self.discriminator);
    }
}

impl Model for Gan {
    fn name(&self) -> &'static str {
        "gan"
    }

    fn optimisers(&self) -> Vec<NamedOptimiser> {
        let Optimisers {
            generator,
            discriminator,
        } = self.optimiser;
        let adam = |network, settings: AdamSettings| Adam::new(module::params(network), settings.into());
        vec![
            NamedOptimiser::new("generator", adam(&self.generator, generator)),
            NamedOptimiser::new("discriminator", adam(&self.discriminator, discriminator)),
        ]
    }

    fn train_step(&self, x: &Tensor, optimisers: &mut [NamedOptimiser], cx: &mut Context) -> Losses {
        let [generator, discriminator] = optimisers else {
            panic!("a GAN is trained by two optimisers, the generator's and the discriminator's");
        };
        Gan::train_step(
            self,
            x,
            generator.optimiser.as_mut(),
            discriminator.optimiser.as_mut(),
            cx,
        )
    }

    /// The two losses; a GAN has no likelihood to report.
    fn evaluate(&self, x: &Tensor, cx: &mut Context) -> Option<Losses> {
        let fake = self.sample(x.size(0), cx);
        let d_loss = self.discriminator_loss(x, &fake, cx).item();
        let g_loss = self.generator_loss(&fake, cx).item();
        Some(Losses::new([("d_loss", d_loss), ("g_loss", g_loss)]))
    }

    fn sample(&self, n: usize, cx: &mut Context) -> Tensor {
        let z = cx.noise.normal([n, self.latent_dim], self.dtype());
        self.generate(&z, cx)
    }

    fn reconstruct(&self, _: &Tensor, _: &mut Context) -> Option<Tensor> {
        None
    }

    fn value_range(&self) -> (f64, f64) {
        (-1.0, 1.0)
    }

    fn is_bounded(&self) -> bool {
        self.output == Output::Tanh
    }
}

impl Gan {
    fn dtype(&self) -> DType {
        module::params(self)[0].dtype()
    }
}

/// What PyTorch reaches with the hidden layers, batches, rates and steps of [`reproduce`] (its noise dimension is not known): modes of 8, and the share of points within three standard deviations of one.
pub const PYTORCH: [(f64, f64); 2] = [(7.0, 0.87), (8.0, 0.94)];

/// Plays on eight modes on a circle ([`datasets::plane::ring8`]): G and D of two hidden layers of 128, batches of 256, Adam with β₁ 0.5 and rates of 2.5e-4
/// for G and 1e-3 for D. Returns how 2,500 generated points cover the modes. The comparison, with 15,000 steps, is with [`PYTORCH`].
///
/// # Errors
/// If the run diverges, or the data are not points with modes.
pub fn reproduce(ring: &Dataset, seed: u64, steps: u64) -> Result<Coverage, Box<dyn std::error::Error>> {
    let modes = ring.modes.as_ref().ok_or("the data have no modes to cover")?;
    let random = Random::new(seed);
    let config = Config::ring8();
    let gan = Gan::new(ring.dim(), &config, &mut random.stream("init"))?;
    let mut trainer = Trainer::new(Box::new(gan), seed)?;
    let batches = Batches::shuffled(
        &ring.train,
        256,
        LastBatch::Keep,
        Presentation::default(),
        &random.stream("data"),
    )?;
    while trainer.steps() < steps {
        let epoch = batches.epoch(trainer.steps() / batches.per_epoch() as u64);
        for i in 0..epoch.len().min((steps - trainer.steps()) as usize) {
            trainer.step(&epoch.batch(i))?;
        }
    }
    let points = trainer.sample(2500).to_vec::<f32>();
    Ok(coverage(&points, &modes.centres, modes.sigma))
}

#[cfg(test)]
mod tests;
