//! WGAN-GP (Gulrajani et al. 2017): its penalty is a function of a gradient, so training it takes second derivatives.

use super::Run;
use nn::{Adam, AdamConfig, Context, Layer, LeakyReLU, Linear, Module, Optimiser, ReLU, Sequential, Visitor, module};
use tensor_core::{Random, Tensor};

struct WganGp {
    generator: Sequential,
    critic: Sequential,
}

impl WganGp {
    fn new(latent_dim: usize, data_dim: usize, width: usize) -> WganGp {
        let init = &mut Random::new(0);
        WganGp {
            generator: Sequential::new()
                .with(Linear::new(latent_dim, width, init))
                .with(ReLU)
                .with(Linear::new(width, width, init))
                .with(ReLU)
                .with(Linear::new(width, data_dim, init)),
            critic: Sequential::new()
                .with(Linear::new(data_dim, width, init))
                .with(LeakyReLU::new(0.2))
                .with(Linear::new(width, width, init))
                .with(LeakyReLU::new(0.2))
                .with(Linear::new(width, 1, init)),
        }
    }

    /// E C(G(z)) - E C(x)
    fn critic_loss(&self, x: &Tensor, fake: &Tensor, cx: &mut Context) -> Tensor {
        self.critic.forward(fake, cx).mean(..) - self.critic.forward(x, cx).mean(..)
    }

    /// λ E (‖∇ C(x̂)‖ - 1)², with x̂ between x and G(z)
    fn penalty(&self, x: &Tensor, fake: &Tensor, mix: &Tensor, cx: &mut Context) -> Tensor {
        let between = (mix * x + (1.0 - mix) * fake).requires_grad();
        let slope = &self.critic.forward(&between, cx).sum(..).grad_graph(&[&between])[0];
        let norm = slope.sqr().sum(1).sqrt();
        10.0 * (norm - 1.0).sqr().mean(..)
    }
}

impl Module for WganGp {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("generator", &self.generator);
        v.module("critic", &self.critic);
    }
}

#[test]
fn golden_training_of_the_wgan_gp() {
    Run::in_both_types("wgan_gp", |run| {
        let model = WganGp::new(run.array("z").size(-1), run.array("x").size(-1), Run::width());
        run.begin(&model);
        let config = AdamConfig {
            learning_rate: 1e-3,
            betas: (0.0, 0.9),
            ..AdamConfig::default()
        };
        let mut critic_adam = Adam::new(module::params(&model.critic), config);
        let mut generator_adam = Adam::new(module::params(&model.generator), config);
        let cx = &mut Context::training(&Random::new(0));
        let (mut critic_losses, mut penalties, mut generator_losses) = (Vec::new(), Vec::new(), Vec::new());
        let per_step = run.array("x").size(1);
        for step in 0..run.count("x") {
            for k in 0..per_step {
                let [x, z, mix] = ["x", "z", "mix"].map(|name| run.at(name, &[step, k]));
                let fake = model.generator.forward(&z, cx).detach();
                let loss = model.critic_loss(&x, &fake, cx);
                let penalty = model.penalty(&x, &fake, &mix, cx);
                critic_losses.push(loss.item());
                penalties.push(penalty.item());
                let (_, gradients) = (loss + penalty).value_and_grad(critic_adam.params());
                critic_adam.step(&gradients);
            }
            let fake = model.generator.forward(&run.at("z_generator", &[step]), cx);
            let loss = -model.critic.forward(&fake, cx).mean(..);
            let (value, gradients) = loss.value_and_grad(generator_adam.params());
            generator_adam.step(&gradients);
            generator_losses.push(value);
        }
        run.compare_losses("critic", &critic_losses);
        run.compare_losses("penalty", &penalties);
        run.compare_losses("generator", &generator_losses);
        run.compare_weights(&model);
    });
}
