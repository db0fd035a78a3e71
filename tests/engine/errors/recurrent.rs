//! Recurrent networks.

use super::{assert_refused, zeros};
use tensor_core::Tensor;

#[test]
fn every_mistake_is_explained() {
    let (w_ih, w_hh, b) = (zeros([8, 3]), zeros([8, 2]), zeros([8]));
    let lstm = |x: &Tensor, w_ih: &Tensor, b: &Tensor| x.try_lstm(w_ih, &w_hh, Some(b), None, None).map(|(y, _)| y);
    let x = zeros([5, 4, 3]);
    assert_refused(
        lstm(&zeros([5, 3]), &w_ih, &b),
        "lstm: needs an input [batch, time, feature], got [5, 3]\n  hint: is the batch dimension missing? unsqueeze(0) makes a batch of one",
    );
    assert_refused(
        lstm(&zeros([3]), &w_ih, &b),
        "lstm: needs an input [batch, time, feature], got [3]",
    );
    assert_refused(
        lstm(&zeros([5, 4, 2]), &w_ih, &b),
        "lstm: input [5, 4, 2] has 2 features, weight_ih [8, 3] takes 3",
    );
    assert_refused(
        lstm(&zeros([5, 0, 3]), &w_ih, &b),
        "lstm: the input [5, 0, 3] has no step",
    );
    assert_refused(
        x.try_lstm(&w_ih, &zeros([4]), None, None, None).map(|(y, _)| y),
        "lstm: needs a weight_hh [4 H, H], got [4]",
    );
    assert_refused(
        lstm(&x, &zeros([6, 3]), &b),
        "lstm: weight_ih has shape [6, 3], [8, 3] fits the input [5, 4, 3] and 4 gates of 2 hidden units",
    );
    assert_refused(
        lstm(&x, &w_ih, &zeros([2])),
        "lstm: bias_ih has shape [2], [8] fits the input [5, 4, 3] and 4 gates of 2 hidden units",
    );
    assert_refused(
        x.try_lstm(&w_ih, &w_hh, None, None, Some([&zeros([5, 2]), &zeros([4, 2])]))
            .map(|(y, _)| y),
        "lstm: an initial state has shape [4, 2], [5, 2] fits the input [5, 4, 3] and 4 gates of 2 hidden units",
    );
    assert_refused(
        x.try_gru(&w_ih, &w_hh, None, None, None).map(|(y, _)| y),
        "gru: weight_hh has shape [8, 2], [6, 2] fits the input [5, 4, 3] and 3 gates of 2 hidden units",
    );
    let (w_ih, w_hh) = (zeros([6, 3]), zeros([6, 2]));
    assert_refused(
        zeros([5, 3]).try_gru(&w_ih, &w_hh, None, None, None).map(|(y, _)| y),
        "gru: needs an input [batch, time, feature], got [5, 3]\n  hint: is the batch dimension missing? unsqueeze(0) makes a batch of one",
    );
    assert_refused(
        x.try_gru(&w_ih, &w_hh, None, None, Some(&zeros([4, 2])))
            .map(|(y, _)| y),
        "gru: an initial state has shape [4, 2], [5, 2] fits the input [5, 4, 3] and 3 gates of 2 hidden units",
    );
    // One step of one sample, repeated: it takes no memory, its gates would.
    let endless = zeros([1, 1, 3]).expand([1 << 30, 1 << 28, 3]);
    assert_refused(
        endless.try_gru(&w_ih, &w_hh, None, None, None).map(|(y, _)| y),
        "gru: [1073741824, 268435456, 6] are more elements than can be counted",
    );
    assert_refused(
        lstm(&endless, &zeros([8, 3]), &b),
        "lstm: [1073741824, 268435456, 8] are more elements than can be counted",
    );
}
