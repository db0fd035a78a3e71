//! One table for all operations: value against a plain loop, first and second derivative against differences, strided and empty inputs.

use approx::assert_relative_eq;
use tensor_core::autograd::check::{gradcheck, gradgradcheck};
use tensor_core::{DType, Random, Tensor};

/// An operation as a user calls it, and the same element by element.
struct Row {
    name: &'static str,
    shapes: &'static [&'static [usize]],
    run: fn(&[Tensor]) -> Tensor,
    /// The output's elements in order, from the inputs' elements in order.
    naive: fn(&[Vec<f64>]) -> Vec<f64>,
    /// Inputs are drawn from N(0, 1), and made positive where the function is only defined there.
    positive: bool,
}

macro_rules! unary {
    ($name:ident, $method:expr, $naive:expr, $positive:expr) => {
        Row {
            name: stringify!($name),
            shapes: &[&[3, 5]],
            run: $method,
            naive: |x| x[0].iter().copied().map($naive).collect(),
            positive: $positive,
        }
    };
}

macro_rules! binary {
    ($name:ident, $a:tt, $b:tt, $run:expr, $ia:expr, $ib:expr, $naive:expr) => {
        Row {
            name: stringify!($name),
            shapes: &[&$a, &$b],
            run: |x| $run(&x[0], &x[1]),
            naive: |x| (0..15).map(|i| $naive(x[0][$ia(i)], x[1][$ib(i)])).collect(),
            positive: false,
        }
    };
}

fn same(i: usize) -> usize {
    i
}
fn row(i: usize) -> usize {
    i % 5
}
fn column(i: usize) -> usize {
    i / 5
}
fn only(_: usize) -> usize {
    0
}

fn bce(l: f64, t: f64) -> f64 {
    l.max(0.0) - l * t + (-l.abs()).exp().ln_1p()
}

/// Rows of `b` times columns, for [3, 4] by [4, 5].
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let at = |i: usize, j: usize| (0..4).map(|k| a[i * 4 + k] * b[k * 5 + j]).sum();
    (0..15).map(|ij| at(ij / 5, ij % 5)).collect()
}

