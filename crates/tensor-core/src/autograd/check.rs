//! Gradient checks: what the engine says is compared with central differences, in F64.

use crate::dtype::DType;
use crate::rng::Random;
use crate::tensor::Tensor;
use std::fmt;

/// A derivative that does not agree with the differences.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientMismatch {
    /// Which input, by number or by name.
    pub input: String,
    /// Which element of it, in order; `None` if the input was moved along a random direction.
    pub element: Option<usize>,
    /// The same element as an index in each dimension.
    pub index: Option<Vec<usize>>,
    /// What the engine says.
    pub engine: f64,
    /// What the differences say.
    pub differences: f64,
}

impl fmt::Display for GradientMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gradient by {}", self.input)?;
        match (&self.index, self.element) {
            (Some(index), Some(element)) if index.len() != 1 => write!(f, ", element {element} at {index:?}")?,
            (_, Some(element)) => write!(f, ", element {element}")?,
            (_, None) => write!(f, ", along a random direction")?,
        }
        write!(
            f,
            ": the engine gives {:e}, central differences give {:e}",
            self.engine, self.differences
        )
    }
}

impl std::error::Error for GradientMismatch {}

/// What a checked function may return: one tensor or several. Integers among them have no gradient and are left out.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::check::gradcheck;
/// let x = Tensor::from_slice(&[0.3, -1.2, 2.0], [3]); // F64
/// gradcheck(|inputs| inputs[0].exp(), &[x.clone()])?;
/// gradcheck(|inputs| [inputs[0].max(0), inputs[0].argmax(0)], &[x.clone()])?; // the place is left out
/// gradcheck(|inputs| vec![inputs[0].sin(); 2], &[x])?;
/// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
/// ```
pub trait Outputs {
    /// The tensors, in order.
    fn into_tensors(self) -> Vec<Tensor>;
}

impl Outputs for Tensor {
    fn into_tensors(self) -> Vec<Tensor> {
        vec![self]
    }
}

impl Outputs for Vec<Tensor> {
    fn into_tensors(self) -> Vec<Tensor> {
        self
    }
}

impl<const N: usize> Outputs for [Tensor; N] {
    fn into_tensors(self) -> Vec<Tensor> {
        self.into()
    }
}

/// Checks the first derivative of `f` at `inputs` with the default settings: [`GradCheck::run`].
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
/// As [`GradCheck::run`].
#[track_caller]
pub fn gradcheck<O: Outputs>(f: impl Fn(&[Tensor]) -> O, inputs: &[Tensor]) -> Result<(), GradientMismatch> {
    GradCheck::default().run(f, inputs)
}

/// Checks the second derivative of `f` at `inputs` with the default settings: [`GradCheck::run_second`].
///
/// ```
/// use tensor_core::autograd::check::{gradcheck, gradgradcheck};
/// use tensor_core::Tensor;
/// let x = Tensor::from_slice(&[0.3, -1.2], [2]); // F64
/// gradgradcheck(|inputs| inputs[0].sigmoid(), &[x.clone()])?;
///
/// // The values and the gradient of x², but the gradient was hooked by a constant: the second derivative is not 2.
/// let f = |inputs: &[Tensor]| inputs[0].sqr().hook(|gradient| Some(gradient.detach()));
/// gradcheck(f, &[x.clone()])?;
/// assert!(gradgradcheck(f, &[x]).is_err());
/// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
/// ```
///
/// # Errors
/// The first number that differs.
///
/// # Panics
/// As [`GradCheck::run_second`].
#[track_caller]
pub fn gradgradcheck<O: Outputs>(f: impl Fn(&[Tensor]) -> O, inputs: &[Tensor]) -> Result<(), GradientMismatch> {
    GradCheck::default().run_second(f, inputs)
}

/// A gradient check with settings.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::check::GradCheck;
/// let x = Tensor::from_slice(&[0.3, -1.2, 0.4, 1.1], [2, 2]);
/// let check = GradCheck::default().step(1e-3).tolerance(1e-6, 1e-5);
/// check.run(|inputs| [inputs[0].tanh(), inputs[0].exp()], &[x.clone()])?; // several outputs at once
///
/// let wrong = check.run(|inputs| inputs[0].hook(|g| Some(g * Tensor::from_slice(&[1.0, 1.0, 1.0, 2.0], [2, 2]))), &[x]);
/// assert_eq!(wrong.unwrap_err().index, Some(vec![1, 1])); // twice the gradient, there
/// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
/// ```
#[derive(Clone, Debug)]
pub struct GradCheck {
    step: f64,
    absolute: f64,
    relative: f64,
    elements: usize,
    directions: usize,
}

