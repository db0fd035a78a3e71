//! Layers and models as modules: their `visit` shows each parameter that they read.

use genmodels::{Model, catalogue};
use nn::check::visits_everything;
use nn::{
    Activation, BatchNorm1d, BatchNorm2d, Context, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Embedding, GRU,
    GroupNorm, InstanceNorm1d, InstanceNorm2d, LSTM, Layer, LayerNorm, Linear, Module, Sequential, SpectralNorm,
};
use tensor_core::{DType, Random, Shape, Tensor};

fn input(shape: impl Into<Shape>) -> Tensor {
    Random::new(2).uniform(shape, DType::F32)
}

/// Every layer that has parameters or parts, and the activations, with an input that each takes.
fn layers() -> Vec<(Box<dyn Layer>, Tensor)> {
    let init = &mut Random::new(1);
    let inner = Sequential::new().with(Linear::new(3, 4, init)).with(nn::Tanh);
    let nested = Sequential::new().with(inner).with(Linear::new(4, 2, init));
    let mut layers: Vec<(Box<dyn Layer>, Tensor)> = vec![
        (Box::new(nested), input([5, 3])),
        (Box::new(Linear::new(3, 4, init)), input([5, 3])),
        (Box::new(Linear::new(3, 4, init).without_bias()), input([5, 3])),
        (
            Box::new(Conv1d::new(2, 3, 3, Default::default(), init)),
            input([1, 2, 8]),
        ),
        (
            Box::new(Conv2d::new(2, 3, 3, Default::default(), init)),
            input([1, 2, 8, 8]),
        ),
        (
            Box::new(Conv2d::new(2, 3, 3, Default::default(), init).without_bias()),
            input([1, 2, 8, 8]),
        ),
        (
            Box::new(ConvTranspose1d::new(2, 3, 3, Default::default(), init)),
            input([1, 2, 8]),
        ),
        (
            Box::new(ConvTranspose2d::new(2, 3, 3, Default::default(), init)),
            input([1, 2, 8, 8]),
        ),
        (Box::new(BatchNorm1d::new(3)), input([5, 3])),
        (Box::new(BatchNorm2d::new(3)), input([5, 3, 2, 2])),
        (Box::new(LayerNorm::new([3, 2])), input([5, 3, 2])),
        (Box::new(GroupNorm::new(2, 4)), input([5, 4, 3])),
        (Box::new(BatchNorm1d::new(3).without_running_moments()), input([5, 3])),
        (Box::new(BatchNorm1d::new(3).without_affine()), input([5, 3])),
        (Box::new(LayerNorm::new(3).without_bias()), input([5, 3])),
        (Box::new(LayerNorm::new(3).without_affine()), input([5, 3])),
        (Box::new(GroupNorm::new(2, 4).without_affine()), input([5, 4, 3])),
        (Box::new(InstanceNorm1d::new()), input([5, 3, 2])),
        (Box::new(InstanceNorm1d::with_affine(3)), input([5, 3, 2])),
        (Box::new(InstanceNorm2d::with_affine(3)), input([5, 3, 2, 2])),
        (Box::new(Embedding::new(5, 3, init)), Tensor::from_slice(&[4u32, 0], 2)),
    ];
    layers.extend(bounded(init));
    let activations = Activation::ALL.map(|activation| (activation.layer(), input([5, 3])));
    layers.extend(activations);
    layers
}

/// What can have its weight divided by its largest singular value.
fn bounded(init: &mut Random) -> [(Box<dyn Layer>, Tensor); 6] {
    let linear = Linear::new(3, 4, init);
    let bare = Linear::new(3, 4, init).without_bias();
    let conv1d = Conv1d::new(2, 3, 3, Default::default(), init);
    let conv2d = Conv2d::new(2, 3, 3, Default::default(), init);
    let up1d = ConvTranspose1d::new(2, 3, 3, Default::default(), init);
    let up2d = ConvTranspose2d::new(2, 3, 3, Default::default(), init);
    [
        (Box::new(SpectralNorm::new(linear, init)), input([5, 3])),
        (Box::new(SpectralNorm::new(bare, init)), input([5, 3])),
        (Box::new(SpectralNorm::new(conv1d, init)), input([1, 2, 8])),
        (Box::new(SpectralNorm::new(conv2d, init)), input([1, 2, 8, 8])),
        (Box::new(SpectralNorm::new(up1d, init)), input([1, 2, 8])),
        (Box::new(SpectralNorm::new(up2d, init)), input([1, 2, 8, 8])),
    ]
}

#[test]
fn each_layer_shows_every_parameter_that_it_reads() {
    for (layer, x) in layers() {
        let cx = Context::training(&Random::new(3));
        let result = visits_everything(&layer, || layer.forward(&x, &mut cx.clone()));
        assert_eq!(result, Ok(()), "{}", layer.kind());
    }
}

#[test]
fn so_does_each_module_whose_input_or_output_is_no_layers() {
    let init = &mut Random::new(1);
    let steps = input([2, 5, 3]);
    for lstm in [LSTM::new(3, 4, init), LSTM::new(3, 4, init).without_bias()] {
        assert_eq!(visits_everything(&lstm, || lstm.forward(&steps, None)), Ok(()));
    }
    for gru in [GRU::new(3, 4, init), GRU::new(3, 4, init).without_bias()] {
        assert_eq!(visits_everything(&gru, || gru.forward(&steps, None)), Ok(()));
    }
}

#[test]
fn each_model_shows_every_parameter_that_it_reads() {
    for entry in catalogue() {
        let model: Box<dyn Model> = entry.build(&entry.defaults(), 6, &mut Random::new(1)).unwrap();
        let mut optimisers = model.optimisers();
        let x = input([5, 6]);
        let cx = Context::training(&Random::new(3));
        let step = || model.train_step(&x, &mut optimisers, &mut cx.clone());
        assert_eq!(visits_everything(&model, step), Ok(()), "{}", entry.name);
    }
}
