//! Types that do not fit: mixed ones, integers where a derivative would be, numbers where places are meant.

use super::{assert_refused, zeros};
use tensor_core::ops::{
    Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, Pool1dOptions, Pool2dOptions,
};
use tensor_core::{DType, ShapeError, Tensor};

#[test]
fn types_are_never_mixed() {
    let double = |x: Tensor| x.to_dtype(DType::F64);
    let (x, line, steps) = (zeros([2, 3]), zeros([2, 3, 4]), zeros([5, 4, 3]));
    let (vector, image) = (double(zeros([3])), zeros([2, 3, 8, 6]));
    let results: Vec<(&str, Result<Tensor, ShapeError>)> = vec![
        (
            "matmul: types differ: F32 [2, 3] and F64 [3, 4]",
            x.try_matmul(&double(zeros([3, 4]))),
        ),
        (
            "linear: types differ: F32 [2, 3] and F64 [4, 3]",
            x.try_linear(&double(zeros([4, 3])), None),
        ),
        (
            "linear: types differ: F32 [2, 3] and F64 [3]",
            x.try_linear(&zeros([3, 3]), Some(&vector)),
        ),
        (
            "einsum: types differ: F32 [2, 3] and F64 [3, 3]",
            Tensor::try_einsum("ij,jk->ik", &[&x, &double(zeros([3, 3]))]),
        ),
        (
            "stack: types differ: F32 [2, 3] and F64 [2, 3]",
            Tensor::try_stack(&[&x, &double(x.clone())], 0),
        ),
        ("maximum: types differ: F32 [2, 3] and F64 [3]", x.try_maximum(&vector)),
        (
            "bce_with_logits: types differ: F32 [2, 3] and F64 [3]",
            x.try_bce_with_logits(&vector),
        ),
        (
            "scatter_add: types differ: F32 [2, 3] and F64 [2, 1]",
            x.try_scatter_add(1, &zeros([2, 1]).to_dtype(DType::U32), &double(zeros([2, 1]))),
        ),
        (
            "lstm: types differ: F32 [5, 4, 3] and F64 [8, 3]",
            steps
                .try_lstm(&double(zeros([8, 3])), &zeros([8, 2]), None, None, None)
                .map(|(y, _)| y),
        ),
        (
            "gru: types differ: F32 [5, 4, 3] and F64 [5, 2]",
            steps
                .try_gru(&zeros([6, 3]), &zeros([6, 2]), None, None, Some(&double(zeros([5, 2]))))
                .map(|(y, _)| y),
        ),
        (
            "layer_norm: types differ: F32 [2, 3] and F64 [3]",
            x.try_layer_norm([3], Some(&vector), None, 1e-5),
        ),
        (
            "group_norm: types differ: F32 [2, 3, 4] and F64 [3]",
            line.try_group_norm(3, Some(&vector), None, 1e-5),
        ),
        (
            "batch_norm: types differ: F32 [2, 3] and F64 [3]",
            x.try_batch_norm(Some(&vector), None, 1e-5),
        ),
        (
            "batch_norm_inference: types differ: F32 [2, 3] and F64 [3]",
            x.try_batch_norm_inference(&vector, &vector, None, None, 1e-5),
        ),
        (
            "conv1d: types differ: F32 [2, 3, 4] and F64 [1, 3, 2]",
            line.try_conv1d(&double(zeros([1, 3, 2])), None, &Conv1dOptions::default()),
        ),
        (
            "conv_transpose1d: types differ: F32 [2, 3, 4] and F64 [3, 1, 2]",
            line.try_conv_transpose1d(&double(zeros([3, 1, 2])), None, &ConvTranspose1dOptions::default()),
        ),
        (
            "conv_transpose2d: types differ: F32 [2, 3, 8, 6] and F64 [3]",
            image.try_conv_transpose2d(&zeros([3, 3, 2, 2]), Some(&vector), &ConvTranspose2dOptions::default()),
        ),
    ];
    for (problem, result) in results {
        assert_refused(
            result,
            &format!("{problem}\n  hint: types are never mixed silently: to_dtype converts one of them"),
        );
    }
}

fn assert_needs_numbers(name: &str, shape: &str, result: Result<Tensor, ShapeError>) {
    assert_refused(
        result,
        &format!(
            "{name}: needs floating-point numbers, an input of shape {shape} holds U32\n  hint: to_dtype(DType::F32) converts"
        ),
    );
}

