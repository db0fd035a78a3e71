//! Single operations on large tensors, and many on small ones.

use crate::Timer;
use std::hint::black_box;
use tensor_core::autograd::observe::{Observer, observe};
use tensor_core::{DType, Random, Tensor, no_grad};

fn normal(shape: [usize; 2]) -> Tensor {
    Random::new(1).normal(shape, DType::F32)
}

pub(crate) fn all(timer: &Timer) {
    for n in [32, 64, 128, 256, 512, 1024, 2048] {
        timer.case(&format!("matmul/{n}"), || product(normal([n, n]), normal([n, n])));
    }
    timer.case("matmul/128x784x400nt", || {
        product(normal([128, 784]), normal([400, 784]).t())
    });
    timer.case("matmul/784x128x400tn", || {
        product(normal([128, 784]).t(), normal([128, 400]))
    });
    timer.case("matmul/128x400x784nn", || {
        product(normal([128, 400]), normal([400, 784]))
    });
    timer.case("matmul/64x100x6272nt", || {
        product(normal([64, 100]), normal([6272, 100]).t())
    });
    for n in [1 << 12, 1 << 20] {
        let x = || normal([1, n]);
        timer.case(&format!("exp/{n}"), || one(x(), |x| x.exp()));
        timer.case(&format!("tanh/{n}"), || one(x(), |x| x.tanh()));
        timer.case(&format!("sigmoid/{n}"), || one(x(), |x| x.sigmoid()));
    }
    timer.case("add/1048576", || one(normal([1, 1 << 20]), |x| x + x));
    timer.case("sum/1048576", || one(normal([1, 1 << 20]), |x| x.sum(..)));
    timer.case("sum_rows/1024x1024", || one(normal([1024, 1024]), |x| x.sum(0)));
    timer.case("transpose_copy/1024", || one(normal([1024, 1024]), |x| x.t().dense()));
    timer.case("randn/1048576", || {
        let mut random = Random::new(2);
        move || drop(black_box(random.normal([1 << 20], DType::F32)))
    });
    timer.case("small_ops/100", small_ops);
    timer.case("small_ops/100 observed", || {
        let mut run = small_ops();
        move || observe(Nothing, &mut run).0
    });
}

/// An observer that looks away: what it costs to be observed at all.
struct Nothing;

impl Observer for Nothing {}

fn one(x: Tensor, f: impl Fn(&Tensor) -> Tensor) -> impl FnMut() {
    move || drop(black_box(no_grad(|| f(&x))))
}

fn product(a: Tensor, b: Tensor) -> impl FnMut() {
    move || drop(black_box(a.matmul(&b)))
}

/// 50 times x = tanh(x · b) on 4 x 4, forward and backward.
fn small_ops() -> impl FnMut() {
    let (a, b) = (normal([4, 4]).requires_grad(), normal([4, 4]));
    move || {
        let x = (0..50).fold(a.clone(), |x, _| (x * &b).tanh());
        drop(black_box(x.sum(..).value_and_grad([&a])));
    }
}
