//! Reductions, and what runs along a dimension.

use super::Case;
use serde_json::Value;
use tensor_core::Tensor;

/// The attribute `dims`, or the one that is called `dim`.
fn dims(case: &Case<'_>, x: &Tensor) -> Vec<isize> {
    match [&case.attrs["dims"], &case.attrs["dim"]] {
        [Value::Array(_), _] => case.integers("dims"),
        [_, Value::Array(_)] => case.integers("dim"),
        [Value::Null, Value::Null] => (0..x.rank() as isize).collect(),
        _ => vec![case.integer("dim") as isize],
    }
}

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let keep = case.attrs["keepdim"] == true;
    let dims = || dims(case, &x[0]);
    let dim = || case.integer("dim") as isize;
    Some(match op {
        "sum" if keep => x[0].sum_keepdim(&*dims()),
        "sum" => x[0].sum(&*dims()),
        "mean" if keep => x[0].mean_keepdim(&*dims()),
        "mean" => x[0].mean(&*dims()),
        "var" if keep => x[0].var_keepdim(&*dims(), case.integer("correction") as usize),
        "var" => x[0].var(&*dims(), case.integer("correction") as usize),
        "logsumexp" if keep => x[0].logsumexp_keepdim(&*dims()),
        "logsumexp" => x[0].logsumexp(&*dims()),
        "max" if keep => x[0].max_keepdim(&*dims()),
        "max" => x[0].max(&*dims()),
        "min" if keep => x[0].min_keepdim(&*dims()),
        "min" => x[0].min(&*dims()),
        "norm" if keep => x[0].norm_p_keepdim(case.number("p"), &*dims()),
        "norm" => x[0].norm_p(case.number("p"), &*dims()),
        "softmax" => x[0].softmax(dim()),
        "log_softmax" => x[0].log_softmax(dim()),
        "cumsum" => x[0].cumsum(dim()),
        _ => return None,
    })
}
