//! Normalisation of each channel over the batch.

use super::{EPS, affine, affine_option, check_channels, eps_option};
use crate::cell::{Buffer, Param, value_of};
use crate::context::{Context, Mode};
use crate::layer::{IMAGES, Layer, VECTORS_AND_SEQUENCES};
use crate::module::{Module, Place, Visitor};
use tensor_core::ops::Moments;
use tensor_core::{Shape, ShapeError, Tensor};

/// Batch normalisation of channels (Ioffe & Szegedy 2015); see [`Tensor::batch_norm`]. `PLACES` is the number of dimensions behind the channels:
/// [`BatchNorm1d`] and [`BatchNorm2d`] are the two that there are.
///
/// In training, the batch is normalised by its own moments, which move the running ones. In evaluation, the running ones are used, or the batch's where
/// none are kept. Names are PyTorch's: `weight`, `bias`, `running_mean`, `running_var`, `num_batches_tracked`.
///
/// ```
/// use nn::{BatchNorm1d, Context, Layer, module};
/// use tensor_core::{Random, Tensor};
/// let random = Random::new(0);
/// let layer = BatchNorm1d::new(1);
/// let x = Tensor::from([[0.0], [20.0]]);
/// let y = layer.forward(&x, &mut Context::training(&random));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0]);
/// let (_, gradients) = (y * Tensor::from([[1.0], [3.0]])).sum(..).value_and_grad(module::params(&layer));
/// assert_eq!(gradients.get(layer.weight.as_ref().unwrap()).unwrap().item(), 2.0); // -1 · 1 + 1 · 3
/// assert_eq!(gradients.get(layer.bias.as_ref().unwrap()).unwrap().item(), 4.0); // 1 + 3
///
/// let running = layer.running.as_ref().unwrap();
/// assert_eq!(running.mean.tensor().item(), 1.0); // 0.9 · 0 + 0.1 · 10
/// assert_eq!(running.variance.tensor().to_vec::<f32>(), [20.9]); // 0.9 · 1 + 0.1 · 200
/// running.variance.set(&Tensor::from([4.0]));
/// let y = layer.forward(&x, &mut Context::evaluation(&random));
/// assert!((y.narrow(0, 1, 1).item() - 9.5).abs() < 1e-4); // (20 - 1) / 2
/// ```
///
/// # Panics
/// At the caller's line, if the input has another number of dimensions or channels, or if the batch's moments are needed and there is one number a
/// channel, or none.
#[derive(Debug)]
pub struct BatchNorm<const PLACES: usize> {
    /// The factor of each channel, \[C\], if there is one.
    pub weight: Option<Param>,
    /// What is added to each channel, \[C\], if there is something.
    pub bias: Option<Param>,
    /// What training saw of the channels, if that is kept.
    pub running: Option<RunningMoments>,
    channels: usize,
    /// The part of a batch's moments in the running ones. `None`: all batches have the same.
    momentum: Option<f64>,
    eps: f64,
    place: Place,
}

/// Batch normalisation of vectors [N, C] or sequences [N, C, L].
pub type BatchNorm1d = BatchNorm<1>;
/// Batch normalisation of images [N, C, H, W].
pub type BatchNorm2d = BatchNorm<2>;

/// The moments of each channel as training saw them: m ← (1 - momentum) · m + momentum · batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct RunningMoments {
    /// The mean, \[C\], from 0: PyTorch's `running_mean`.
    pub mean: Buffer,
    /// The unbiased variance Σ (x - mean)² / (n - 1), \[C\], from 1: PyTorch's `running_var`.
    pub variance: Buffer,
    /// How many batches were seen, one U32: PyTorch's `num_batches_tracked`.
    pub batches: Buffer,
}

impl RunningMoments {
    fn new(channels: usize) -> RunningMoments {
        RunningMoments {
            mean: Buffer::new(Tensor::zeros(channels)),
            variance: Buffer::new(Tensor::ones(channels)),
            batches: Buffer::new(Tensor::from_slice(&[0u32], ())),
        }
    }

    /// Takes in the moments of a batch of `n` numbers a channel.
    fn update(&self, batch: &Moments, n: usize, momentum: Option<f64>) {
        let batches = (self.batches.tensor().item() as u32).saturating_add(1);
        let momentum = momentum.unwrap_or(1.0 / f64::from(batches));
        let moved = |running: &Buffer, batch: &Tensor| {
            running.set(&(running.tensor() * (1.0 - momentum) + batch * momentum));
        };
        let unbiased = &batch.variance * (n as f64 / (n as f64 - 1.0));
        moved(&self.mean, &batch.mean);
        moved(&self.variance, &unbiased);
        self.batches.set(&Tensor::from_slice(&[batches], ()));
    }
}

