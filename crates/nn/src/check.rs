//! Gradient checks of whole modules.

use crate::module::{self, Entry, Module};
use tensor_core::Tensor;
use tensor_core::autograd::check::{self, GradientMismatch};

/// Checks the gradient of `loss` by every parameter of `module` against central differences in F64. Turn the module with
/// [`to_dtype`](module::to_dtype) first, and let the loss use a clone of one [`Context`](crate::Context), so that it repeats its draws.
///
/// # Errors
/// The first number that differs, with the parameter's name.
///
/// # Panics
/// If a parameter is not F64.
pub fn gradcheck(module: &(impl Module + ?Sized), loss: impl Fn() -> Tensor) -> Result<(), GradientMismatch> {
    let (names, params): (Vec<_>, Vec<_>) = module::entries(module)
        .into_iter()
        .filter_map(|(name, entry)| match entry {
            Entry::Param(param) => Some((name, param)),
            Entry::Buffer(_) => None,
        })
        .unzip();
    let points: Vec<Tensor> = params.iter().map(|param| param.tensor().detach()).collect();
    let (_, gradients) = loss().value_and_grad(&params);
    let gradients: Vec<Tensor> = gradients.iter().map(|(_, gradient)| gradient.clone()).collect();
    let result = check::compare(&names, &points, &gradients, |values| {
        params.iter().zip(values).for_each(|(param, value)| param.set(value));
        loss().item()
    });
    params.iter().zip(&points).for_each(|(param, point)| param.set(point));
    result
}