impl Default for GradCheck {
    /// Steps of 1e-4; numbers may differ by 1e-7 + 1e-6 of the larger one; 48 elements or directions.
    fn default() -> GradCheck {
        GradCheck {
            step: 1e-4,
            absolute: 1e-7,
            relative: 1e-6,
            elements: 48,
            directions: 48,
        }
    }
}

impl GradCheck {
    /// The same with points ± h and ± 2 h away. With four of them the error of the difference is of order h⁴.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::check::GradCheck;
    /// let x = Tensor::from_slice(&[0.01], [1]);
    /// let bent = |inputs: &[Tensor]| inputs[0].abs(); // at 0
    /// assert!(GradCheck::default().step(1e-3).run(bent, &[x.clone()]).is_ok());
    /// assert!(GradCheck::default().step(0.1).run(bent, &[x]).is_err()); // the points lie on both sides
    /// ```
    #[must_use]
    pub fn step(self, h: f64) -> GradCheck {
        GradCheck { step: h, ..self }
    }

    /// The same with numbers that may differ by `absolute + relative` · the larger one.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::check::GradCheck;
    /// let x = Tensor::from_slice(&[1.0], [1]);
    /// let off = |inputs: &[Tensor]| inputs[0].sqr().hook(|g| Some(g * 1.01)); // by 1 %
    /// assert!(GradCheck::default().tolerance(0.0, 0.02).run(off, &[x.clone()]).is_ok());
    /// assert!(GradCheck::default().tolerance(0.0, 0.005).run(off, &[x]).is_err());
    /// ```
    #[must_use]
    pub fn tolerance(self, absolute: f64, relative: f64) -> GradCheck {
        GradCheck {
            absolute,
            relative,
            ..self
        }
    }

    /// The same, but inputs of up to this many elements are moved element by element; larger ones along random directions.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::check::GradCheck;
    /// let x = Tensor::from_slice(&[1.0, 2.0, 3.0], [3]);
    /// let wrong = |inputs: &[Tensor]| &inputs[0] * inputs[0].detach();
    /// let element = |check: GradCheck| check.run(wrong, &[x.clone()]).unwrap_err().element;
    /// assert_eq!(element(GradCheck::default().elements(3)), Some(0));
    /// assert_eq!(element(GradCheck::default().elements(2)), None);
    /// ```
    #[must_use]
    pub fn elements(self, most: usize) -> GradCheck {
        GradCheck { elements: most, ..self }
    }

    /// The same with this many random directions for each large input.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::check::GradCheck;
    /// let runs = |directions| {
    ///     let count = Cell::new(0);
    ///     let f = |inputs: &[Tensor]| {
    ///         count.set(count.get() + 1);
    ///         inputs[0].sin()
    ///     };
    ///     let check = GradCheck::default().elements(0).directions(directions);
    ///     check.run(f, &[Tensor::from_slice(&[1.0, 2.0], [2])]).unwrap();
    ///     count.get()
    /// };
    /// assert_eq!(runs(5) - runs(2), 3 * 4); // four points along each
    /// ```
    #[must_use]
    pub fn directions(self, count: usize) -> GradCheck {
        GradCheck {
            directions: count,
            ..self
        }
    }

    /// Checks the first derivative of `f` at `inputs` (F64) against central differences. The outputs are projected on a random direction. Integer inputs
    /// are constants.
    ///
    /// # Errors
    /// The first number that differs.
    ///
    /// # Panics
    /// If an input is of a floating-point type other than F64, if there is nothing to differentiate by, or if `f` gives two values at the same inputs.
    #[track_caller]
    pub fn run<O: Outputs>(&self, f: impl Fn(&[Tensor]) -> O, inputs: &[Tensor]) -> Result<(), GradientMismatch> {
        let names = (0..inputs.len()).map(|i| format!("input {i}")).collect();
        self.run_named(names, f, inputs)
    }

