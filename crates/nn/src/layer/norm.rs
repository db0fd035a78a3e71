//! Normalisation layers, with PyTorch's names, defaults and initial values: weights 1, biases 0.

use super::Layer;
use crate::cell::{Buffer, Param};
use crate::context::{Context, Mode};
use crate::module::{Module, Place, Visitor};
use tensor_core::ops::Moments;
use tensor_core::{Shape, ShapeError, Tensor};

const EPS: f64 = 1e-5;

/// What images look like, and how many dimensions that is.
const IMAGES: (&str, usize) = ("[N, C, H, W]", 4);

/// Weight and bias of one shape.
fn affine(shape: impl Into<Shape>) -> (Param, Param) {
    let shape = shape.into();
    (Param::new(Tensor::ones(shape)), Param::new(Tensor::zeros(shape)))
}

/// The refusal of an input that has not `rank` dimensions; `hint` is for those that do not just lack that of the batch.
fn wrong_rank(layer: &'static str, (wanted, rank): (&str, usize), x: Shape, hint: &str) -> ShapeError {
    let error = ShapeError::new(layer, format!("needs an input {wanted}, got {x}"));
    error.hint(match x.rank() + 1 == rank {
        true => "is the batch dimension missing? unsqueeze(0) makes a batch of one",
        false => hint,
    })
}

/// Batch normalisation of channels (Ioffe & Szegedy 2015); see [`Tensor::batch_norm`]. `PLACES` is the number of dimensions behind the channels:
/// [`BatchNorm1d`] and [`BatchNorm2d`] are the two that there are.
///
/// In training, the batch is normalised by its own moments, which move the running ones: running ← (1 - momentum) · running + momentum · batch,
/// with the unbiased variance, Σ (x - mean)² / (n - 1). In evaluation, the running ones are used. Names are PyTorch's: `weight`, `bias`,
/// `running_mean`, `running_var`, `num_batches_tracked`.
///
/// ```
/// use nn::{BatchNorm1d, Context, Layer};
/// use tensor_core::{Random, Tensor};
/// let layer = BatchNorm1d::new(1);
/// let x = Tensor::from([[0.0], [20.0]]);
/// let y = layer.forward(&x, &mut Context::training(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0]);
/// assert_eq!(layer.running_mean.tensor().item(), 1.0); // 0.9 · 0 + 0.1 · 10
/// assert_eq!(layer.running_var.tensor().to_vec::<f32>(), [20.9]); // 0.9 · 1 + 0.1 · 200
/// ```
#[derive(Debug)]
pub struct BatchNorm<const PLACES: usize> {
    /// The factor of each channel, [C].
    pub weight: Param,
    /// What is added to each channel, [C].
    pub bias: Param,
    /// The mean of each channel as it was seen in training, [C].
    pub running_mean: Buffer,
    /// The unbiased variance of each channel as it was seen in training, [C].
    pub running_var: Buffer,
    /// How many batches were seen in training: one U32.
    pub num_batches_tracked: Buffer,
    momentum: f64,
    eps: f64,
    place: Place,
}

/// Batch normalisation of vectors [N, C] or sequences [N, C, L].
pub type BatchNorm1d = BatchNorm<1>;
/// Batch normalisation of images [N, C, H, W].
pub type BatchNorm2d = BatchNorm<2>;

impl<const PLACES: usize> BatchNorm<PLACES> {
    /// A layer for this many channels, with momentum 0.1.
    pub fn new(channels: usize) -> BatchNorm<PLACES> {
        BatchNorm::with_momentum(channels, 0.1)
    }

    /// A layer whose running moments take up this share of each batch's.
    pub fn with_momentum(channels: usize, momentum: f64) -> BatchNorm<PLACES> {
        let (weight, bias) = affine(channels);
        BatchNorm {
            weight,
            bias,
            running_mean: Buffer::new(Tensor::zeros(channels)),
            running_var: Buffer::new(Tensor::ones(channels)),
            num_batches_tracked: Buffer::new(Tensor::from_slice(&[0u32], ())),
            momentum,
            eps: EPS,
            place: Place::default(),
        }
    }

    fn update(&self, batch: &Moments, n: usize) {
        let unbiased = &batch.variance * (n as f64 / (n as f64 - 1.0));
        let moved = |running: &Buffer, batch: &Tensor| {
            running.set(&(running.tensor() * (1.0 - self.momentum) + batch * self.momentum));
        };
        moved(&self.running_mean, &batch.mean);
        moved(&self.running_var, &unbiased);
        let seen = self.num_batches_tracked.tensor().item() as u32;
        self.num_batches_tracked
            .set(&Tensor::from_slice(&[seen.saturating_add(1)], ()));
    }

