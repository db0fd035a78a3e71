//! Sums of products by Einstein's convention.

use super::{assert_refused, zeros};
use tensor_core::Tensor;

#[test]
fn every_mistake_is_explained() {
    let (a, b) = (zeros([2, 3]), zeros([3, 4]));
    let einsum = |text: &str| Tensor::try_einsum(text, &[&a, &b]);
    assert_refused(
        einsum("ij,jk,kl->il"),
        "einsum: operands named by `ij,jk,kl->il`: 3, given: 2",
    );
    assert_refused(
        Tensor::try_einsum("->", &[]),
        "einsum: operands named by `->`: 1, given: 0",
    );
    assert_refused(
        einsum("ijk,jk->i"),
        "einsum: `ijk,jk->i` has 3 indices for operand 0, which has shape [2, 3]",
    );
    assert_refused(
        einsum("ij,ik->jk"),
        "einsum: `ij,ik->jk`: the index i has size 2 in operand 0 [2, 3], and 3 in operand 1 [3, 4]",
    );
    assert_refused(
        einsum("ii,jk->jk"),
        "einsum: `ii,jk->jk` has the index i twice in one operand, which is not known here\n  \
         hint: a diagonal is picked by gather, or by a product with a unit matrix",
    );
    assert_refused(
        einsum("ij,jk->ii"),
        "einsum: `ij,jk->ii` has the index i twice in the output",
    );
    assert_refused(
        einsum("ij,jk->il"),
        "einsum: `ij,jk->il` has the index l in the output and in no operand",
    );
    assert_refused(
        einsum("...j,jk"),
        "einsum: `...j,jk` has an ellipsis, which is not known here\n  hint: name each dimension",
    );
    assert_refused(
        einsum("i1,1k"),
        "einsum: `i1,1k` has a `1`: indices are letters, as in `bij,bjk->bik`",
    );
}
