//! **Step 8: an operation of your own.** A bell curve, with its derivative, as the engine's own operations have theirs; and how to watch it at work.
//!
//! New since step 7:
//!
//! - `Op` is a trait: name, shape rule, value, and the rule for the gradient. The rule is written with tensor operations, so that it can be
//!   differentiated again, to any order.
//! - `gradcheck` and `gradgradcheck` compare with differences. They find the rule that is wrong.
//! - A recorder writes down what was computed, forward and backward.
//!
//!     cargo run --release -p genmodels --example 08_own_operation
//!
//! It prints values and derivatives next to their closed forms, what the checks say of a right and of a wrong rule, the message for a wrong input,
//! and every step of a small computation.

use tensor_core::autograd::check::{GradientMismatch, gradcheck, gradgradcheck};
use tensor_core::autograd::observe::{Recorder, observe};
use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply, try_apply};
use tensor_core::{DType, Random, Shape, ShapeError, Tensor, grads};

/// y = e^(-x²/2w²): 1 in the middle, and w says how wide.
struct Bell {
    width: f64,
    /// To show that the checks find it.
    forgets_the_sign: bool,
}

impl Op for Bell {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "bell",
            formula: "y = e^(-x²/2w²)",
            rule: "gx = -gy · y · x / w²",
        }
    }

    /// What observers and exported graphs show beside the name.
    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("width", self.width.to_string())]
    }

    /// The shape of the output, or what is wrong with the input.
    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        match x[0].dtype().is_float() {
            true => Ok(x[0].shape()),
            false => Err(
                ShapeError::new("bell", format!("needs floating-point numbers, not {}", x[0].dtype()))
                    .hint("to_dtype(DType::F32) converts"),
            ),
        }
    }

    /// Nothing in here is recorded: to the graph, this is one operation.
    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        (x[0].sqr() * (-0.5 / self.width.powi(2))).exp()
    }

    /// What the rule needs. Everything else is freed.
    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0]).and_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let sign = if self.forgets_the_sign { 1.0 } else { -1.0 };
        grads![gy * saved.output() * saved.input(0) * (sign / self.width.powi(2))]
    }
}

#[track_caller] // so that an error names the caller's line
fn bell(x: &Tensor, width: f64) -> Tensor {
    let forgets_the_sign = false;
    apply(
        Bell {
            width,
            forgets_the_sign,
        },
        &[x],
    )
}

/// Value, first and second derivative at x for w = 1: by the engine and by the formulas.
fn derivatives(at: f64) -> [(f64, f64); 3] {
    let x = Tensor::from_slice(&[at], [1]).requires_grad();
    let y = bell(&x, 1.0);
    let first = y.grad_graph(&[&x]).remove(0);
    let second = first.grad(&[&x]).remove(0);
    let value = (-at * at / 2.0).exp();
    [
        (y.item(), value),
        (first.item(), -at * value),
        (second.item(), (at * at - 1.0) * value),
    ]
}

/// What the checks of the first and of the second derivative say.
fn checks(forgets_the_sign: bool) -> [Result<(), GradientMismatch>; 2] {
    let x = [Random::new(0).normal([2, 3], DType::F64)];
    let width = 0.8;
    let f = |x: &[Tensor]| {
        apply(
            Bell {
                width,
                forgets_the_sign,
            },
            &[&x[0]],
        )
    };
    [gradcheck(f, &x), gradgradcheck(f, &x)]
}

/// The message for an input of whole numbers.
fn mistake() -> ShapeError {
    let x = Tensor::from_slice(&[1u32, 2], [2]);
    let (width, forgets_the_sign) = (1.0, false);
    try_apply(
        Bell {
            width,
            forgets_the_sign,
        },
        &[&x],
    )
    .expect_err("whole numbers are refused")
}

/// Every step of d/dw Σ bell(w x).
fn record() -> Recorder {
    let w = Tensor::from([2.0]).named("w");
    let x = Tensor::from([0.0, 0.5, 1.0]);
    observe(Recorder::default(), || bell(&(&w * x), 1.0).sum(..).grad(&[&w])).1
}

fn main() {
    println!("            by the engine   by the formula");
    for (name, (engine, formula)) in ["y", "y'", "y''"].iter().zip(derivatives(1.5)) {
        println!("{name:3} at 1.5   {engine:13.9}   {formula:14.9}");
    }
    for (rule, forgets_the_sign) in [("the rule", false), ("a wrong rule", true)] {
        for (order, check) in ["first", "second"].iter().zip(checks(forgets_the_sign)) {
            let outcome = check.map_or_else(
                |mismatch| mismatch.to_string(),
                |()| "agrees with differences".to_owned(),
            );
            println!("\n{rule}, {order} derivative: {outcome}");
        }
    }
    println!("\n{}\n\n{}", mistake(), record());
}

#[test]
fn the_derivatives_are_their_closed_forms() {
    for at in [-2.0, 0.0, 1.5] {
        for (engine, formula) in derivatives(at) {
            assert!((engine - formula).abs() < 1e-14, "{engine} {formula}");
        }
    }
}

#[test]
fn the_checks_tell_right_from_wrong() {
    assert_eq!(checks(false), [Ok(()), Ok(())]);
    let [first, second] = checks(true);
    let mismatch = first.unwrap_err();
    assert!(
        (mismatch.engine + mismatch.differences).abs() < 1e-6,
        "only the sign is wrong"
    );
    assert_eq!(mismatch.index.as_deref(), Some(&[0, 0][..]));
    assert!(second.is_err(), "y is differentiated by the wrong rule once more");
}

#[test]
fn the_message_and_the_steps_name_the_operation() {
    assert!(
        mistake()
            .to_string()
            .starts_with("bell: needs floating-point numbers, not U32\n  at ")
    );
    let text = record().to_string();
    assert!(
        text.contains("= bell(t3, width: 1)") && text.contains("the rule of bell, 08_own_operation.rs:"),
        "{text}"
    );
}
