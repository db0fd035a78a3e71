//! The variational autoencoder: Kingma & Welling, *Auto-Encoding Variational Bayes* (ICLR 2014, arXiv 1312.6114).
//!
//! **The problem.** We want a model of images that can be sampled from, and for each image a short code from which it can be drawn again. If an
//! image x comes about by drawing a code z and then drawing the image from it, the likelihood p(x) = ∫ p(x | z) p(z) dz is an integral that nobody can work
//! out, and so is the posterior p(z | x). The paper's way: let a second network guess the posterior, and maximise a lower bound of ln p(x) that is tight
//! where the guess is right.
//!
//! **The model** and the guess (section 3):
//!
//! - p(z) = N(0, I), the prior
//! - p(x | z) = Bernoulli(σ(decoder(z))), for each pixel by itself
//! - q(z | x) = N(μ, σ² I) with (μ, ln σ²) = encoder(x)
//!
//! **The objective**, to be maximised: the evidence lower bound (ELBO) of eq. (10), with one sample of z for each image,
//!
//! ELBO(x) = ln p(x | z) - KL(q(z | x) || p(z)) ≤ ln p(x) in expectation, where z = μ + σ ⊙ ε and ε ~ N(0, I).
//!
//! | paper | here | shape |
//! |---|---|---|
//! | x | `x` | \[B, D\], values from 0 to 1 |
//! | μ, ln σ² | `mu`, `log_var` | \[B, Z\] each |
//! | ε | `eps` | \[B, Z\] |
//! | z | `z` | \[B, Z\] |
//! | the decoder's output before the sigmoid | `logits` | \[B, D\] |
//! | ln p(x \| z) | `log_p_x_given_z` | \[B\] |
//! | KL(q(z \| x) ‖ p(z)) | `kl` | \[B\] |

use crate::likelihoods::{bernoulli_log_prob, kl_to_standard_normal};
use crate::losses::Losses;
use crate::mlp::mlp;
use crate::model::{Model, NamedOptimiser};
use crate::settings::{AdamSettings, ConfigError};
use crate::trainer::Trainer;
use datasets::{Batches, Dataset, LastBatch, Presentation};
use nn::{Activation, Adam, Context, Layer, Module, Optimiser, Sequential, Visitor, module};
use serde::{Deserialize, Serialize};
use tensor_core::{DType, Random, Tensor};

/// The settings of the networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Z. 20 as in PyTorch's example and the paper's figure 2.
    pub latent_dim: usize,
    /// The widths of the encoder's hidden layers; the decoder has the same in reverse. Two of 400; the paper has one of 500, PyTorch's
    /// example one of 400.
    pub hidden: Vec<usize>,
    /// The activation between layers, by name. ReLU as in PyTorch's example; the paper has tanh.
    pub activation: String,
    /// Adam with its paper's constants; the VAE's paper, which is older, has Adagrad.
    #[serde(skip, default = "default_optimiser")]
    pub optimiser: AdamSettings,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            latent_dim: 20,
            hidden: vec![400, 400],
            activation: "relu".to_owned(),
            optimiser: default_optimiser(),
        }
    }
}

fn default_optimiser() -> AdamSettings {
    AdamSettings::new(1e-3, 0.9)
}

impl Config {
    /// The networks of PyTorch's examples repository, which [`reproduce`] and the preset `pytorch-example` train.
    pub fn pytorch_example() -> Config {
        Config {
            hidden: vec![400],
            ..Config::default()
        }
    }
}

/// The model: D - H - … - 2 Z and Z - … - H - D. Parameters are named `encoder.0.weight`, …, `decoder.4.bias`.
pub struct Vae {
    encoder: Sequential,
    decoder: Sequential,
    latent_dim: usize,
    optimiser: AdamSettings,
}

/// The two parts of the evidence lower bound, for each image, in nats.
pub struct Elbo {
    /// ln p(x | z), \[B\]: minus it is the reconstruction error.
    pub log_p_x_given_z: Tensor,
    /// KL(q(z | x) || p(z)), \[B\].
    pub kl: Tensor,
}

