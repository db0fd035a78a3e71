//! Training runs: from the same weights, with the same batches and the same noise, every loss of every step is PyTorch's.

use crate::files::{assert_close, json, tensors};
use genmodels::{Losses, Model, NamedOptimiser, gan, vae};
use nn::{Context, Mode, Module, Noise, module, state};
use std::collections::BTreeMap;
use tensor_core::{DType, Random, Tensor};

/// The largest deviations: of a loss, of a weight after the last step.
fn tolerances(dtype: DType) -> (f64, f64) {
    if dtype == DType::F64 {
        (1e-9, 1e-6)
    } else {
        (1e-5, 1e-3)
    }
}

/// Entry `step` of a tensor [steps, …], without that dimension.
fn at(tensors: &BTreeMap<String, Tensor>, name: &str, step: usize, dtype: DType) -> Tensor {
    let whole = &tensors[name];
    whole.narrow(0, step, 1).reshape(&whole.shape()[1..]).to_dtype(dtype)
}

fn set_weights(model: &impl Module, tensors: &BTreeMap<String, Tensor>) {
    for (name, entry) in module::entries(model) {
        let value = tensors
            .get(&format!("init.{name}"))
            .unwrap_or_else(|| panic!("no initial value of `{name}`"));
        match entry {
            module::Entry::Param(param) => param.set(&value.to_dtype(param.dtype())),
            module::Entry::Buffer(buffer) => buffer.set(&value.to_dtype(buffer.tensor().dtype())),
        }
    }
}

/// Repeats a run. `noise` names the draws; `names` pairs the run's losses with the model's.
fn repeat(run: &str, noise: &str, model: impl Model, names: &[(&str, &str)], dtype: DType) {
    let tensors = tensors(&format!("{run}.safetensors"));
    module::to_dtype(&model, dtype);
    set_weights(&model, &tensors);
    let mut optimisers: Vec<NamedOptimiser> = model.optimisers();
    let steps = tensors["x"].size(0);
    let history: Vec<Losses> = (0..steps)
        .map(|step| {
            let noise = Noise::given([at(&tensors, noise, step, dtype)]);
            let mut cx = Context {
                mode: Mode::Training,
                noise,
            };
            model.train_step(&at(&tensors, "x", step, dtype), &mut optimisers, &mut cx)
        })
        .collect();
    let (loss_tolerance, weight_tolerance) = tolerances(dtype);
    for (theirs, ours) in names {
        let found: Vec<f64> = history.iter().map(|losses| losses.get(ours).unwrap()).collect();
        let found = Tensor::from_slice(&found, [steps]);
        assert_close(
            &format!("{run} {dtype}: {theirs} by step"),
            &found,
            &tensors[&format!("loss.{theirs}")],
            loss_tolerance,
        );
    }
    for (name, found) in state::state_dict(&model) {
        let reference = tensors[&format!("final.{name}")].to_dtype(DType::F64);
        let off = (found.to_dtype(DType::F64) - reference)
            .to_vec::<f64>()
            .into_iter()
            .fold(0.0f64, |m, d| m.max(d.abs()));
        assert!(
            off <= weight_tolerance,
            "{run} {dtype}: `{name}` is off by {off:e} after the last step"
        );
    }
}

fn width() -> usize {
    json("train.json")["width"].as_u64().expect("train.json has the width") as usize
}

fn both_types(repeat: impl Fn(DType)) {
    [DType::F64, DType::F32].into_iter().for_each(repeat);
}

#[test]
fn golden_training_of_the_vae() {
    both_types(|dtype| {
        let tensors = tensors("vae_mlp.safetensors");
        let config = vae::Config {
            latent_dim: tensors["eps"].size(-1),
            hidden: vec![width(); 2],
            ..vae::Config::default()
        };
        let model = vae::Vae::new(tensors["x"].size(-1), &config, &mut Random::new(0)).unwrap();
        repeat(
            "vae_mlp",
            "eps",
            model,
            &[("reconstruction", "reconstruction"), ("kl", "kl")],
            dtype,
        );
    });
}

#[test]
fn golden_training_of_the_gan() {
    both_types(|dtype| {
        let tensors = tensors("gan_mlp.safetensors");
        let mut config = gan::Config {
            latent_dim: tensors["z"].size(-1),
            generator_hidden: vec![width(); 2],
            discriminator_hidden: vec![width(); 2],
            ..gan::Config::default()
        };
        for adam in [&mut config.optimiser.generator, &mut config.optimiser.discriminator] {
            adam.learning_rate = 1e-3;
        }
        let model = gan::Gan::new(tensors["x"].size(-1), &config, &mut Random::new(0)).unwrap();
        repeat(
            "gan_mlp",
            "z",
            model,
            &[("discriminator", "d_loss"), ("generator", "g_loss")],
            dtype,
        );
    });
}
