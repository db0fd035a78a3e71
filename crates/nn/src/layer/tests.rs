//! What layers say about themselves: in errors, to observers, and printed.

use crate::testing::panic_of;
use crate::*;
use tensor_core::autograd::observe::{Recorder, observe};
use tensor_core::ops::{Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions};
use tensor_core::{Random, Tensor};

/// A model that is a struct, with a layer of each kind that is not in a [`Sequential`].
#[derive(Debug)]
struct Net {
    table: Embedding,
    conv: Conv2d,
    norm: BatchNorm2d,
    groups: GroupNorm,
    instance: InstanceNorm2d,
    body: Sequential,
    lstm: LSTM,
    gru: GRU,
    layer_norm: LayerNorm,
    bounded: SpectralNorm<Linear>,
    head: Linear,
}

impl Module for Net {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("table", &self.table);
        v.module("conv", &self.conv);
        v.module("norm", &self.norm);
        v.module("groups", &self.groups);
        v.module("instance", &self.instance);
        v.module("body", &self.body);
        v.module("lstm", &self.lstm);
        v.module("gru", &self.gru);
        v.module("layer_norm", &self.layer_norm);
        v.module("bounded", &self.bounded);
        v.module("head", &self.head);
    }
}

impl Net {
    fn new() -> Net {
        let init = &mut Random::new(0);
        let inner = Sequential::new().with(Linear::new(2, 2, init)).with(Tanh);
        Net {
            table: Embedding::new(5, 4, init),
            conv: Conv2d::new(1, 2, 1, Conv2dOptions::default(), init),
            norm: BatchNorm2d::new(2),
            groups: GroupNorm::new(1, 2),
            instance: InstanceNorm2d::new(),
            body: Sequential::new().with(Flatten).with(Unflatten::new([4, 2])).with(inner),
            lstm: LSTM::new(2, 3, init),
            gru: GRU::new(3, 2, init),
            layer_norm: LayerNorm::new([2]),
            bounded: SpectralNorm::new(Linear::new(2, 2, init), init),
            head: Linear::new(2, 1, init),
        }
    }

    fn forward(&self, words: &Tensor, cx: &mut Context) -> Tensor {
        let x = self.table.forward(words, cx).reshape([2, 1, 2, 2]);
        let x = self.norm.forward(&self.conv.forward(&x, cx), cx);
        let x = self.instance.forward(&self.groups.forward(&x, cx), cx);
        let x = self.body.forward(&x, cx);
        let (x, _) = self.lstm.forward(&x, None);
        let (x, _) = self.gru.forward(&x, None);
        let x = self.layer_norm.forward(&x, cx);
        self.head.forward(&self.bounded.forward(&x, cx), cx)
    }
}

fn evaluation() -> Context {
    Context::evaluation(&Random::new(0))
}

fn training() -> Context {
    Context::training(&Random::new(0))
}

