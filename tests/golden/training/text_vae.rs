//! A VAE of short texts in the manner of Bowman et al. (2016): embeddings, convolutions over time, and an LSTM that begins from the latent.

use super::Run;
use genmodels::likelihoods::kl_to_standard_normal;
use nn::{
    Adam, AdamConfig, Context, Conv1d, Embedding, LSTM, Layer, Linear, Module, Optimiser, ReLU, Sequential, Visitor,
    module,
};
use tensor_core::ops::Conv1dOptions;
use tensor_core::{DType, Random, Tensor};

struct TextVae {
    embedding: Embedding,
    encoder: Sequential,
    latent: Linear,
    start: Linear,
    decoder: LSTM,
    output: Linear,
}

impl TextVae {
    fn new(vocabulary: usize, embedding_dim: usize, latent_dim: usize, hidden: usize) -> TextVae {
        let init = &mut Random::new(0);
        TextVae {
            embedding: Embedding::new(vocabulary, embedding_dim, init),
            encoder: Sequential::new()
                .with(Conv1d::new(
                    embedding_dim,
                    hidden,
                    3,
                    Conv1dOptions::default().padding(1),
                    init,
                ))
                .with(ReLU)
                .with(Conv1d::new(
                    hidden,
                    hidden,
                    3,
                    Conv1dOptions::default().stride(2).padding(1),
                    init,
                ))
                .with(ReLU),
            latent: Linear::new(hidden, 2 * latent_dim, init),
            start: Linear::new(latent_dim, hidden, init),
            decoder: LSTM::new(embedding_dim + latent_dim, hidden, init),
            output: Linear::new(hidden, vocabulary, init),
        }
    }

    /// q(z | x): mu and ln sigma², [B, Z] each.
    fn encode(&self, tokens: &Tensor, cx: &mut Context) -> (Tensor, Tensor) {
        let x = self.embedding.forward(tokens, cx).transpose(1, 2); // [B, E, T]
        let h = self.encoder.forward(&x, cx).mean(2);
        self.latent.forward(&h, cx).halves(1)
    }

    /// Logits of each token, [B, T, V], given those before it and z. Token 0 begins a sequence.
    fn decode(&self, tokens: &Tensor, z: &Tensor, cx: &mut Context) -> Tensor {
        let (batch, time) = (tokens.size(0), tokens.size(1));
        let first = Tensor::zeros([batch, 1]).to_dtype(DType::U32);
        let before = Tensor::cat(&[&first, &tokens.narrow(1, 0, time - 1)], 1);
        let repeated = z.unsqueeze(1).expand([batch, time, z.size(1)]);
        let x = Tensor::cat(&[&self.embedding.forward(&before, cx), &repeated], 2);
        let h = self.start.forward(z, cx).tanh();
        let (hidden, _) = self.decoder.forward(&x, Some([&h, &h.zeros_like()]));
        self.output.forward(&hidden, cx)
    }
}

impl Module for TextVae {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("embedding", &self.embedding);
        v.module("encoder", &self.encoder);
        v.module("latent", &self.latent);
        v.module("start", &self.start);
        v.module("decoder", &self.decoder);
        v.module("output", &self.output);
    }
}

#[test]
fn golden_training_of_the_text_vae() {
    Run::in_both_types("text_vae", |run| {
        let embedding = run.array("init.embedding.weight").shape();
        let model = TextVae::new(embedding[0], embedding[1], run.array("eps").size(-1), Run::width() / 2);
        run.begin(&model);
        let mut adam = Adam::new(module::params(&model), AdamConfig::default());
        let cx = &mut Context::training(&Random::new(0));
        let (mut reconstructions, mut kls) = (Vec::new(), Vec::new());
        for step in 0..run.count("tokens") {
            let tokens = run.at("tokens", &[step]);
            let (mu, log_var) = model.encode(&tokens, cx);
            let z = &mu + (0.5 * &log_var).exp() * run.at("eps", &[step]);
            let logits = model.decode(&tokens, &z, cx).transpose(1, 2); // [B, V, T]
            let reconstruction = logits.cross_entropy(&tokens).sum(1).mean(..);
            let kl = kl_to_standard_normal(&mu, &log_var).mean(..);
            reconstructions.push(reconstruction.item());
            kls.push(kl.item());
            let (_, gradients) = (reconstruction + kl).value_and_grad(adam.params());
            adam.step(&gradients);
        }
        run.compare_losses("reconstruction", &reconstructions);
        run.compare_losses("kl", &kls);
        run.compare_weights(&model);
    });
}
