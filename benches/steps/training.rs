//! Training steps of whole models: draws, forward, loss, backward, optimiser. Each is a parallel region; that of a trainer is one by itself.

use crate::Timer;
use benches::{dcgan, iwae, lstm, wgan_gp};
use genmodels::{AdamSettings, Losses, Trainer, gan, vae};
use tensor_core::{DType, Random, parallel_region};

pub(crate) fn all(timer: &Timer) {
    for batch in [32, 128, 512] {
        timer.case(&format!("vae_mlp_step/b{batch}"), || vae_step(batch));
    }
    for k in [1, 5, 50] {
        timer.case(&format!("iwae_step/b20k{k}"), || {
            let mut step = iwae::Step::published(k);
            move || parallel_region(|| step.step())
        });
    }
    for batch in [64, 128] {
        timer.case(&format!("gan_mlp_step/b{batch}"), || gan_step(batch));
    }
    timer.case("dcgan_step/b64", || {
        let mut step = dcgan::Step::new(64, 64);
        move || parallel_region(|| step.step())
    });
    timer.case("wgan_gp_critic_step/b64", || {
        let mut step = wgan_gp::CriticStep::of_images(64);
        move || parallel_region(|| step.step())
    });
    timer.case("lstm_step/b32", || {
        let mut step = lstm::Step::new(lstm::Sizes {
            batch: 32,
            time: 20,
            vocabulary: 64,
            embedding: 64,
            hidden: 256,
        });
        move || parallel_region(|| step.step())
    });
}

/// 784-400-400-(20, 20), 20-400-400-784, ReLU, Adam.
fn vae_step(batch: usize) -> impl FnMut() -> Losses {
    let random = Random::new(0);
    let model = vae::Vae::new(784, &vae::Config::default(), &mut random.stream("init")).expect("sound settings");
    let mut trainer = Trainer::new(Box::new(model), 0).expect("all parameters are trained");
    let x = random.stream("data").uniform([batch, 784], DType::F32);
    move || trainer.step(&x).expect("it converges")
}

/// G 100-256-256-784 with tanh, D 784-256-256-1, non-saturating, two Adams.
fn gan_step(batch: usize) -> impl FnMut() -> Losses {
    let random = Random::new(0);
    let adam = AdamSettings::new(2e-4, 0.5);
    let config = gan::Config {
        latent_dim: 100,
        generator_hidden: vec![256, 256],
        discriminator_hidden: vec![256, 256],
        optimiser: gan::Optimisers {
            generator: adam,
            discriminator: adam,
        },
        ..gan::Config::default()
    };
    let model = gan::Gan::new(784, &config, &mut random.stream("init")).expect("sound settings");
    let mut trainer = Trainer::new(Box::new(model), 0).expect("all parameters are trained");
    let x = random.stream("data").uniform([batch, 784], DType::F32) * 2.0 - 1.0;
    move || trainer.step(&x).expect("it goes on")
}
