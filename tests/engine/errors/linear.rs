//! Fully connected layers.

use super::{assert_refused, zeros};
use tensor_core::Tensor;
use tensor_core::kernels::matmul::Activation;

#[test]
fn every_mistake_is_explained() {
    let (w, b) = (zeros([7, 4]), zeros([7]));
    let linear = |x: Tensor| x.try_linear(&w, Some(&b));
    assert_refused(
        linear(zeros([3, 5])),
        "linear: input [3, 5] has 5 features, weight [7, 4] takes 4",
    );
    assert_refused(
        linear(zeros([3, 7])),
        "linear: input [3, 7] has 7 features, weight [7, 4] takes 4\n  hint: should the layer before give 4 features, or is the weight transposed? it is [out, in]",
    );
    assert_refused(
        linear(zeros([9, 2, 2])),
        "linear: input [9, 2, 2] has 2 features, weight [7, 4] takes 4\n  \
         hint: images have to be flattened: reshape to [9, 4]",
    );
    assert_refused(
        linear(zeros([9]).sum(..)),
        "linear: needs an input […, 4], got a single number",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&w, Some(&zeros([6]))),
        "linear: weight [7, 4] has 7 outputs, bias [6] has 6",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&zeros([4]), Some(&b)),
        "linear: needs a weight [out, in] and a bias [out], got [4] and [7]",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&w, Some(&w)),
        "linear: needs a weight [out, in] and a bias [out], got [7, 4] and [7, 4]",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&b, None),
        "linear: needs a weight [out, in], got [7]",
    );
    let activated = |x: Tensor, activation| x.try_linear_activation(&w, Some(&b), activation);
    assert_refused(
        activated(zeros([3, 5]), Activation::Relu),
        "linear_activation: input [3, 5] has 5 features, weight [7, 4] takes 4",
    );
    assert_refused(
        activated(zeros([3, 4]), Activation::LeakyRelu(-0.5)),
        "linear_activation: a slope of -0.5 turns negative numbers into positive ones, so that Y does not tell them apart\n  \
         hint: linear, then leaky_relu",
    );
}
