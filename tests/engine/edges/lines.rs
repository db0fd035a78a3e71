//! Values at the edge: infinities, huge numbers, single elements, lengths of 0; and views that copy nothing.

use approx::assert_relative_eq;
use tensor_core::{DType, Tensor};

const INFINITY: f32 = f32::INFINITY;

/// The gradient of the first element of `f(x)`.
fn slope_of_first(x: &Tensor, f: impl Fn(&Tensor) -> Tensor) -> Vec<f32> {
    let x = x.requires_grad();
    let first = f(&x).flatten(0, -1).narrow(0, 0, 1);
    let fast = first.grad(&[&x])[0].to_vec::<f32>();
    let recorded = first.grad_graph(&[&x])[0].to_vec::<f32>();
    for (a, b) in fast.iter().zip(&recorded) {
        assert!(a == b || a.is_nan() && b.is_nan(), "{fast:?} is not {recorded:?}");
    }
    fast
}

#[test]
fn softmax_of_infinite_logits() {
    let x = Tensor::from([[0.0, -INFINITY, 0.0, -INFINITY]]);
    assert_eq!(x.softmax(1).to_vec::<f32>(), [0.5, 0.0, 0.5, 0.0]);
    assert_eq!(slope_of_first(&x, |x| x.softmax(1)), [0.25, 0.0, -0.25, 0.0]);
    let logarithms = x.log_softmax(1).to_vec::<f32>();
    assert_eq!(
        logarithms,
        [-std::f32::consts::LN_2, -INFINITY, -std::f32::consts::LN_2, -INFINITY]
    );
    assert_eq!(slope_of_first(&x, |x| x.log_softmax(1)), [0.5, 0.0, -0.5, 0.0]);
    // As in PyTorch: where nothing is possible there are no probabilities.
    let nothing = Tensor::from([[-INFINITY, -INFINITY]]);
    assert!(nothing.softmax(1).to_vec::<f32>().iter().all(|y| y.is_nan()));
    assert!(nothing.log_softmax(1).to_vec::<f32>().iter().all(|y| y.is_nan()));
}