#[test]
fn functions_of_one_number_refuse_integers() {
    let x = zeros([2, 3]).to_dtype(DType::U32);
    let results = [
        ("abs", x.try_abs()),
        ("clamp", x.try_clamp(0.0, 1.0)),
        ("cos", x.try_cos()),
        ("elu", x.try_elu(1.0)),
        ("erf", x.try_erf()),
        ("exp", x.try_exp()),
        ("gelu", x.try_gelu()),
        ("gelu_tanh", x.try_gelu_tanh()),
        ("leaky_relu", x.try_leaky_relu(0.2)),
        ("ln", x.try_ln()),
        ("ln_1p", x.try_ln_1p()),
        ("log_sigmoid", x.try_log_sigmoid()),
        ("powf", x.try_powf(1.5)),
        ("recip", x.try_recip()),
        ("relu", x.try_relu()),
        ("rsqrt", x.try_rsqrt()),
        ("sigmoid", x.try_sigmoid()),
        ("sign", x.try_sign()),
        ("silu", x.try_silu()),
        ("sin", x.try_sin()),
        ("softplus", x.try_softplus()),
        ("sqr", x.try_sqr()),
        ("sqrt", x.try_sqrt()),
        ("tanh", x.try_tanh()),
    ];
    for (name, result) in results {
        assert_needs_numbers(name, "[2, 3]", result);
    }
}

#[test]
fn what_runs_over_dimensions_refuses_integers() {
    let x = zeros([2, 3]).to_dtype(DType::U32);
    let results = [
        ("mean", x.try_mean(0)),
        ("var", x.try_var(0, 0)),
        ("std", x.try_std(0, 0)),
        ("norm", x.try_norm(0)),
        ("norm_p", x.try_norm_p(3.0, 0)),
        ("logsumexp", x.try_logsumexp(0)),
        ("max", x.try_max(0)),
        ("min", x.try_min(0)),
        ("argmax", x.try_argmax(0)),
        ("argmin", x.try_argmin(0)),
        ("topk", x.try_topk(1, 0).map(|(values, _)| values)),
        ("softmax", x.try_softmax(0)),
        ("log_softmax", x.try_log_softmax(0)),
        ("cumsum", x.try_cumsum(0)),
        ("cross_entropy", x.try_cross_entropy(&x.narrow(1, 0, 1).squeeze(1))),
        ("batch_norm", x.try_batch_norm(None, None, 1e-5)),
        (
            "batch_norm_with_moments",
            x.try_batch_norm_with_moments(None, None, 1e-5).map(|(y, _)| y),
        ),
        ("layer_norm", x.try_layer_norm([3], None, None, 1e-5)),
        ("group_norm", x.try_group_norm(1, None, None, 1e-5)),
        ("linear", x.try_linear(&x, None)),
        ("matmul", x.try_matmul(&x.t())),
    ];
    for (name, result) in results {
        assert_needs_numbers(name, "[2, 3]", result);
    }
}

#[test]
fn what_slides_over_images_and_lines_refuses_integers() {
    let (image, line) = (
        zeros([2, 3, 4, 4]).to_dtype(DType::U32),
        zeros([2, 3, 4]).to_dtype(DType::U32),
    );
    let (kernel, kernel1) = (zeros([3, 3, 2, 2]), zeros([3, 3, 2]));
    let images = [
        ("conv2d", image.try_conv2d(&kernel, None, &Conv2dOptions::default())),
        (
            "conv_transpose2d",
            image.try_conv_transpose2d(&kernel, None, &ConvTranspose2dOptions::default()),
        ),
        ("max_pool2d", image.try_max_pool2d(&Pool2dOptions::new(2))),
        ("avg_pool2d", image.try_avg_pool2d(&Pool2dOptions::new(2))),
        ("upsample_nearest2d", image.try_upsample_nearest2d(2)),
    ];
    for (name, result) in images {
        assert_needs_numbers(name, "[2, 3, 4, 4]", result);
    }
    let lines = [
        ("conv1d", line.try_conv1d(&kernel1, None, &Conv1dOptions::default())),
        (
            "conv_transpose1d",
            line.try_conv_transpose1d(&kernel1, None, &ConvTranspose1dOptions::default()),
        ),
        ("max_pool1d", line.try_max_pool1d(&Pool1dOptions::new(2))),
        ("avg_pool1d", line.try_avg_pool1d(&Pool1dOptions::new(2))),
        ("upsample_nearest1d", line.try_upsample_nearest1d(2)),
        ("instance_norm", line.try_instance_norm(None, None, 1e-5)),
    ];
    for (name, result) in lines {
        assert_needs_numbers(name, "[2, 3, 4]", result);
    }
}

#[test]
fn places_are_integers() {
    let (x, places) = (zeros([3, 4]), zeros([3, 4]));
    let results = [
        ("gather", x.try_gather(1, &places)),
        ("scatter_add", x.try_scatter_add(1, &places, &x)),
        ("index_select", x.try_index_select(1, &places)),
        ("index_add", x.try_index_add(1, &places, &x)),
        ("embedding", x.try_embedding(&places)),
    ];
    for (name, result) in results {
        let hint = "to_dtype(DType::U32) converts";
        assert_refused(
            result,
            &format!("{name}: indices of type U32 are needed, these are F32 [3, 4]\n  hint: {hint}"),
        );
    }
}
