//! The graph: derivatives of derivatives, what is freed when, and how far it can grow.

use approx::assert_relative_eq;
use nn::{Context, Layer, LeakyReLU, Linear, Module, Sequential, Tanh, module};
use std::panic::AssertUnwindSafe;
use tensor_core::autograd::Leaf;
use tensor_core::autograd::check::{gradcheck, gradgradcheck};
use tensor_core::autograd::observe::{Counter, Observer, Step, observe};
use tensor_core::ops::{Grad, Grads, Keeps, Op, OpInfo, Saved, apply};
use tensor_core::{DType, Random, Shape, ShapeError, Tensor, no_grad};

/// w2 · leaky(w1 · tanh(w0 x)), written with tensors only.
fn network(inputs: &[Tensor]) -> Tensor {
    let [x, w0, w1, w2] = inputs else { panic!("four inputs") };
    x.matmul(&w0.t()).tanh().matmul(&w1.t()).leaky_relu(0.2).matmul(&w2.t())
}

fn network_inputs() -> Vec<Tensor> {
    let random = Random::new(3);
    let shapes = [[4, 3], [6, 3], [5, 6], [1, 5]];
    shapes
        .iter()
        .enumerate()
        .map(|(i, &shape)| random.at(i as u64).normal(shape, DType::F64))
        .collect()
}

#[test]
fn the_gradient_of_a_gradient_through_an_mlp() {
    gradcheck(network, &network_inputs()).unwrap();
    gradgradcheck(network, &network_inputs()).unwrap();
}

/// The penalty of WGAN-GP, (|∇ D(x)| - 1)², is a function of the weights by way of a gradient: its own gradient needs the second order.
#[test]
fn a_gradient_penalty_through_layers() {
    let mut init = Random::new(4);
    let critic = Sequential::new()
        .with(Linear::new(3, 8, &mut init))
        .with(LeakyReLU::new(0.2))
        .with(Linear::new(8, 6, &mut init))
        .with(Tanh)
        .with(Linear::new(6, 1, &mut init));
    module::to_dtype(&critic, DType::F64);
    let x = Random::new(5).normal([7, 3], DType::F64);
    let penalty = || {
        let x = x.requires_grad();
        let mut cx = Context::training(&Random::new(0));
        let slope = &critic.forward(&x, &mut cx).sum(..).grad_graph(&[&x])[0];
        (slope.sqr().sum(1).sqrt() - 1.0).sqr().mean(..)
    };
    // The last bias shifts the critic and not its slope: the loss does not depend on it, and it is left out.
    struct Weights<'a>(&'a Sequential);
    impl Module for Weights<'_> {
        fn visit(&self, v: &mut nn::Visitor<'_>) {
            for (name, entry) in module::entries(self.0) {
                if let module::Entry::Param(param) = entry
                    && name != "4.bias"
                {
                    v.param(&name, &param);
                }
            }
        }
    }
    nn::check::gradcheck(&Weights(&critic), penalty).unwrap();
}

#[test]
fn the_third_derivative_of_a_small_network() {
    // f(x) = tanh(a x): f''' = a³ (1 - t²)(6 t² - 2)
    let (a, x) = (0.7, Tensor::from_slice(&[0.4f64], [1]).requires_grad());
    let mut f = (a * &x).tanh();
    for _ in 0..3 {
        f = f.sum(..).grad_graph(&[&x]).remove(0);
    }
    let t = (a * 0.4f64).tanh();
    assert_relative_eq!(
        f.item(),
        a.powi(3) * (1.0 - t * t) * (6.0 * t * t - 2.0),
        max_relative = 1e-13
    );
}

/// f(x) = v tanh(w x + b) + c, with layers: f''' = v w³ (1 - t²)(6 t² - 2), and the derivatives of f'' by the weights besides.
#[test]
fn the_third_derivatives_of_a_network_with_one_unit() {
    let mut init = Random::new(6);
    let network = Sequential::new()
        .with(Linear::new(1, 1, &mut init))
        .with(Tanh)
        .with(Linear::new(1, 1, &mut init));
    module::to_dtype(&network, DType::F64);
    let weights: Vec<Tensor> = module::params(&network).iter().map(nn::Param::tensor).collect();
    let [w, b, v] = [0, 1, 2].map(|i: usize| weights[i].item());
    let x = Tensor::from_slice(&[0.4], [1, 1]).requires_grad();
    let mut f = network.forward(&x, &mut Context::training(&Random::new(0)));
    for _ in 0..2 {
        f = f.grad_graph(&[&x]).remove(0);
    }
    let third = f.grad(&[&x, &weights[0], &weights[1], &weights[2]]);
    let t = (w * 0.4 + b).tanh();
    // The second and the third derivative of tanh.
    let (bend, jerk) = (-2.0 * t * (1.0 - t * t), (1.0 - t * t) * (6.0 * t * t - 2.0));
    let wanted = [
        v * w.powi(3) * jerk,
        2.0 * v * w * bend + v * w * w * 0.4 * jerk,
        v * w * w * jerk,
        w * w * bend,
    ];
    for (third, wanted) in third.iter().zip(wanted) {
        assert_relative_eq!(third.item(), wanted, max_relative = 1e-12);
    }
}

