//! The critic of a WGAN with gradient penalty: Gulrajani et al. (NIPS 2017, arXiv 1704.00028). Its loss contains a gradient.

use crate::mlp::mlp;
use nn::{Activation, Adam, AdamConfig, Context, Layer, Optimiser, Sequential, Tanh, module};
use tensor_core::{DType, Random, Tensor, no_grad};

/// λ, section 4.
const LAMBDA: f64 = 10.0;

/// A step of the critic D - H - H - 1, LeakyReLU, against a generator Z - H - H - D, ReLU and tanh.
pub struct CriticStep {
    generator: Sequential,
    critic: Sequential,
    adam: Adam,
    x: Tensor,
    latent: usize,
    cx: Context,
}

impl CriticStep {
    /// The sizes of an image of 28 x 28: 784 pixels, layers of 256, 100 latents.
    pub fn of_images(batch: usize) -> CriticStep {
        CriticStep::new(batch, [784, 256, 100])
    }

    fn new(batch: usize, [pixels, hidden, latent]: [usize; 3]) -> CriticStep {
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let critic = mlp([pixels, hidden, 1], Activation::LeakyReLU, init);
        let config = AdamConfig {
            learning_rate: 1e-4,
            betas: (0.0, 0.9),
            ..AdamConfig::default()
        };
        CriticStep {
            adam: Adam::new(module::params(&critic), config),
            generator: mlp([latent, hidden, pixels], Activation::ReLU, init).with(Tanh),
            critic,
            x: random.stream("data").uniform([batch, pixels], DType::F32) * 2.0 - 1.0,
            latent,
            cx: Context::training(&random),
        }
    }

    /// Returns the loss, E C(G(z)) - E C(x) + λ E (‖∇ C(x̂)‖ - 1)².
    pub fn step(&mut self) -> f64 {
        let batch = self.x.size(0);
        let z = self.cx.noise.normal([batch, self.latent], DType::F32);
        let fake = no_grad(|| self.generator.forward(&z, &mut self.cx));
        let penalty = self.penalty(&fake);
        let mut score = |x: &Tensor| self.critic.forward(x, &mut self.cx).mean(..);
        let loss = score(&fake) - score(&self.x) + LAMBDA * penalty;
        let (value, gradients) = loss.value_and_grad(self.adam.params());
        self.adam.step(&gradients);
        value
    }

    /// E (‖∇ C(x̂)‖ - 1)², with each x̂ somewhere between x and G(z).
    fn penalty(&mut self, fake: &Tensor) -> Tensor {
        let t = self.cx.noise.uniform([fake.size(0), 1], DType::F32);
        let between = (&t * &self.x + (1.0 - &t) * fake).requires_grad();
        // Row i of C depends on row i of x̂ alone, so that the gradient of the sum holds each row's gradient.
        let score = self.critic.forward(&between, &mut self.cx).sum(..);
        let slope = score.grad_graph(&[&between]).remove(0);
        (slope.norm(1) - 1.0).sqr().mean(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_falls;

    #[test]
    fn the_loss_falls() {
        let mut step = CriticStep::new(8, [12, 16, 3]);
        assert_falls(200, || step.step());
    }

    /// The penalty is what pulls the slope of a critic that is too flat towards 1.
    #[test]
    fn the_slope_goes_to_one() {
        let mut step = CriticStep::new(8, [12, 16, 3]);
        step.adam.set_learning_rate(1e-2);
        let fake = Random::new(5).uniform([8, 12], DType::F32);
        let first = step.penalty(&fake).item();
        for _ in 0..100 {
            step.step();
        }
        let last = step.penalty(&fake).item();
        assert!(first > 0.3 && last < 0.1, "from {first} to {last}");
    }
}