    const KIND: &str = match PLACES {
        1 => "BatchNorm1d",
        2 => "BatchNorm2d",
        _ => "BatchNorm",
    };

    fn check(x: Shape, mode: Mode) -> Result<(), ShapeError> {
        if x.rank() != PLACES + 2 && !(PLACES == 1 && x.rank() == 2) {
            let (wanted, hint) = match PLACES {
                1 => (("[N, C] or [N, C, L]", 2), "BatchNorm2d takes images"),
                _ => (IMAGES, "BatchNorm1d takes vectors and sequences"),
            };
            return Err(wrong_rank(Self::KIND, wanted, x, hint));
        }
        let per_channel = x[0] * x[2..].iter().product::<usize>();
        if mode == Mode::Training && per_channel < 2 {
            let problem = format!("{per_channel} numbers a channel have no variance to train with, the input is {x}");
            return Err(ShapeError::new(Self::KIND, problem).hint("leave out a last batch of one"));
        }
        Ok(())
    }

    #[track_caller]
    fn normalise(&self, x: &Tensor, mode: Mode) -> Result<Tensor, ShapeError> {
        let (weight, bias) = (self.weight.tensor(), self.bias.tensor());
        if mode == Mode::Evaluation {
            let (mean, variance) = (self.running_mean.tensor(), self.running_var.tensor());
            return x.try_batch_norm_inference(&mean, &variance, Some(&weight), Some(&bias), self.eps);
        }
        let (y, moments) = x.try_batch_norm_with_moments(Some(&weight), Some(&bias), self.eps)?;
        self.update(&moments, x.count() / moments.mean.count());
        Ok(y)
    }
}

impl<const PLACES: usize> Module for BatchNorm<PLACES> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
        v.buffer("running_mean", &self.running_mean);
        v.buffer("running_var", &self.running_var);
        v.buffer("num_batches_tracked", &self.num_batches_tracked);
    }

    fn kind(&self) -> &'static str {
        Self::KIND
    }
}

impl<const PLACES: usize> Layer for BatchNorm<PLACES> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        if let Err(error) = Self::check(x.shape(), cx.mode) {
            error.raise();
        }
        match self.normalise(x, cx.mode) {
            Ok(y) => y,
            Err(error) => error.of("batch_norm").raise(), // one name in both modes, that of the documentation
        }
    }
}

/// Layer normalisation (Ba et al. 2016) over the last dimensions, with `weight` and `bias` of their shape; see [`Tensor::layer_norm`].
///
/// ```
/// use nn::{Context, Layer, LayerNorm};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([[0.0, 2000.0], [-4000.0, 0.0]]);
/// let y = LayerNorm::new([2]).forward(&x, &mut Context::training(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
#[derive(Debug)]
pub struct LayerNorm {
    /// The factor of each place.
    pub weight: Param,
    /// What is added at each place.
    pub bias: Param,
    place: Place,
}

impl LayerNorm {
    /// A layer that normalises over last dimensions of these sizes.
    pub fn new(normalized_shape: impl Into<Shape>) -> LayerNorm {
        let (weight, bias) = affine(normalized_shape);
        LayerNorm {
            weight,
            bias,
            place: Place::default(),
        }
    }
}

impl Module for LayerNorm {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }
}

impl Layer for LayerNorm {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        x.layer_norm(
            self.weight.shape(),
            Some(&self.weight.tensor()),
            Some(&self.bias.tensor()),
            EPS,
        )
    }
}

/// Group normalisation (Wu & He 2018) of x [N, C, …], with `weight` and `bias` [C]; see [`Tensor::group_norm`].
///
/// ```
/// use nn::{Context, GroupNorm, Layer};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([[0.0, 2000.0, -4000.0, 0.0]]);
/// let y = GroupNorm::new(2, 4).forward(&x, &mut Context::training(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
#[derive(Debug)]
pub struct GroupNorm {
    /// The factor of each channel, [C].
    pub weight: Param,
    /// What is added to each channel, [C].
    pub bias: Param,
    groups: usize,
    place: Place,
}