#[test]
fn a_long_chain_of_a_second_derivative_touches_no_stack_limit() {
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    let run = || {
        let x = Tensor::from_slice(&[1.0f64], [1]).requires_grad();
        // n steps of y / (1 + y) make x / (1 + n x): the slope is (1 + n x)⁻², the next one -2 n (1 + n x)⁻³.
        let n = 20_000;
        let y = (0..n).fold(x.clone(), |y, _| &y / (1.0 + &y));
        let slope = y.grad_graph(&[&x]).remove(0);
        let end = 1.0 + f64::from(n);
        assert_relative_eq!(slope.item(), end.powi(-2), max_relative = 1e-9);
        let second = slope.grad(&[&x]).remove(0);
        assert_relative_eq!(second.item(), -2.0 * f64::from(n) * end.powi(-3), max_relative = 1e-9);
        drop(y);
        drop(slope); // the last handle of both graphs
        let million = (0..1_000_000).fold(x.clone(), |y, _| y * 1.0);
        let slope = million.grad_graph(&[&x]).remove(0);
        drop(million);
        assert_eq!(slope.item(), 1.0);
    };
    small_stack.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_long_chain_touches_no_stack_limit() {
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    let run = || {
        let x = Tensor::from_slice(&[1.0f64], [1]).requires_grad();
        let y = (0..1_000_000).fold(x.clone(), |y, _| y + 1e-6);
        assert_relative_eq!(y.item(), 2.0, max_relative = 1e-9);
        assert_eq!(y.sum(..).grad(&[&x])[0].item(), 1.0); // by reference: the graph is dropped afterwards
        let unused = (0..1_000_000).fold(x.clone(), |y, _| y * 1.0);
        drop(unused); // dropped without a backward pass
        assert_eq!(y.sum(..).value_and_grad([&x]).0, y.item());
    };
    small_stack.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_tensor_that_is_used_twice_gets_both_gradients() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
    // x as input and as weight of one fused operation: d Σ(x xᵀ) by hand is 2 · column sums, in each row.
    let loss = x.linear(&x, Some(&Tensor::zeros([2]))).sum(..);
    assert_eq!(loss.grad(&[&x])[0].to_vec::<f32>(), [8.0, 12.0, 8.0, 12.0]);
    assert_eq!(loss.grad_graph(&[&x])[0].to_vec::<f32>(), [8.0, 12.0, 8.0, 12.0]);
}

#[test]
fn a_second_derivative_that_is_zero_is_zeros_and_not_an_error() {
    let x = Tensor::from([-1.0, 2.0]).requires_grad();
    let slope = &x.relu().sum(..).grad_graph(&[&x])[0];
    assert_eq!(slope.to_vec::<f32>(), [0.0, 1.0]);
    assert_eq!(slope.sum(..).grad_or_zeros(&[&x])[0], Tensor::zeros([2]));
}

#[test]
fn what_is_not_recorded_cannot_be_differentiated() {
    let x = Tensor::from([1.0]).named("x");
    let y = no_grad(|| x.exp());
    assert!(!y.is_tracked() && !x.detach().is_tracked());
    assert_eq!((y.sum(..) + x.sum(..)).grad(&[&x])[0].item(), 1.0);
}

#[test]
#[should_panic(expected = "grad: the loss does not depend on `forgotten` [3]")]
fn a_target_that_the_loss_does_not_reach_is_named() {
    let (x, forgotten) = (Tensor::ones([2]).requires_grad(), Tensor::ones([3]).named("forgotten"));
    x.exp().sum(..).grad(&[&x, &forgotten]);
}

/// y = 2 x with a rule that forgets the gradient, or says that it is zero.
struct Careless {
    says: Grad,
}

impl Op for Careless {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "careless",
            formula: "y = 2 x",
            rule: "forgotten",
        }
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape())
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0] * 2.0
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        tensor_core::grads![self.says.clone()]
    }
}

fn careless_gradient(says: Grad) -> Tensor {
    let x = Tensor::ones([2]).requires_grad();
    apply(Careless { says }, &[&x]).sum(..).grad(&[&x]).remove(0)
}

#[test]
#[should_panic(expected = "careless: the rule gave no gradient for input 0, which is asked for")]
fn a_rule_that_forgets_a_gradient_is_refused() {
    careless_gradient(Grad::Unwanted);
}

