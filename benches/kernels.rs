//! The kernels by themselves, with criterion: `cargo bench -p benches --bench kernels`.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tensor_core::Random;
use tensor_core::kernels::{Lanes, Matrix, Operand, elementwise, matmul, reduce};

fn draw(n: usize) -> Vec<f32> {
    let mut values = vec![0.0; n];
    Random::new(1).fill_normal(&mut values);
    values
}

/// A lane function by its generic name: on the concrete type the method of `wide` would be called.
macro_rules! function {
    ($group:expr, $x:expr, $y:expr, $name:ident) => {
        $group.bench_function(stringify!($name), |bencher| {
            bencher.iter(|| elementwise::map(&$x, &mut $y, |x| Lanes::$name(x)));
        });
    };
}

fn functions(criterion: &mut Criterion) {
    for n in [4096, 1 << 20] {
        let (x, mut y) = (draw(n), vec![0.0f32; n]);
        let mut group = criterion.benchmark_group(format!("elementwise/{n}"));
        group.throughput(Throughput::Elements(n as u64));
        function!(group, x, y, exp);
        function!(group, x, y, ln);
        function!(group, x, y, tanh);
        function!(group, x, y, sigmoid);
        function!(group, x, y, softplus);
        group.bench_function("add", |bencher| {
            let operands = [Operand::Full(&x), Operand::Full(&x)];
            bencher.iter(|| elementwise::map_n(operands, &mut y, |[a, b]| a + b));
        });
        group.bench_function("sum", |bencher| {
            bencher.iter(|| {
                let mut sum = [0.0];
                reduce::sum(&x, 1, n, 1, &mut sum);
                black_box(sum)
            });
        });
        group.finish();
    }
}

fn products(criterion: &mut Criterion) {
    for n in [64, 256, 1024] {
        let (a, b, mut c) = (draw(n * n), draw(n * n), vec![0.0f32; n * n]);
        let mut group = criterion.benchmark_group("matmul");
        group.throughput(Throughput::Elements(2 * (n as u64).pow(3)));
        group.bench_function(n.to_string(), |bencher| {
            let matrix = |data| Matrix {
                data,
                row_stride: n,
                column_stride: 1,
            };
            bencher.iter(|| matmul::matmul(n, n, n, matrix(&a), matrix(&b), &mut c, false));
        });
        group.finish();
    }
}

criterion_group!(benches, functions, products);
criterion_main!(benches);
