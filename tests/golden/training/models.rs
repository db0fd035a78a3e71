//! Models of the project.

use super::Run;
use genmodels::{Losses, Model, NamedOptimiser, gan, vae};
use nn::{Context, Noise};
use tensor_core::Random;

/// Repeats a run. `noise` names the draws; `names` pairs the run's losses with the model's.
fn repeat(run: &Run, noise: &str, model: impl Model, names: &[(&str, &str)]) {
    run.begin(&model);
    let mut optimisers: Vec<NamedOptimiser> = model.optimisers();
    let step = |step| {
        let mut cx = Context {
            noise: Noise::given([run.at(noise, &[step])]),
            ..Context::training(&Random::new(0))
        };
        model.train_step(&run.at("x", &[step]), &mut optimisers, &mut cx)
    };
    let history: Vec<Losses> = (0..run.count("x")).map(step).collect();
    for (theirs, ours) in names {
        let found: Vec<f64> = history.iter().map(|losses| losses.get(ours).unwrap()).collect();
        run.compare_losses(theirs, &found);
    }
    run.compare_weights(&model);
}

#[test]
fn golden_training_of_the_vae() {
    Run::in_both_types("vae_mlp", |run| {
        let config = vae::Config {
            latent_dim: run.array("eps").size(-1),
            hidden: vec![Run::width(); 2],
            ..vae::Config::default()
        };
        let model = vae::Vae::new(run.array("x").size(-1), &config, &mut Random::new(0)).unwrap();
        let names = [("reconstruction", "reconstruction"), ("kl", "kl")];
        repeat(run, "eps", model, &names);
    });
}

#[test]
fn golden_training_of_the_gan() {
    Run::in_both_types("gan_mlp", |run| {
        let mut config = gan::Config {
            latent_dim: run.array("z").size(-1),
            generator_hidden: vec![Run::width(); 2],
            discriminator_hidden: vec![Run::width(); 2],
            ..gan::Config::default()
        };
        for adam in [&mut config.optimiser.generator, &mut config.optimiser.discriminator] {
            adam.learning_rate = 1e-3;
        }
        let model = gan::Gan::new(run.array("x").size(-1), &config, &mut Random::new(0)).unwrap();
        repeat(run, "z", model, &[("discriminator", "d_loss"), ("generator", "g_loss")]);
    });
}
