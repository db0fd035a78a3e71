//! Matrix products.

use super::Case;
use tensor_core::Tensor;

pub(super) fn evaluate(_: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    Some(match op {
        "matmul" => x[0].matmul(&x[1]),
        "matmul_tn" => x[0].transpose(-2, -1).matmul(&x[1]),
        "matmul_nt" => x[0].matmul(&x[1].transpose(-2, -1)),
        "linear" => x[0].linear(&x[1], x.get(2)),
        _ => return None,
    })
}
