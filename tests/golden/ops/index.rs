//! Elements and rows picked by integers.

use super::Case;
use tensor_core::Tensor;

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let index = || case.int_input("index");
    Some(match op {
        "index_select" => x[0].index_select(case.integer("dim") as isize, &index()),
        "gather" => x[0].gather(case.integer("dim") as isize, &index()),
        "embedding" => x[0].embedding(&index()),
        _ => return None,
    })
}
