//! Movement: other shapes, orders and borders, tensors put together.

use super::Case;
use serde_json::Value;
use tensor_core::Tensor;

/// The attribute `shape`, in which one size may be -1: what is left.
fn shape(case: &Case<'_>, x: &Tensor) -> Vec<usize> {
    let sizes = case.integers::<isize>("shape");
    let known: usize = sizes.iter().filter_map(|&size| usize::try_from(size).ok()).product();
    let or_rest = |size: isize| usize::try_from(size).unwrap_or_else(|_| x.count() / known);
    sizes.into_iter().map(or_rest).collect()
}

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    Some(match op {
        "reshape" => x[0].reshape(shape(case, &x[0]).as_slice()),
        "permute" => x[0].permute(&case.integers::<isize>("dims")),
        "transpose" => x[0].transpose(case.integer("dim0") as isize, case.integer("dim1") as isize),
        "flip" => x[0].flip(case.integer("dim") as isize),
        "cat" => {
            let parts: Vec<&Tensor> = case.integers::<usize>("order").iter().map(|&i| &x[i]).collect();
            Tensor::cat(&parts, case.integer("dim") as isize)
        }
        "stack" => Tensor::stack(&x.iter().collect::<Vec<_>>(), case.integer("dim") as isize),
        "expand" => x[0].expand(case.integers::<usize>("shape").as_slice()),
        "narrow" => x[0].narrow(
            case.integer("dim") as isize,
            case.integer("start") as usize,
            case.integer("len") as usize,
        ),
        "pad" => {
            let size = |pair: &Value, i: usize| pair[i].as_u64().unwrap() as usize;
            let pairs = case.attrs["padding"].as_array().unwrap();
            let pairs: Vec<(usize, usize)> = pairs.iter().map(|pair| (size(pair, 0), size(pair, 1))).collect();
            x[0].pad_value(&pairs, case.number("value"))
        }
        _ => return None,
    })
}
