//! Every shape mistake that an operation can make, each with its whole message.

use tensor_core::{DType, ShapeError, Tensor};

/// The message without the line "at file:line:column", and that line's file.
fn told(error: &ShapeError) -> (String, &'static str) {
    let location = error.location().expect("the error knows where it happened");
    let line = format!("\n  at {location}");
    let message = error.to_string();
    assert!(message.contains(&line), "{message}");
    (message.replace(&line, ""), location.file())
}

#[track_caller]
fn assert_refused(result: Result<Tensor, ShapeError>, wanted: &str) {
    let (message, file) = told(&result.expect_err(wanted));
    assert_eq!(message, wanted);
    assert!(file.ends_with("errors.rs"), "the user's file, not {file}");
}

fn zeros<const N: usize>(shape: [usize; N]) -> Tensor {
    Tensor::zeros(shape)
}

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
    assert_refused(
        x.to_dtype(DType::U32).try_exp(),
        "exp: needs floating-point numbers, an input of shape [3, 4] holds U32\n  hint: to_dtype(DType::F32) converts",
    );
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
        x.try_matmul(&zeros([4])),
        "matmul: needs two matrices: lhs has shape [3, 4], rhs has shape [4]\n  \
         hint: reshape gives a vector or a batch of images two dimensions",
    );
    assert_refused(
        x.try_sum(2),
        "sum: a tensor of shape [3, 4] has no dimension 2\n  hint: dimensions are 0 to 1, or -2 to -1 from the end",
    );
    assert_refused(
        x.sum(..).try_sum(0),
        "sum: a tensor of shape [] has no dimension 0\n  hint: it is a scalar",
    );
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
        x.try_broadcast_to([3, 8]),
        "broadcast_to: [3, 4] cannot be repeated to [3, 8]: only sizes of 1 and missing dimensions are",
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
fn every_mistake_with_a_layer_is_explained() {
    let (w, b) = (zeros([7, 4]), zeros([7]));
    let linear = |x: Tensor| x.try_linear(&w, &b);
    assert_refused(
        linear(zeros([3, 5])),
        "linear: input [3, 5] has 5 features, weight [7, 4] takes 4",
    );
    assert_refused(
        linear(zeros([3, 7])),
        "linear: input [3, 7] has 7 features, weight [7, 4] takes 4\n  hint: is the weight transposed? it is [out, in]",
    );
    assert_refused(
        linear(zeros([4])),
        "linear: needs an input [batch, 4], got [4]\n  hint: the batch dimension is missing: reshape to [1, 4]",
    );
    assert_refused(
        linear(zeros([9, 2, 2])),
        "linear: needs an input [batch, 4], got [9, 2, 2]\n  hint: images have to be flattened: reshape to [9, 4]",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&w, &zeros([6])),
        "linear: weight [7, 4] has 7 outputs, bias [6] has 6",
    );
    assert_refused(
        zeros([3, 4]).try_linear(&zeros([4]), &b),
        "linear: needs a weight [out, in] and a bias [out], got [4] and [7]",
    );
}

#[test]
fn a_panic_says_the_same_with_the_users_line() {
    let line = line!() + 1;
    let panic = std::panic::catch_unwind(|| zeros([32, 784]).matmul(&zeros([28, 128]))).unwrap_err();
    let message = panic.downcast::<String>().unwrap();
    assert_eq!(
        *message,
        format!(
            "matmul: inner dimensions differ: lhs [32, 784] has 784 columns, rhs [28, 128] has 28 rows\n  at {}:{line}:62",
            file!()
        )
    );
}