impl Elbo {
    /// Means over the batch: the reconstruction error -E ln p(x | z), and the divergence. Their sum is minus the bound.
    pub fn means(self) -> (Tensor, Tensor) {
        (-self.log_p_x_given_z.mean(..), self.kl.mean(..))
    }
}

impl Vae {
    /// A model of images with `data_dim` pixels, with PyTorch's default initialisation.
    ///
    /// # Errors
    /// If a setting makes no model; the error names it.
    pub fn new(data_dim: usize, config: &Config, random: &mut Random) -> Result<Vae, ConfigError> {
        let activation: Activation = config
            .activation
            .parse()
            .map_err(|error| ConfigError::new("model.activation", &config.activation, error))?;
        if config.latent_dim == 0 {
            return Err(ConfigError::new(
                "model.latent_dim",
                0,
                "a code has at least one dimension",
            ));
        }
        let reversed: Vec<usize> = config.hidden.iter().rev().copied().collect();
        let vae = Vae {
            encoder: mlp(data_dim, &config.hidden, 2 * config.latent_dim, activation, random),
            decoder: mlp(config.latent_dim, &reversed, data_dim, activation, random),
            latent_dim: config.latent_dim,
            optimiser: config.optimiser,
        };
        module::name(&vae);
        Ok(vae)
    }

    /// q(z | x) = N(mu, sigma² I): mu and ln sigma² \[B, Z\].
    #[track_caller]
    pub fn encode(&self, x: &Tensor, cx: &mut Context) -> (Tensor, Tensor) {
        self.encoder.forward(x, cx).halves(1)
    }

    /// p(x | z) = Bernoulli(sigmoid(logits)): the logits \[B, D\].
    #[track_caller]
    pub fn decode(&self, z: &Tensor, cx: &mut Context) -> Tensor {
        self.decoder.forward(z, cx)
    }

    /// The evidence lower bound of eq. (10) with one sample of z, in its two parts.
    #[track_caller]
    pub fn elbo(&self, x: &Tensor, cx: &mut Context) -> Elbo {
        let (mu, log_var) = self.encode(x, cx); //                 q(z | x) = N(mu, sigma² I)           [B, Z] each
        let eps = cx.noise.normal_like(&mu); //                    eps ~ N(0, I)                        [B, Z]
        let z = reparameterise(&mu, &log_var, &eps); //            z = mu + sigma ⊙ eps                 [B, Z]
        let logits = self.decode(&z, cx); //                       p(x | z) = Bernoulli(σ(logits))      [B, D]
        Elbo {
            log_p_x_given_z: bernoulli_log_prob(&logits, x), //    ln p(x | z)                          [B]
            kl: kl_to_standard_normal(&mu, &log_var),        //           KL(q(z | x) || p(z)), appendix B     [B]
        }
    }

    /// One step up the bound: minimises -ELBO, the mean over the batch of reconstruction error and divergence (algorithm 1).
    pub fn train_step(&self, x: &Tensor, optimiser: &mut dyn Optimiser, cx: &mut Context) -> Losses {
        let (reconstruction, kl) = self.elbo(x, cx).means();
        let losses = report(&reconstruction, &kl);
        let minus_elbo = reconstruction + kl;
        let (_, gradients) = minus_elbo.value_and_grad(optimiser.params());
        optimiser.step(&gradients);
        losses
    }

    /// Points on the line from code `a` to code `b`, decoded: \[steps, D\], for `a` and `b` \[1, Z\].
    pub fn interpolate(&self, a: &Tensor, b: &Tensor, steps: usize, cx: &mut Context) -> Tensor {
        let t: Vec<f32> = (0..steps).map(|i| i as f32 / (steps.max(2) - 1) as f32).collect();
        let t = Tensor::from_slice(&t, [steps, 1]).to_dtype(a.dtype());
        self.decode(&(a + t * (b - a)), cx).sigmoid()
    }
}

/// z = mu + sigma ⊙ eps, the reparameterisation trick of section 2.4: the randomness is an input, so that the gradient passes it by.
#[track_caller]
fn reparameterise(mu: &Tensor, log_var: &Tensor, eps: &Tensor) -> Tensor {
    mu + (0.5 * log_var).exp() * eps
}

