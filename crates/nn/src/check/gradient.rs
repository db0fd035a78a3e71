//! Gradient checks of whole modules, in F64.

use crate::cell::{Buffer, Param};
use crate::module::{self, Entry, Module};
use tensor_core::Tensor;
use tensor_core::autograd::check::{GradCheck, GradientMismatch, projection};

/// Checks the gradient of `loss` by every parameter of `module` against central differences in F64, with the default settings. Turn the module with
/// [`to_dtype`](module::to_dtype) first, and let the loss begin with the same [`Context`](crate::Context) each time, so that it repeats its draws: a loss that
/// does not is refused. Buffers, such as running statistics, are put back before each evaluation of the loss: it finds them as they are now, and so they
/// are afterwards. (A gradient for which they are constants, as that of [`SpectralNorm`](crate::SpectralNorm) in training, agrees only where they have
/// settled, and in the first order only.)
///
/// ```
/// use nn::{Context, Layer, Linear, check, module};
/// use tensor_core::{DType, Random};
/// let layer = Linear::new(3, 2, &mut Random::new(0));
/// module::to_dtype(&layer, DType::F64);
/// let x = Random::new(1).normal([4, 3], DType::F64);
/// let loss = || layer.forward(&x, &mut Context::training(&Random::new(2))).tanh().sum(..);
/// check::gradcheck(&layer, loss)?;
/// check::gradgradcheck(&layer, loss)?;
/// # Ok::<(), tensor_core::autograd::check::GradientMismatch>(())
/// ```
///
/// # Errors
/// The first number that differs, with the parameter's name.
///
/// # Panics
/// If a parameter is not F64, the loss does not depend on one, or the loss is not the same each time.
#[track_caller]
pub fn gradcheck(module: &(impl Module + ?Sized), loss: impl Fn() -> Tensor) -> Result<(), GradientMismatch> {
    gradcheck_with(&GradCheck::default(), module, loss)
}

/// As [`gradcheck`], with settings.
///
/// # Errors
/// As [`gradcheck`].
///
/// # Panics
/// As [`gradcheck`].
#[track_caller]
pub fn gradcheck_with(
    settings: &GradCheck,
    module: &(impl Module + ?Sized),
    loss: impl Fn() -> Tensor,
) -> Result<(), GradientMismatch> {
    let params = Params::of(module);
    let loss = || params.evaluate(&loss);
    let (_, gradients) = loss().value_and_grad(&params.cells);
    let gradients: Vec<Tensor> = gradients.iter().map(|(_, gradient)| gradient.clone()).collect();
    params.compare(settings, &gradients, loss)
}

/// Checks the second derivative of `loss`: the gradient of its gradient by every parameter, projected on a random direction.
///
/// # Errors
/// As [`gradcheck`].
///
/// # Panics
/// As [`gradcheck`].
#[track_caller]
pub fn gradgradcheck(module: &(impl Module + ?Sized), loss: impl Fn() -> Tensor) -> Result<(), GradientMismatch> {
    gradgradcheck_with(&GradCheck::default(), module, loss)
}

/// As [`gradgradcheck`], with settings.
///
/// # Errors
/// As [`gradcheck`].
///
/// # Panics
/// As [`gradcheck`].
#[track_caller]
pub fn gradgradcheck_with(
    settings: &GradCheck,
    module: &(impl Module + ?Sized),
    loss: impl Fn() -> Tensor,
) -> Result<(), GradientMismatch> {
    let params = Params::of(module);
    let slope = || {
        let tensors = params.tensors();
        projection(&params.evaluate(&loss).grad_graph(&tensors.iter().collect::<Vec<_>>()))
    };
    // A parameter that the loss is linear in has no influence on the gradient.
    let gradients = slope().grad_or_zeros(&params.tensors().iter().collect::<Vec<_>>());
    params.compare(settings, &gradients, slope)
}

/// The parameters of a module, under their names. Dropped, it puts back their values and those of the buffers.
struct Params {
    names: Vec<String>,
    cells: Vec<Param>,
    points: Vec<Tensor>,
    buffers: Vec<(Buffer, Tensor)>,
}

impl Params {
    fn of(module: &(impl Module + ?Sized)) -> Params {
        let mut params = Params {
            names: Vec::new(),
            cells: Vec::new(),
            points: Vec::new(),
            buffers: Vec::new(),
        };
        for (name, entry) in module::entries(module) {
            let value = entry.tensor();
            match entry {
                Entry::Param(param) => {
                    params.names.push(name);
                    params.cells.push(param);
                    params.points.push(value);
                }
                Entry::Buffer(buffer) => params.buffers.push((buffer, value)),
            }
        }
        params
    }

    /// The loss at the present parameters, with the buffers as they were at first.
    fn evaluate(&self, loss: impl Fn() -> Tensor) -> Tensor {
        self.restore_buffers();
        loss()
    }

    fn restore_buffers(&self) {
        self.buffers.iter().for_each(|(buffer, value)| buffer.set(value));
    }

    /// Their values, as leaves of the graph.
    fn tensors(&self) -> Vec<Tensor> {
        self.cells.iter().map(Param::tensor).collect()
    }

