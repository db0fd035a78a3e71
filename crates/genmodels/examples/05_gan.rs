//! **Step 5: a generative adversarial network.** Two networks play against each other, and one of them learns to draw.
//!
//! New since step 4:
//!
//! - No encoder and no likelihood. A generator turns noise into points; a discriminator says how real a point looks.
//! - Two losses and two optimisers, in turn. Each computes only the gradients of its own network: `detach` makes the generated points
//!   constants for the discriminator, and the generator's optimiser asks only for its own gradients.
//! - The data are points around eight modes on a circle, so that one can see which modes the generator has found.
//!
//!     cargo run --release -p genmodels --example 05_gan
//!
//! It prints both losses and the number of modes found, then generated points in the plane. At equilibrium the discriminator answers
//! ½ everywhere: d_loss = 2 ln 2 = 1.386 and g_loss = ln 2 = 0.693.

use datasets::plane;
use genmodels::metrics::{Coverage, coverage};
use nn::loss::bce_with_logits;
use nn::{Adam, AdamConfig, Context, Layer, LeakyReLU, Linear, Optimiser, ReLU, Sequential, module};
use tensor_core::{DType, Random, Tensor};

const NOISE: usize = 16;
const BATCH: usize = 256;

/// 16 - 64 - 64 - 2: noise to points.
fn generator(init: &mut Random) -> Sequential {
    Sequential::new()
        .with(Linear::new(NOISE, 64, init))
        .with(ReLU)
        .with(Linear::new(64, 64, init))
        .with(ReLU)
        .with(Linear::new(64, 2, init))
}

/// 2 - 64 - 64 - 1: points to the logit of D(x), the probability that x is real.
fn discriminator(init: &mut Random) -> Sequential {
    Sequential::new()
        .with(Linear::new(2, 64, init))
        .with(LeakyReLU::new(0.2))
        .with(Linear::new(64, 64, init))
        .with(LeakyReLU::new(0.2))
        .with(Linear::new(64, 1, init))
}

fn adam(network: &Sequential, learning_rate: f64) -> Adam {
    let config = AdamConfig {
        learning_rate,
        betas: (0.5, 0.999),
        ..AdamConfig::default()
    };
    Adam::new(module::params(network), config)
}

/// -E ln D(x) - E ln(1 - D(G(z))): what the discriminator minimises.
fn d_loss(d: &Sequential, x: &Tensor, fake: &Tensor, cx: &mut Context) -> Tensor {
    let real_logits = d.forward(x, cx);
    let fake_logits = d.forward(&fake.detach(), cx);
    bce_with_logits(&real_logits, &real_logits.ones_like()).mean(..)
        + bce_with_logits(&fake_logits, &fake_logits.zeros_like()).mean(..)
}

/// -E ln D(G(z)): what the generator minimises (the non-saturating loss).
fn g_loss(d: &Sequential, fake: &Tensor, cx: &mut Context) -> Tensor {
    let logits = d.forward(fake, cx);
    bce_with_logits(&logits, &logits.ones_like()).mean(..)
}

/// Trains for so many steps. Returns the generator and the last two losses.
fn run(steps: usize) -> (Sequential, [f64; 2]) {
    let random = Random::new(0);
    let data = plane::ring8(0).train;
    let points = data.values().expect("the ring is made of points");
    let init = &mut random.stream("init");
    let (g, d) = (generator(init), discriminator(init));
    let (mut g_adam, mut d_adam) = (adam(&g, 5e-4), adam(&d, 1e-3));
    let mut losses = [f64::NAN; 2];
    for step in 0..steps {
        let cx = &mut Context::training(&random.at(step as u64));
        let start = step * BATCH % (plane::TRAIN - BATCH) * 2; // two coordinates for each point
        let x = Tensor::from_slice(&points[start..start + BATCH * 2], [BATCH, 2]);
        let fake = g.forward(&cx.noise.normal([BATCH, NOISE], DType::F32), cx);

        let (value, gradients) = d_loss(&d, &x, &fake, cx).value_and_grad(d_adam.params());
        d_adam.step(&gradients);
        losses[0] = value;

        let (value, gradients) = g_loss(&d, &fake, cx).value_and_grad(g_adam.params());
        drop(fake); // the last handle on the generator's graph: without it, the weights change in place
        g_adam.step(&gradients);
        losses[1] = value;

        if step % (steps / 6).max(1) == 0 {
            println!(
                "step {step:5}   d_loss {:.3}   g_loss {:.3}   modes {}",
                losses[0],
                losses[1],
                judge(&g).modes
            );
        }
    }
    (g, losses)
}

/// Points of the generator, x and y in turn.
fn sample(g: &Sequential, n: usize) -> Vec<f32> {
    let cx = &mut Context::evaluation(&Random::new(1));
    g.forward(&cx.noise.normal([n, NOISE], DType::F32), cx).to_vec()
}

/// How many modes 2,500 points cover, and how many points are within three standard deviations of one.
fn judge(g: &Sequential) -> Coverage {
    let modes = plane::ring8(0).modes.expect("it has eight");
    coverage(&sample(g, 2500), &modes.centres, modes.sigma)
}

/// The plane from -1.3 to 1.3 as text.
fn show(points: &[f32]) -> String {
    let mut counts = [[0usize; 52]; 26];
    for point in points.as_chunks::<2>().0 {
        let cell = |x: f32, cells: f32| ((x + 1.3) / 2.6 * cells).clamp(0.0, cells - 1.0) as usize;
        counts[cell(-point[1], 26.0)][cell(point[0], 52.0)] += 1;
    }
    let line = |row: &[usize; 52]| {
        row.iter()
            .map(|&n| [' ', '.', 'o', '@'][n.div_ceil(8).min(3)])
            .collect::<String>()
            + "\n"
    };
    counts.iter().map(line).collect()
}

fn main() {
    let (g, [d_loss, g_loss]) = run(6000);
    let Coverage {
        modes, high_quality, ..
    } = judge(&g);
    println!(
        "at the end   d_loss {d_loss:.3}   g_loss {g_loss:.3}   modes {modes}   on a mode {:.0} %\n",
        100.0 * high_quality
    );
    println!("{}", show(&sample(&g, 1000)));
}

#[test]
fn the_generator_finds_the_circle() {
    let (g, losses) = run(800);
    assert!(losses.iter().all(|loss| loss.is_finite()));
    // At the start all points lie near the middle; the modes have radius 1.
    let radii = sample(&g, 500)
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[x, y]| x.hypot(*y))
        .collect::<Vec<f32>>();
    let near = radii.iter().filter(|radius| (0.7..1.3).contains(*radius)).count();
    assert!(near > 300, "{near} of 500 points near the circle");
}

#[test]
fn a_discriminator_that_cannot_tell_has_the_losses_of_the_equilibrium() {
    let d = discriminator(&mut Random::new(0));
    for param in module::params(&d) {
        param.set(&Tensor::zeros(param.shape())); // D(x) = ½ everywhere
    }
    let (points, cx) = (Tensor::ones([4, 2]), &mut Context::training(&Random::new(0)));
    assert!((d_loss(&d, &points, &points, cx).item() - 4f64.ln()).abs() < 1e-6);
    assert!((g_loss(&d, &points, cx).item() - 2f64.ln()).abs() < 1e-6);
}
