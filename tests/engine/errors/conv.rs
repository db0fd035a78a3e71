//! Convolutions.

use super::{assert_refused, zeros};
use tensor_core::ops::{Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions};
use tensor_core::{DType, Tensor};

#[test]
fn every_mistake_of_a_convolution_is_explained() {
    let plain = Conv2dOptions::default();
    let (x, w) = (zeros([2, 3, 8, 6]), zeros([4, 3, 3, 3]));
    assert_refused(
        zeros([3, 8, 6]).try_conv2d(&w, None, &plain),
        "conv2d: needs an input [batch, channels, height, width], got [3, 8, 6]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 3, 8, 6]",
    );
    assert_refused(
        zeros([2, 48]).try_conv2d(&w, None, &plain),
        "conv2d: needs an input [batch, channels, height, width], got [2, 48]",
    );
    assert_refused(
        x.try_conv2d(&zeros([4, 27]), None, &plain),
        "conv2d: needs a weight [out, in / groups, height, width], got [4, 27]",
    );
    assert_refused(
        x.try_conv2d(&zeros([4, 3, 0, 3]), None, &plain),
        "conv2d: the kernel of weight [4, 3, 0, 3] is empty",
    );
    assert_refused(
        zeros([2, 5, 8, 6]).try_conv2d(&w, None, &plain),
        "conv2d: input [2, 5, 8, 6] has 5 channels, weight [4, 3, 3, 3] takes 3",
    );
    assert_refused(
        zeros([2, 8, 6, 3]).try_conv2d(&w, None, &plain),
        "conv2d: input [2, 8, 6, 3] has 8 channels, weight [4, 3, 3, 3] takes 3\n  \
         hint: are the channels in the last dimension? permute(&[0, 3, 1, 2]) brings them to the second",
    );
    assert_refused(
        zeros([2, 4, 8, 6]).try_conv2d(&w, None, &plain),
        "conv2d: input [2, 4, 8, 6] has 4 channels, weight [4, 3, 3, 3] takes 3\n  \
         hint: is it the weight of a transposed convolution? here it is [out, in / groups, …]",
    );
    assert_refused(
        x.try_conv2d(&w, None, &plain.groups(3)),
        "conv2d: input [2, 3, 8, 6] has 3 channels, weight [4, 3, 3, 3] takes 3 in each of 3 groups",
    );
    assert_refused(
        x.try_conv2d(&zeros([4, 1, 3, 3]), None, &plain.groups(3)),
        "conv2d: the 4 output channels of weight [4, 1, 3, 3] do not make 3 equal groups",
    );
    assert_refused(
        x.try_conv2d(&zeros([4, 3, 3, 9]), None, &plain.padding([[0, 0], [1, 0]])),
        "conv2d: a kernel of width 9 is larger than the input [2, 3, 8, 6] of width 6 with padding 1 and 0",
    );
    assert_refused(
        x.try_conv2d(&w, None, &plain.dilation([4, 1])),
        "conv2d: a kernel of height 3, spread to 9 by dilation, is larger than the input [2, 3, 8, 6] of height 8 with padding 0 and 0",
    );
    assert_refused(
        x.try_conv2d(&w, None, &plain.stride([1, 0])),
        "conv2d: stride is 0 for the input [2, 3, 8, 6], it is at least 1",
    );
    assert_refused(
        x.try_conv2d(&w, None, &plain.groups(0)),
        "conv2d: groups is 0 for the input [2, 3, 8, 6], it is at least 1",
    );
    assert_refused(
        x.try_conv2d(&w, Some(&zeros([3])), &plain),
        "conv2d: needs a bias [4], got [3]",
    );
    assert_refused(
        x.try_conv2d(&w.to_dtype(DType::F64), None, &plain),
        "conv2d: types differ: F32 [2, 3, 8, 6] and F64 [4, 3, 3, 3]\n  \
         hint: types are never mixed silently: to_dtype converts one of them",
    );
    assert_refused(
        x.try_conv2d(&w, None, &plain.padding(usize::MAX / 4)),
        "conv2d: with these options, the window over the input [2, 3, 8, 6] has more places than can be counted",
    );
    assert_refused(
        zeros([3, 8]).try_conv1d(&zeros([4, 3, 3]), None, &Conv1dOptions::default()),
        "conv1d: needs an input [batch, channels, length], got [3, 8]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 3, 8]",
    );
    assert_refused(
        zeros([2, 8, 3]).try_conv1d(&zeros([4, 3, 3]), None, &Conv1dOptions::default()),
        "conv1d: input [2, 8, 3] has 8 channels, weight [4, 3, 3] takes 3\n  \
         hint: are the channels in the last dimension? permute(&[0, 2, 1]) brings them to the second",
    );
    assert_refused(
        zeros([2, 3, 2]).try_conv1d(&zeros([4, 3, 3]), None, &Conv1dOptions::default()),
        "conv1d: a kernel of length 3 is larger than the input [2, 3, 2] of length 2 with padding 0 and 0",
    );
}

