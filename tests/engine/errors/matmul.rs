//! Matrix products.

use super::{assert_refused, zeros};

#[test]
fn every_mistake_with_inner_dimensions_is_explained() {
    let x = zeros([3, 4]);
    assert_refused(
        x.try_matmul(&zeros([5, 6])),
        "matmul: inner dimensions differ: lhs [3, 4] has 4 columns, rhs [5, 6] has 5 rows",
    );
    assert_refused(
        x.try_matmul(&zeros([5, 4])),
        "matmul: inner dimensions differ: lhs [3, 4] has 4 columns, rhs [5, 4] has 5 rows\n  hint: is rhs transposed? rhs.t() fits",
    );
    assert_refused(
        x.try_matmul(&zeros([3, 5])),
        "matmul: inner dimensions differ: lhs [3, 4] has 4 columns, rhs [3, 5] has 3 rows\n  hint: is lhs transposed? lhs.t() fits",
    );
    assert_refused(
        x.try_matmul(&zeros([5])),
        "matmul: inner dimensions differ: lhs [3, 4] has 4 columns, rhs [5] has 5 elements",
    );
    assert_refused(
        zeros([4]).try_matmul(&x),
        "matmul: inner dimensions differ: lhs [4] has 4 elements, rhs [3, 4] has 3 rows\n  hint: is rhs transposed? rhs.t() fits",
    );
    assert_refused(
        zeros([2, 3, 4]).try_matmul(&zeros([2, 5, 4])),
        "matmul: inner dimensions differ: lhs [2, 3, 4] has 4 columns, rhs [2, 5, 4] has 5 rows\n  \
         hint: is rhs transposed? rhs.transpose(-2, -1) fits",
    );
    assert_refused(
        zeros([9, 2, 2]).try_matmul(&zeros([4, 7])),
        "matmul: inner dimensions differ: lhs [9, 2, 2] has 2 columns, rhs [4, 7] has 4 rows\n  \
         hint: images have to be flattened: reshape lhs to [9, 4]",
    );
    assert_refused(
        x.try_matmul(&x.sum(..)),
        "matmul: needs vectors or matrices: lhs has shape [3, 4], rhs has shape []\n  hint: * multiplies by a single number",
    );
}

#[test]
fn every_mistake_with_batches_is_explained() {
    assert_refused(
        zeros([2, 3, 4]).try_matmul(&zeros([5, 4, 3])),
        "matmul: batch dimensions do not broadcast: lhs [2, 3, 4] has [2], rhs [5, 4, 3] has [5]",
    );
    assert_refused(
        zeros([8, 5, 3, 4]).try_matmul(&zeros([8, 4, 6])),
        "matmul: batch dimensions do not broadcast: lhs [8, 5, 3, 4] has [8, 5], rhs [8, 4, 6] has [8]\n  \
         hint: is a batch dimension missing? reshape rhs to [8, 1, 4, 6]",
    );
    assert_refused(
        zeros([8, 3, 4]).try_matmul(&zeros([8, 5, 4, 6])),
        "matmul: batch dimensions do not broadcast: lhs [8, 3, 4] has [8], rhs [8, 5, 4, 6] has [8, 5]\n  \
         hint: is a batch dimension missing? reshape lhs to [8, 1, 3, 4]",
    );
}