#[test]
fn a_rule_may_say_that_a_gradient_is_zero() {
    assert_eq!(careless_gradient(Grad::Zero), Tensor::zeros([2]));
}

#[test]
#[should_panic(expected = "careless: the rule gave a gradient of another type for input 0")]
fn a_gradient_of_another_type_is_refused() {
    careless_gradient(Grad::Is(Tensor::ones([2]).to_dtype(DType::F64)));
}

#[test]
fn where_relu_is_flat_its_gradient_is_zero_whatever_comes_back() {
    let x = Tensor::from([-1.0, 4.0]).requires_grad();
    // The slope of the square root at 0 is infinite, and infinity times 0 is not a number.
    assert_eq!(x.relu().sqrt().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.25]);
    let wrong = Tensor::from([f32::NAN]).requires_grad();
    assert_eq!(
        wrong.relu().sum(..).grad(&[&wrong])[0].item(),
        1.0,
        "what is wrong stays visible, as in PyTorch"
    );
}

#[test]
fn division_stays_in_the_range_of_f32() {
    let (a, b) = (Tensor::from([1e-30]), Tensor::from([1e-25]).requires_grad());
    let slope = (&a / &b).sum(..).grad(&[&b])[0].item();
    assert_relative_eq!(slope, -1e20, max_relative = 1e-5);
    assert_eq!((41.0 / Tensor::from([41.0])).item(), 1.0, "rounded once");
}

#[test]
#[should_panic(expected = "as_mut_slice: the result of add_scalar [1]")]
fn what_an_operation_computed_is_not_changed_in_place() {
    let x = Tensor::from([1.0]).requires_grad();
    (&x + 1.0).as_mut_slice::<f32>()[0] = 100.0;
}

/// An observer that does not survive its first operation.
struct Fragile;

impl Observer for Fragile {
    fn after(&mut self, _: &Step<'_>, _: &Tensor) {
        panic!("seen enough");
    }
}

#[test]
fn an_observer_that_panics_leaves_the_others() {
    let (outcome, counter) = observe(Counter::default(), || {
        let outcome = std::panic::catch_unwind(|| observe(Fragile, || Tensor::ones([1]).exp()));
        let _ = Tensor::ones([1]).tanh();
        outcome.is_err()
    });
    assert!(outcome);
    assert_eq!(counter.count("tanh"), 1);
}

#[test]
fn a_tensor_that_was_computed_cannot_be_made_a_leaf() {
    let x = Tensor::from([1.0, 2.0]).requires_grad();
    for make in [|h: Tensor| h.named("h"), |h: Tensor| h.requires_grad()] {
        let panic = std::panic::catch_unwind(AssertUnwindSafe(|| make(x.sqr()))).unwrap_err();
        let message = panic.downcast::<String>().unwrap();
        assert!(
            message.contains("requires_grad: the result of sqr [2] at tests/engine/graph.rs")
                && message.contains("is part of the graph already"),
            "{message}"
        );
    }
    assert!(x.sqr().detach().requires_grad().is_tracked());
}

#[test]
fn dense_values_are_untracked_however_they_lie() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
    assert!(!x.sqr().dense().is_tracked() && !x.sqr().t().dense().is_tracked());
}

#[test]
fn a_function_that_differentiates_inside_can_be_checked_to_the_third_order() {
    let slope = |x: &[Tensor]| x[0].sqr().exp().sum(..).grad_graph(&[&x[0]]).remove(0);
    let x = [Tensor::from_slice(&[0.3, -0.7], [2])];
    gradcheck(slope, &x).unwrap();
    gradgradcheck(slope, &x).unwrap();
}

/// An operation whose forward hands out its input.
struct Through;

impl Op for Through {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "through",
            formula: "y = x",
            rule: "gx = 2 gy, to be told apart",
        }
    }
    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape())
    }
    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].clone()
    }
    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }
    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        tensor_core::grads![gy * 2.0]
    }
}

#[test]
fn an_operation_that_returns_its_input_does_not_lose_its_rule() {
    let x = Tensor::from([1.0]).requires_grad();
    assert_eq!(apply(Through, &[&x]).grad(&[&x])[0].item(), 2.0);
    assert!(!no_grad(|| apply(Through, &[&x])).is_tracked());
}

#[test]
fn a_leaf_takes_only_values_of_its_kind() {
    let leaf = Leaf::new(Shape::from([2]), DType::F32);
    let values = Tensor::from_slice(&[1.0, 2.0, 3.0], [3]);
    let panic = std::panic::catch_unwind(AssertUnwindSafe(|| leaf.attach(&values))).unwrap_err();
    assert_eq!(
        *panic.downcast::<String>().unwrap(),
        "attach: F64 [3] cannot be the values of a leaf of F32 [2]"
    );
}
