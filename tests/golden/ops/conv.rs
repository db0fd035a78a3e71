//! Convolution, pooling and upsampling.

use super::Case;
use serde_json::Value;
use tensor_core::Tensor;
use tensor_core::ops::{Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, Pool2dOptions};

/// An attribute that is one number for all dimensions, or an array.
fn sizes<const D: usize>(case: &Case<'_>, name: &str) -> [usize; D] {
    match &case.attrs[name] {
        Value::Array(_) => case.integers(name).try_into().expect("one number for each dimension"),
        _ => [case.integer(name) as usize; D],
    }
}

/// The padding of D dimensions: a number for both sides of each, or pairs of (before, after).
fn padding<const D: usize>(case: &Case<'_>) -> [[usize; 2]; D] {
    match &case.attrs["padding"] {
        Value::Array(dims) if dims[0].is_array() => std::array::from_fn(|dim| {
            let side = |side: usize| dims[dim][side].as_u64().expect("a pair of numbers") as usize;
            [side(0), side(1)]
        }),
        _ => sizes::<D>(case, "padding").map(|both| [both; 2]),
    }
}

fn pooling(case: &Case<'_>) -> Pool2dOptions {
    Pool2dOptions::new(sizes(case, "kernel"))
        .stride(sizes(case, "stride"))
        .padding(sizes(case, "padding"))
}

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let groups = || case.integer("groups") as usize;
    Some(match op {
        "conv1d" => {
            let options = Conv1dOptions::default()
                .stride(sizes(case, "stride"))
                .padding(padding::<1>(case))
                .dilation(sizes(case, "dilation"))
                .groups(groups());
            x[0].conv1d(&x[1], x.get(2), &options)
        }
        "conv2d" => {
            let options = Conv2dOptions::default()
                .stride(sizes(case, "stride"))
                .padding(padding::<2>(case))
                .dilation(sizes(case, "dilation"))
                .groups(groups());
            x[0].conv2d(&x[1], x.get(2), &options)
        }
        "conv_transpose1d" => {
            let options = ConvTranspose1dOptions::default()
                .stride(sizes(case, "stride"))
                .padding(padding::<1>(case))
                .output_padding(sizes(case, "output_padding"))
                .dilation(sizes(case, "dilation"))
                .groups(groups());
            x[0].conv_transpose1d(&x[1], x.get(2), &options)
        }
        "conv_transpose2d" => {
            let options = ConvTranspose2dOptions::default()
                .stride(sizes(case, "stride"))
                .padding(padding::<2>(case))
                .output_padding(sizes(case, "output_padding"))
                .dilation(sizes(case, "dilation"))
                .groups(groups());
            x[0].conv_transpose2d(&x[1], x.get(2), &options)
        }
        "max_pool2d" => x[0].max_pool2d(&pooling(case)),
        "avg_pool2d" => x[0].avg_pool2d(&pooling(case)),
        "upsample_nearest2d" => x[0].upsample_nearest2d(sizes(case, "scale")),
        _ => return None,
    })
}