    fn set(&self, values: &[Tensor]) {
        self.cells
            .iter()
            .zip(values)
            .for_each(|(param, value)| param.set(value));
    }

    /// Compares with differences of `loss`.
    #[track_caller]
    fn compare(
        &self,
        settings: &GradCheck,
        gradients: &[Tensor],
        loss: impl Fn() -> Tensor,
    ) -> Result<(), GradientMismatch> {
        settings.compare(&self.names, &self.points, gradients, |values| {
            self.set(values);
            loss().item()
        })
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        self.set(&self.points);
        self.restore_buffers();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm1d, Context, Layer, Linear, SpectralNorm, state};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use tensor_core::{DType, Random};

    fn layer() -> (Linear, Tensor) {
        let layer = Linear::new(3, 2, &mut Random::new(0));
        module::to_dtype(&layer, DType::F64);
        (layer, Random::new(1).normal([4, 3], DType::F64))
    }

    #[test]
    fn a_wrong_gradient_is_named_with_its_parameter_and_index() {
        let (layer, x) = layer();
        let forward = || layer.forward(&x, &mut Context::training(&Random::new(2)));
        let weight = module::params(&layer)[0].clone();
        let before = weight.tensor();
        let forgets_half = || (forward() * forward().detach()).sum(..);
        let wrong = gradcheck(&layer, forgets_half).unwrap_err();
        assert_eq!(
            (wrong.input.as_str(), wrong.index.as_deref()),
            ("weight", Some(&[0, 0][..]))
        );
        assert_eq!(weight.tensor(), before, "the parameters are what they were");
        // The first order of this one is right: the gradient of the sum is replaced by the constant that it is.
        let constant = || forward().sqr().hook(|gradient| Some(gradient.detach())).sum(..);
        gradgradcheck(&layer, constant).unwrap();
        let hidden = || forward().hook(|gradient| Some(gradient.detach())).sqr().sum(..);
        gradcheck(&layer, hidden).unwrap();
        assert_eq!(gradgradcheck(&layer, hidden).unwrap_err().input, "weight");
        gradcheck_with(&GradCheck::default().elements(0).directions(3), &layer, hidden).unwrap();
    }

    #[test]
    fn a_loss_that_is_linear_in_a_parameter_has_a_second_derivative_of_zero_by_it() {
        let (layer, x) = layer();
        gradgradcheck(&layer, || {
            layer.forward(&x, &mut Context::training(&Random::new(2))).sum(..)
        })
        .unwrap();
    }

    #[test]
    fn running_statistics_stay_as_they_are() {
        let layer = BatchNorm1d::new(3);
        module::to_dtype(&layer, DType::F64);
        let x = Random::new(1).normal([4, 3], DType::F64);
        let before = state::state_dict(&layer);
        let loss = || {
            layer
                .forward(&x, &mut Context::training(&Random::new(2)))
                .tanh()
                .sum(..)
        };
        gradcheck(&layer, loss).unwrap();
        gradgradcheck(&layer, loss).unwrap();
        assert_eq!(state::state_dict(&layer), before);
    }

    #[test]
    fn buffers_that_the_loss_reads_and_moves_are_the_same_each_time() {
        let random = &mut Random::new(0);
        let layer = SpectralNorm::new(Linear::new(3, 2, random), random);
        module::to_dtype(&layer, DType::F64);
        let x = Random::new(1).normal([4, 3], DType::F64);
        let loss = || {
            layer
                .forward(&x, &mut Context::training(&Random::new(2)))
                .tanh()
                .sum(..)
        };
        // u and v are constants in the gradient and are none: a wrong gradient, and no random number.
        assert_eq!(gradcheck(&layer, loss).unwrap_err().input, "weight_orig");
        // Once u and v are the singular vectors, σ does not change with them.
        (0..200).for_each(|_| drop(loss()));
        let before = state::state_dict(&layer);
        gradcheck(&layer, loss).unwrap();
        assert_eq!(state::state_dict(&layer), before);
    }

    #[test]
    fn a_loss_that_panics_leaves_the_module_as_it_was() {
        let (layer, x) = layer();
        let before = state::state_dict(&layer);
        let calls = Cell::new(0);
        let loss = || {
            calls.set(calls.get() + 1);
            assert!(calls.get() < 6, "enough");
            layer.forward(&x, &mut Context::training(&Random::new(2))).sum(..)
        };
        assert!(catch_unwind(AssertUnwindSafe(|| gradcheck(&layer, loss))).is_err());
        assert_eq!(state::state_dict(&layer), before);
    }

    #[test]
    #[should_panic(
        expected = "hint: does it draw random numbers? let each call begin with the same `Random`, or a clone of the same `Context`"
    )]
    fn a_loss_that_draws_anew_is_refused() {
        let (layer, x) = layer();
        let calls = Cell::new(0);
        let _ = gradcheck(&layer, || {
            calls.set(calls.get() + 1);
            let noise = Random::new(calls.get()).normal([4, 2], DType::F64);
            (layer.forward(&x, &mut Context::training(&Random::new(2))) * noise).sum(..)
        });
    }
}
