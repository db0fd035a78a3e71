//! **Step 2: tensors and layers.** A network with 1,185 weights tells two moons apart.
//!
//! New since step 1:
//!
//! - A value is a tensor: one operation works on a whole batch. The gradient is asked for in the same way, and returned in the same way.
//! - Layers from `nn` hold the weights, and Adam replaces plain gradient descent.
//! - The data comes in shuffled batches.
//!
//!     cargo run --release -p genmodels --example 02_mlp
//!
//! It prints the loss and the share of points told right, then a map of the plane: `#` is one moon, `.` the other.

use datasets::{Batches, Dataset, LastBatch, Presentation};
use nn::loss::bce_with_logits;
use nn::{Adam, AdamConfig, Context, Layer, Linear, Optimiser, ReLU, Sequential, module};
use tensor_core::{Random, Tensor};

/// 2 - 32 - 32 - 1: points to the logit of "this is the lower moon".
fn network(init: &mut Random) -> Sequential {
    Sequential::new()
        .with(Linear::new(2, 32, init))
        .with(ReLU)
        .with(Linear::new(32, 32, init))
        .with(ReLU)
        .with(Linear::new(32, 1, init))
}

/// Trains for so many steps. Returns the network, the last loss and the share of the last batch that was told right.
fn run(steps: usize) -> (Sequential, f64, f64) {
    let random = Random::new(0);
    let moons = Dataset::open("moons", 0).expect("it is built in");
    let batches = Batches::shuffled(&moons.train, 128, LastBatch::Drop, Presentation::default(), &random).unwrap();
    let epoch = batches.epoch(0); // 781 batches

    let network = network(&mut random.stream("init"));
    let mut cx = Context::training(&random);
    let mut adam = Adam::new(
        module::params(&network),
        AdamConfig {
            learning_rate: 1e-2,
            ..AdamConfig::default()
        },
    );
    let (mut last, mut right) = (f64::INFINITY, 0.0);
    for step in 0..steps {
        let x = epoch.batch(step); //                                                          [128, 2]
        let labels: Vec<f32> = epoch.labels(step).unwrap().iter().map(|&label| label as f32).collect();
        let y = Tensor::from_slice(&labels, [128, 1]);

        let logits = network.forward(&x, &mut cx); //                                          [128, 1]
        right = share_right(&logits, &labels);
        let loss = bce_with_logits(&logits, &y).mean(..); // -ln p(right answer), in nats
        let (value, gradients) = loss.value_and_grad(adam.params());
        adam.step(&gradients);

        last = value;
        if step % (steps / 5).max(1) == 0 {
            println!("step {step:4}   loss {value:.4}   right {:5.1} %", 100.0 * right);
        }
    }
    (network, last, right)
}

/// A logit above 0 says "lower moon".
fn share_right(logits: &Tensor, labels: &[f32]) -> f64 {
    let right = logits
        .to_vec::<f32>()
        .iter()
        .zip(labels)
        .filter(|(logit, label)| (**logit > 0.0) == (**label > 0.5))
        .count();
    right as f64 / labels.len() as f64
}

/// What the network says at each place of the plane.
fn map(network: &Sequential) -> String {
    let mut picture = String::new();
    for row in 0..16 {
        let y = 1.4 - 0.16 * row as f32;
        let places: Vec<f32> = (0..50).flat_map(|column| [-1.5 + 0.08 * column as f32, y]).collect();
        let logits = network.forward(
            &Tensor::from_slice(&places, [50, 2]),
            &mut Context::evaluation(&Random::new(0)),
        );
        picture.extend(
            logits
                .to_vec::<f32>()
                .iter()
                .map(|&logit| if logit > 0.0 { '#' } else { '.' }),
        );
        picture.push('\n');
    }
    picture
}

fn main() {
    let (network, last, right) = run(600);
    println!(
        "at the end  loss {last:.4}   right {:5.1} %\n\n{}",
        100.0 * right,
        map(&network)
    );
}

#[test]
fn the_moons_are_told_apart() {
    let (network, last, right) = run(300);
    assert_eq!(module::count_params(&network), 1185);
    assert!(last < 0.05 && right > 0.97, "loss {last}, right {right}");
    assert!(map(&network).contains('#') && map(&network).contains('.'));
}
