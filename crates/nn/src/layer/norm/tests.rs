//! What norms promise, against PyTorch's figures, closed forms and differences.

use super::*;
use crate::testing::{assert_as_in_pytorch, fill_with_waves, panic_of, wave};
use crate::{Context, Layer, Module, check, module};
use approx::assert_relative_eq;
use tensor_core::{DType, Random};

fn draws(shape: impl Into<Shape>) -> Tensor {
    Random::new(3).normal(shape, DType::F64)
}

fn names(module: &impl Module) -> Vec<String> {
    module::entries(module).into_iter().map(|(name, _)| name).collect()
}

fn training() -> Context {
    Context::training(&Random::new(0))
}

fn evaluation() -> Context {
    Context::evaluation(&Random::new(0))
}

/// Moves the parameters away from 1 and 0, and turns the layer to F64.
fn unsettle(module: &impl Module) {
    module::to_dtype(module, DType::F64);
    for (i, param) in module::params(module).iter().enumerate() {
        let noise = Random::new(5).at(i as u64).normal(param.shape(), DType::F64);
        param.set(&(param.tensor().detach() + noise * 0.3));
    }
}

#[track_caller]
fn assert_gradients(layer: &impl Layer, x: &Tensor) {
    unsettle(layer);
    check::gradcheck(layer, || layer.forward(x, &mut training()).sqr().sum(..)).unwrap();
}

#[test]
fn gradients_agree_with_differences() {
    assert_gradients(&BatchNorm1d::new(3), &draws([4, 3]));
    assert_gradients(&BatchNorm2d::new(3), &draws([2, 3, 2, 2]));
    assert_gradients(&LayerNorm::new([3, 2]), &draws([2, 3, 2]));
    assert_gradients(&GroupNorm::new(2, 4), &draws([2, 4, 3]));
    assert_gradients(&InstanceNorm1d::with_affine(3), &draws([2, 3, 4]));
    assert_gradients(&InstanceNorm2d::with_affine(3), &draws([2, 3, 2, 2]));
    assert_gradients(&BatchNorm1d::new(3).without_running_moments(), &draws([4, 3, 2]));
    assert_gradients(&LayerNorm::new([3]).without_bias().eps(0.1), &draws([4, 3]));
}

#[test]
fn names_are_those_of_pytorch() {
    let state = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    assert_eq!(names(&BatchNorm2d::new(2)), state);
    assert_eq!(names(&LayerNorm::new([2])), ["weight", "bias"]);
    assert_eq!(names(&GroupNorm::new(1, 2)), ["weight", "bias"]);
    assert_eq!(names(&InstanceNorm2d::with_affine(2)), ["weight", "bias"]);
    assert!(names(&InstanceNorm2d::new()).is_empty());
    assert_eq!(names(&BatchNorm1d::new(2).without_affine()), state[2..]);
    assert_eq!(names(&BatchNorm1d::new(2).without_running_moments()), state[..2]);
    assert_eq!(names(&LayerNorm::new([2]).without_bias()), ["weight"]);
    assert!(names(&GroupNorm::new(1, 2).without_affine()).is_empty());
}

#[test]
fn running_moments_follow_the_batches_and_evaluation_uses_them() {
    let layer = BatchNorm2d::new(2).momentum(0.25);
    unsettle(&layer);
    let (mut mean, mut variance) = ([0.0; 2], [1.0; 2]);
    for step in 0..3 {
        let x = draws([3, 2, 2, 2]) * (1.0 + f64::from(step)) + f64::from(step);
        layer.forward(&x, &mut training());
        let values = x.permute(&[1, 0, 2, 3]).to_vec::<f64>();
        for (c, values) in values.chunks(12).enumerate() {
            let batch_mean = values.iter().sum::<f64>() / 12.0;
            let unbiased = values.iter().map(|x| (x - batch_mean).powi(2)).sum::<f64>() / 11.0;
            mean[c] = 0.75 * mean[c] + 0.25 * batch_mean;
            variance[c] = 0.75 * variance[c] + 0.25 * unbiased;
        }
    }
    let close = |found: Vec<f64>, wanted: [f64; 2]| (0..2).all(|c| (found[c] - wanted[c]).abs() < 1e-12);
    let running = layer.running.as_ref().unwrap();
    assert!(close(running.mean.tensor().to_vec(), mean));
    assert!(close(running.variance.tensor().to_vec(), variance));
    assert_eq!(running.batches.tensor().item(), 3.0);

    let x = draws([1, 2, 1, 1]);
    let y = layer.forward(&x, &mut evaluation()).to_vec::<f64>();
    let of = |param: &Option<Param>| param.as_ref().unwrap().tensor().to_vec::<f64>();
    let (x, weight, bias) = (x.to_vec::<f64>(), of(&layer.weight), of(&layer.bias));
    let wanted = [0, 1].map(|c: usize| (x[c] - mean[c]) / (variance[c] + EPS).sqrt() * weight[c] + bias[c]);
    assert!(close(y, wanted));
    assert_eq!(running.batches.tensor().item(), 3.0, "evaluation changes nothing");
}