impl<const PLACES: usize> BatchNorm<PLACES> {
    /// A layer for this many channels, with momentum 0.1. That `PLACES` is 1 or 2, the compiler sees to:
    ///
    /// ```compile_fail,E0080
    /// nn::BatchNorm::<3>::new(4);
    /// ```
    pub fn new(channels: usize) -> BatchNorm<PLACES> {
        const { assert!(PLACES == 1 || PLACES == 2, "there are BatchNorm1d and BatchNorm2d") }
        let [weight, bias] = affine(channels);
        BatchNorm {
            weight,
            bias,
            running: Some(RunningMoments::new(channels)),
            channels,
            momentum: Some(0.1),
            eps: EPS,
            place: Place::default(),
        }
    }

    /// The same with running moments that take up this part of each batch's. It is PyTorch's convention: what others call momentum is the part that stays.
    ///
    /// # Panics
    /// If it is not between 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> BatchNorm<PLACES> {
        let kind = Self::KIND;
        assert!(
            (0.0..=1.0).contains(&momentum),
            "{kind}: the momentum is between 0 and 1, not {momentum}"
        );
        BatchNorm {
            momentum: Some(momentum),
            ..self
        }
    }

    /// The same with running moments that are the means over all batches: PyTorch's `momentum=None`.
    #[must_use]
    pub fn cumulative(self) -> BatchNorm<PLACES> {
        BatchNorm { momentum: None, ..self }
    }

    /// The same without running moments, so that evaluation uses the batch's own as training does: PyTorch's `track_running_stats=False`.
    #[must_use]
    pub fn without_running_moments(self) -> BatchNorm<PLACES> {
        BatchNorm { running: None, ..self }
    }

    eps_option!(Self::KIND);
    affine_option!();

    const KIND: &str = match PLACES == 1 {
        true => "BatchNorm1d",
        false => "BatchNorm2d",
    };

    fn check(&self, x: Shape, mode: Mode) -> Result<(), ShapeError> {
        match PLACES == 1 {
            true => VECTORS_AND_SEQUENCES.check(Self::KIND, x, "BatchNorm2d takes images")?,
            false => IMAGES.check(Self::KIND, x, "BatchNorm1d takes vectors and sequences")?,
        }
        check_channels(Self::KIND, self.channels, x)?;
        let n = numbers_a_channel(x);
        if n < 2 && (mode == Mode::Training || self.running.is_none()) {
            let problem = format!("{n} numbers a channel have no variance to divide by, the input is {x}");
            return Err(ShapeError::new(Self::KIND, problem).hint("leave out a last batch of one"));
        }
        Ok(())
    }
}

/// How many numbers of x [N, C, …] each channel has.
fn numbers_a_channel(x: Shape) -> usize {
    x[0] * x[2..].iter().product::<usize>()
}

impl<const PLACES: usize> Module for BatchNorm<PLACES> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
        if let Some(running) = &self.running {
            v.buffer("running_mean", &running.mean);
            v.buffer("running_var", &running.variance);
            v.buffer("num_batches_tracked", &running.batches);
        }
    }

    fn kind(&self) -> &'static str {
        Self::KIND
    }
}

impl<const PLACES: usize> Layer for BatchNorm<PLACES> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        if let Err(error) = self.check(x.shape(), cx.mode) {
            error.raise();
        }
        let (weight, bias) = (value_of(&self.weight), value_of(&self.bias));
        let (weight, bias) = (weight.as_ref(), bias.as_ref());
        match (&self.running, cx.mode) {
            (Some(running), Mode::Evaluation) => {
                let (mean, variance) = (running.mean.tensor(), running.variance.tensor());
                x.batch_norm_inference(&mean, &variance, weight, bias, self.eps)
            }
            (Some(running), Mode::Training) => {
                let (y, moments) = x.batch_norm_with_moments(weight, bias, self.eps);
                running.update(&moments, numbers_a_channel(x.shape()), self.momentum);
                y
            }
            (None, _) => x.batch_norm(weight, bias, self.eps),
        }
    }
}
