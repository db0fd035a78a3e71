//! **Step 3: an autoencoder.** 784 pixels through a code of 16 numbers and back.
//!
//! New since step 2:
//!
//! - Two networks in a row, an encoder and a decoder, in a struct of our own with a `visit` that shows its parts.
//! - No labels: the image is its own target. The loss is summed over the pixels of an image and averaged over the batch.
//!
//!     cargo run --release -p genmodels --example 03_autoencoder
//!
//! It prints the reconstruction error in nats per image, then four digits above what came out of their codes.

use nn::loss::bce_with_logits;
use nn::{Adam, AdamConfig, Context, Layer, Linear, Module, Optimiser, ReLU, Sequential, Visitor, module};
use tensor_core::{Random, Tensor};

const CODE: usize = 16;

struct Autoencoder {
    encoder: Sequential,
    decoder: Sequential,
}

impl Module for Autoencoder {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("encoder", &self.encoder);
        v.module("decoder", &self.decoder);
    }
}

impl Autoencoder {
    fn new(init: &mut Random) -> Autoencoder {
        Autoencoder {
            encoder: Sequential::new()
                .with(Linear::new(784, 200, init))
                .with(ReLU)
                .with(Linear::new(200, CODE, init)),
            decoder: Sequential::new()
                .with(Linear::new(CODE, 200, init))
                .with(ReLU)
                .with(Linear::new(200, 784, init)),
        }
    }

    fn loss(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let z = self.encoder.forward(x, cx); //                             [B, CODE]
        let logits = self.decoder.forward(&z, cx); //                       [B, 784]
        bce_with_logits(&logits, x).sum(1).mean(..) // sum over pixels, mean over images
    }

    fn reconstruct(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let z = self.encoder.forward(x, cx);
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

/// Trains for so many steps on batches of 100. Returns the model and the mean of the last ten losses.
fn run(steps: usize) -> (Autoencoder, f64) {
    let random = Random::new(0);
    let data = digits(10_000);
    let model = Autoencoder::new(&mut random.stream("init"));
    let mut adam = Adam::new(module::params(&model), AdamConfig::default());
    let mut recent = Vec::new();
    for step in 0..steps {
        let mut cx = Context::training(&random.at(step as u64));
        let x = data.narrow(0, step % 100 * 100, 100); // the images are in no order, so we take them in turn
        let (loss, gradients) = model.loss(&x, &mut cx).value_and_grad(adam.params());
        adam.step(&gradients);
        recent.push(loss);
        if step % (steps / 5).max(1) == 0 {
            println!("step {step:4}   reconstruction {loss:6.1} nats");
        }
    }
    (model, recent[steps - 10..].iter().sum::<f64>() / 10.0)
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
    let (model, last) = run(1500);
    println!("at the end  reconstruction {last:6.1} nats\n");
    let x = digits(4);
    let again = model.reconstruct(&x, &mut Context::evaluation(&Random::new(1)));
    println!("{}\n{}", show(&x), show(&again));
}

#[test]
fn the_reconstruction_improves() {
    let (model, last) = run(150);
    // At the start each pixel costs ln 2 nats: 543 for the image.
    assert!(last < 190.0, "reconstruction {last}");
    let x = digits(2);
    let again = model.reconstruct(&x, &mut Context::evaluation(&Random::new(1)));
    assert_eq!(again.shape(), [2, 784]);
    assert_eq!(show(&again).lines().count(), 14);
}
