//! Losses.

use super::Case;
use genmodels::likelihoods::{gaussian_log_prob, kl_to_standard_normal};
use nn::loss::squared_error;
use tensor_core::Tensor;

fn reduction(case: &Case<'_>, x: &Tensor) -> Tensor {
    match case.attrs["reduction"].as_str() {
        Some("none") => x.clone(),
        Some("sum") => x.sum(..),
        Some("mean") => x.mean(..),
        other => panic!("reduction {other:?}"),
    }
}

/// All numbers as one sample: the likelihoods sum over the dimensions of a sample.
fn sample(x: &Tensor) -> Tensor {
    x.reshape([1, x.count()])
}

pub(super) fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Option<Tensor> {
    let target = || {
        let name = case.attrs["target"].as_str().expect("the loss names its target");
        case.array(name).to_dtype(x[0].dtype())
    };
    Some(match op {
        "bce_with_logits" => reduction(case, &x[0].bce_with_logits(&target())),
        "bce" => reduction(case, &x[0].bce(&target())),
        "cross_entropy" => reduction(case, &x[0].cross_entropy(&case.int_input("target"))),
        "mse_loss" => reduction(case, &squared_error(&x[0], &x[1])),
        "kl_normal_standard" => kl_to_standard_normal(&sample(&x[0]), &sample(&x[1])).sum(..),
        "gaussian_nll_logvar" => -gaussian_log_prob(&sample(&x[1]), &sample(&x[2]), &sample(&x[0])).sum(..),
        _ => return None,
    })
}