impl GroupNorm {
    /// A layer for this many channels, in so many groups of neighbours.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        let divided = groups > 0 && channels.is_multiple_of(groups);
        assert!(
            divided,
            "GroupNorm: {channels} channels do not make {groups} groups of one size"
        );
        let (weight, bias) = affine(channels);
        GroupNorm {
            weight,
            bias,
            groups,
            place: Place::default(),
        }
    }
}

impl Module for GroupNorm {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }
}

impl Layer for GroupNorm {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        x.group_norm(self.groups, Some(&self.weight.tensor()), Some(&self.bias.tensor()), EPS)
    }
}

/// Instance normalisation (Ulyanov et al. 2016) of images x [N, C, H, W]; see [`Tensor::instance_norm`]. As in PyTorch, there are no weights by default.
///
/// ```
/// use nn::{Context, InstanceNorm2d, Layer};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from_slice(&[0.0f32, 2000.0, -4000.0, 0.0], [1, 2, 1, 2]);
/// let y = InstanceNorm2d::new().forward(&x, &mut Context::training(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
#[derive(Debug, Default)]
pub struct InstanceNorm2d {
    affine: Option<(Param, Param)>,
    place: Place,
}

impl InstanceNorm2d {
    /// A layer without weights, for any number of channels.
    pub fn new() -> InstanceNorm2d {
        InstanceNorm2d::default()
    }

    /// A layer with `weight` and `bias`, one number for each of the channels.
    pub fn with_affine(channels: usize) -> InstanceNorm2d {
        InstanceNorm2d {
            affine: Some(affine(channels)),
            place: Place::default(),
        }
    }
}

impl Module for InstanceNorm2d {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        if let Some((weight, bias)) = &self.affine {
            v.param("weight", weight);
            v.param("bias", bias);
        }
    }
}

impl Layer for InstanceNorm2d {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        if x.rank() != 4 {
            wrong_rank("InstanceNorm2d", IMAGES, x.shape(), "Unflatten makes images of vectors").raise();
        }
        match &self.affine {
            Some((weight, bias)) => x.instance_norm(Some(&weight.tensor()), Some(&bias.tensor()), EPS),
            None => x.instance_norm(None, None, EPS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, module};
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
        assert_gradients(&InstanceNorm2d::with_affine(3), &draws([2, 3, 2, 2]));
    }

    #[test]
    fn names_are_those_of_pytorch() {
        let state = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        assert_eq!(names(&BatchNorm2d::new(2)), state);
        assert_eq!(names(&LayerNorm::new([2])), ["weight", "bias"]);
        assert_eq!(names(&GroupNorm::new(1, 2)), ["weight", "bias"]);
        assert_eq!(names(&InstanceNorm2d::with_affine(2)), ["weight", "bias"]);
        assert!(names(&InstanceNorm2d::new()).is_empty());
    }

    #[test]
    fn running_moments_follow_the_batches_and_evaluation_uses_them() {
        let layer = BatchNorm2d::with_momentum(2, 0.25);
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
        assert!(close(layer.running_mean.tensor().to_vec(), mean));
        assert!(close(layer.running_var.tensor().to_vec(), variance));
        assert_eq!(layer.num_batches_tracked.tensor().item(), 3.0);

        let x = draws([1, 2, 1, 1]);
        let y = layer
            .forward(&x, &mut Context::evaluation(&Random::new(0)))
            .to_vec::<f64>();
        let [x, weight, bias] = [x, layer.weight.tensor(), layer.bias.tensor()].map(|values| values.to_vec::<f64>());
        let wanted = [0, 1].map(|c: usize| (x[c] - mean[c]) / (variance[c] + EPS).sqrt() * weight[c] + bias[c]);
        assert!(close(y, wanted));
        assert_eq!(
            layer.num_batches_tracked.tensor().item(),
            3.0,
            "evaluation changes nothing"
        );
    }

    #[test]
    #[should_panic(expected = "BatchNorm1d: 1 numbers a channel have no variance to train with, the input is [1, 3]")]
    fn a_batch_of_one_vector_cannot_be_trained_with() {
        BatchNorm1d::new(3).forward(&Tensor::zeros([1, 3]), &mut training());
    }

    #[test]
    #[should_panic(expected = "BatchNorm2d: needs an input [N, C, H, W], got [2, 3, 4]")]
    fn images_have_four_dimensions() {
        BatchNorm2d::new(3).forward(&Tensor::zeros([2, 3, 4]), &mut training());
    }
}
