//! Closures on the way of a gradient.

use nn::{Context, Layer, Linear, module};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use tensor_core::autograd::check::{gradcheck, gradgradcheck};
use tensor_core::{DType, Random, Tensor};

#[test]
fn a_hook_sees_the_sum_of_all_contributions_once_a_pass() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let x = Tensor::from([1.0, 2.0]).requires_grad();
    let h = (&x * 2.0).hook(move |gradient| {
        log.lock().unwrap().push(gradient.to_vec::<f32>());
        None
    });
    assert_eq!(h.to_vec::<f32>(), [2.0, 4.0]);
    let loss = (&h * 3.0 + h.sqr()).sum(..); // 3 + 2 h
    assert!(seen.lock().unwrap().is_empty(), "nothing before a backward pass");
    assert_eq!(loss.grad(&[&x])[0].to_vec::<f32>(), [14.0, 22.0]);
    assert_eq!(*seen.lock().unwrap(), [vec![7.0, 11.0]]);
    assert_eq!(loss.grad_graph(&[&x])[0].to_vec::<f32>(), [14.0, 22.0]);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[test]
fn a_hook_on_what_nobody_asks_for_does_not_run() {
    let x = Tensor::from([1.0]).requires_grad();
    let constant = Tensor::from([2.0]).hook(|_| panic!("not tracked"));
    let other = x.hook(|_| panic!("not on the way"));
    assert_eq!(
        ((&x * constant).sum(..) + other.detach().sum(..)).grad(&[&x])[0].item(),
        2.0
    );
}

#[test]
fn a_hook_that_looks_changes_no_derivative_of_any_order() {
    let x = Random::new(2).normal([2, 3], DType::F64);
    let f = |x: &[Tensor]| x[0].tanh().hook(|_| None).sqr();
    gradcheck(f, std::slice::from_ref(&x)).unwrap();
    gradgradcheck(f, std::slice::from_ref(&x)).unwrap();
}

/// y = x² with the gradient g + g²: the second derivative is that of 2 x (g + g²) at g = 1, which is 2 (1 + 1) by x.
#[test]
fn what_a_hook_makes_of_a_gradient_is_differentiated_too() {
    let x = Tensor::from([3.0]).requires_grad();
    let g = Tensor::from([5.0]).requires_grad();
    let y = x.sqr().hook(|gradient| Some(gradient + gradient.sqr()));
    let slope = (&y * &g).sum(..).grad_graph(&[&x]).remove(0); // 2 x (g + g²)
    assert_eq!(slope.item(), 6.0 * 30.0);
    let second = slope.sum(..).grad(&[&x, &g]);
    assert_eq!(second[0].item(), 2.0 * 30.0);
    assert_eq!(second[1].item(), 6.0 * (1.0 + 10.0));
}

/// The gradient of a whole layer clipped to a length of 1 on its way.
#[test]
fn a_hook_clips_a_gradient_in_the_middle_of_a_model() {
    let layer = Linear::new(3, 4, &mut Random::new(0));
    let x = Random::new(1).normal([5, 3], DType::F32).requires_grad();
    let clip = |gradient: &Tensor| Some(gradient / gradient.sqr().sum(..).sqrt());
    let y = layer.forward(&x, &mut Context::training(&Random::new(2)));
    let bias = module::params(&layer)[1].tensor();
    let clipped = (y.hook(clip) * 100.0).sum(..).grad(&[&bias]).remove(0);
    // 20 equal gradients of length 1 together: each is 1 / √20, and the bias sums 5 of them.
    for value in clipped.to_vec::<f32>() {
        approx::assert_relative_eq!(value, 5.0 / 20f32.sqrt(), max_relative = 1e-6);
    }
}

#[test]
fn a_hook_that_changes_the_shape_is_refused_at_its_line() {
    let x = Tensor::from([1.0, 2.0]).requires_grad();
    let line = line!() + 1;
    let y = x.hook(|gradient| Some(gradient.sum(..)));
    let panic = catch_unwind(AssertUnwindSafe(|| y.sum(..).grad(&[&x]))).unwrap_err();
    assert_eq!(
        *panic.downcast::<String>().unwrap(),
        format!(
            "hook: the closure made F32 [] of a gradient F32 [2]\n  at {}:{line}:15\n  hint: it keeps the shape and the type",
            file!()
        )
    );
}
