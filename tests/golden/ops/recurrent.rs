//! Recurrent networks.

use super::Case;
use tensor_core::Tensor;

pub(super) fn evaluate(_: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    Some(match op {
        "lstm" => x[0].lstm(&x[1], &x[2], x.get(3), x.get(4), None).0,
        "gru" => x[0].gru(&x[1], &x[2], x.get(3), x.get(4), None).0,
        _ => return None,
    })
}
