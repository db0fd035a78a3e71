//! What the layer promises, against the power method, PyTorch's figures, closed forms and differences.

use super::*;
use crate::testing::{assert_as_in_pytorch, assert_close, fill_with_waves, panic_of, wave};
use crate::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear, check, module};
use approx::assert_relative_eq;
use tensor_core::Shape;
use tensor_core::ops::ConvTranspose2dOptions;

fn layer(random: &mut Random) -> SpectralNorm<Linear> {
    let layer = SpectralNorm::new(Linear::new(5, 4, random), random);
    module::to_dtype(&layer, DType::F64);
    layer
}

#[test]
fn the_largest_stretch_becomes_1() {
    let random = &mut Random::new(2);
    let layer = layer(random);
    let mut cx = Context::training(random);
    (0..200).for_each(|_| drop(layer.weight(&cx)));
    cx.mode = Mode::Evaluation;
    let weight = layer.weight(&cx).detach();
    // The largest eigenvalue of WᵀW, by many more steps of the power method from another direction.
    let mut x = random.normal([5], DType::F64);
    (0..500).for_each(|_| x = unit(&weight.t().matmul(&weight.matmul(&x)), 1e-12));
    let stretch = weight.matmul(&x).sqr().sum(..).item().sqrt();
    assert!((stretch - 1.0).abs() < 1e-9, "{stretch}");
}

#[test]
fn evaluation_changes_nothing() {
    let random = &mut Random::new(2);
    let layer = layer(random);
    let before = (layer.weight_u.tensor(), layer.weight_v.tensor());
    let first = layer.weight(&Context::evaluation(random));
    assert_eq!(layer.weight(&Context::evaluation(random)), first);
    assert_eq!((layer.weight_u.tensor(), layer.weight_v.tensor()), before);
    layer.weight(&Context::training(random));
    assert_ne!(layer.weight_u.tensor(), before.0);
}

#[test]
fn gradients_agree_with_differences_and_names_with_pytorch() {
    let random = &mut Random::new(2);
    let layer = layer(random);
    let x = random.normal([3, 5], DType::F64);
    let loss = || {
        layer
            .forward(&x, &mut Context::evaluation(&Random::new(0)))
            .sqr()
            .sum(..)
    };
    check::gradcheck(&layer, loss).unwrap();
    let names: Vec<String> = module::entries(&layer).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["bias", "weight_orig", "weight_u", "weight_v"]);
}

/// Compares the output, the gradient by the weight, and u with what PyTorch 2.15 computes in float64 by
///
/// ```python
/// layer.weight, layer.bias = wave(...), wave(...)
/// layer = torch.nn.utils.spectral_norm(layer); layer.weight_u[:], layer.weight_v[:] = of equal numbers, of length 1
/// y = layer(wave(...)); (y * wave(...)).sum().backward()
/// ```
///
/// where `wave` gives sin 1, sin 2, … in a shape.
#[track_caller]
fn assert_divided_as_in_pytorch<L: Layer + Weighted>(layer: L, x: impl Into<Shape>, figures: [&[f64]; 2], u: &[f64]) {
    let layer = SpectralNorm::new(layer, &mut Random::new(0));
    fill_with_waves(&layer);
    for direction in [&layer.weight_u, &layer.weight_v] {
        let size = direction.tensor().count();
        direction.set(&Tensor::full_of(size, 1.0 / (size as f64).sqrt(), DType::F64));
    }
    let cx = &mut Context::training(&Random::new(0));
    assert_as_in_pytorch(layer.kind(), &layer, &wave(x), cx, layer.layer.weight(), figures);
    assert_close("u", &layer.weight_u.tensor(), u);
}

#[test]
fn convolutions_are_divided_as_in_pytorch() {
    let init = &mut Random::new(0);
    let output = [
        1.858739356408466,
        1.2994265266475773,
        -0.27474196018573194,
        0.05072104164141253,
        0.6717312208018418,
        0.8055704206198602,
    ];
    let u = [0.5225971384354025, -0.7329298147966674, 0.4355526575297778];
    let slope = [
        0.5631740614735198,
        0.3748560444185984,
        -0.6017748773434263,
        -0.33420390170254466,
        -0.04205517497343994,
        0.07627442680254792,
        0.13687650813592894,
        -0.19812287144442386,
        -0.635939950215292,
        -0.4697407149090317,
        0.5616884809783245,
        0.6102887630656088,
    ];
    assert_divided_as_in_pytorch(
        Conv1d::new(2, 3, 2, Default::default(), init),
        [1, 2, 3],
        [&output, &slope],
        &u,
    );
    // PyTorch's figures for images of one row are the same.
    assert_divided_as_in_pytorch(
        Conv2d::new(2, 3, [1, 2], Default::default(), init),
        [1, 2, 1, 3],
        [&output, &slope],
        &u,
    );
}

