//! An operation that is defined outside the engine: it has all that the engine's own have.

use approx::assert_relative_eq;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tensor_core::autograd::check::{gradcheck, gradgradcheck};
use tensor_core::autograd::export::Graph;
use tensor_core::autograd::observe::{Counter, Recorder, observe};
use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply, try_apply};
use tensor_core::{DType, Random, Shape, ShapeError, Tensor, grads};

/// The softplus with a sharpness, y = ln(1 + e^βx) / β, of matrices.
struct Softplus {
    beta: f64,
}

impl Op for Softplus {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "sharp_softplus",
            formula: "y = ln(1 + e^βx) / β",
            rule: "gx = gy · σ(βx)",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("beta", self.beta.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        match inputs[0].rank() {
            2 => Ok(inputs[0].shape()),
            _ => Err(
                ShapeError::new("sharp_softplus", format!("needs a matrix, got {}", inputs[0].shape()))
                    .hint("reshape it"),
            ),
        }
    }

    fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
        ((inputs[0] * self.beta).exp() + 1.0).ln() / self.beta
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * (saved.input(0) * self.beta).sigmoid()]
    }
}

#[track_caller]
fn softplus(x: &Tensor) -> Tensor {
    apply(Softplus { beta: 2.0 }, &[x])
}

#[test]
fn own_operations_have_values_and_derivatives_of_any_order() {
    let x = Tensor::from_slice(&[0.0, 1.0, -3.0], [1, 3]).requires_grad();
    let y = softplus(&x);
    for (y, x) in y.to_vec::<f64>().iter().zip([0.0f64, 1.0, -3.0]) {
        assert_relative_eq!(*y, (2.0 * x).exp().ln_1p() / 2.0, max_relative = 1e-14);
    }
    let slope = &y.sum(..).grad_graph(&[&x])[0];
    assert_eq!(slope.to_vec::<f64>()[0], 0.5); // σ(0)
    assert_eq!(slope.sum(..).grad(&[&x])[0].to_vec::<f64>()[0], 0.5); // β σ (1 - σ)
    let x = Random::new(3).normal([3, 4], DType::F64);
    gradcheck(|x| softplus(&x[0]), std::slice::from_ref(&x)).unwrap();
    gradgradcheck(|x| softplus(&x[0]).tanh(), &[x]).unwrap();
}

#[test]
fn the_error_of_an_own_operation_names_the_users_line() {
    let message = |line: u32, column: u32| {
        format!(
            "sharp_softplus: needs a matrix, got [3]\n  at {}:{line}:{column}\n  hint: reshape it",
            file!()
        )
    };
    let x = Tensor::zeros([3]);
    let (line, error) = (line!(), try_apply(Softplus { beta: 1.0 }, &[&x]).unwrap_err());
    assert_eq!(error.to_string(), message(line, 35));
    let (line, panic) = (line!(), catch_unwind(AssertUnwindSafe(|| softplus(&x))).unwrap_err());
    assert_eq!(*panic.downcast::<String>().unwrap(), message(line, 68));
}

#[test]
fn observers_and_exports_see_an_own_operation() {
    let x = Tensor::from([[0.5]]).named("x");
    let ((loss, _), recorder) = observe(Recorder::default(), || {
        let loss = softplus(&x).sum(..);
        let gradients = loss.grad(&[&x]);
        (loss, gradients)
    });
    let own = recorder
        .operations()
        .find(|operation| operation.info.name == "sharp_softplus")
        .unwrap();
    assert_eq!(own.attributes, [("beta", "2".to_owned())]);
    assert_eq!(own.inputs[0].name.as_deref(), Some("x"));
    assert!(own.within.is_none());
    let inside: Vec<&str> = recorder
        .operations()
        .filter(|operation| operation.within == Some("sharp_softplus"))
        .map(|operation| operation.info.name)
        .collect();
    assert_eq!(inside, ["mul_scalar", "exp", "add_scalar", "ln", "div_scalar"]);
    let rule: Vec<&str> = recorder
        .operations()
        .filter(|operation| operation.rule_of.is_some_and(|rule| rule.of.name == "sharp_softplus"))
        .map(|operation| operation.info.name)
        .collect();
    assert_eq!(rule, ["mul_scalar", "sigmoid", "mul"]);
    let names: Vec<String> = Graph::of(&[&loss])
        .nodes()
        .iter()
        .map(|node| node.name().to_owned())
        .collect();
    assert_eq!(
        names,
        ["x", "sharp_softplus", "sum"],
        "what runs inside is no part of the graph"
    );
    let (_, counter) = observe(Counter::default(), || softplus(&x));
    assert_eq!(counter.count("sharp_softplus"), 1);
}

/// y = xᵀ, a view; its rule looks at y.
struct Turned;

impl Op for Turned {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "turned",
            formula: "y = xᵀ",
            rule: "gx = gyᵀ",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(inputs[0].t().shape())
    }

    fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
        inputs[0].t()
    }

    fn keeps(&self) -> Keeps {
        Keeps::the_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let y = saved.output();
        assert!(!y.is_contiguous() && y.dense().as_slice::<f32>() == [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        grads![gy.t()]
    }
}

#[test]
fn an_output_that_is_a_view_is_kept_as_one() {
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).requires_grad();
    let y = apply(Turned, &[&x]);
    let weights = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let gradient = &(y * weights).sum(..).grad(&[&x])[0];
    assert_eq!(gradient.to_vec::<f32>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
}
