//! **Step 1: a gradient.** A network of nine numbers learns "exclusive or", one scalar at a time.
//!
//! Everything here is a single number of the scalar engine `tensor_core::micro`: about 200 lines, to be read beside this file.
//!
//!     cargo run --release -p genmodels --example 01_micro
//!
//! It prints a gradient next to the one that small differences give, then the loss as it falls, then what the network has learnt.

use tensor_core::Random;
use tensor_core::micro::Value;

/// The truth table: two inputs and the wanted output.
const XOR: [([f64; 2], f64); 4] = [
    ([0.0, 0.0], 0.0),
    ([0.0, 1.0], 1.0),
    ([1.0, 0.0], 1.0),
    ([1.0, 1.0], 0.0),
];

/// y = w₆ tanh(w₀ x₀ + w₁ x₁ + w₂) + w₇ tanh(w₃ x₀ + w₄ x₁ + w₅) + w₈
fn network(w: &[Value], x: [f64; 2]) -> Value {
    let h0 = (&w[0] * x[0] + &w[1] * x[1] + &w[2]).tanh();
    let h1 = (&w[3] * x[0] + &w[4] * x[1] + &w[5]).tanh();
    &w[6] * h0 + &w[7] * h1 + &w[8]
}

/// The squared error, summed over the table.
fn loss(w: &[Value]) -> Value {
    let error = |(x, y)| (network(w, x) - y).powi(2);
    XOR.map(error).into_iter().reduce(|a, b| a + b).unwrap()
}

fn values(w: &[f64]) -> Vec<Value> {
    w.iter().map(|&w| Value::new(w)).collect()
}

fn start() -> Vec<f64> {
    let mut random = Random::new(1);
    (0..9).map(|_| f64::from(random.next_normal())).collect()
}

/// Gradient descent: w ← w - 0.05 dloss/dw. Returns the weights and the last loss.
fn run(steps: usize) -> (Vec<f64>, f64) {
    let mut w = start();
    let mut last = f64::INFINITY;
    for step in 0..steps {
        let params = values(&w);
        let loss = loss(&params);
        let gradient = loss.grad(&params.iter().collect::<Vec<_>>());
        for (w, g) in w.iter_mut().zip(gradient) {
            *w -= 0.05 * g;
        }
        last = loss.value();
        if step % (steps / 5).max(1) == 0 {
            println!("step {step:4}   loss {last:.6}");
        }
    }
    (w, last)
}

/// dloss/dw₀ by the engine, and by the difference of two losses close to each other.
fn two_ways(w: &[f64]) -> (f64, f64) {
    let params = values(w);
    let by_the_engine = loss(&params).grad(&[&params[0]])[0];
    let at = |distance: f64| {
        let mut moved = w.to_vec();
        moved[0] += distance;
        loss(&values(&moved)).value()
    };
    (by_the_engine, (at(1e-5) - at(-1e-5)) / 2e-5)
}

fn main() {
    let (engine, differences) = two_ways(&start());
    println!("dloss/dw0   by the engine {engine:.9}   by differences {differences:.9}\n");
    let (w, last) = run(250);
    println!("at the end  loss {last:.6}\n");
    for (x, y) in XOR {
        println!("{x:?} -> {:6.3}   wanted {y}", network(&values(&w), x).value());
    }
}

#[test]
fn the_gradient_agrees_with_differences() {
    let (engine, differences) = two_ways(&start());
    assert!((engine - differences).abs() < 1e-8, "{engine} {differences}");
}

#[test]
fn xor_is_learnt() {
    let (w, last) = run(250);
    assert!(last < 1e-3, "loss {last}");
    for (x, y) in XOR {
        assert!((network(&values(&w), x).value() - y).abs() < 0.05);
    }
}
