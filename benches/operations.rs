//! Operations on tensors, forward alone and with their gradients, with criterion: `cargo bench -p benches --bench operations [-- FILTER]`.

#![allow(missing_docs, reason = "criterion's macro makes an undocumented function")]

use criterion::{Criterion, criterion_group};
use std::hint::black_box;
use tensor_core::autograd::observe::{Observer, observe};
use tensor_core::ops::{Conv2dOptions, ConvTranspose2dOptions, Pool2dOptions};
use tensor_core::{DType, Random, Shape, Tensor, no_grad, parallel_region};

fn normal(shape: impl Into<Shape>) -> Tensor {
    Random::new(1).normal(shape, DType::F32)
}

/// Times `f`, and `f` with the gradients of all inputs for a random gradient of its result: a hook puts it in the place of that of `sum`.
fn operation(criterion: &mut Criterion, name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Tensor) {
    let mut group = criterion.benchmark_group(name);
    group.bench_function("forward", |bencher| bencher.iter(|| no_grad(|| f(inputs))));
    let inputs: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
    let gy = normal(no_grad(|| f(&inputs)).shape());
    group.bench_function("forward_backward", |bencher| {
        bencher.iter(|| {
            let gy = gy.clone();
            f(&inputs)
                .hook(move |_| Some(gy.clone()))
                .sum(..)
                .value_and_grad(&inputs)
        });
    });
    group.finish();
}

/// Those of a DCGAN's middle layer, which are adjoint to each other.
fn convolutions(criterion: &mut Criterion) {
    let (x, y, weight) = (
        normal([64, 64, 14, 14]),
        normal([64, 128, 7, 7]),
        normal([128, 64, 4, 4]),
    );
    let options = Conv2dOptions::default().stride(2).padding(1);
    operation(criterion, "conv2d", &[x, weight.clone()], |x| {
        x[0].conv2d(&x[1], None, &options)
    });
    let options = ConvTranspose2dOptions::default().stride(2).padding(1);
    operation(criterion, "conv_transpose2d", &[y, weight], |x| {
        x[0].conv_transpose2d(&x[1], None, &options)
    });
}

fn pooling(criterion: &mut Criterion) {
    let x = [normal([64, 64, 28, 28])];
    let options = Pool2dOptions::new(2);
    operation(criterion, "max_pool2d", &x, |x| x[0].max_pool2d(&options));
    operation(criterion, "avg_pool2d", &x, |x| x[0].avg_pool2d(&options));
    let x = [normal([64, 64, 14, 14])];
    operation(criterion, "upsample_nearest2d", &x, |x| x[0].upsample_nearest2d(2));
}

fn norms(criterion: &mut Criterion) {
    let images = [normal([64, 128, 7, 7]), normal([128]), normal([128])];
    operation(criterion, "batch_norm", &images, |x| {
        x[0].batch_norm(Some(&x[1]), Some(&x[2]), 1e-5)
    });
    operation(criterion, "group_norm", &images, |x| {
        x[0].group_norm(8, Some(&x[1]), Some(&x[2]), 1e-5)
    });
    let rows = [normal([1024, 512]), normal([512]), normal([512])];
    operation(criterion, "layer_norm", &rows, |x| {
        x[0].layer_norm([512], Some(&x[1]), Some(&x[2]), 1e-5)
    });
}

fn layers_and_losses(criterion: &mut Criterion) {
    let linear = [normal([128, 784]), normal([400, 784]), normal([400])];
    operation(criterion, "linear", &linear, |x| x[0].linear(&x[1], Some(&x[2])));
    let lstm = [normal([32, 20, 64]), normal([1024, 64]), normal([1024, 256])];
    operation(criterion, "lstm", &lstm, |x| {
        x[0].lstm(&x[1], &x[2], None, None, None).0
    });
    let logits = [normal([128, 784])];
    let targets = Random::new(2).uniform([128, 784], DType::F32);
    operation(criterion, "bce_with_logits", &logits, |x| {
        x[0].bce_with_logits(&targets)
    });
    let classes: Vec<u32> = (0..128).map(|i| i * 5 % 784).collect();
    let classes = Tensor::from_slice(&classes, [128]);
    operation(criterion, "cross_entropy", &logits, |x| x[0].cross_entropy(&classes));
}

/// An observer that looks away: what it costs to be observed at all.
struct Nothing;

impl Observer for Nothing {}

/// What an operation costs besides its work: 50 times x = tanh(x · b) on 4 x 4, forward and backward.
fn small(criterion: &mut Criterion) {
    let (a, b) = (normal([4, 4]).requires_grad(), normal([4, 4]));
    let run = || {
        let x = (0..50).fold(a.clone(), |x, _| (x * &b).tanh());
        black_box(x.sum(..).value_and_grad([&a]))
    };
    let mut group = criterion.benchmark_group("small_ops/100");
    group.bench_function("unobserved", |bencher| bencher.iter(run));
    group.bench_function("observed", |bencher| bencher.iter(|| observe(Nothing, run)));
    group.finish();
}

criterion_group!(benches, convolutions, pooling, norms, layers_and_losses, small);

fn main() {
    parallel_region(benches); // operations follow each other as in a step
    Criterion::default().configure_from_args().final_summary();
}
