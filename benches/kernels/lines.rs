//! What runs along lines: reductions, and softmax with its family.

use crate::draw;
use criterion::{Criterion, Throughput};
use tensor_core::kernels::{reduce, softmax, variance};

/// A 1024 x 1024 matrix as `[outer, reduced, inner]`: all of it, each row, each column.
const WAYS: [(&str, [usize; 3]); 3] = [
    ("all", [1, 1 << 20, 1]),
    ("rows", [1024, 1024, 1]),
    ("columns", [1, 1024, 1024]),
];

pub(crate) fn reductions(criterion: &mut Criterion) {
    let x = draw(1 << 20);
    let mut group = criterion.benchmark_group("reduce");
    group.throughput(Throughput::Elements(x.len() as u64));
    for (way, sizes) in WAYS {
        let [outer, reduced, inner] = sizes;
        let line = || vec![0.0f32; outer * inner];
        let (mut y, mut scratch) = (line(), [line(), line(), line()]);
        group.bench_function(format!("sum/{way}"), |bencher| {
            bencher.iter(|| reduce::sum(&x, outer, reduced, inner, &mut y));
        });
        group.bench_function(format!("max/{way}"), |bencher| {
            bencher.iter(|| reduce::max(&x, outer, reduced, inner, &mut y));
        });
        group.bench_function(format!("variance/{way}"), |bencher| {
            bencher.iter(|| {
                let [a, b, c] = &mut scratch;
                variance::variance(&x, sizes, 1, [a, b, c], &mut y);
            });
        });
    }
    group.finish();
}

pub(crate) fn softmaxes(criterion: &mut Criterion) {
    let x = draw(1 << 20);
    let (mut y, mut gx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let targets: Vec<u32> = (0..1024).map(|i| i * 7 % 1024).collect();
    let mut group = criterion.benchmark_group("softmax");
    group.throughput(Throughput::Elements(x.len() as u64));
    for (way, sizes) in &WAYS[1..] {
        let mut line = vec![0.0; 1024];
        group.bench_function(format!("softmax/{way}"), |bencher| {
            bencher.iter(|| softmax::softmax(&x, *sizes, &mut y));
        });
        group.bench_function(format!("softmax_slope/{way}"), |bencher| {
            bencher.iter(|| softmax::softmax_slope(&y, &x, *sizes, &mut gx));
        });
        group.bench_function(format!("log_softmax/{way}"), |bencher| {
            bencher.iter(|| softmax::log_softmax(&x, *sizes, &mut y));
        });
        group.bench_function(format!("logsumexp/{way}"), |bencher| {
            bencher.iter(|| softmax::logsumexp(&x, *sizes, &mut line));
        });
        group.bench_function(format!("cross_entropy/{way}"), |bencher| {
            bencher.iter(|| softmax::cross_entropy(&x, &targets, *sizes, &mut line));
        });
    }
    group.finish();
}
