//! Numbers that are moved without being changed, and numbers out of nothing.

use crate::draw;
use criterion::{Criterion, Throughput};
use tensor_core::Random;
use tensor_core::kernels::{copy, index};

pub(crate) fn copies(criterion: &mut Criterion) {
    let x = draw(1 << 20);
    let mut y = vec![0.0f32; x.len()];
    let mut group = criterion.benchmark_group("copy");
    group.throughput(Throughput::Bytes(2 * 4 * x.len() as u64));
    for (name, shape, strides) in [
        ("contiguous", &[1024, 1024][..], &[1024, 1][..]),
        ("transposed", &[1024, 1024], &[1, 1024]),
        ("channels_last", &[16, 32, 32, 64], &[65536, 32, 1, 1024]),
        ("repeated_column", &[1024, 1024], &[1, 0]),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| copy::copy_strided(&x, 0, shape, strides, &mut y));
        });
    }
    group.bench_function("fill", |bencher| bencher.iter(|| copy::fill(&mut y, 1.0)));
    let rows: Vec<u32> = (0..1024).map(|i| i * 7 % 1024).collect();
    group.bench_function("rows_by_number", |bencher| {
        bencher.iter(|| index::select(&x, &rows, [1, 1024, 1024], &mut y));
    });
    group.finish();
}

pub(crate) fn random_numbers(criterion: &mut Criterion) {
    for n in [4096, 1 << 20] {
        let (mut random, mut y) = (Random::new(2), vec![0.0; n]);
        let mut group = criterion.benchmark_group(format!("random/{n}"));
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function("uniform", |bencher| bencher.iter(|| random.fill_uniform(&mut y)));
        group.bench_function("normal", |bencher| bencher.iter(|| random.fill_normal(&mut y)));
        group.finish();
    }
}
