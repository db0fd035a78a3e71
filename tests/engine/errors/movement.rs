//! Other shapes, parts and borders.

use super::{assert_refused, zeros};
use tensor_core::{DType, Tensor};

#[test]
fn every_mistake_is_explained() {
    let x = zeros([3, 4]);
    assert_refused(x.try_reshape([5, 2]), "reshape: [3, 4] has 12 elements, [5, 2] has 10");
    assert_refused(
        x.try_permute(&[0, 0]),
        "permute: order [0, 0] does not name each dimension of [3, 4] once",
    );
    assert_refused(
        x.try_permute(&[0, 2]),
        "permute: a tensor of shape [3, 4] has no dimension 2\n  hint: dimensions are 0 to 1, or -2 to -1 from the end",
    );
    assert_refused(
        x.try_expand([3, 8]),
        "expand: [3, 4] cannot be repeated to [3, 8]: only sizes of 1 and missing dimensions are",
    );
    assert_refused(
        x.try_expand([4]),
        "expand: [3, 4] cannot be repeated to [4]: only sizes of 1 and missing dimensions are",
    );
    assert_refused(
        x.try_narrow(1, 3, 2),
        "narrow: 3 to 5 is outside dimension 1 of [3, 4], which has 4 places",
    );
    assert_refused(
        x.try_pad(&[(1, 1)]),
        "pad: 1 pairs of (before, after) for the 2 dimensions of [3, 4]",
    );
}

