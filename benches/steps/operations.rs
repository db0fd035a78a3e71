//! Single operations on large tensors, and many on small ones.
//!
//! Where PyTorch is given the output, here it is a new tensor: its buffer is the one that the last round gave back to the pool.

use crate::Timer;
use tensor_core::ops::Conv2dOptions;
use tensor_core::{DType, Gradients, Random, Shape, Tensor, no_grad};

fn normal(shape: impl Into<Shape>) -> Tensor {
    Random::new(1).normal(shape, DType::F32)
}

pub(crate) fn all(timer: &Timer) {
    products(timer);
    for n in [1 << 12, 1 << 20] {
        let x = || normal([n]);
        timer.case(&format!("exp/{n}"), || one(x(), |x| x.exp()));
        timer.case(&format!("tanh/{n}"), || one(x(), |x| x.tanh()));
        timer.case(&format!("sigmoid/{n}"), || one(x(), |x| x.sigmoid()));
    }
    timer.case("add/1048576", || {
        let other = Random::new(2).normal([1 << 20], DType::F32);
        one(normal([1 << 20]), move |x| x + &other)
    });
    timer.case("sum/1048576", || one(normal([1 << 20]), |x| x.sum(..)));
    let square = || normal([1024, 1024]);
    timer.case("sum_rows/1024x1024", || one(square(), |x| x.sum(0)));
    timer.case("softmax/1024x1024", || one(square(), |x| x.softmax(1)));
    timer.case("transpose_copy/1024", || one(square(), |x| x.t().dense()));
    timer.case("randn/1048576", || {
        let mut random = Random::new(2);
        move || random.normal([1 << 20], DType::F32)
    });
    timer.case("conv2d/forward", || {
        let (x, weight, options) = convolution();
        one(x, move |x| x.conv2d(&weight, None, &options))
    });
    timer.case("conv2d/forward_backward", convolution_and_gradients);
    timer.case("small_ops/100", small_ops);
}

fn products(timer: &Timer) {
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
}

fn one(x: Tensor, f: impl Fn(&Tensor) -> Tensor) -> impl FnMut() -> Tensor {
    move || no_grad(|| f(&x))
}

fn product(a: Tensor, b: Tensor) -> impl FnMut() -> Tensor {
    move || a.matmul(&b)
}

/// x [64, 64, 14, 14], w [128, 64, 4, 4], stride 2, padding 1: y [64, 128, 7, 7].
fn convolution() -> (Tensor, Tensor, Conv2dOptions) {
    let options = Conv2dOptions::default().stride(2).padding(1);
    (normal([64, 64, 14, 14]), normal([128, 64, 4, 4]), options)
}

/// y, and the gradients of x and w for a given gradient of y: a hook puts it in the place of that of `sum`.
fn convolution_and_gradients() -> impl FnMut() -> (f64, Gradients) {
    let (x, weight, options) = convolution();
    let (x, weight) = (x.requires_grad(), weight.requires_grad());
    let gy = normal([64, 128, 7, 7]);
    move || {
        let gy = gy.clone();
        let y = x.conv2d(&weight, None, &options).hook(move |_| Some(gy.clone()));
        y.sum(..).value_and_grad([&x, &weight])
    }
}

/// 50 times x = tanh(x · b) on 4 x 4, forward and backward.
fn small_ops() -> impl FnMut() -> (f64, Gradients) {
    let (a, b) = (normal([4, 4]).requires_grad(), normal([4, 4]));
    move || {
        let x = (0..50).fold(a.clone(), |x, _| (x * &b).tanh());
        x.sum(..).value_and_grad([&a])
    }
}
