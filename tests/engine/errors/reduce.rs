//! Reductions, and what runs along a dimension.

use super::{assert_refused, zeros};
use tensor_core::DType;

#[test]
fn every_mistake_is_explained() {
    let x = zeros([3, 4]);
    assert_refused(
        x.try_sum(2),
        "sum: a tensor of shape [3, 4] has no dimension 2\n  hint: dimensions are 0 to 1, or -2 to -1 from the end",
    );
    assert_refused(
        x.sum(..).try_sum(0),
        "sum: a tensor of shape [] has no dimension 0\n  hint: it is a scalar",
    );
    assert_refused(
        x.to_dtype(DType::U32).try_sum(..),
        "sum: needs floating-point numbers, an input of shape [3, 4] holds U32\n  hint: to_dtype(DType::F32) converts",
    );
}

#[test]
fn every_reduction_names_itself() {
    let x = zeros([3, 4]);
    let results = [
        ("sum", x.try_sum(2)),
        ("sum_keepdim", x.try_sum_keepdim(2)),
        ("mean", x.try_mean(2)),
        ("mean_keepdim", x.try_mean_keepdim([0, 2])),
        ("var", x.try_var(2, 0)),
        ("var_keepdim", x.try_var_keepdim(2, 0)),
        ("std", x.try_std(2, 0)),
        ("std_keepdim", x.try_std_keepdim(2, 0)),
        ("norm", x.try_norm(2)),
        ("norm_keepdim", x.try_norm_keepdim(2)),
        ("norm_p", x.try_norm_p(3.0, 2)),
        ("norm_p", x.try_norm_p(f64::INFINITY, 2)),
        ("norm_p_keepdim", x.try_norm_p_keepdim(3.0, 2)),
        ("logsumexp", x.try_logsumexp(2)),
        ("logsumexp_keepdim", x.try_logsumexp_keepdim(2)),
        ("max", x.try_max(2)),
        ("max_keepdim", x.try_max_keepdim(2)),
        ("min", x.try_min(2)),
        ("min_keepdim", x.try_min_keepdim(2)),
        ("argmax", x.try_argmax(2)),
        ("argmax_keepdim", x.try_argmax_keepdim(2)),
        ("argmin", x.try_argmin(2)),
        ("argmin_keepdim", x.try_argmin_keepdim([0, 2])),
        ("topk", x.try_topk(1, 2).map(|(values, _)| values)),
        ("softmax", x.try_softmax(2)),
        ("log_softmax", x.try_log_softmax(2)),
        ("cumsum", x.try_cumsum(2)),
    ];
    for (name, result) in results {
        let hint = "dimensions are 0 to 1, or -2 to -1 from the end";
        assert_refused(
            result,
            &format!("{name}: a tensor of shape [3, 4] has no dimension 2\n  hint: {hint}"),
        );
    }
}

#[test]
fn nothing_has_no_extreme() {
    assert_refused(
        zeros([3, 0]).try_argmax(-1),
        "argmax: dimension 1 of [3, 0] is empty: none of nothing is an extreme",
    );
    assert_refused(
        zeros([0]).try_min(..),
        "min: dimension 0 of [0] is empty: none of nothing is an extreme",
    );
    assert_refused(
        zeros([2, 0, 3]).try_max([1, 2]),
        "max: dimension 1 of [2, 0, 3] is empty: none of nothing is an extreme",
    );
    assert_refused(
        zeros([3, 4]).try_topk(5, -1).map(|(values, _)| values),
        "topk: k is 5, dimension 1 of [3, 4] has 4 places",
    );
    assert_refused(
        zeros([3]).try_norm_p(-1.0, ..),
        "norm_p: p is -1, a norm needs one above 0",
    );
    assert_refused(
        zeros([3]).try_norm_p_keepdim(0.0, ..),
        "norm_p_keepdim: p is 0, a norm needs one above 0",
    );
}

#[test]
fn a_dimension_is_named_once() {
    let x = zeros([2, 3]);
    assert_refused(x.try_sum([1, -1]), "sum: dimension -1 of [2, 3] is named twice");
    assert_refused(x.try_flip([0, 0]), "flip: dimension 0 of [2, 3] is named twice");
}
