//! Matrix products.

use crate::draw;
use criterion::{Criterion, Throughput};
use tensor_core::kernels::matmul::{self, Matrix, Store};

pub(crate) fn square(criterion: &mut Criterion) {
    for n in [32, 64, 128, 256, 512, 1024] {
        product(criterion, &n.to_string(), [n, n, n], [false, false]);
    }
}

/// Forward, the weight's gradient and the input's gradient of a layer of 784 to 400 with a batch of 128, and the first layer of a DCGAN.
pub(crate) fn of_a_training_step(criterion: &mut Criterion) {
    product(criterion, "128x784x400nt", [128, 784, 400], [false, true]);
    product(criterion, "784x128x400tn", [784, 128, 400], [true, false]);
    product(criterion, "128x400x784nn", [128, 400, 784], [false, false]);
    product(criterion, "64x100x6272nt", [64, 100, 6272], [false, true]);
}

/// C = A B into a given C: A is m x k, B is k x n, each as it is or a transposed view.
fn product(criterion: &mut Criterion, name: &str, [m, k, n]: [usize; 3], [a_transposed, b_transposed]: [bool; 2]) {
    let (a, b, mut c) = (draw(m * k), draw(k * n), vec![0.0f32; m * n]);
    let mut group = criterion.benchmark_group("matmul");
    group.throughput(Throughput::Elements(2 * (m * k * n) as u64)); // floating-point operations
    group.bench_function(name, |bencher| {
        let (a, b) = (matrix(&a, m, k, a_transposed), matrix(&b, k, n, b_transposed));
        bencher.iter(|| matmul::matmul(m, k, n, a, b, &mut c, Store::new(false)));
    });
    group.finish();
}

fn matrix(data: &[f32], rows: usize, columns: usize, transposed: bool) -> Matrix<'_, f32> {
    let (row_stride, column_stride) = if transposed { (1, rows) } else { (columns, 1) };
    Matrix {
        data,
        row_stride,
        column_stride,
    }
}
