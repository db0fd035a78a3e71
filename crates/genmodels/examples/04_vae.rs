//! **Step 4: a variational autoencoder.** The code becomes a distribution, and so the model can draw digits of its own.
//!
//! New since step 3 (compare the two files line by line):
//!
//! - The encoder gives two numbers for each dimension of the code: a mean and the logarithm of a variance.
//! - The code is drawn: z = mu + sigma * eps. Only eps is random, so the gradient passes to mu and sigma.
//! - A second term in the loss, the divergence of the codes from N(0, I), in closed form. The sum of the two is minus the ELBO.
//! - `sample`: draw z from N(0, I) and decode it. In step 3 nobody knew where good codes are; here the second term keeps them near 0.
//!
//!     cargo run --release -p genmodels --example 04_vae
//!
//! It prints the two terms in nats per image, then digits with their reconstructions, then new digits.

use nn::loss::bce_with_logits;
use nn::{Adam, AdamConfig, Context, Layer, Linear, Module, Optimiser, ReLU, Sequential, Visitor, module};
use tensor_core::{DType, Random, Tensor};

const CODE: usize = 16;

struct Vae {
    encoder: Sequential,
    decoder: Sequential,
}

impl Module for Vae {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("encoder", &self.encoder);
        v.module("decoder", &self.decoder);
    }
}

impl Vae {
    fn new(init: &mut Random) -> Vae {
        Vae {
            encoder: Sequential::new()
                .with(Linear::new(784, 200, init))
                .with(ReLU)
                .with(Linear::new(200, 2 * CODE, init)),
            decoder: Sequential::new()
                .with(Linear::new(CODE, 200, init))
                .with(ReLU)
                .with(Linear::new(200, 784, init)),
        }
    }

    /// The two parts of minus the ELBO, means over the batch: reconstruction and divergence.
    fn loss(&self, x: &Tensor, cx: &mut Context) -> (Tensor, Tensor) {
        let (z, kl) = self.encode(x, cx); //                                [B, CODE] and [B]
        let logits = self.decoder.forward(&z, cx); //                       [B, 784]
        (bce_with_logits(&logits, x).sum(1).mean(..), kl.mean(..))
    }

    /// z ~ q(z | x) = N(mu, sigma²), and KL(q(z | x) || N(0, I)) = ½ Σ (mu² + sigma² - 1 - ln sigma²).
    fn encode(&self, x: &Tensor, cx: &mut Context) -> (Tensor, Tensor) {
        let (mu, log_var) = self.encoder.forward(x, cx).halves(1); //       [B, CODE] each
        let eps = cx.noise.normal_like(&mu);
        let z = &mu + (0.5 * &log_var).exp() * eps;
        let kl = 0.5 * (mu.sqr() + log_var.exp() - 1.0 - log_var).sum(1);
        (z, kl)
    }

    fn reconstruct(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let (z, _) = self.encode(x, cx);
        self.decoder.forward(&z, cx).sigmoid()
    }

    /// New images: z ~ N(0, I), decoded.
    fn sample(&self, n: usize, cx: &mut Context) -> Tensor {
        let z = cx.noise.normal([n, CODE], DType::F32);
        self.decoder.forward(&z, cx).sigmoid()
    }
}

/// Digits that the program draws: [n, 784], 0 is paper and 1 is ink.
fn digits(n: usize) -> Tensor {
    let pixels: Vec<f32> = datasets::glyphs::draw(0, "train", n)
        .pixels
        .iter()
        .map(|&byte| f32::from(byte) / 255.0)
        .collect();
    Tensor::from_slice(&pixels, [n, 784])
}

/// Trains for so many steps on batches of 100. Returns the model and the means of the last ten losses.
fn run(steps: usize) -> (Vae, [f64; 2]) {
    let random = Random::new(0);
    let data = digits(10_000);
    let model = Vae::new(&mut random.stream("init"));
    let mut adam = Adam::new(module::params(&model), AdamConfig::default());
    let mut recent = Vec::new();
    for step in 0..steps {
        let mut cx = Context::training(&random.at(step as u64));
        let x = data.narrow(0, step % 100 * 100, 100); // the images are in no order, so we take them in turn
        let (reconstruction, kl) = model.loss(&x, &mut cx);
        let parts = [reconstruction.item(), kl.item()];
        let (_, gradients) = (reconstruction + kl).value_and_grad(adam.params());
        adam.step(&gradients);
        recent.push(parts);
        if step % (steps / 5).max(1) == 0 {
            println!(
                "step {step:4}   reconstruction {:6.1} nats   kl {:5.1} nats",
                parts[0], parts[1]
            );
        }
    }
    let mean = |part: usize| recent[steps - 10..].iter().map(|parts| parts[part]).sum::<f64>() / 10.0;
    (model, [mean(0), mean(1)])
}

/// Rows of an image tensor [n, 784] as text, side by side.
fn show(images: &Tensor) -> String {
    let (n, pixels) = (images.size(0), images.to_vec::<f32>());
    let mut picture = String::new();
    for row in (0..28).step_by(2) {
        for image in 0..n {
            // A character is about twice as high as wide: two rows of pixels make one line.
            let ink = |column| {
                0.5 * (pixels[image * 784 + row * 28 + column] + pixels[image * 784 + (row + 1) * 28 + column])
            };
            picture.extend((0..28).map(|column| b" .:-=+*#%@"[((ink(column) * 10.0) as usize).min(9)] as char));
        }
        picture.push('\n');
    }
    picture
}

fn main() {
    let (model, [reconstruction, kl]) = run(1500);
    println!(
        "at the end  reconstruction {reconstruction:6.1} nats   kl {kl:5.1} nats   ELBO {:.1}\n",
        -(reconstruction + kl)
    );
    let cx = &mut Context::evaluation(&Random::new(1));
    let x = digits(4);
    println!(
        "{}\n{}\nnew digits\n{}",
        show(&x),
        show(&model.reconstruct(&x, cx)),
        show(&model.sample(4, cx))
    );
}

#[test]
fn the_bound_rises_and_the_code_is_used() {
    let (model, [reconstruction, kl]) = run(200);
    assert!(reconstruction + kl < 230.0, "minus the ELBO: {reconstruction} + {kl}");
    assert!(kl > 2.0, "the code says nothing about the image: {kl} nats");
    assert_eq!(
        model.sample(3, &mut Context::evaluation(&Random::new(1))).shape(),
        [3, 784]
    );
}

#[test]
fn the_divergence_of_the_prior_from_itself_is_zero() {
    let model = Vae::new(&mut Random::new(0));
    for param in module::params(&model.encoder) {
        param.set(&Tensor::zeros(param.shape())); // mu = 0 and ln sigma² = 0 for every image
    }
    let (_, kl) = model.encode(&digits(3), &mut Context::training(&Random::new(0)));
    assert_eq!(kl.to_vec::<f32>(), [0.0; 3]);
}