#[test]
fn softmax_of_huge_logits() {
    for scale in [1e4, 1e30] {
        let x = Tensor::from([[1.0, 1.0, 0.0, -1.0]]) * scale;
        assert_eq!(x.softmax(-1).to_vec::<f32>(), [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(slope_of_first(&x, |x| x.softmax(-1)), [0.25, -0.25, 0.0, 0.0]);
        assert_eq!(slope_of_first(&x, |x| x.log_softmax(-1)), [0.5, -0.5, 0.0, 0.0]);
        assert_eq!(slope_of_first(&x, |x| x.logsumexp(-1)), [0.5, 0.5, 0.0, 0.0]);
        let target = Tensor::from_slice(&[2u32], 1);
        let y = x.cross_entropy(&target);
        assert_relative_eq!(y.item(), scale + 2f64.ln(), max_relative = 1e-7);
        assert_eq!(slope_of_first(&x, |x| x.cross_entropy(&target)), [0.5, 0.5, -1.0, 0.0]);
    }
}

#[test]
fn softmax_of_one_logit_and_of_none() {
    let one = Tensor::from([[3.0], [-1e4]]);
    assert_eq!(one.softmax(1).to_vec::<f32>(), [1.0, 1.0]);
    assert_eq!(slope_of_first(&one, |x| x.softmax(1)), [0.0, 0.0]);
    assert_eq!(one.log_softmax(1).to_vec::<f32>(), [0.0, 0.0]);
    assert_eq!(slope_of_first(&one, |x| x.log_softmax(1)), [0.0, 0.0]);
    assert_eq!(one.logsumexp(1).to_vec::<f32>(), [3.0, -1e4]);
    assert_eq!(slope_of_first(&one, |x| x.logsumexp(1)), [1.0, 0.0]);
    for shape in [[0, 4], [4, 0]] {
        let x = Tensor::zeros(shape).requires_grad();
        for y in [x.softmax(1), x.log_softmax(0), x.cumsum(1)] {
            assert_eq!(y.shape(), shape);
            assert_eq!(y.sum(..).grad(&[&x])[0].shape(), shape);
        }
    }
    assert_eq!(Tensor::zeros([2, 0]).logsumexp(1).to_vec::<f32>(), [-INFINITY; 2]);
}

#[test]
fn logsumexp_of_nothing_possible_has_no_slope() {
    let x = Tensor::from([[-INFINITY, -INFINITY], [0.0, -INFINITY]]).requires_grad();
    let y = x.logsumexp(1);
    assert_eq!(y.to_vec::<f32>(), [-INFINITY, 0.0]);
    assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(x.logsumexp(..).item(), 0.0);
    let x = Tensor::from([INFINITY, 0.0]).requires_grad();
    let y = x.logsumexp(..);
    assert_eq!(y.item(), f64::INFINITY);
    let slope = y.grad(&[&x])[0].to_vec::<f32>();
    assert!(slope[0].is_nan() && slope[1] == 0.0, "{slope:?}");
}

#[test]
fn a_length_of_zero_has_a_slope_of_zero_to_second_order() {
    let x = Tensor::from([[0.0, 0.0], [3.0, 4.0]]).requires_grad();
    for p in [2.0, 1.0, 1.5, 3.0, 0.5, f64::INFINITY] {
        let y = x.norm_p(p, 1);
        assert_eq!(y.to_vec::<f32>()[0], 0.0);
        let slope = &y.sum(..).grad_graph(&[&x])[0];
        assert_eq!(slope.to_vec::<f32>()[..2], [0.0, 0.0]);
        let second = slope.sqr().sum(..).grad(&[&x])[0].to_vec::<f32>();
        assert_eq!(second[..2], [0.0, 0.0]);
        assert!(second.iter().all(|x| x.is_finite()), "{second:?}");
    }
}

#[test]
fn the_gradient_penalty_of_a_dead_critic_is_a_number() {
    // f(x) = v relu(w x): where the ReLU is dead, the gradient by x is 0, and its length has a corner there (Gulrajani et al., 2017, eq. (3)).
    let w = Tensor::from([[1.0, 2.0]]).named("w");
    let x = Tensor::from([[-1.0, -1.0], [1.0, 1.0]]).requires_grad();
    let critic = x.matmul(&w.t()).relu().sum(..);
    let slope = &critic.grad_graph(&[&x])[0];
    let penalty = (slope.norm(1) - 1.0).sqr().sum(..);
    assert_relative_eq!(penalty.item(), 1.0 + (5f64.sqrt() - 1.0).powi(2), max_relative = 1e-6);
    // The dead sample gives nothing, the other one 2 (|w| - 1) w / |w|.
    let factor = 2.0 * (1.0 - 1.0 / 5f64.sqrt());
    let wanted = Tensor::from([[1.0, 2.0]]) * factor;
    assert_relative_eq!(penalty.grad(&[&w])[0], wanted, max_relative = 1e-6);
}

#[test]
fn equal_numbers_have_no_spread_and_no_slope() {
    // 0.1 and 0.3 are not sums of few powers of 2: their means are rounded.
    for value in [0.1, 0.3, 1e10] {
        let x = Tensor::full_of([2, 7], value, DType::F64).requires_grad();
        assert_eq!(x.var(1, 0).to_vec::<f64>(), [0.0, 0.0]);
        let y = x.std(1, 1);
        assert_eq!(y.to_vec::<f64>(), [0.0, 0.0]);
        assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f64>(), [0.0; 14]);
    }
}

#[test]
fn extremes_of_nan_and_of_equal_numbers() {
    let x = Tensor::from([[1.0, f32::NAN, 9.0], [4.0, 4.0, -4.0]]).requires_grad();
    assert_eq!(x.argmax(1).to_vec::<u32>(), [1, 0]);
    assert_eq!(x.argmin(1).to_vec::<u32>(), [1, 2]);
    // Over several dimensions the place is that in all of them as one, also of a view.
    let flat = |x: &Tensor| x.reshape(x.count());
    for x in [&x, &x.t()] {
        assert_eq!(x.argmax(..).to_vec::<u32>(), flat(x).argmax(0).to_vec::<u32>());
        assert_eq!(x.argmin_keepdim(..).to_vec::<u32>(), flat(x).argmin(0).to_vec::<u32>());
        assert_eq!(x.argmin_keepdim(..).shape(), [1, 1]);
    }
    let y = x.max(1);
    assert!(y.to_vec::<f32>()[0].is_nan() && y.to_vec::<f32>()[1] == 4.0);
    assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(x.topk(2, 1).1.to_vec::<u32>(), [1, 2, 0, 1]);
}

#[test]
fn classes_one_hot_pick_rows_of_a_table() {
    let labels = Tensor::from_slice(&[2u32, 0, 1, 2], [2, 2]);
    let table = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let one_hot = labels.one_hot(3, DType::F32);
    assert_eq!(one_hot.shape(), [2, 2, 3]);
    assert_eq!(
        one_hot.reshape([4, 3]).matmul(&table),
        table.embedding(&labels).reshape([4, 2])
    );
    let integers = labels.one_hot(3, DType::U32).to_dtype(DType::F32);
    assert_eq!(integers.argmax(-1), labels);
}

#[test]
fn views_copy_nothing() {
    let x = Tensor::zeros([2, 3, 4]);
    let views = [
        ("reshape", x.reshape([6, 4])),
        ("permute", x.permute(&[2, 0, 1])),
        ("transpose", x.transpose(0, 2)),
        ("t", x.flatten(0, 1).t()),
        ("flip", x.flip(..)),
        ("unsqueeze", x.unsqueeze(1)),
        ("squeeze", x.unsqueeze(1).squeeze(1)),
        ("flatten", x.flatten(0, -1)),
        ("unflatten", x.unflatten(2, &[2, 2])),
        ("narrow", x.narrow(1, 1, 2)),
        ("expand", x.expand([5, 2, 3, 4])),
        ("halves", x.halves(2).1),
        ("split", x.split(2, 1).remove(1)),
        ("chunk", x.chunk(2, 0).remove(1)),
        // Also of what is a view already.
        ("unsqueeze of a transpose", x.transpose(0, 2).unsqueeze(1)),
        ("unflatten of a transpose", x.transpose(0, 2).unflatten(0, &[2, 2])),
        ("flatten of a part", x.narrow(0, 1, 1).flatten(0, -1)),
        ("squeeze of a flip", x.flip(0).narrow(0, 0, 1).squeeze(0)),
        ("flatten of a flip", x.flip(..).flatten(0, -1)),
    ];
    for (name, view) in views {
        assert!(view.shares_buffer_with(&x), "{name} has copied");
    }
    assert!(!x.transpose(0, 2).flatten(0, -1).shares_buffer_with(&x));
}

/// As the documentation of `var` says; PyTorch's answers, but for `std`, which it computes in double precision.
#[test]
fn squares_beyond_the_range_of_f32_are_infinite() {
    let x = Tensor::from([1e20, 2e20, 4e20]);
    assert_eq!(x.var(.., 1).item(), f64::INFINITY);
    assert_eq!(x.std(.., 1).item(), f64::INFINITY);
    assert_eq!(x.norm(..).item(), f64::INFINITY);
    let std = x.to_dtype(DType::F64).std(.., 1).item();
    assert!((std / 1.527_525_2e20 - 1.0).abs() < 1e-7);
    let below = Tensor::from([5e18, 1e19, 2e19]);
    assert!((below.std(.., 1).item() / 7.637_626e18 - 1.0).abs() < 1e-6);
    let normalised = |x: &Tensor| x.layer_norm([3], None, None, 1e-5).to_vec::<f32>();
    assert_eq!(normalised(&x), [0.0; 3]);
    assert_relative_eq!(normalised(&below)[2], 1.336_306, max_relative = 1e-5);
}
