//! Normalisations.

use super::Case;
use tensor_core::Tensor;

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let eps = || case.number("eps");
    let (weight, bias) = (x.get(1), x.get(2));
    Some(match op {
        "batch_norm" => {
            assert_eq!(case.attrs["training"], true, "the reference normalises by the batch");
            x[0].batch_norm(weight, bias, eps())
        }
        "layer_norm" => {
            let shape = case.integers::<usize>("normalized_shape");
            x[0].layer_norm(shape.as_slice(), weight, bias, eps())
        }
        "group_norm" => x[0].group_norm(case.integer("groups") as usize, weight, bias, eps()),
        "instance_norm" => x[0].instance_norm(weight, bias, eps()),
        _ => return None,
    })
}