fn report(reconstruction: &Tensor, kl: &Tensor) -> Losses {
    let (reconstruction, kl) = (reconstruction.item(), kl.item());
    Losses::new([
        ("elbo", -(reconstruction + kl)),
        ("reconstruction", reconstruction),
        ("kl", kl),
    ])
}

impl Module for Vae {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("encoder", &self.encoder);
        v.module("decoder", &self.decoder);
    }
}

impl Model for Vae {
    fn name(&self) -> &'static str {
        "vae"
    }

    fn optimisers(&self) -> Vec<NamedOptimiser> {
        let adam = Adam::new(module::params(self), self.optimiser.into());
        vec![NamedOptimiser::new("adam", adam)]
    }

    fn train_step(&self, x: &Tensor, optimisers: &mut [NamedOptimiser], cx: &mut Context) -> Losses {
        Vae::train_step(self, x, optimisers[0].optimiser.as_mut(), cx)
    }

    /// The ELBO with z sampled, as in training. With z = mu it would look better and bound nothing: an old version of
    /// PyTorch's example did so and printed 96.4 where the bound is 105.6.
    fn evaluate(&self, x: &Tensor, cx: &mut Context) -> Option<Losses> {
        let (reconstruction, kl) = self.elbo(x, cx).means();
        Some(report(&reconstruction, &kl))
    }

    fn judged_by(&self) -> Option<&'static str> {
        Some("elbo")
    }

    /// The means of p(x | z) for z ~ N(0, I).
    fn sample(&self, n: usize, cx: &mut Context) -> Tensor {
        let z = cx.noise.normal([n, self.latent_dim], self.dtype());
        self.decode(&z, cx).sigmoid()
    }

    /// The means of p(x | z) for z ~ q(z | x).
    fn reconstruct(&self, x: &Tensor, cx: &mut Context) -> Option<Tensor> {
        let (mu, log_var) = self.encode(x, cx);
        let eps = cx.noise.normal_like(&mu);
        Some(self.decode(&reparameterise(&mu, &log_var, &eps), cx).sigmoid())
    }

    fn value_range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn is_bounded(&self) -> bool {
        true
    }
}

impl Vae {
    fn dtype(&self) -> DType {
        module::params(self)[0].dtype()
    }
}

/// The test loss (minus the ELBO, nats per image) that published logs of PyTorch's example show after ten epochs.
pub const PUBLISHED: [f64; 2] = [105.56, 105.59];

/// Runs the VAE of PyTorch's examples repository on MNIST: one hidden layer of 400, code of 20, Adam at 1e-3, batches of 128, grey values, z sampled in
/// evaluation too. `each_epoch` gets the test losses of each epoch, the last of which are returned. The comparison, after ten, is with [`PUBLISHED`].
///
/// # Errors
/// If the run diverges, or the data are not images.
pub fn reproduce(
    mnist: &Dataset,
    seed: u64,
    epochs: u64,
    mut each_epoch: impl FnMut(u64, &Losses),
) -> Result<Losses, Box<dyn std::error::Error>> {
    let random = Random::new(seed);
    let vae = Vae::new(mnist.dim(), &Config::pytorch_example(), &mut random.stream("init"))?;
    let mut trainer = Trainer::new(Box::new(vae), seed)?;
    let grey = Presentation::default();
    let train = Batches::shuffled(&mnist.train, 128, LastBatch::Keep, grey, &random.stream("data"))?;
    let test = Batches::in_order(&mnist.test, 500, grey)?.epoch(0);
    let mut losses = Losses::default();
    for number in 0..epochs {
        let epoch = train.epoch(number);
        for i in 0..epoch.len() {
            trainer.step(&epoch.batch(i))?;
        }
        losses = trainer
            .evaluate((0..test.len()).map(|i| test.batch(i)))
            .ok_or("the test set is empty")?;
        each_epoch(number + 1, &losses);
    }
    Ok(losses)
}

#[cfg(test)]
mod tests;
