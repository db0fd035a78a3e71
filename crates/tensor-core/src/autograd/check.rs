//! Gradient checks: what the engine says is compared with central differences, in F64.

use crate::dtype::DType;
use crate::rng::Random;
use crate::tensor::Tensor;
use std::fmt;

/// The points are ± h and ± 2 h away. With four of them the error of the difference is of order h⁴.
const H: f64 = 1e-4;
const ABSOLUTE: f64 = 1e-7;
const RELATIVE: f64 = 1e-6;
/// Up to this many elements, each is moved by itself; larger inputs are moved along this many random directions.
const ELEMENT_BY_ELEMENT: usize = 48;

/// A derivative that does not agree with the differences.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientMismatch {
    /// Which input, by number or by name.
    pub input: String,
    /// Which element of it, in order; `None` if the input was moved along a random direction.
    pub element: Option<usize>,
    /// What the engine says.
    pub engine: f64,
    /// What the differences say.
    pub differences: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient by {}", self.input)?;
        match self.element {
            Some(element) => write!(f, ", element {element}")?,
            None => write!(f, ", along a random direction")?,
        }
        write!(
            f,
            ": the engine gives {:e}, central differences give {:e}",
            self.engine, self.differences
        )
    }
}

impl std::error::Error for GradientMismatch {}

/// Checks the first derivative of `f` at `inputs` (F64) against central differences. Outputs of several elements are projected on a
/// random direction.
///
/// ```
/// use tensor_core::autograd::check::gradcheck;
/// use tensor_core::Tensor;
/// let x = Tensor::from_slice(&[0.3, -1.2], [2]); // F64
/// gradcheck(|inputs| inputs[0].exp().tanh(), &[x.clone()])?;
/// let wrong = gradcheck(|inputs| &inputs[0] * inputs[0].detach(), &[x]).unwrap_err();
/// assert_eq!((wrong.input.as_str(), wrong.element), ("input 0", Some(0)));
/// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
/// ```
///
/// # Errors
/// The first number that differs.
///
/// # Panics
/// If an input is not F64.
#[track_caller]
pub fn gradcheck(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> Result<(), GradientMismatch> {
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("input {i}")).collect();
    let loss = |inputs: &[Tensor]| project(&f(inputs), 0);
    let tracked: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
    let gradients = loss(&tracked).grad_or_zeros(&tracked.iter().collect::<Vec<_>>());
    compare(&names, inputs, &gradients, |moved| {
        // Tracked, in case f differentiates inside.
        let moved: Vec<Tensor> = moved.iter().map(Tensor::requires_grad).collect();
        loss(&moved).item()
    })
}

/// Checks the second derivative of `f`: the gradient of its gradient, projected on a random direction.
///
/// # Errors
/// The first number that differs.
///
/// # Panics
/// If an input is not F64.
#[track_caller]
pub fn gradgradcheck(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) -> Result<(), GradientMismatch> {
    gradcheck(
        |inputs| {
            let targets: Vec<&Tensor> = inputs.iter().collect();
            let gradients = project(&f(inputs), 0).grad_graph(&targets);
            let parts = gradients
                .iter()
                .enumerate()
                .map(|(i, gradient)| project(gradient, 1 + i as u64));
            parts.reduce(|sum, part| sum + part).expect("there is an input")
        },
        inputs,
    )
}

/// The inner product of a tensor with fixed random numbers.
fn project(x: &Tensor, stream: u64) -> Tensor {
    let direction = Random::new(7).stream("projection").at(stream).normal_like(x);
    (x * direction).sum(..)
}

/// Compares gradients with central differences of `loss`, a function of values in the place of `points`.
///
/// This is the part that a check of whole modules shares; most users want [`gradcheck`].
///
/// # Errors
/// The first number that differs.
///
/// # Panics
/// If a point is not F64.
#[track_caller]
pub fn compare(
    names: &[String],
    points: &[Tensor],
    gradients: &[Tensor],
    loss: impl Fn(&[Tensor]) -> f64,
) -> Result<(), GradientMismatch> {
    for (i, (point, gradient)) in points.iter().zip(gradients).enumerate() {
        assert_eq!(
            point.dtype(),
            DType::F64,
            "a gradient check needs F64, {} is {}",
            names[i],
            point.dtype()
        );
        for (element, direction) in directions(point) {
            let at = |distance: f64| {
                let mut moved = points.to_vec();
                moved[i] = point.detach() + &direction * distance;
                loss(&moved)
            };
            let differences = (8.0 * (at(H) - at(-H)) - (at(2.0 * H) - at(-2.0 * H))) / (12.0 * H);
            let engine = (gradient.detach() * &direction).sum(..).item();
            let tolerance = ABSOLUTE + RELATIVE * engine.abs().max(differences.abs());
            let agrees = (engine - differences).abs() <= tolerance;
            if !agrees {
                return Err(GradientMismatch {
                    input: names[i].clone(),
                    element,
                    engine,
                    differences,
                });
            }
        }
    }
    Ok(())
}

/// Along what to move an input: each element of a small one, random directions of length 1 for a large one.
fn directions(point: &Tensor) -> Vec<(Option<usize>, Tensor)> {
    let (count, shape) = (point.count(), point.shape());
    if count > ELEMENT_BY_ELEMENT {
        let random = |k| {
            let direction = Random::new(7).stream("direction").at(k).normal(shape, DType::F64);
            let length = direction.sqr().sum(..).item().sqrt();
            (None, direction / length)
        };
        return (0..ELEMENT_BY_ELEMENT as u64).map(random).collect();
    }
    let unit = |element: usize| {
        let mut values = vec![0.0f64; count];
        values[element] = 1.0;
        (Some(element), Tensor::from_slice(&values, shape))
    };
    (0..count).map(unit).collect()
}