#[test]
fn every_mistake_of_a_transposed_convolution_is_explained() {
    let plain = ConvTranspose2dOptions::default();
    let (x, w) = (zeros([2, 3, 8, 6]), zeros([3, 4, 3, 3]));
    let refused = |x: &Tensor, options: &ConvTranspose2dOptions, message: &str| {
        assert_refused(x.try_conv_transpose2d(&w, None, options), message);
    };
    refused(
        &zeros([3, 8, 6]),
        &plain,
        "conv_transpose2d: needs an input [batch, channels, height, width], got [3, 8, 6]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 3, 8, 6]",
    );
    refused(
        &zeros([2, 4, 8, 6]),
        &plain,
        "conv_transpose2d: input [2, 4, 8, 6] has 4 channels, weight [3, 4, 3, 3] takes 3\n  \
         hint: is it the weight of a convolution? here it is [in, out / groups, …]",
    );
    refused(
        &zeros([2, 8, 6, 3]),
        &plain,
        "conv_transpose2d: input [2, 8, 6, 3] has 8 channels, weight [3, 4, 3, 3] takes 3\n  \
         hint: are the channels in the last dimension? permute(&[0, 3, 1, 2]) brings them to the second",
    );
    refused(
        &x,
        &plain.groups(2),
        "conv_transpose2d: the 3 input channels of weight [3, 4, 3, 3] do not make 2 equal groups",
    );
    refused(
        &x,
        &plain.stride([2, 1]).output_padding([2, 0]),
        "conv_transpose2d: output_padding 2 of the height is not smaller than the stride 2\n  \
         hint: it chooses one of the sizes that the stride rounds down to the same; a larger one only adds zeros, as pad does",
    );
    refused(
        &zeros([2, 3, 1, 6]),
        &plain.padding(2),
        "conv_transpose2d: padding 2 and 2 takes more off than the output's height, which is 3",
    );
    refused(
        &zeros([2, 3, 0, 6]),
        &plain,
        "conv_transpose2d: input [2, 3, 0, 6] has no height",
    );
    assert_refused(
        x.try_conv_transpose2d(&w, Some(&zeros([3])), &plain),
        "conv_transpose2d: needs a bias [4], got [3]",
    );
    assert_refused(
        x.try_conv_transpose2d(&zeros([3, 4]), None, &plain),
        "conv_transpose2d: needs a weight [in, out / groups, height, width], got [3, 4]",
    );
    assert_refused(
        zeros([2, 3, 4]).try_conv_transpose1d(&zeros([5, 3, 3]), None, &ConvTranspose1dOptions::default()),
        "conv_transpose1d: input [2, 3, 4] has 3 channels, weight [5, 3, 3] takes 5\n  \
         hint: is it the weight of a convolution? here it is [in, out / groups, …]",
    );
}
