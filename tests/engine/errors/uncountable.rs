//! Results with more elements than can be counted, or more dimensions than a tensor has.

use super::{assert_refused, zeros};
use tensor_core::ops::{Conv2dOptions, ConvTranspose2dOptions, Pool2dOptions};
use tensor_core::{DType, Tensor};

const MANY: usize = 1 << 40;

#[test]
fn more_elements_than_can_be_counted_are_refused() {
    let square = "[1099511627776, 1099511627776] are more elements than can be counted";
    let column = zeros([1, 1]).expand([MANY, 1]);
    let row = column.t();
    assert_refused(column.try_add(&row), &format!("add: {square}"));
    assert_refused(column.try_eq(&row), &format!("eq: {square}"));
    assert_refused(column.try_matmul(&row), &format!("matmul: {square}"));
    assert_refused(column.try_linear(&column, None), &format!("linear: {square}"));
    assert_refused(
        Tensor::try_einsum("ik,kj->ij", &[&column, &row]),
        "einsum: [1, 1099511627776, 1099511627776] are more elements than can be counted",
    );
    let batches = |batch: [usize; 4]| zeros([1, 1, 1, 1]).expand(batch);
    assert_refused(
        batches([MANY, 1, 1, 1]).try_matmul(&batches([1, MANY, 1, 1])),
        &format!("matmul: {square}"),
    );
    let large = zeros([1]).expand([1 << 59]);
    assert_refused(
        Tensor::try_cat(&[&large, &large], 0),
        "cat: [1152921504606846976] are more elements than can be counted",
    );
    let (rows, places) = (zeros([1, 1]).expand([1, MANY]), zeros([1]).to_dtype(DType::U32));
    assert_refused(
        rows.try_index_select(0, &places.expand([1 << 20])),
        "index_select: [1048576, 1099511627776] are more elements than can be counted",
    );
}

#[test]
fn more_places_than_u32_can_name_are_refused() {
    let x = zeros([1, 1]).expand([1 << 16, 1 << 17]);
    let problem =
        "what [65536, 131072] holds in the dimensions [0, 1] has 8589934592 places, of which U32 can name 4294967296";
    assert_refused(x.try_argmax(..), &format!("argmax: {problem}"));
    assert_refused(x.try_argmin_keepdim([0, 1]), &format!("argmin_keepdim: {problem}"));
    assert_refused(x.try_max(..), &format!("max: {problem}"));
    assert_refused(
        zeros([1])
            .expand([(1 << 32) + 1])
            .try_topk(1, 0)
            .map(|(values, _)| values),
        "topk: dimension 0 of [4294967297] has 4294967297 places, of which U32 can name 4294967296",
    );
    let plane = zeros([1; 4]).expand([1, 1, 1 << 16, 1 << 17]);
    assert_refused(
        plane.try_max_pool2d(&Pool2dOptions::new(1 << 16)),
        "max_pool2d: a plane of the input [1, 1, 65536, 131072] has 8589934592 places, of which U32 can name 4294967296",
    );
}

#[test]
fn sizes_that_only_fit_when_they_are_compared_are_no_panic() {
    // The other sizes of the second, with the first one's size in dimension 0, would be more than can be counted.
    let (wide, high) = (zeros([1, 1]).expand([1, MANY]), zeros([1, 1]).expand([MANY, 1]));
    assert_refused(
        Tensor::try_cat(&[&high, &wide], 0),
        "cat: [1099511627776, 1] and [1, 1099511627776] differ in more than dimension 0",
    );
    let places = zeros([1, 1]).to_dtype(DType::U32).expand([1, 1 << 21]);
    assert_refused(
        high.try_gather(0, &places),
        "gather: indices [1, 2097152] do not fit [1099511627776, 1]: dimension 1 has 2097152 places, the tensor's has 1",
    );
}

#[test]
fn more_dimensions_than_there_can_be_are_refused() {
    let x = zeros([1; 8]);
    let nine = "a tensor has at most 8 dimensions, not 9: [1, 1, 1, 1, 1, 1, 1, 1, 1]";
    assert_refused(x.try_unsqueeze(0), &format!("unsqueeze: {nine}"));
    assert_refused(Tensor::try_stack(&[&x, &x], 0), &format!("stack: {nine}"));
    let index = x.to_dtype(DType::U32);
    assert_refused(zeros([2, 1]).try_embedding(&index), &format!("embedding: {nine}"));
    assert_refused(index.try_one_hot(1, DType::F32), &format!("one_hot: {nine}"));
}

#[test]
fn odd_options_of_convolutions_overflow_nothing() {
    let (x, w) = (zeros([2, 3, 8, 6]), zeros([4, 3, 2, 2]));
    let plain = Conv2dOptions::default();
    assert_refused(
        x.try_conv2d(&w, None, &plain.groups(usize::MAX)),
        "conv2d: input [2, 3, 8, 6] has 3 channels, weight [4, 3, 2, 2] takes 3 in each of 18446744073709551615 groups",
    );
    let uncountable = "with these options, the window over the input [2, 3, 8, 6] has more places than can be counted";
    for odd in [
        plain.dilation(usize::MAX),
        plain.padding(usize::MAX),
        plain.padding(usize::MAX / 2),
    ] {
        assert_refused(x.try_conv2d(&w, None, &odd), &format!("conv2d: {uncountable}"));
    }
    let plain = ConvTranspose2dOptions::default();
    assert_refused(
        x.try_conv_transpose2d(&w, None, &plain.groups(usize::MAX)),
        "conv_transpose2d: input [2, 3, 8, 6] has 3 channels, weight [4, 3, 2, 2] takes 4",
    );
    assert_refused(
        x.try_conv_transpose2d(&zeros([3, 4, 2, 2]), None, &plain.stride(usize::MAX)),
        &format!("conv_transpose2d: {uncountable}"),
    );
}
