//! The DCGAN for images of 28 x 28: Radford, Metz & Chintala (ICLR 2016, arXiv 1511.06434).

use nn::loss::bce_with_logits;
use nn::{
    Adam, AdamConfig, BatchNorm2d, Context, Conv2d, ConvTranspose2d, Flatten, Layer, LeakyReLU, Linear, Optimiser,
    ReLU, Sequential, Tanh, Unflatten, module,
};
use tensor_core::ops::{Conv2dOptions, ConvTranspose2dOptions};
use tensor_core::{DType, Random, Tensor};

const LATENT: usize = 100;

/// 100 - \[2 W, 7, 7\] - \[W, 14, 14\] - \[1, 28, 28\].
fn generator(width: usize, init: &mut Random) -> Sequential {
    let doubling = || ConvTranspose2dOptions::default().stride(2).padding(1);
    Sequential::new()
        .with(Linear::new(LATENT, 2 * width * 49, init).without_bias())
        .with(Unflatten::new([2 * width, 7, 7]))
        .with(BatchNorm2d::new(2 * width))
        .with(ReLU)
        .with(ConvTranspose2d::new(2 * width, width, 4, doubling(), init).without_bias())
        .with(BatchNorm2d::new(width))
        .with(ReLU)
        .with(ConvTranspose2d::new(width, 1, 4, doubling(), init))
        .with(Tanh)
}

/// \[1, 28, 28\] - \[W, 14, 14\] - \[2 W, 7, 7\] - 1.
fn discriminator(width: usize, init: &mut Random) -> Sequential {
    let halving = || Conv2dOptions::default().stride(2).padding(1);
    Sequential::new()
        .with(Conv2d::new(1, width, 4, halving(), init))
        .with(LeakyReLU::new(0.2))
        .with(Conv2d::new(width, 2 * width, 4, halving(), init).without_bias())
        .with(BatchNorm2d::new(2 * width))
        .with(LeakyReLU::new(0.2))
        .with(Flatten)
        .with(Linear::new(2 * width * 49, 1, init))
}

/// A step of the discriminator, then one of the generator, with the same noise.
pub struct Step {
    generator: Sequential,
    discriminator: Sequential,
    g_adam: Adam,
    d_adam: Adam,
    x: Tensor,
    cx: Context,
}

impl Step {
    /// With `width` channels after the first convolution, twice as many after the second.
    pub fn new(batch: usize, width: usize) -> Step {
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let (generator, discriminator) = (generator(width, init), discriminator(width, init));
        let config = AdamConfig {
            learning_rate: 2e-4,
            betas: (0.5, 0.999),
            ..AdamConfig::default()
        };
        Step {
            g_adam: Adam::new(module::params(&generator), config),
            d_adam: Adam::new(module::params(&discriminator), config),
            generator,
            discriminator,
            x: random.stream("data").uniform([batch, 1, 28, 28], DType::F32) * 2.0 - 1.0,
            cx: Context::training(&random),
        }
    }

    /// Returns the losses of the discriminator and of the generator.
    pub fn step(&mut self) -> [f64; 2] {
        let z = self.cx.noise.normal([self.x.size(0), LATENT], DType::F32);
        let fake = self.generator.forward(&z, &mut self.cx);

        let d_loss = self.judged(&self.x.clone(), true) + self.judged(&fake.detach(), false);
        let (d_value, gradients) = d_loss.value_and_grad(self.d_adam.params());
        self.d_adam.step(&gradients);

        // Only what the generator's gradients need is computed: none by the discriminator's parameters.
        let g_loss = self.judged(&fake, true);
        drop(fake);
        let (g_value, gradients) = g_loss.value_and_grad(self.g_adam.params());
        self.g_adam.step(&gradients);
        [d_value, g_value]
    }

    /// The mean loss of images that are to be taken for real ones, or for generated ones.
    fn judged(&mut self, images: &Tensor, real: bool) -> Tensor {
        let logits = self.discriminator.forward(images, &mut self.cx);
        let target = if real { logits.ones_like() } else { logits.zeros_like() };
        bce_with_logits(&logits, &target).mean(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_falls;

    #[test]
    fn the_discriminator_learns_to_tell() {
        let mut step = Step::new(4, 4);
        assert_falls(40, || step.step()[0]);
    }

    /// The generator's loss has no way that it must go: its judge gets better. Against the first one, it falls.
    #[test]
    fn the_generator_learns_to_fool_a_judge_that_stands_still() {
        let mut step = Step::new(4, 4);
        step.d_adam.set_learning_rate(0.0);
        assert_falls(100, || step.step()[1]);
    }
}
