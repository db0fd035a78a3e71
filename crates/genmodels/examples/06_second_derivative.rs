//! **Step 6: a gradient of a gradient.** A critic measures how far apart two clouds of points are, and a penalty on its slope keeps it honest.
//!
//! New since step 5:
//!
//! - The loss contains a gradient. `grad_graph` returns one that is itself part of the graph, so that the loss can be differentiated by
//!   the weights as usual: a second derivative.
//! - The discriminator becomes a critic f without a sigmoid (Arjovsky et al. 2017). If its slope is at most 1 everywhere,
//!   E f(real) - E f(fake) is at most the Wasserstein distance, and the best f reaches it.
//! - The penalty λ (|df/dx| - 1)² on points between real and fake keeps the slope near 1 (Gulrajani et al. 2017, WGAN-GP).
//!
//!     cargo run --release -p genmodels --example 06_second_derivative
//!
//! Here one cloud is the other, moved by δ = 3, and so their distance is 3. The penalty is a soft one: with slope s the critic gains δ s - λ (s - 1)²,
//! which is greatest at s = 1 + δ / 2λ = 1.15. So the critic should find 3 · 1.15 = 3.45, with a penalty of 0.15² = 0.0225.
//!
//! It prints the gradient of the penalty next to its closed form for a critic of one layer, then the estimate as it is trained.

use nn::{Adam, AdamConfig, Context, Layer, Linear, Optimiser, Sequential, Tanh, module};
use tensor_core::{DType, Random, Tensor};

const LAMBDA: f64 = 10.0;
const DISTANCE: f64 = 3.0;
/// What the soft penalty makes of the distance.
const WANTED: f64 = DISTANCE * (1.0 + DISTANCE / (2.0 * LAMBDA));
const BATCH: usize = 256;

/// (|df/dx| - 1)² at each row of x, averaged; the length is that of each row's own gradient.
fn penalty(critic: &dyn Fn(&Tensor) -> Tensor, x: &Tensor) -> Tensor {
    let x = x.requires_grad();
    // Row i of f depends on row i of x alone, so the gradient of the sum holds each row's gradient.
    let slope = critic(&x).sum(..).grad_graph(&[&x]).remove(0); //         [B, 2]
    (slope.norm(1) - 1.0).sqr().mean(..)
}

/// The penalty of f(x) = w · x and its gradient by w: by the engine, and by the formula 2 (|w| - 1) w / |w|.
fn closed_form() -> ([f64; 2], [f64; 2]) {
    let w = Tensor::from_slice(&[3.0, 4.0], [2, 1]).requires_grad(); // F64; |w| = 5
    let x = Random::new(0).normal([7, 2], DType::F64); // where does not matter: the slope of f is w everywhere
    let gradient = penalty(&|x| x.matmul(&w), &x).grad(&[&w])[0].to_vec::<f64>();
    (
        [gradient[0], gradient[1]],
        [2.0 * 4.0 * 3.0 / 5.0, 2.0 * 4.0 * 4.0 / 5.0],
    )
}

/// Two clouds: N(0, I), and N(0, I) moved to the right.
fn clouds(random: &Random) -> (Tensor, Tensor) {
    let cloud = |name: &str| random.stream(name).normal([BATCH, 2], DType::F32);
    (cloud("real") + Tensor::from([DISTANCE as f32, 0.0]), cloud("fake"))
}

/// Trains the critic for so many steps. Returns its last estimates of the distance, averaged, and the last penalty.
fn run(steps: usize) -> (f64, f64) {
    let random = Random::new(0);
    let init = &mut random.stream("init");
    let critic = Sequential::new()
        .with(Linear::new(2, 64, init))
        .with(Tanh)
        .with(Linear::new(64, 64, init))
        .with(Tanh)
        .with(Linear::new(64, 1, init));
    let mut adam = Adam::new(
        module::params(&critic),
        AdamConfig {
            betas: (0.5, 0.9),
            ..AdamConfig::default()
        },
    );
    let mut estimates = Vec::new();
    let mut last_penalty = f64::NAN;
    for step in 0..steps {
        let random = random.at(step as u64);
        let (real, fake) = clouds(&random);
        let f = |x: &Tensor| critic.forward(x, &mut Context::training(&random));

        let distance = f(&real).mean(..) - f(&fake).mean(..);
        let t = random.stream("between").uniform([BATCH, 1], DType::F32); // one t for each pair of points
        let between = &t * &real + (1.0 - &t) * &fake;
        let penalty = penalty(&f, &between);

        estimates.push(distance.item());
        last_penalty = penalty.item();
        let loss = LAMBDA * penalty - distance; // the critic maximises the distance
        let (_, gradients) = loss.value_and_grad(adam.params());
        adam.step(&gradients);
        if step % (steps / 6).max(1) == 0 {
            println!(
                "step {step:4}   distance {:6.3}   penalty {last_penalty:.4}",
                estimates[step]
            );
        }
    }
    let tail = &estimates[steps - steps / 10..];
    (tail.iter().sum::<f64>() / tail.len() as f64, last_penalty)
}

fn main() {
    let (engine, formula) = closed_form();
    println!("gradient of the penalty   by the engine {engine:.6?}   by the formula {formula:.6?}\n");
    let (distance, penalty) = run(1500);
    println!(
        "at the end  distance {distance:6.3}   penalty {penalty:.4}   wanted {WANTED:.2} and {:.4}",
        (DISTANCE / (2.0 * LAMBDA)).powi(2)
    );
}

#[test]
fn the_gradient_of_the_penalty_is_its_closed_form() {
    let (engine, formula) = closed_form();
    for (engine, formula) in engine.iter().zip(formula) {
        assert!((engine - formula).abs() < 1e-9, "{engine} {formula}");
    }
}

#[test]
fn the_critic_finds_the_distance() {
    let (distance, penalty) = run(400);
    assert!((distance - WANTED).abs() < 0.2, "distance {distance}");
    assert!(penalty < 0.1, "penalty {penalty}");
}