#[test]
fn transposed_convolutions_are_divided_as_in_pytorch() {
    let init = &mut Random::new(0);
    let output = [
        1.4517124185736892,
        1.7351321036638472,
        0.9009666682979709,
        1.0441093808736834,
        0.22560603718895766,
        0.698634290819198,
        -0.5813245621175549,
        -0.1835090928523986,
        0.25695791982218985,
    ];
    let u = [-0.6198865737228153, 0.784012210822916, -0.032641828973760355];
    let slope = [
        1.2473515825257373,
        0.26427338857717925,
        -1.24801403513089,
        -0.28162494667972093,
        1.110937272901805,
        0.8980534981769265,
        -0.20706225270547615,
        -0.2830664446682749,
        0.18472399503486753,
        0.4367764225231623,
        -0.48798668833530584,
        -0.1470509448506923,
    ];
    assert_divided_as_in_pytorch(
        ConvTranspose1d::new(2, 3, 2, Default::default(), init),
        [1, 2, 2],
        [&output, &slope],
        &u,
    );
}

#[test]
fn transposed_convolutions_in_groups_are_divided_as_in_pytorch() {
    let init = &mut Random::new(0);
    let output = [
        0.7352933500697905,
        1.172608403629007,
        1.3733036834603276,
        1.0795673087984572,
        -0.02722666552950706,
        -0.3943662104600315,
        -1.1671046989723775,
        -0.6646907302733917,
    ];
    let u = [0.7585723969534887, 0.6515887649278789];
    let slope = [
        0.39642423085031636,
        0.48607935923535667,
        0.023381001386514062,
        -0.42092695034352634,
        0.514916399334918,
        0.4906654994474585,
        0.09959938667749792,
        -0.4845707971239404,
        -0.05037436707909817,
        0.04302320645173551,
        0.0921149902892741,
        0.14936249087067194,
        0.40227984180400855,
        0.09241956536272328,
        -0.38050101233405037,
        -0.5234340079124589,
    ];
    assert_divided_as_in_pytorch(
        ConvTranspose2d::new(4, 4, [1, 2], ConvTranspose2dOptions::default().groups(2), init),
        [1, 4, 1, 1],
        [&output, &slope],
        &u,
    );
}

#[test]
fn a_transposed_convolution_is_measured_by_its_outputs() {
    // W [in, out, place] = [2, 1, 1]: one row of two numbers, whose singular value is its length, 5.
    let random = &mut Random::new(0);
    let layer = ConvTranspose1d::new(2, 1, 1, Default::default(), random).without_bias();
    layer.weight.set(&Tensor::from([3.0, 4.0]).reshape([2, 1, 1]));
    let layer = SpectralNorm::new(layer, random);
    assert_eq!(
        (layer.weight_u.tensor().shape(), layer.weight_v.tensor().shape()),
        (1.into(), 2.into())
    );
    let weight = layer.weight(&Context::training(random));
    assert_relative_eq!(
        weight.to_vec::<f32>().as_slice(),
        [0.6, 0.8].as_slice(),
        max_relative = 1e-6
    );
}

/// A weight that is one number, w, with u = v = 1.
fn of_one_number(w: f32) -> SpectralNorm<Linear> {
    let random = &mut Random::new(0);
    let layer = SpectralNorm::new(Linear::new(1, 1, random).without_bias(), random);
    layer.layer.weight.set(&Tensor::from([[w]]));
    for direction in [&layer.weight_u, &layer.weight_v] {
        direction.set(&Tensor::from([1.0]));
    }
    layer
}

#[test]
fn lengths_below_eps_are_not_divided_by() {
    let layer = of_one_number(2.0).eps(4.0);
    let weight = layer.weight(&Context::training(&Random::new(0)));
    // v = 2 u / 4, u = 2 v / 4, σ = u · 2 · v = ¼.
    assert_eq!(
        (layer.weight_u.tensor().item(), layer.weight_v.tensor().item()),
        (0.25, 0.5)
    );
    assert_eq!(weight.item(), 8.0);
}

#[test]
fn a_pass_of_three_steps_is_three_passes_of_one() {
    let random = Random::new(2);
    let [thrice, once] = [3, 1].map(|n| {
        let init = &mut random.stream("init");
        SpectralNorm::new(Linear::new(5, 4, init), init).n_power_iterations(n)
    });
    let cx = Context::training(&random);
    let weights = [(); 3].map(|()| once.weight(&cx));
    assert_eq!(thrice.weight(&cx), weights[2]);
    assert_ne!(weights[2], weights[0]);
    assert_eq!(thrice.weight_u.tensor(), once.weight_u.tensor());
    assert_eq!(thrice.weight_v.tensor(), once.weight_v.tensor());
}

#[test]
fn options_without_a_meaning_are_refused() {
    let refusal = |run: fn()| panic_of(run).0;
    assert_eq!(
        refusal(|| drop(of_one_number(1.0).n_power_iterations(0))),
        "SpectralNorm: n_power_iterations is 0, each pass in training takes a step at least"
    );
    assert_eq!(
        refusal(|| drop(of_one_number(1.0).eps(0.0))),
        "SpectralNorm: eps is a normal number of F32 above 0, not 0.0"
    );
}

#[test]
fn u_and_v_have_the_sizes_of_the_matrix() {
    let sizes = |layer: SpectralNorm<ConvTranspose2d>| [&layer.weight_u, &layer.weight_v].map(|x| x.tensor().count());
    let random = &mut Random::new(0);
    let layer = ConvTranspose2d::new(4, 6, [1, 3], ConvTranspose2dOptions::default().groups(2), random);
    // W [in, out / groups, 1, 3] = [4, 3, 1, 3]: a row for each output of a group.
    assert_eq!(sizes(SpectralNorm::new(layer, random)), [3, 12]);
}
