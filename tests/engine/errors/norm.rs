//! Normalisations.

use super::{assert_refused, zeros};

#[test]
fn every_mistake_with_an_input_is_explained() {
    assert_refused(
        zeros([4]).try_batch_norm(None, None, 1e-5),
        "batch_norm: needs an input [N, C, …], got [4]\n  hint: is the batch dimension missing? a batch of one has N = 1",
    );
    assert_refused(
        zeros([4]).sum(..).try_batch_norm(None, None, 1e-5),
        "batch_norm: needs an input [N, C, …], got []",
    );
    assert_refused(
        zeros([2, 4]).try_instance_norm(None, None, 1e-5),
        "instance_norm: needs an input [N, C, L] or [N, C, H, W], got [2, 4]\n  \
         hint: is the batch dimension missing? a batch of one has N = 1",
    );
    assert_refused(
        zeros([2, 5, 3]).try_group_norm(2, None, None, 1e-5),
        "group_norm: the 5 channels of [2, 5, 3] do not make 2 groups of one size",
    );
    assert_refused(
        zeros([2, 5, 3]).try_group_norm(0, None, None, 1e-5),
        "group_norm: the 5 channels of [2, 5, 3] do not make 0 groups of one size",
    );
    assert_refused(
        zeros([5]).try_group_norm(5, None, None, 1e-5),
        "group_norm: needs an input [N, C, …], got [5]\n  hint: is the batch dimension missing? a batch of one has N = 1",
    );
    assert_refused(
        zeros([2, 5, 3]).try_layer_norm([5], None, None, 1e-5),
        "layer_norm: input [2, 5, 3] does not end in the normalised shape [5]",
    );
    assert_refused(
        zeros([2, 5, 3]).try_layer_norm((), None, None, 1e-5),
        "layer_norm: input [2, 5, 3] does not end in the normalised shape []",
    );
}

#[test]
fn every_mistake_with_weights_is_explained() {
    let (x, w) = (zeros([2, 3, 4]), zeros([4]));
    assert_refused(
        x.try_batch_norm(Some(&w), None, 1e-5),
        "batch_norm: weight has shape [4], input [2, 3, 4] takes [3]: one number a channel",
    );
    assert_refused(
        x.try_batch_norm_with_moments(None, Some(&w), 1e-5).map(|(y, _)| y),
        "batch_norm_with_moments: bias has shape [4], input [2, 3, 4] takes [3]: one number a channel",
    );
    assert_refused(
        x.try_batch_norm_inference(&zeros([3]), &w, None, None, 1e-5),
        "batch_norm_inference: variance has shape [4], input [2, 3, 4] takes [3]: one number a channel",
    );
    assert_refused(
        x.try_group_norm(3, Some(&zeros([3])), Some(&w), 1e-5),
        "group_norm: bias has shape [4], input [2, 3, 4] takes [3]: one number a channel",
    );
    assert_refused(
        x.try_layer_norm([3, 4], None, Some(&w), 1e-5),
        "layer_norm: bias has shape [4], input [2, 3, 4] takes [3, 4]: the normalised shape",
    );
    assert_refused(
        x.try_instance_norm(Some(&zeros([3]).to_dtype(tensor_core::DType::F64)), None, 1e-5),
        "instance_norm: types differ: F32 [2, 3, 4] and F64 [3]\n  hint: types are never mixed silently: to_dtype converts one of them",
    );
}
