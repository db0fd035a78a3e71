//! Operations on single elements: shapes that do not broadcast, types that do not fit.

use super::{assert_refused, zeros};
use tensor_core::DType;

#[test]
fn every_mistake_is_explained() {
    let x = zeros([3, 4]);
    assert_refused(
        x.try_add(&zeros([3, 5])),
        "add: shapes do not broadcast: [3, 4] and [3, 5]",
    );
    assert_refused(
        x.try_sub(&zeros([3])),
        "sub: shapes do not broadcast: [3, 4] and [3]\n  hint: for one number a row, reshape [3] to [3, 1]",
    );
    assert_refused(
        x.try_mul(&zeros([4, 3])),
        "mul: shapes do not broadcast: [3, 4] and [4, 3]\n  hint: is one of them transposed? .t() turns it",
    );
    assert_refused(
        x.try_div(&zeros([3, 4]).to_dtype(DType::F64)),
        "div: types differ: F32 [3, 4] and F64 [3, 4]\n  hint: types are never mixed silently: to_dtype converts one of them",
    );
}

#[test]
fn every_mistake_with_a_choice_is_explained() {
    let (x, row) = (zeros([3, 4]), zeros([5]));
    assert_refused(x.try_maximum(&row), "maximum: shapes do not broadcast: [3, 4] and [5]");
    assert_refused(
        x.try_minimum(&zeros([3])),
        "minimum: shapes do not broadcast: [3, 4] and [3]\n  hint: for one number a row, reshape [3] to [3, 1]",
    );
    assert_refused(
        x.try_bce(&zeros([3, 4]).to_dtype(DType::F64)),
        "bce: types differ: F32 [3, 4] and F64 [3, 4]\n  hint: types are never mixed silently: to_dtype converts one of them",
    );
    assert_refused(
        x.try_bce_with_logits(&zeros([3])),
        "bce_with_logits: shapes do not broadcast: [3, 4] and [3]\n  hint: for one number a row, reshape [3] to [3, 1]",
    );
    assert_refused(
        x.try_where_cond(&x, &x),
        "where_cond: the mask [3, 4] holds F32, not U32\n  hint: comparisons make masks: x.ne(0.0) is 1 where x is not 0",
    );
    let mask = x.ne(0.0);
    assert_refused(
        mask.try_where_cond(&x, &mask),
        "where_cond: types differ: F32 [3, 4] and U32 [3, 4]\n  hint: types are never mixed silently: to_dtype converts one of them",
    );
    assert_refused(
        mask.try_where_cond(&row, &x),
        "where_cond: shapes do not broadcast: [3, 4] and [5] and [3, 4]",
    );
    assert_refused(
        row.try_masked_fill(&mask, 0.0),
        "masked_fill: shapes do not broadcast: [3, 4] and [5]",
    );
    assert_refused(
        x.try_masked_fill(&x, 0.0),
        "masked_fill: the mask [3, 4] holds F32, not U32\n  hint: comparisons make masks: x.ne(0.0) is 1 where x is not 0",
    );
}

#[test]
fn every_mistake_with_a_comparison_is_explained() {
    let x = zeros([3, 4]);
    for (name, refused) in [
        ("eq", x.try_eq(&zeros([4, 3]))),
        ("ne", x.try_ne(&zeros([4, 3]))),
        ("lt", x.try_lt(&zeros([4, 3]))),
        ("le", x.try_le(&zeros([4, 3]))),
        ("gt", x.try_gt(&zeros([4, 3]))),
        ("ge", x.try_ge(&zeros([4, 3]))),
    ] {
        let message = "shapes do not broadcast: [3, 4] and [4, 3]\n  hint: is one of them transposed? .t() turns it";
        assert_refused(refused, &format!("{name}: {message}"));
    }
    assert_refused(
        x.try_eq(&x.to_dtype(DType::U32)),
        "eq: types differ: F32 [3, 4] and U32 [3, 4]\n  hint: types are never mixed silently: to_dtype converts one of them",
    );
}