#[test]
fn every_mistake_with_a_view_is_explained() {
    let x = zeros([3, 4]);
    let dimensions = "dimensions are 0 to 1, or -2 to -1 from the end";
    let missing = |name: &str| format!("{name}: a tensor of shape [3, 4] has no dimension 2\n  hint: {dimensions}");
    assert_refused(x.try_flip([0, 2]), &missing("flip"));
    assert_refused(x.try_narrow(2, 0, 1), &missing("narrow"));
    assert_refused(x.try_transpose(0, 2), &missing("transpose"));
    assert_refused(x.try_squeeze(2), &missing("squeeze"));
    assert_refused(x.try_flatten(0, 2), &missing("flatten"));
    assert_refused(x.try_unflatten(2, &[1]), &missing("unflatten"));
    assert_refused(x.try_halves(2).map(|(first, _)| first), &missing("halves"));
    assert_refused(x.try_split(1, 2).map(|mut pieces| pieces.remove(0)), &missing("split"));
    assert_refused(x.try_chunk(1, 2).map(|mut pieces| pieces.remove(0)), &missing("chunk"));
    assert_refused(Tensor::try_cat(&[&x], 2), &missing("cat"));
    assert_refused(
        zeros([2, 3, 4]).try_t(),
        "t: needs a matrix, the tensor has shape [2, 3, 4]\n  \
         hint: transpose swaps two dimensions, permute orders them all",
    );
    assert_refused(x.try_squeeze(1), "squeeze: dimension 1 of [3, 4] has size 4, not 1");
    assert_refused(
        x.try_unsqueeze(3),
        "unsqueeze: a tensor of shape [3, 4] has no place 3 for a new dimension\n  \
         hint: places are 0 to 2, or -3 to -1 from the end",
    );
    assert_refused(
        zeros([1; 8]).try_unsqueeze(0),
        "unsqueeze: a tensor has at most 8 dimensions, not 9: [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    );
    assert_refused(
        x.try_flatten(1, 0),
        "flatten: dimension 0 of [3, 4] is before dimension 1",
    );
    assert_refused(
        x.try_unflatten(-1, &[2, 3]),
        "unflatten: [2, 3] do not make up dimension 1 of [3, 4], which has 4 places",
    );
    assert_refused(
        x.try_halves(-2).map(|(first, _)| first),
        "halves: dimension 0 of [3, 4] has an odd size, 3",
    );
    assert_refused(
        x.try_split(0, 0).map(|mut pieces| pieces.remove(0)),
        "split: pieces of 0 places do not make up dimension 0 of [3, 4]",
    );
    assert_refused(
        x.try_chunk(0, 0).map(|mut pieces| pieces.remove(0)),
        "chunk: 0 pieces do not make up dimension 0 of [3, 4]",
    );
}

#[test]
fn every_mistake_with_several_tensors_is_explained() {
    let x = zeros([3, 4]);
    assert_refused(Tensor::try_cat(&[], 0), "cat: there is no tensor");
    assert_refused(
        Tensor::try_cat(&[&x, &zeros([2, 5])], 0),
        "cat: [3, 4] and [2, 5] differ in more than dimension 0",
    );
    assert_refused(
        Tensor::try_cat(&[&x, &x.to_dtype(DType::U32)], 0),
        "cat: types differ: F32 [3, 4] and U32 [3, 4]\n  \
         hint: types are never mixed silently: to_dtype converts one of them",
    );
    assert_refused(Tensor::try_stack(&[], 0), "stack: there is no tensor");
    assert_refused(
        Tensor::try_stack(&[&x, &zeros([3, 5])], 0),
        "stack: shapes differ: [3, 4] and [3, 5]",
    );
    assert_refused(
        Tensor::try_stack(&[&x, &x], 3),
        "stack: a tensor of shape [3, 4] has no place 3 for a new dimension\n  \
         hint: places are 0 to 2, or -3 to -1 from the end",
    );
    assert_refused(
        x.try_pad_value(&[(1, 1)], 2.0),
        "pad_value: 1 pairs of (before, after) for the 2 dimensions of [3, 4]",
    );
    assert_refused(
        x.try_pad(&[(usize::MAX, 1), (0, 0)]),
        "pad: [18446744073709551615, 4] are more elements than can be counted",
    );
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    let x = zeros([2]);
    assert_refused(
        x.try_reshape([1; 9]),
        "reshape: a tensor has at most 8 dimensions, not 9: [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    );
    assert_refused(
        x.try_expand([usize::MAX, 2]),
        "expand: [18446744073709551615, 2] are more elements than can be counted",
    );
}

#[test]
fn only_whole_numbers_in_range_become_u32() {
    let numbers = Tensor::from_slice(&[1.0, 2.5, -1.0], [3]);
    assert_refused(
        numbers.try_to_dtype(DType::U32),
        "to_dtype: -1 at [2] of [3] is no U32, which goes from 0 to 4294967295",
    );
    let numbers = Tensor::from([[0.0, f32::NAN]]);
    assert_refused(
        numbers.try_to_dtype(DType::U32),
        "to_dtype: NaN at [0, 1] of [1, 2] is no U32, which goes from 0 to 4294967295",
    );
    let whole = "those are the whole numbers from 0 to 4294967295";
    let integers = Tensor::from_slice(&[1u32, 2], [2]);
    for (number, text) in [
        (-1.0, "-1"),
        (0.5, "0.5"),
        (4294967296.0, "4294967296"),
        (f64::NAN, "NaN"),
    ] {
        assert_refused(
            Tensor::try_full_of([2], number, DType::U32),
            &format!("full_of: {text} is no U32: {whole}"),
        );
        assert_refused(
            integers.try_masked_fill(&integers, number),
            &format!("masked_fill: {text} is no U32: {whole}"),
        );
        assert_refused(
            integers.try_pad_value(&[(1, 0)], number),
            &format!("pad_value: {text} is no U32: {whole}"),
        );
    }
    assert_eq!(
        integers.pad_value(&[(1, 0)], 4294967295.0).to_vec::<u32>(),
        [u32::MAX, 1, 2]
    );
    let edges = Tensor::from_slice(&[-0.5, 4294967295.5], [2]);
    assert_eq!(edges.to_dtype(DType::U32).to_vec::<u32>(), [0, u32::MAX]);
}