    #[track_caller]
    fn run_named<O: Outputs>(
        &self,
        names: Vec<String>,
        f: impl Fn(&[Tensor]) -> O,
        inputs: &[Tensor],
    ) -> Result<(), GradientMismatch> {
        let moving = Moving::of(names, inputs);
        let loss = |points: &[Tensor]| projection(&f(&moving.place(inputs, points)).into_tensors());
        let tracked = moving.tracked(&moving.points);
        let gradients = loss(&tracked).grad_or_zeros(&tracked.iter().collect::<Vec<_>>());
        self.compare(&moving.names, &moving.points, &gradients, |points| {
            // Tracked, in case f differentiates inside.
            loss(&moving.tracked(points)).item()
        })
    }

    /// Checks the second derivative of `f` at `inputs` (F64): the derivative of its gradient, projected on a random direction, by the inputs and by the
    /// gradients that come back to its outputs.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::check::GradCheck;
    /// let x = Tensor::from_slice(&[0.3, -1.2], [2]);
    /// let check = GradCheck::default().tolerance(1e-6, 1e-5);
    /// check.run_second(|inputs| inputs[0].tanh(), &[x.clone()])?;
    ///
    /// let constant = |inputs: &[Tensor]| inputs[0].tanh().hook(|gradient| Some(gradient.detach()));
    /// assert_eq!(check.run_second(constant, &[x]).unwrap_err().input, "the gradient of output 0");
    /// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
    /// ```
    ///
    /// # Errors
    /// The first number that differs.
    ///
    /// # Panics
    /// As [`GradCheck::run`], and if `f` does not depend on an input.
    #[track_caller]
    pub fn run_second<O: Outputs>(
        &self,
        f: impl Fn(&[Tensor]) -> O,
        inputs: &[Tensor],
    ) -> Result<(), GradientMismatch> {
        let count = inputs.len();
        // What comes back to an output is an input of the gradient like any other: a rule that takes it for a constant is found.
        // Tracked, in case f differentiates inside.
        let track = |x: &Tensor| match x.dtype().is_float() {
            true => x.detach().requires_grad(),
            false => x.clone(),
        };
        let tracked: Vec<Tensor> = inputs.iter().map(track).collect();
        let weights = float_outputs(f(&tracked).into_tensors());
        let weights: Vec<Tensor> = weights
            .iter()
            .enumerate()
            .map(|(i, output)| direction(output, i))
            .collect();
        let names = (0..count).map(|i| format!("input {i}"));
        let names = names.chain((0..weights.len()).map(|i| format!("the gradient of output {i}")));
        let all: Vec<Tensor> = inputs.iter().cloned().chain(weights).collect();
        let gradient = |all: &[Tensor]| {
            let (inputs, weights) = all.split_at(count);
            let outputs = float_outputs(f(inputs).into_tensors());
            let parts = outputs
                .iter()
                .zip(weights)
                .map(|(output, weight)| (output * weight).sum(..));
            let loss = parts
                .reduce(|sum, part| sum + part)
                .expect("an output was found before");
            let targets: Vec<&Tensor> = inputs.iter().filter(|input| input.dtype().is_float()).collect();
            loss.grad_graph(&targets)
        };
        self.run_named(names.collect(), gradient, &all)
    }

    /// Compares gradients with central differences of `loss`, a function of values in the place of `points`.
    ///
    /// This is the part that a check of whole modules shares; most users want [`GradCheck::run`].
    ///
    /// # Errors
    /// The first number that differs.
    ///
    /// # Panics
    /// If a point is not F64, or `loss` gives two values at the same points.
    #[track_caller]
    pub fn compare(
        &self,
        names: &[String],
        points: &[Tensor],
        gradients: &[Tensor],
        loss: impl Fn(&[Tensor]) -> f64,
    ) -> Result<(), GradientMismatch> {
        for (name, point) in names.iter().zip(points) {
            let dtype = point.dtype();
            assert!(
                dtype == DType::F64,
                "a gradient check needs F64, {name} is {dtype}\n  hint: to_dtype(DType::F64) converts"
            );
        }
        assert_deterministic(|| loss(points));
        for (i, (point, gradient)) in points.iter().zip(gradients).enumerate() {
            for (element, direction) in self.moves(point) {
                let at = |distance: f64| {
                    let mut moved = points.to_vec();
                    moved[i] = point.detach() + &direction * distance;
                    loss(&moved)
                };
                let h = self.step;
                let differences = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let engine = (gradient.detach() * &direction).sum(..).item();
                let tolerance = self.absolute + self.relative * engine.abs().max(differences.abs());
                let agrees = (engine - differences).abs() <= tolerance;
                if !agrees {
                    return Err(GradientMismatch {
                        input: names[i].clone(),
                        element,
                        index: element.map(|element| point.shape().coordinates(element)),
                        engine,
                        differences,
                    });
                }
            }
        }
        Ok(())
    }

