//! The checks themselves, checked: they find what is wrong, and nothing else.

use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_ref;
use std::sync::Mutex;

fn point(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, [values.len()])
}

fn panic_of(f: impl FnOnce() -> Result<(), GradientMismatch>) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn a_mismatch_says_where_in_coordinates_too() {
    let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
    let mask = Tensor::from_slice(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0], [2, 3]);
    let wrong = gradcheck(
        move |inputs| {
            (inputs[0].hook({
                let mask = mask.clone();
                move |gradient| Some(gradient * &mask)
            }) * 2.0)
                .sum(..)
        },
        &[x],
    )
    .unwrap_err();
    assert_eq!(
        (wrong.element, wrong.index.as_deref(), wrong.engine),
        (Some(5), Some(&[1, 2][..]), 0.0)
    );
    let message = wrong.to_string();
    assert!(
        message
            .starts_with("gradient by input 0, element 5 at [1, 2]: the engine gives 0e0, central differences give "),
        "{message}"
    );
}

#[test]
fn every_output_is_checked() {
    let x = point(&[0.3, -1.2]);
    let wrong = |inputs: &[Tensor]| vec![inputs[0].exp(), &inputs[0] * inputs[0].detach()];
    assert!(gradcheck(wrong, from_ref(&x)).is_err());
    assert!(gradgradcheck(wrong, from_ref(&x)).is_err());
    let right = |inputs: &[Tensor]| [inputs[0].exp(), inputs[0].to_dtype(DType::U32), inputs[0].sqr()];
    gradcheck(right, &[point(&[0.3, 1.2])]).unwrap();
    gradgradcheck(right, &[point(&[0.3, 1.2])]).unwrap();
}

#[test]
fn integers_are_constants() {
    let counts = Tensor::from_slice(&[3u32, 1], [2]);
    let f = |inputs: &[Tensor]| inputs[0].to_dtype(DType::F64) * inputs[1].sqr();
    gradcheck(f, &[counts.clone(), point(&[0.3, -1.2])]).unwrap();
    gradgradcheck(f, &[counts.clone(), point(&[0.3, -1.2])]).unwrap();
    let wrong = |inputs: &[Tensor]| inputs[0].to_dtype(DType::F64) * &inputs[1] * inputs[1].detach();
    let wrong = gradcheck(wrong, &[counts, point(&[0.3, -1.2])]).unwrap_err();
    assert_eq!(wrong.input, "input 1");
}

#[test]
fn a_large_input_is_moved_along_random_directions() {
    let x = Random::new(1).normal([200], DType::F64);
    gradcheck(|inputs| inputs[0].tanh(), from_ref(&x)).unwrap();
    // Wrong in one element of 200: nearly every direction sees it.
    let mut factors = vec![1.0; 200];
    factors[150] = 1.5;
    let factors = point(&factors);
    let wrong = |inputs: &[Tensor]| {
        let factors = factors.clone();
        inputs[0].hook(move |gradient| Some(gradient * &factors))
    };
    let mismatch = GradCheck::default().directions(2).run(wrong, from_ref(&x)).unwrap_err();
    assert_eq!((mismatch.element, mismatch.index), (None, None));
    let mismatch = GradCheck::default().elements(200).run(wrong, &[x]).unwrap_err();
    assert_eq!(mismatch.index, Some(vec![150]));
}

#[test]
fn a_rule_that_takes_the_gradient_for_a_constant_is_found_at_the_second_order() {
    let f = |inputs: &[Tensor]| (&inputs[0] * 2.0).hook(|gradient| Some(gradient.detach()));
    gradcheck(f, &[point(&[1.0, 2.0])]).unwrap();
    let mismatch = gradgradcheck(f, &[point(&[1.0, 2.0])]).unwrap_err();
    assert_eq!(mismatch.input, "the gradient of output 0");
}

#[test]
fn tolerances_are_those_asked_for() {
    let x = point(&[2.0]);
    let slightly_wrong = |inputs: &[Tensor]| inputs[0].hook(|gradient| Some(gradient * 1.001));
    assert!(gradcheck(slightly_wrong, from_ref(&x)).is_err());
    GradCheck::default()
        .tolerance(0.0, 1e-2)
        .run(slightly_wrong, from_ref(&x))
        .unwrap();
    GradCheck::default()
        .tolerance(1e-2, 0.0)
        .run(slightly_wrong, from_ref(&x))
        .unwrap();
    // The fourth-order error: h⁴ / 30 of the fifth derivative of x⁵ is 4 h⁴.
    let fifth = |inputs: &[Tensor]| inputs[0].sqr().sqr() * &inputs[0];
    gradcheck(fifth, from_ref(&x)).unwrap();
    assert!(GradCheck::default().step(0.1).run(fifth, &[x]).is_err());
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let single = Tensor::from([1.0, 2.0]);
    let message = panic_of(|| gradcheck(|inputs| inputs[0].exp(), &[single]));
    assert_eq!(
        message,
        "a gradient check needs F64, input 0 is F32\n  hint: to_dtype(DType::F64) converts"
    );
    let integers = Tensor::from_slice(&[1u32], [1]);
    let message = panic_of(|| gradcheck(|inputs| inputs[0].to_dtype(DType::F64), &[integers]));
    assert_eq!(
        message,
        "a gradient check needs an input of type F64 to differentiate by"
    );
    let message = panic_of(|| gradcheck(|inputs| inputs[0].to_dtype(DType::U32), &[point(&[1.0])]));
    assert_eq!(
        message,
        "a gradient check needs an output of a floating-point type: integers have no gradient"
    );
}

#[test]
fn a_function_that_draws_is_found() {
    let random = Mutex::new(Random::new(0));
    let f = |inputs: &[Tensor]| &inputs[0] * random.lock().unwrap().normal_like(&inputs[0]);
    let message = panic_of(|| gradcheck(f, &[point(&[1.0])]));
    assert!(
        message.starts_with(
            "a gradient check needs a function that gives the same value at the same inputs, this one gave "
        ),
        "{message}"
    );
    assert!(message.contains("hint: does it draw random numbers?"), "{message}");
}