const TABLE: &[Row] = &[
    unary!(neg, |x| -&x[0], |x| -x, false),
    unary!(add_scalar, |x| 1.5 + &x[0], |x| x + 1.5, false),
    unary!(sub_scalar, |x| 1.5 - &x[0], |x| 1.5 - x, false),
    unary!(mul_scalar, |x| &x[0] * 3.0, |x| x * 3.0, false),
    unary!(div_scalar, |x| &x[0] / 3.0, |x| x / 3.0, false),
    unary!(scalar_div, |x| 3.0 / &x[0], |x| 3.0 / x, true),
    unary!(exp, |x| x[0].exp(), f64::exp, false),
    unary!(ln, |x| x[0].ln(), f64::ln, true),
    unary!(sqr, |x| x[0].sqr(), |x| x * x, false),
    unary!(sqrt, |x| x[0].sqrt(), f64::sqrt, true),
    unary!(recip, |x| x[0].recip(), f64::recip, true),
    unary!(relu, |x| x[0].relu(), |x| x.max(0.0), false),
    unary!(
        leaky_relu,
        |x| x[0].leaky_relu(0.2),
        |x| if x > 0.0 { x } else { 0.2 * x },
        false
    ),
    unary!(tanh, |x| x[0].tanh(), f64::tanh, false),
    unary!(sigmoid, |x| x[0].sigmoid(), |x| 1.0 / (1.0 + (-x).exp()), false),
    unary!(softplus, |x| x[0].softplus(), |x| x.exp().ln_1p(), false),
    unary!(reshape, |x| x[0].reshape([5, 3]), |x| x, false),
    binary!(
        add,
        [3, 5],
        [3, 5],
        |a: &Tensor, b: &Tensor| a + b,
        same,
        same,
        |a, b| a + b
    ),
    binary!(
        add_row,
        [3, 5],
        [5],
        |a: &Tensor, b: &Tensor| a + b,
        same,
        row,
        |a, b| a + b
    ),
    binary!(
        sub_column,
        [3, 5],
        [3, 1],
        |a: &Tensor, b: &Tensor| a - b,
        same,
        column,
        |a, b| a - b
    ),
    binary!(
        sub_outer,
        [3, 1],
        [1, 5],
        |a: &Tensor, b: &Tensor| a - b,
        column,
        row,
        |a, b| a - b
    ),
    binary!(
        mul,
        [3, 5],
        [3, 5],
        |a: &Tensor, b: &Tensor| a * b,
        same,
        same,
        |a, b| a * b
    ),
    binary!(
        mul_row_left,
        [5],
        [3, 5],
        |a: &Tensor, b: &Tensor| a * b,
        row,
        same,
        |a, b| a * b
    ),
    binary!(
        mul_one,
        [3, 5],
        [1],
        |a: &Tensor, b: &Tensor| a * b,
        same,
        only,
        |a, b| a * b
    ),
    binary!(
        div_column,
        [3, 5],
        [3, 1],
        |a: &Tensor, b: &Tensor| a / (b.sqr() + 0.5),
        same,
        column,
        |a, b| a / (b * b + 0.5)
    ),
    binary!(
        bce_with_logits,
        [3, 5],
        [3, 5],
        |l: &Tensor, t: &Tensor| l.bce_with_logits(t),
        same,
        same,
        bce
    ),
    binary!(
        bce_with_one_target,
        [3, 5],
        [5],
        |l: &Tensor, t: &Tensor| l.bce_with_logits(t),
        same,
        row,
        bce
    ),
    Row {
        name: "sum of all",
        shapes: &[&[3, 5]],
        run: |x| x[0].sum(..),
        naive: |x| vec![x[0].iter().sum()],
        positive: false,
    },
    Row {
        name: "sum of the first dimension",
        shapes: &[&[3, 5]],
        run: |x| x[0].sum(0),
        naive: |x| (0..5).map(|j| (0..3).map(|i| x[0][i * 5 + j]).sum()).collect(),
        positive: false,
    },
    Row {
        name: "sum of the outer dimensions, kept",
        shapes: &[&[2, 3, 4]],
        run: |x| x[0].sum_keepdim([0, -1]),
        naive: |x| {
            (0..3)
                .map(|j| (0..24).filter(|i| i / 4 % 3 == j).map(|i| x[0][i]).sum())
                .collect()
        },
        positive: false,
    },
    Row {
        name: "mean of the last dimension",
        shapes: &[&[3, 5]],
        run: |x| x[0].mean(-1),
        naive: |x| x[0].chunks(5).map(|row| row.iter().sum::<f64>() / 5.0).collect(),
        positive: false,
    },
    Row {
        name: "permute",
        shapes: &[&[2, 3, 4]],
        run: |x| x[0].permute(&[2, 0, -2]),
        naive: |x| (0..24).map(|n| x[0][n / 3 % 2 * 12 + n % 3 * 4 + n / 6]).collect(),
        positive: false,
    },
    Row {
        name: "broadcast_to",
        shapes: &[&[3, 1]],
        run: |x| x[0].broadcast_to([2, 3, 2]),
        naive: |x| (0..12).map(|n| x[0][n / 2 % 3]).collect(),
        positive: false,
    },
    Row {
        name: "narrow",
        shapes: &[&[3, 5]],
        run: |x| x[0].narrow(-1, 1, 3),
        naive: |x| (0..9).map(|n| x[0][n / 3 * 5 + n % 3 + 1]).collect(),
        positive: false,
    },
    Row {
        name: "pad",
        shapes: &[&[2, 3]],
        run: |x| x[0].pad(&[(1, 0), (0, 2)]),
        naive: |x| {
            (0..15)
                .map(|n| {
                    if n >= 5 && n % 5 < 3 {
                        x[0][(n / 5 - 1) * 3 + n % 5]
                    } else {
                        0.0
                    }
                })
                .collect()
        },
        positive: false,
    },
    Row {
        name: "matmul",
        shapes: &[&[3, 4], &[4, 5]],
        run: |x| x[0].matmul(&x[1]),
        naive: |x| product(&x[0], &x[1]),
        positive: false,
    },
    Row {
        name: "linear",
        shapes: &[&[3, 4], &[5, 4], &[5]],
        run: |x| x[0].linear(&x[1], &x[2]),
        naive: |x| {
            let transposed: Vec<f64> = (0..20).map(|n| x[1][n % 5 * 4 + n / 5]).collect();
            product(&x[0], &transposed)
                .iter()
                .enumerate()
                .map(|(n, y)| y + x[2][n % 5])
                .collect()
        },
        positive: false,
    },
];

impl Row {
    fn inputs(&self) -> Vec<Tensor> {
        let random = Random::new(11).stream(self.name);
        let draw = |(i, &shape): (usize, &&[usize])| {
            let x = random.at(i as u64).normal(shape, DType::F64);
            if self.positive { x.sqr() + 0.3 } else { x }
        };
        self.shapes.iter().enumerate().map(draw).collect()
    }
}

/// The same values as a view with gaps: dimensions in reverse order in the buffer, and other numbers between.
fn strided(x: &Tensor) -> Tensor {
    let reverse: Vec<isize> = (0..x.rank() as isize).rev().collect();
    let gaps: Vec<(usize, usize)> = x.shape().iter().map(|_| (1, 2)).collect();
    let mut view = x.permute(&reverse).pad(&gaps).permute(&reverse);
    for (dim, &size) in x.shape().iter().enumerate() {
        view = view.narrow(dim as isize, 1, size);
    }
    view
}

fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).to_vec()
}

#[test]
fn values_are_those_of_a_plain_loop() {
    for row in TABLE {
        let inputs = row.inputs();
        let wanted = (row.naive)(&inputs.iter().map(values).collect::<Vec<_>>());
        let found = values(&(row.run)(&inputs));
        assert_eq!(found.len(), wanted.len(), "{}", row.name);
        for (a, b) in found.iter().zip(&wanted) {
            assert_relative_eq!(a, b, max_relative = 1e-13, epsilon = 1e-14);
        }
        let single: Vec<Tensor> = inputs.iter().map(|x| x.to_dtype(DType::F32)).collect();
        let wanted = (row.naive)(&single.iter().map(values).collect::<Vec<_>>());
        for (a, b) in values(&(row.run)(&single)).iter().zip(&wanted) {
            assert_relative_eq!(a, b, max_relative = 2e-6, epsilon = 1e-6);
        }
    }
}

#[test]
fn first_and_second_derivatives_agree_with_differences() {
    for row in TABLE {
        gradcheck(row.run, &row.inputs()).unwrap_or_else(|e| panic!("{}: {e}", row.name));
        gradgradcheck(row.run, &row.inputs()).unwrap_or_else(|e| panic!("{}, second: {e}", row.name));
    }
}

#[test]
fn strided_inputs_give_the_same() {
    for row in TABLE {
        let inputs = row.inputs();
        let views: Vec<Tensor> = inputs.iter().map(strided).collect();
        assert_eq!(views, inputs, "{}: the views hold the same values", row.name);
        assert_relative_eq!((row.run)(&views), (row.run)(&inputs), max_relative = 1e-14);
        let gradients = |inputs: &[Tensor]| {
            let tracked: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
            (row.run)(&tracked)
                .sqr()
                .sum(..)
                .grad(&tracked.iter().collect::<Vec<_>>())
        };
        for (a, b) in gradients(&views).iter().zip(gradients(&inputs)) {
            assert_relative_eq!(*a, b, max_relative = 1e-13);
        }
    }
}

#[test]
fn single_precision_follows_double_on_strided_inputs_too() {
    let gradients = |row: &Row, inputs: &[Tensor]| {
        let tracked: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
        (row.run)(&tracked)
            .sqr()
            .sum(..)
            .grad(&tracked.iter().collect::<Vec<_>>())
    };
    for row in TABLE {
        let double = row.inputs();
        let single: Vec<Tensor> = double.iter().map(|x| strided(&x.to_dtype(DType::F32))).collect();
        for (a, b) in gradients(row, &single).iter().zip(gradients(row, &double)) {
            assert_relative_eq!(*a, b, max_relative = 1e-5, epsilon = 2e-5);
        }
    }
}

#[test]
fn the_gradient_of_the_recorded_pass_is_the_fast_one() {
    for row in TABLE {
        let inputs: Vec<Tensor> = row.inputs().iter().map(Tensor::requires_grad).collect();
        let targets: Vec<&Tensor> = inputs.iter().collect();
        let loss = (row.run)(&inputs).sqr().sum(..);
        for (fast, composed) in loss.grad(&targets).iter().zip(loss.grad_graph(&targets)) {
            assert_relative_eq!(*fast, composed, max_relative = 1e-12, epsilon = 1e-14);
        }
    }
}

#[test]
fn nothing_has_a_sum_a_product_and_a_gradient() {
    let empty = Tensor::zeros([0, 4]).requires_grad();
    assert_eq!(empty.sum(..).item(), 0.0);
    assert_eq!(empty.sum(0), Tensor::zeros([4]));
    assert!(empty.mean(..).item().is_nan());
    let w = Tensor::ones([4, 3]).requires_grad();
    assert_eq!(empty.matmul(&w).shape(), [0, 3]);
    let loss = (empty.matmul(&w).exp() + 1.0).sum(..);
    let gradients = loss.grad(&[&empty, &w]);
    assert_eq!(
        (gradients[0].shape(), &gradients[1]),
        ([0, 4].into(), &Tensor::zeros([4, 3]))
    );
    // K = 0: the product of [2, 0] and [0, 3] is all zeros.
    assert_eq!(
        Tensor::zeros([2, 0]).matmul(&Tensor::zeros([0, 3])),
        Tensor::zeros([2, 3])
    );
    let view = empty.narrow(1, 1, 2);
    assert_eq!(view.relu().shape(), [0, 2]);
    assert_eq!(view.matmul(&Tensor::zeros([2, 3])).shape(), [0, 3]);
}