    /// Along what to move an input: each element of a small one, random directions of length 1 for a large one.
    fn moves(&self, point: &Tensor) -> Vec<(Option<usize>, Tensor)> {
        let (count, shape) = (point.count(), point.shape());
        if count > self.elements {
            let random = |k| {
                let direction = Random::new(7).stream("direction").at(k).normal(shape, DType::F64);
                let length = direction.sqr().sum(..).item().sqrt();
                (None, direction / length)
            };
            return (0..self.directions as u64).map(random).collect();
        }
        let unit = |element: usize| {
            let mut values = vec![0.0f64; count];
            values[element] = 1.0;
            (Some(element), Tensor::from_slice(&values, shape))
        };
        (0..count).map(unit).collect()
    }
}

/// The inner product of tensors with fixed random numbers: one number that stands for all of theirs. Integers among them are left out.
///
/// # Panics
/// If none of them is of a floating-point type.
#[track_caller]
pub fn projection(tensors: &[Tensor]) -> Tensor {
    let tensors = float_outputs(tensors.to_vec());
    let parts = tensors.iter().enumerate().map(|(i, x)| (x * direction(x, i)).sum(..));
    parts.reduce(|sum, part| sum + part).expect("there is one")
}

/// Fixed random numbers for the `i`-th output.
fn direction(like: &Tensor, i: usize) -> Tensor {
    Random::new(7).stream("projection").at(i as u64).normal_like(like)
}

#[track_caller]
fn float_outputs(mut outputs: Vec<Tensor>) -> Vec<Tensor> {
    outputs.retain(|output| output.dtype().is_float());
    assert!(
        !outputs.is_empty(),
        "a gradient check needs an output of a floating-point type: integers have no gradient"
    );
    outputs
}

#[track_caller]
fn assert_deterministic(loss: impl Fn() -> f64) {
    let (first, second) = (loss(), loss());
    assert!(
        first.to_bits() == second.to_bits(),
        "a gradient check needs a function that gives the same value at the same inputs, this one gave {first:e} and then {second:e}\n  \
         hint: does it draw random numbers? let each call begin with the same `Random`, or a clone of the same `Context`"
    );
}

/// The inputs that are moved: those of a floating-point type.
struct Moving {
    places: Vec<usize>,
    names: Vec<String>,
    points: Vec<Tensor>,
}

impl Moving {
    #[track_caller]
    fn of(mut names: Vec<String>, inputs: &[Tensor]) -> Moving {
        let places: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].dtype().is_float()).collect();
        assert!(
            !places.is_empty(),
            "a gradient check needs an input of type F64 to differentiate by"
        );
        Moving {
            names: places.iter().map(|&i| std::mem::take(&mut names[i])).collect(),
            points: places.iter().map(|&i| inputs[i].detach()).collect(),
            places,
        }
    }

    /// These points as leaves, under their names.
    fn tracked(&self, points: &[Tensor]) -> Vec<Tensor> {
        points
            .iter()
            .zip(&self.names)
            .map(|(point, name)| point.named(name))
            .collect()
    }

    /// All inputs, with these points in their places.
    fn place(&self, inputs: &[Tensor], points: &[Tensor]) -> Vec<Tensor> {
        let mut all = inputs.to_vec();
        for (&place, point) in self.places.iter().zip(points) {
            all[place] = point.clone();
        }
        all
    }
}

#[cfg(test)]
mod tests;
