//! A VQ-VAE (van den Oord et al. 2017): the nearest code, the straight-through gradient, and what moves the codebook.

use super::Run;
use nn::{
    Adam, AdamConfig, Context, Conv2d, ConvTranspose2d, Embedding, Layer, Module, Optimiser, ReLU, Sequential, Visitor,
    loss, module,
};
use std::collections::BTreeSet;
use tensor_core::ops::{Conv2dOptions, ConvTranspose2dOptions};
use tensor_core::{Random, Tensor};

struct VqVae {
    encoder: Sequential,
    codebook: Embedding,
    decoder: Sequential,
}

impl VqVae {
    fn new(width: usize, codes: usize, code_dim: usize) -> VqVae {
        let init = &mut Random::new(0);
        let halving = Conv2dOptions::default().stride(2).padding(1);
        let same = || Conv2dOptions::default().padding(1);
        let doubling = ConvTranspose2dOptions::default().stride(2).padding(1);
        VqVae {
            encoder: Sequential::new()
                .with(Conv2d::new(1, width / 2, 4, halving, init))
                .with(ReLU)
                .with(Conv2d::new(width / 2, code_dim, 3, same(), init)),
            codebook: Embedding::new(codes, code_dim, init),
            decoder: Sequential::new()
                .with(Conv2d::new(code_dim, width / 2, 3, same(), init))
                .with(ReLU)
                .with(ConvTranspose2d::new(width / 2, 1, 4, doubling, init)),
        }
    }

    /// k = argmin_j ‖z - e_j‖² for each vector z: [N, D] -> [N]
    fn nearest_codes(&self, z: &Tensor) -> Tensor {
        let e = self.codebook.weight.tensor();
        let distances = (z.unsqueeze(1) - e.unsqueeze(0)).sqr().sum(2);
        distances.argmin(1)
    }
}

impl Module for VqVae {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("encoder", &self.encoder);
        v.module("codebook", &self.codebook);
        v.module("decoder", &self.decoder);
    }
}

#[test]
fn golden_training_of_the_vq_vae() {
    Run::in_both_types("vq_vae", |run| {
        let codebook = run.array("init.codebook.weight").shape();
        let model = VqVae::new(Run::width(), codebook[0], codebook[1]);
        run.begin(&model);
        let mut adam = Adam::new(module::params(&model), AdamConfig::default());
        let cx = &mut Context::training(&Random::new(0));
        let [mut reconstructions, mut codebooks, mut commitments, mut used] = [const { Vec::new() }; 4];
        for step in 0..run.count("x") {
            let x = run.at("x", &[step]);
            let z = model.encoder.forward(&x, cx).permute(&[0, 2, 3, 1]); // [B, H, W, D]
            let codes = model.nearest_codes(&z.reshape([z.count() / codebook[1], codebook[1]]));
            let e = model.codebook.forward(&codes, cx).reshape(z.shape());
            let codebook_loss = loss::squared_error(&e, &z.detach()).mean(..);
            let commitment = loss::squared_error(&z, &e.detach()).mean(..);
            let quantised = &z + (&e - &z).detach(); // the value of e, with z's gradient
            let output = model.decoder.forward(&quantised.permute(&[0, 3, 1, 2]), cx);
            let reconstruction = loss::squared_error(&output, &x).mean(..);
            reconstructions.push(reconstruction.item());
            codebooks.push(codebook_loss.item());
            commitments.push(commitment.item());
            used.push(codes.to_vec::<u32>().into_iter().collect::<BTreeSet<_>>().len() as f64);
            let total = reconstruction + codebook_loss + 0.25 * commitment;
            let (_, gradients) = total.value_and_grad(adam.params());
            adam.step(&gradients);
        }
        run.compare_losses("reconstruction", &reconstructions);
        run.compare_losses("codebook", &codebooks);
        run.compare_losses("commitment", &commitments);
        run.compare_losses("codes_used", &used);
        run.compare_weights(&model);
    });
}