#[test]
#[should_panic(expected = "BatchNorm1d: 1 numbers a channel have no variance to divide by, the input is [1, 3]")]
fn a_batch_of_one_vector_cannot_be_trained_with() {
    BatchNorm1d::new(3).forward(&Tensor::zeros([1, 3]), &mut training());
}

#[test]
#[should_panic(expected = "BatchNorm2d: needs an input [N, C, H, W], got [2, 3, 4]")]
fn images_have_four_dimensions() {
    BatchNorm2d::new(3).forward(&Tensor::zeros([2, 3, 4]), &mut training());
}

/// The norm in PyTorch's words and in ours, the mode, the shape of the input, the output, and the gradient by the input.
type Case = (&'static str, Box<dyn Layer>, Context, Shape, Vec<f64>, Vec<f64>);

/// What PyTorch 2.15 computes in float64 for `x = wave(...); y = layer(x); (y * wave(...)).sum().backward()`, where `wave` gives sin 1, sin 2, … in a shape, the
/// parameters being waves too.
fn cases() -> Vec<Case> {
    vec![
        (
            "LayerNorm(2, eps=0.1, bias=False)",
            Box::new(LayerNorm::new([2]).eps(0.1).without_bias()),
            training(),
            [2, 2].into(),
            vec![
                -0.0897273854840322,
                0.09695982655308409,
                0.6879496750371396,
                -0.7434015914876075,
            ],
            vec![
                -0.18456452334813633,
                0.18456452334813678,
                0.24362365544199643,
                -0.24362365544199643,
            ],
        ),
        (
            "LayerNorm(2, eps=0.1, elementwise_affine=False)",
            Box::new(LayerNorm::new([2]).eps(0.1).without_affine()),
            training(),
            [2, 2].into(),
            vec![
                -0.1066315857634907,
                0.1066315857634907,
                0.8175560268357855,
                -0.8175560268357853,
            ],
            vec![
                -0.10541915316825179,
                0.1054191531682509,
                0.2711033305086271,
                -0.27110333050862745,
            ],
        ),
        (
            "GroupNorm(2, 4, eps=0.1)",
            Box::new(GroupNorm::new(2, 4).eps(0.1)),
            training(),
            [1, 4, 2].into(),
            vec![
                1.4734756586016113,
                1.5503389659503881,
                0.734609412106238,
                -0.3649677331300078,
                -0.03890873736746938,
                0.07639729269831731,
                -1.2618502168161367,
                -1.56431504644873,
            ],
            vec![
                0.11096023161697666,
                0.12274510278467324,
                0.0021644349364035795,
                -0.23586976933805334,
                -0.09612576016532132,
                0.2500698933773856,
                0.01779222940360725,
                -0.1717363626156715,
            ],
        ),
        (
            "GroupNorm(2, 4, affine=False)",
            Box::new(GroupNorm::new(2, 4).without_affine()),
            training(),
            [1, 4, 2].into(),
            vec![
                0.8301032190800897,
                0.9310589263794753,
                -0.2123284065810795,
                -1.5488337388784852,
                -1.3793113186161134,
                -0.4958806642675136,
                0.7215374852344687,
                1.1536544976491585,
            ],
            vec![
                1.83905948999169e-05,
                2.0627227011629768e-05,
                -4.704048389928138e-06,
                -3.431377352165211e-05,
                -2.3314015933468917e-05,
                -8.38169712081355e-06,
                1.2195895299528163e-05,
                1.9499817754640724e-05,
            ],
        ),
        (
            "InstanceNorm1d(2, eps=0.1, affine=True)",
            Box::new(InstanceNorm1d::with_affine(2).eps(0.1)),
            training(),
            [2, 2, 2].into(),
            vec![
                0.7517435993238643,
                0.9311983702919286,
                1.6526990183132895,
                0.16589583533807406,
                0.22551729538617357,
                1.4574246742296197,
                0.4862934675348417,
                1.3323013861165216,
            ],
            vec![
                -0.08870715863410321,
                0.08870715863410321,
                0.2465135608353669,
                -0.24651356083536696,
                -0.2859142112378535,
                0.2859142112378536,
                -0.33146175350865786,
                0.3314617535086576,
            ],
        ),
        (
            "InstanceNorm2d(2)",
            Box::new(InstanceNorm2d::new()),
            training(),
            [1, 2, 2, 2].into(),
            vec![
                0.8301032190800898,
                0.9310589263794754,
                -0.21232840658107952,
                -1.5488337388784854,
                -1.3793113186161134,
                -0.49588066426751365,
                0.7215374852344688,
                1.1536544976491585,
            ],
            vec![
                1.8390594899718285e-05,
                2.0627227011342952e-05,
                -4.7040483898648345e-06,
                -3.43137735211964e-05,
                -2.3314015933567627e-05,
                -8.381697120763303e-06,
                1.2195895299619854e-05,
                1.9499817754711078e-05,
            ],
        ),
        (
            "BatchNorm1d(2, eps=0.1, affine=False)",
            Box::new(BatchNorm1d::new(2).eps(0.1).without_affine()),
            training(),
            [2, 2, 2].into(),
            vec![
                0.8426320408360067,
                0.922749270288841,
                -0.15942876208720783,
                -1.3877436528307148,
                -1.284011725484703,
                -0.4813695856401447,
                0.5462519760242112,
                1.0009204388937114,
            ],
            vec![
                0.11756870711382311,
                0.1287471083943702,
                -0.029833787768408716,
                -0.2596874558485314,
                -0.17915245465203655,
                -0.06716336085615679,
                0.10221973317377853,
                0.18730151044316165,
            ],
        ),
        (
            "BatchNorm1d(2, track_running_stats=False).eval()",
            Box::new(BatchNorm1d::new(2).without_running_moments()),
            evaluation(),
            [3, 2].into(),
            vec![
                1.788041378633128,
                2.1444597869394615,
                0.9927609656010137,
                -0.018102898095859004,
                -0.25638938981045195,
                0.6015353916334427,
            ],
            vec![
                1.723787476622048e-05,
                2.5167927037015818e-05,
                2.755122872338128e-06,
                -1.8896903326612798e-05,
                -1.9992997638621644e-05,
                -6.2710237104390456e-06,
            ],
        ),
    ]
}

#[test]
fn options_mean_what_they_do_in_pytorch() {
    for (name, layer, mut cx, shape, output, slope) in cases() {
        fill_with_waves(&layer);
        let x = wave(shape).requires_grad();
        assert_as_in_pytorch(name, &layer, &x, &mut cx, &x, [&output, &slope]);
    }
}

/// As in PyTorch 2.15 with `momentum=None`: 19 / 3 and 28 / 3.
#[test]
fn cumulative_moments_are_means_over_the_batches() {
    let layer = BatchNorm1d::new(1).cumulative();
    for batch in [[0.0, 2.0], [10.0, 14.0], [3.0, 9.0]] {
        layer.forward(&Tensor::from(batch).reshape([2, 1]), &mut training()); // means 1, 12, 6; variances 2, 8, 18
    }
    let running = layer.running.unwrap();
    assert_relative_eq!(running.mean.tensor().item(), 19.0 / 3.0, max_relative = 1e-6);
    assert_relative_eq!(running.variance.tensor().item(), 28.0 / 3.0, max_relative = 1e-6);
    assert_eq!(running.batches.tensor().item(), 3.0);
}

#[test]
fn instances_are_normalised_alike_in_both_modes() {
    let x = draws([2, 3, 5]);
    let layer = InstanceNorm1d::new();
    assert_eq!(layer.forward(&x, &mut evaluation()), layer.forward(&x, &mut training()));
}

#[test]
fn an_eps_that_could_not_keep_from_dividing_by_zero_is_refused_in_the_name_of_the_layer() {
    let refusal = |run: &dyn Fn()| panic_of(run).0;
    for (eps, text) in [
        (0.0, "0.0"),
        (-1e-5, "-1e-5"),
        (1e-60, "1e-60"),
        (1e39, "1e39"),
        (f64::NAN, "NaN"),
    ] {
        let refusals = [
            ("BatchNorm1d", refusal(&|| drop(BatchNorm1d::new(2).eps(eps)))),
            ("BatchNorm2d", refusal(&|| drop(BatchNorm2d::new(2).eps(eps)))),
            ("GroupNorm", refusal(&|| drop(GroupNorm::new(2, 4).eps(eps)))),
            ("InstanceNorm1d", refusal(&|| drop(InstanceNorm1d::new().eps(eps)))),
            ("InstanceNorm2d", refusal(&|| drop(InstanceNorm2d::new().eps(eps)))),
            ("LayerNorm", refusal(&|| drop(LayerNorm::new([2]).eps(eps)))),
        ];
        for (layer, message) in refusals {
            let wanted = format!("{layer}: eps is a normal number of F32 above 0, not {text}");
            assert_eq!(message, wanted);
        }
    }
}

#[test]
fn equal_numbers_become_zero_with_the_smallest_eps_that_there_is() {
    let eps = f32::MIN_POSITIVE.into();
    let x = Tensor::full([2, 4], 3.0);
    assert_eq!(
        GroupNorm::new(2, 4)
            .eps(eps)
            .forward(&x, &mut training())
            .to_vec::<f32>(),
        [0.0; 8]
    );
    assert_eq!(
        LayerNorm::new([4])
            .eps(eps)
            .forward(&x, &mut training())
            .to_vec::<f32>(),
        [0.0; 8]
    );
    assert_eq!(
        BatchNorm1d::new(4)
            .eps(eps)
            .forward(&x, &mut training())
            .to_vec::<f32>(),
        [0.0; 8]
    );
}

#[test]
#[should_panic(expected = "BatchNorm2d: the momentum is between 0 and 1, not 1.5")]
fn a_momentum_above_one_is_refused() {
    let _ = BatchNorm2d::new(2).momentum(1.5);
}
