//! A DCGAN (Radford et al. 2016): convolutions, transposed ones, and batch norm with its running statistics.

use super::Run;
use nn::{
    Adam, AdamConfig, BatchNorm2d, Context, Conv2d, ConvTranspose2d, Flatten, Layer, LeakyReLU, Linear, Module,
    Optimiser, ReLU, Sequential, Tanh, Unflatten, Visitor, loss, module,
};
use tensor_core::ops::{Conv2dOptions, ConvTranspose2dOptions};
use tensor_core::{Random, Tensor};

struct Dcgan {
    generator: Sequential,
    discriminator: Sequential,
}

impl Dcgan {
    fn new(latent_dim: usize, width: usize) -> Dcgan {
        let init = &mut Random::new(0);
        let (wide, narrow) = (width / 2, width / 4);
        let halving = || Conv2dOptions::default().stride(2).padding(1);
        let doubling = || ConvTranspose2dOptions::default().stride(2).padding(1);
        Dcgan {
            generator: Sequential::new()
                .with(Linear::new(latent_dim, wide * 4, init).without_bias())
                .with(Unflatten::new([wide, 2, 2]))
                .with(BatchNorm2d::new(wide))
                .with(ReLU)
                .with(ConvTranspose2d::new(wide, narrow, 4, doubling(), init).without_bias())
                .with(BatchNorm2d::new(narrow))
                .with(ReLU)
                .with(ConvTranspose2d::new(narrow, 1, 4, doubling(), init))
                .with(Tanh),
            discriminator: Sequential::new()
                .with(Conv2d::new(1, narrow, 4, halving(), init))
                .with(LeakyReLU::new(0.2))
                .with(Conv2d::new(narrow, wide, 4, halving(), init).without_bias())
                .with(BatchNorm2d::new(wide))
                .with(LeakyReLU::new(0.2))
                .with(Flatten)
                .with(Linear::new(wide * 4, 1, init)),
        }
    }
}

impl Module for Dcgan {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("generator", &self.generator);
        v.module("discriminator", &self.discriminator);
    }
}

/// The loss of logits that should all say `real`, or its contrary.
fn judged(logits: &Tensor, real: bool) -> Tensor {
    let target = if real { logits.ones_like() } else { logits.zeros_like() };
    loss::bce_with_logits(logits, &target).mean(..)
}

#[test]
fn golden_training_of_the_dcgan() {
    Run::in_both_types("dcgan", |run| {
        let model = Dcgan::new(run.array("z").size(-1), Run::width());
        run.begin(&model);
        let config = AdamConfig {
            learning_rate: 1e-3,
            betas: (0.5, 0.999),
            ..AdamConfig::default()
        };
        let mut d_adam = Adam::new(module::params(&model.discriminator), config);
        let mut g_adam = Adam::new(module::params(&model.generator), config);
        let cx = &mut Context::training(&Random::new(0));
        let (mut d_losses, mut g_losses) = (Vec::new(), Vec::new());
        for step in 0..run.count("x") {
            let fake = model.generator.forward(&run.at("z", &[step]), cx);
            let on_real = judged(&model.discriminator.forward(&run.at("x", &[step]), cx), true);
            let on_fake = judged(&model.discriminator.forward(&fake.detach(), cx), false);
            let (d_loss, gradients) = (on_real + on_fake).value_and_grad(d_adam.params());
            d_adam.step(&gradients);
            let fooled = judged(&model.discriminator.forward(&fake, cx), true);
            let (g_loss, gradients) = fooled.value_and_grad(g_adam.params());
            g_adam.step(&gradients);
            d_losses.push(d_loss);
            g_losses.push(g_loss);
        }
        run.compare_losses("discriminator", &d_losses);
        run.compare_losses("generator", &g_losses);
        run.compare_weights(&model);
    });
}
