//! The kernels by themselves, on slices, with criterion: `cargo bench -p benches --bench kernels [-- FILTER]`.
//!
//! Convolutions, pooling and norms, whose kernels take a geometry, are timed as operations: see `operations.rs`.

#![allow(missing_docs, reason = "criterion's macro makes an undocumented function")]

#[path = "kernels/elementwise.rs"]
mod elementwise;
#[path = "kernels/lines.rs"]
mod lines;
#[path = "kernels/movement.rs"]
mod movement;
#[path = "kernels/products.rs"]
mod products;

use criterion::{Criterion, criterion_group};
use tensor_core::{Random, parallel_region};

fn draw(n: usize) -> Vec<f32> {
    let mut values = vec![0.0; n];
    Random::new(1).fill_normal(&mut values);
    values
}

criterion_group!(
    benches,
    elementwise::functions,
    elementwise::repeated_operands,
    lines::reductions,
    lines::softmaxes,
    movement::copies,
    movement::random_numbers,
    products::square,
    products::of_a_training_step,
);

fn main() {
    parallel_region(benches); // kernels follow each other as in a step
    Criterion::default().configure_from_args().final_summary();
}
