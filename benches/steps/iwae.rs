//! The importance-weighted autoencoder with one layer of latents: Burda, Grosse & Salakhutdinov (ICLR 2016, arXiv 1509.00519).

use crate::mlp::mlp;
use nn::{Activation, Adam, AdamConfig, Context, Layer, Optimiser, Sequential, module};
use tensor_core::{DType, Random, Tensor};

/// D - H - H - 2 Z and Z - H - H - D, tanh.
struct Iwae {
    encoder: Sequential,
    decoder: Sequential,
}

impl Iwae {
    /// ln Σ w over k samples of z, \[B\]: eq. (8) times k, where w = p(x, z) / q(z | x). With k = 1 it is the ELBO.
    fn bound(&self, x: &Tensor, k: usize, cx: &mut Context) -> Tensor {
        let (mu, log_var) = self.encoder.forward(x, cx).halves(1); //           [B, Z] each
        let eps = cx.noise.normal([k, mu.size(0), mu.size(1)], DType::F32); //  [k, B, Z]
        let z = mu + (0.5 * &log_var).exp() * &eps; //                          all samples are one batch
        let logits = self.decoder.forward(&z, cx); //                           [k, B, D]
        let log_p_x_given_z = -logits.bce_with_logits(x).sum(2);
        // ln p(z) - ln q(z | x): the constants ½ ln 2π cancel, and (z - mu) / sigma is eps.
        let log_p_over_q = 0.5 * (eps.sqr() + log_var - z.sqr()).sum(2);
        (log_p_x_given_z + log_p_over_q).logsumexp(0)
    }
}

/// A training step on one batch of grey values, which each step draws black and white anew.
pub struct Step {
    model: Iwae,
    adam: Adam,
    grey: Tensor,
    k: usize,
    cx: Context,
}

impl Step {
    /// The sizes of the published model: batches of 20, 784 pixels, layers of 200, 50 latents.
    pub fn published(k: usize) -> Step {
        Step::new(k, 20, [784, 200, 50])
    }

    fn new(k: usize, batch: usize, [pixels, hidden, latent]: [usize; 3]) -> Step {
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let model = Iwae {
            encoder: mlp([pixels, hidden, 2 * latent], Activation::Tanh, init),
            decoder: mlp([latent, hidden, pixels], Activation::Tanh, init),
        };
        let params = [&model.encoder, &model.decoder].into_iter().flat_map(module::params);
        let adam = AdamConfig {
            eps: 1e-4,
            ..AdamConfig::default()
        };
        Step {
            adam: Adam::new(params, adam),
            model,
            grey: random.stream("data").uniform([batch, pixels], DType::F32),
            k,
            cx: Context::training(&random),
        }
    }

    /// Returns the loss, the mean of minus the bound, in nats.
    pub fn step(&mut self) -> f64 {
        let threshold = self.cx.noise.uniform(self.grey.shape(), DType::F32);
        let x = threshold.lt(&self.grey).to_dtype(DType::F32); // Bernoulli(grey)
        let loss = -self.model.bound(&x, self.k, &mut self.cx).mean(..);
        let (value, gradients) = loss.value_and_grad(self.adam.params());
        self.adam.step(&gradients);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_falls;

    #[test]
    fn the_loss_falls_with_one_sample_and_with_many() {
        for k in [1, 5] {
            let mut step = Step::new(k, 8, [12, 16, 3]);
            step.grey = step.grey.gt(0.5).to_dtype(DType::F32); // of grey noise nothing can be learnt by heart
            step.adam.set_learning_rate(1e-2);
            assert_falls(200, || step.step());
        }
    }

    /// Against the definition, in plain numbers: ln Σ p(x | z) p(z) / q(z | x), for an encoder and a decoder whose outputs are their biases.
    #[test]
    fn the_bound_is_the_logarithm_of_the_sum_of_weights() {
        const K: usize = 3;
        let step = Step::new(K, 1, [2, 4, 1]);
        let Iwae { encoder, decoder } = &step.model;
        for network in [encoder, decoder] {
            for param in module::params(network) {
                param.set(&param.tensor().zeros_like());
            }
        }
        let (mu, log_var, logits) = (0.3f64, -0.8f64, [0.7f64, -1.2]);
        let last = |network| module::params(network).pop().expect("a bias");
        last(encoder).set(&Tensor::from([mu as f32, log_var as f32]));
        last(decoder).set(&Tensor::from(logits.map(|l| l as f32)));

        let cx = &mut Context::training(&Random::new(3));
        let eps = cx.clone().noise.normal([K, 1, 1], DType::F32).to_vec::<f32>();
        let found = step.model.bound(&Tensor::from([[1.0, 0.0]]), K, cx).item();

        let normal = |x: f64, mean: f64, variance: f64| {
            (-0.5 * (x - mean).powi(2) / variance).exp() / (std::f64::consts::TAU * variance).sqrt()
        };
        let sigmoid = |l: f64| 1.0 / (1.0 + (-l).exp());
        let p_x_given_z = sigmoid(logits[0]) * (1.0 - sigmoid(logits[1]));
        let weights = eps.iter().map(|&eps| {
            let z = mu + (0.5 * log_var).exp() * f64::from(eps);
            p_x_given_z * normal(z, 0.0, 1.0) / normal(z, mu, log_var.exp())
        });
        let wanted = weights.sum::<f64>().ln();
        assert!((found - wanted).abs() < 1e-5, "{found} {wanted}"); // F32 against F64, of numbers of size 1
    }
}
