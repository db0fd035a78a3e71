//! Integers: indices, targets, classes.

use super::{assert_refused, zeros};
use tensor_core::{DType, Tensor};

fn integers<const N: usize>(values: [u32; N]) -> Tensor {
    Tensor::from_slice(&values, N)
}

#[test]
fn an_integer_outside_is_named_with_its_place() {
    let x = zeros([3, 4]);
    let far = Tensor::from_slice(&[0u32, 1, 2, 0, 7, 0], [3, 2]);
    assert_refused(
        x.try_index_select(1, &integers([0, 3, 4])),
        "index_select: index 4 at [2] is outside dimension 1 of [3, 4], which has 4 places",
    );
    assert_refused(
        x.try_index_add(0, &integers([3]), &zeros([1, 4])),
        "index_add: index 3 at [0] is outside dimension 0 of [3, 4], which has 3 places",
    );
    assert_refused(
        x.try_gather(-1, &far),
        "gather: index 7 at [2, 0] is outside dimension 1 of [3, 4], which has 4 places",
    );
    assert_refused(
        x.try_scatter_add(1, &far, &zeros([3, 2])),
        "scatter_add: index 7 at [2, 0] is outside dimension 1 of [3, 4], which has 4 places",
    );
    assert_refused(
        x.try_embedding(&far),
        "embedding: index 7 at [2, 0] is outside dimension 0 of [3, 4], which has 3 places",
    );
    assert_refused(
        far.try_one_hot(7, DType::F32),
        "one_hot: integer 7 at [2, 0] is outside 7 classes",
    );
    assert_refused(
        x.try_cross_entropy(&integers([0, 3, 4])),
        "cross_entropy: target 4 at [2] is outside the 4 classes of logits [3, 4]",
    );
}

#[test]
fn classes_are_integers() {
    let x = zeros([3, 4]);
    let hint = "to_dtype(DType::U32) converts";
    assert_refused(
        zeros([2]).try_one_hot(3, DType::F32),
        &format!("one_hot: integers of type U32 are needed, these are F32 [2]\n  hint: {hint}"),
    );
    assert_refused(
        x.try_cross_entropy(&zeros([3])),
        &format!("cross_entropy: targets of type U32 are needed, these are F32 [3]\n  hint: {hint}"),
    );
}

#[test]
fn every_mistake_with_a_shape_is_explained() {
    let x = zeros([3, 4]);
    let square = Tensor::from_slice(&[0u32; 4], [2, 2]);
    assert_refused(
        x.try_index_select(0, &square),
        "index_select: the indices are one dimension, not [2, 2]\n  hint: gather takes an index for each element",
    );
    assert_refused(
        x.try_index_add(0, &integers([0, 1]), &zeros([3, 4])),
        "index_add: indices [2] do not fit to add [3, 4] along dimension 0 of [3, 4]\n  \
         hint: one index for each row of what is added",
    );
    assert_refused(
        x.try_index_add(0, &integers([0]), &zeros([1, 4]).to_dtype(DType::F64)),
        "index_add: types differ: F32 [3, 4] and F64 [1, 4]\n  \
         hint: types are never mixed silently: to_dtype converts one of them",
    );
    assert_refused(
        x.try_gather(1, &Tensor::from_slice(&[0u32; 8], [4, 2])),
        "gather: indices [4, 2] do not fit [3, 4]: dimension 0 has 4 places, the tensor's has 3",
    );
    assert_refused(
        x.try_gather(1, &integers([0, 1])),
        "gather: indices [2] do not fit [3, 4]: they have rank 1, the tensor has rank 2\n  \
         hint: index_select takes the same indices for every line",
    );
    assert_refused(
        x.try_scatter_add(1, &square, &zeros([2, 2])),
        "scatter_add: indices [2, 2] do not fit [3, 4]: dimension 0 has 2 places, the tensor's has 3",
    );
    assert_refused(
        x.try_scatter_add(1, &integers([0, 1]), &zeros([2])),
        "scatter_add: indices [2] do not fit [3, 4]: they have rank 1, the tensor has rank 2\n  \
         hint: index_add takes the same indices for every line",
    );
    assert_refused(
        x.try_scatter_add(1, &Tensor::from_slice(&[0u32; 3], [3, 1]), &zeros([3, 2])),
        "scatter_add: indices [3, 1] do not fit to add [3, 2]\n  hint: one index for each element that is added",
    );
    assert_refused(
        zeros([3]).try_embedding(&integers([0])),
        "embedding: needs a table [rows, width], got [3]",
    );
    assert_refused(
        zeros([3]).try_cross_entropy(&integers([0])),
        "cross_entropy: needs logits [N, classes, ...], got [3]",
    );
    assert_refused(
        zeros([3, 4, 5]).try_cross_entropy(&integers([0, 1, 2])),
        "cross_entropy: logits [3, 4, 5] need targets [3, 5], got [3]",
    );
    assert_refused(
        x.try_cross_entropy(&x.to_dtype(DType::U32)),
        "cross_entropy: logits [3, 4] need targets [3], got [3, 4]\n  \
         hint: a target is the number of a class: argmax(1) turns one-hot rows into numbers",
    );
}

#[test]
fn indices_that_see_a_part_of_a_tensor_are_checked_against_all_of_it() {
    let x = zeros([5, 3]);
    assert_refused(
        x.try_gather(1, &Tensor::from_slice(&[0u32, 9, 1, 2], [2, 2])),
        "gather: index 9 at [0, 1] is outside dimension 1 of [5, 3], which has 3 places",
    );
    assert_refused(
        x.try_gather(2, &Tensor::from_slice(&[0u32; 6], [2, 3])),
        "gather: a tensor of shape [5, 3] has no dimension 2\n  hint: dimensions are 0 to 1, or -2 to -1 from the end",
    );
    assert_refused(
        x.try_gather(1, &zeros([2, 2])),
        "gather: indices of type U32 are needed, these are F32 [2, 2]\n  hint: to_dtype(DType::U32) converts",
    );
}

#[test]
fn a_missing_dimension_is_named() {
    let (x, rows) = (zeros([3, 4]), integers([0]));
    let places = zeros([3, 4]).to_dtype(DType::U32);
    let results = [
        ("index_select", x.try_index_select(2, &rows)),
        ("index_add", x.try_index_add(2, &rows, &zeros([1, 4]))),
        ("gather", x.try_gather(2, &places)),
        ("scatter_add", x.try_scatter_add(2, &places, &x)),
    ];
    for (name, result) in results {
        let hint = "dimensions are 0 to 1, or -2 to -1 from the end";
        assert_refused(
            result,
            &format!("{name}: a tensor of shape [3, 4] has no dimension 2\n  hint: {hint}"),
        );
    }
}