/// The scopes of a run, each once, in the order in which they were first open.
fn scopes(run: impl FnOnce() -> Tensor) -> Vec<String> {
    let (_, recorder) = observe(Recorder::default(), run);
    let mut scopes = Vec::new();
    for operation in recorder.operations() {
        let scope = operation.scope.as_deref().unwrap_or("(none)").to_owned();
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

#[test]
fn the_layers_of_a_struct_have_scopes_once_they_are_named() {
    let net = Net::new();
    let words = Tensor::from_slice(&[3u32, 1], [2]);
    let unnamed = scopes(|| net.forward(&words, &mut training()));
    assert_eq!(unnamed, ["(none)", "0", "1", "2.0", "2.1"]);
    module::name(&net);
    let named = scopes(|| net.forward(&words, &mut training()));
    let body = ["body.0", "body.1", "body.2.0", "body.2.1"];
    let before = ["table", "(none)", "conv", "norm", "groups", "instance"];
    let after = ["lstm", "gru", "layer_norm", "bounded", "head"];
    assert_eq!(named, [&before[..], &body, &after].concat());
    let summary = Summary::of_run(&net, || net.forward(&words, &mut training()));
    for row in summary.rows {
        assert!(row.output.is_some(), "{} has no shape", row.name);
    }
}

#[test]
fn an_error_in_a_layer_of_a_struct_names_it() {
    let net = Net::new();
    module::name(&net);
    let mut cx = evaluation();
    let (line, (message, _)) = (line!(), panic_of(|| net.head.forward(&Tensor::zeros([4, 3]), &mut cx)));
    assert_eq!(
        message,
        format!(
            "linear: input [4, 3] has 3 features, weight [1, 2] takes 2\n  at {}:{line}:63, in head",
            file!()
        )
    );
    let (line, (message, _)) = (line!(), panic_of(|| net.lstm.forward(&Tensor::zeros([2, 4, 4]), None)));
    assert_eq!(
        message,
        format!(
            "lstm: input [2, 4, 4] has 4 features, weight_ih [12, 2] takes 2\n  at {}:{line}:63, in lstm",
            file!()
        )
    );
    let (line, (message, _)) = (line!(), panic_of(|| net.gru.forward(&Tensor::zeros([4, 3]), None)));
    assert_eq!(
        message,
        format!(
            "gru: needs an input [batch, time, feature], got [4, 3]\n  at {}:{line}:62, in gru\n  \
             hint: is the batch dimension missing? unsqueeze(0) makes a batch of one",
            file!()
        )
    );
    let word = Tensor::from_slice(&[7u32], [1]);
    let (line, (message, _)) = (line!(), panic_of(|| net.table.forward(&word, &mut cx)));
    let place = format!("\n  at {}:{line}:64, in table", file!());
    assert!(
        message.starts_with("embedding: ") && message.contains(&place),
        "{message}"
    );
}

#[test]
fn a_part_that_was_never_named_counts_from_the_scope_that_is_open() {
    let init = &mut Random::new(0);
    let inner = Sequential::new().with(Linear::new(4, 2, init));
    let outer = Sequential::new().with(ReLU).with(ReLU).with(ReLU).with(inner);
    let (message, _) = panic_of(|| outer.forward(&Tensor::zeros([2, 3]), &mut evaluation()));
    assert!(message.contains(", in 3.0"), "{message}");
}

/// A layer of each kind with an input that it refuses, and what it says.
fn refusals() -> Vec<(Box<dyn Layer>, Tensor, &'static str)> {
    fn zeros<const N: usize>(shape: [usize; N]) -> Tensor {
        Tensor::zeros(shape)
    }
    let init = &mut Random::new(0);
    let (conv1d, conv2d) = (Conv1dOptions::default(), Conv2dOptions::default());
    let (up1d, up2d) = (ConvTranspose1dOptions::default(), ConvTranspose2dOptions::default());
    let bounded = SpectralNorm::new(Linear::new(4, 3, init), init);
    let bounded_conv = SpectralNorm::new(ConvTranspose2d::new(4, 3, 3, up2d, init), init);
    let mut refusals: Vec<(Box<dyn Layer>, Tensor, &'static str)> = vec![
        (Box::new(Linear::new(4, 3, init)), zeros([2, 5]), "linear: "),
        (Box::new(bounded), zeros([2, 5]), "linear: "),
        (Box::new(bounded_conv), zeros([2, 5, 8, 8]), "conv_transpose2d: "),
        (Box::new(Embedding::new(4, 3, init)), zeros([2, 5]), "embedding: "),
        (
            Box::new(Conv1d::new(4, 3, 3, conv1d, init)),
            zeros([2, 5, 8]),
            "conv1d: ",
        ),
        (
            Box::new(Conv2d::new(4, 3, 3, conv2d, init)),
            zeros([2, 5, 8, 8]),
            "conv2d: ",
        ),
        (
            Box::new(ConvTranspose1d::new(4, 3, 3, up1d, init)),
            zeros([2, 5, 8]),
            "conv_transpose1d: ",
        ),
        (
            Box::new(ConvTranspose2d::new(4, 3, 3, up2d, init)),
            zeros([2, 5, 8, 8]),
            "conv_transpose2d: ",
        ),
        (Box::new(BatchNorm1d::new(4)), zeros([2, 5]), "BatchNorm1d: "),
        (Box::new(BatchNorm1d::new(4)), zeros([2, 4, 8, 8]), "BatchNorm1d: "),
        (Box::new(BatchNorm2d::new(4)), zeros([2, 16]), "BatchNorm2d: "),
        (Box::new(LayerNorm::new([4])), zeros([2, 5]), "layer_norm: "),
        (Box::new(GroupNorm::new(2, 4)), zeros([2, 6]), "GroupNorm: "),
        (
            Box::new(GroupNorm::new(2, 4).without_affine()),
            zeros([2, 6]),
            "GroupNorm: ",
        ),
        (Box::new(InstanceNorm1d::new()), zeros([4, 8]), "InstanceNorm1d: "),
        (
            Box::new(InstanceNorm1d::with_affine(4)),
            zeros([2, 5, 8]),
            "instance_norm: ",
        ),
        (Box::new(InstanceNorm2d::new()), zeros([4, 8, 8]), "InstanceNorm2d: "),
        (Box::new(MaxPool1d::new(2)), zeros([2, 5]), "max_pool1d: "),
        (Box::new(MaxPool2d::new(2)), zeros([2, 5]), "max_pool2d: "),
        (Box::new(AvgPool1d::new(2)), zeros([2, 5]), "avg_pool1d: "),
        (Box::new(AvgPool2d::new(2)), zeros([2, 5]), "avg_pool2d: "),
        (Box::new(Upsample::new(2)), zeros([2, 5]), "Upsample: "),
        (Box::new(Flatten), zeros([]), "flatten: "),
        (Box::new(Unflatten::new([3, 4])), zeros([2, 5]), "unflatten: "),
        (
            Box::new(Dropout::new(0.5)),
            Tensor::from_slice(&[1u32], [1]),
            "mul_scalar: ",
        ),
    ];
    for activation in Activation::ALL {
        refusals.push((activation.layer(), Tensor::from_slice(&[1u32], [1]), ""));
    }
    refusals
}

/// In both modes.
#[test]
fn every_layer_refuses_an_input_at_the_line_of_the_model_and_in_its_scope() {
    let mut wrong = Vec::new();
    for cx in [&mut training(), &mut evaluation()] {
        for (layer, x, operation) in refusals() {
            let kind = layer.kind();
            if kind == "Dropout" && cx.mode == Mode::Evaluation {
                continue; // nothing is done to the input
            }
            let net = Sequential::new().with(Sequential::new().with(layer));
            let (line, (message, at)) = (line!(), panic_of(|| net.forward(&x, cx)));
            let place = format!("\n  at {}:{line}:", file!());
            let told = message.contains(&place) && message.contains(", in 0.0");
            if !(message.starts_with(operation) && told && at == (file!().to_owned(), line)) {
                wrong.push(format!("{kind} {:?}: {at:?} {message}", cx.mode));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The message without the place.
fn refusal(layer: &dyn Layer, x: &Tensor, cx: &mut Context) -> String {
    let (message, _) = panic_of(|| layer.forward(x, cx));
    let lines: Vec<&str> = message.lines().filter(|line| !line.starts_with("  at ")).collect();
    lines.join("\n")
}

#[test]
fn norms_say_what_they_take() {
    let (vectors, images) = (BatchNorm1d::new(16), BatchNorm2d::new(16));
    let x = Tensor::zeros([2, 8, 4, 4]);
    assert_eq!(
        refusal(&images, &x, &mut training()),
        "BatchNorm2d: made for 16 channels, the input [2, 8, 4, 4] has 8"
    );
    assert_eq!(
        refusal(&images, &Tensor::zeros([2, 16]), &mut evaluation()),
        "BatchNorm2d: needs an input [N, C, H, W], got [2, 16]\n  hint: BatchNorm1d takes vectors and sequences"
    );
    assert_eq!(
        refusal(&images, &Tensor::zeros([16, 4, 4]), &mut evaluation()),
        "BatchNorm2d: needs an input [N, C, H, W], got [16, 4, 4]\n  \
         hint: is the batch dimension missing? unsqueeze(0) makes a batch of one"
    );
    assert_eq!(
        refusal(&vectors, &x, &mut evaluation()),
        "BatchNorm1d: needs an input [N, C] or [N, C, L], got [2, 8, 4, 4]\n  hint: BatchNorm2d takes images"
    );
    assert_eq!(
        refusal(&vectors, &Tensor::zeros([1, 16]), &mut training()),
        "BatchNorm1d: 1 numbers a channel have no variance to divide by, the input is [1, 16]\n  \
         hint: leave out a last batch of one"
    );
    let groups = GroupNorm::new(2, 4).without_affine();
    assert_eq!(
        refusal(&groups, &Tensor::zeros([2, 6]), &mut evaluation()),
        "GroupNorm: made for 4 channels, the input [2, 6] has 6"
    );
    assert_eq!(
        refusal(&groups, &Tensor::zeros([4]), &mut evaluation()),
        "GroupNorm: needs an input [N, C, …], got [4]\n  \
         hint: is the batch dimension missing? unsqueeze(0) makes a batch of one"
    );
    assert_eq!(
        refusal(&groups, &Tensor::zeros([]), &mut evaluation()),
        "GroupNorm: needs an input [N, C, …], got []\n  hint: a single number has no channels"
    );
    let untracked = BatchNorm1d::new(16).without_running_moments();
    assert_eq!(
        refusal(&untracked, &Tensor::zeros([1, 16]), &mut evaluation()),
        refusal(&vectors, &Tensor::zeros([1, 16]), &mut training())
    );
    // PyTorch: "Expected more than 1 spatial element when training", and without running statistics in evaluation too.
    for cx in [&mut training(), &mut evaluation()] {
        assert_eq!(
            refusal(&InstanceNorm2d::new(), &Tensor::zeros([2, 16, 1, 1]), cx),
            "InstanceNorm2d: expected more than 1 place in a channel, the input is [2, 16, 1, 1]\n  \
             hint: a single number becomes 0, whatever it is"
        );
    }
    assert_eq!(
        refusal(&InstanceNorm1d::new(), &Tensor::zeros([2, 16, 4, 4]), &mut evaluation()),
        "InstanceNorm1d: needs an input [N, C, L], got [2, 16, 4, 4]\n  hint: InstanceNorm2d takes images"
    );
    assert_eq!(
        refusal(&InstanceNorm2d::new(), &Tensor::zeros([2, 16]), &mut evaluation()),
        "InstanceNorm2d: needs an input [N, C, H, W], got [2, 16]\n  hint: Unflatten makes images of vectors"
    );
}

#[test]
fn upsampling_says_what_it_takes() {
    assert_eq!(
        refusal(&Upsample::new([1, 2]), &Tensor::zeros([2, 5, 8]), &mut evaluation()),
        "Upsample: scales 1 and 2 are for images, got sequences [2, 5, 8]\n  hint: one number is a scale for both"
    );
    assert_eq!(
        refusal(&Upsample::new(2), &Tensor::zeros([5]), &mut evaluation()),
        "Upsample: needs an input [N, C, L] or [N, C, H, W], got [5]\n  hint: Unflatten makes images of vectors"
    );
}

#[test]
fn shapes_are_changed_under_the_name_of_the_layer() {
    assert_eq!(
        refusal(&Unflatten::new([3, 4]), &Tensor::zeros([2, 5]), &mut evaluation()),
        "unflatten: [3, 4] do not make up dimension 1 of [2, 5], which has 5 places"
    );
    let message = refusal(&Flatten, &Tensor::zeros([]), &mut evaluation());
    assert!(message.starts_with("flatten: "), "{message}");
    let y = Flatten.forward(&Tensor::zeros([3]), &mut evaluation());
    assert_eq!(y.shape(), [3, 1], "samples of one number");
}

#[test]
fn norms_of_batches_have_the_kind_of_their_input() {
    let norms = Sequential::new().with(BatchNorm1d::new(2)).with(BatchNorm1d::new(2));
    let kinds = |summary: Summary| summary.rows.iter().map(|row| row.kind).collect::<Vec<_>>();
    assert_eq!(
        kinds(Summary::of(&norms, [2, 2])),
        ["Sequential", "BatchNorm1d", "BatchNorm1d"]
    );
    assert_eq!(kinds(Summary::of(&BatchNorm2d::new(2), [2, 2, 1, 1])), ["BatchNorm2d"]);
    assert_eq!(
        kinds(Summary::of(&InstanceNorm1d::new(), [2, 2, 3])),
        ["InstanceNorm1d"]
    );
}

#[test]
fn a_model_can_derive_debug() {
    let net = Net::new();
    module::name(&net);
    assert_eq!(
        format!("{:?}", net.head),
        "Linear { weight: Param(head.weight, F32 [1, 2]), bias: Some(Param(head.bias, F32 [1])), place: Place(head) }"
    );
    assert_eq!(
        format!("{:?}", net.body),
        "Sequential [Flatten, Unflatten, Sequential(0.weight F32 [2, 2], 0.bias F32 [2])]"
    );
    let norm = format!("{:?}", net.norm);
    assert!(
        norm.contains("running: Some(RunningMoments { mean: Buffer(F32 [2])"),
        "{norm}"
    );
    let all = format!("{net:?}");
    assert!(
        all.starts_with("Net { table: Embedding { weight: Param(table.weight, F32 [5, 4])"),
        "{all}"
    );
    let sgd = Sgd::new(module::params(&net.head), SgdConfig::default());
    let wanted = "Sgd { params: [Param(head.weight, F32 [1, 2]), Param(head.bias, F32 [1])], config: SgdConfig {";
    assert!(format!("{sgd:?}").starts_with(wanted), "{sgd:?}");
}
