//! What a forward pass is told besides its input: whether it trains, and where its random numbers come from.

use std::collections::VecDeque;
use tensor_core::{DType, Random, Shape, Tensor};

/// Whether layers that differ between the two are training or being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Parameters are being trained.
    Training,
    /// The model is evaluated or sampled from.
    Evaluation,
}

/// Handed to every forward pass. There is no hidden mode and no hidden generator: forgetting to switch either is impossible.
///
/// A clone repeats the same draws, which is what a gradient check needs.
#[derive(Clone, Debug)]
pub struct Context {
    /// Training or evaluation.
    pub mode: Mode,
    /// The noise of the model: eps of a VAE, z of a GAN.
    pub noise: Noise,
}

impl Context {
    /// For a training step. The streams are derived from `random`, by their names.
    pub fn training(random: &Random) -> Context {
        Context {
            mode: Mode::Training,
            noise: Noise::drawn(random.stream("noise")),
        }
    }

    /// For evaluation or sampling. The streams are derived from `random`, by their names.
    pub fn evaluation(random: &Random) -> Context {
        Context {
            mode: Mode::Evaluation,
            noise: Noise::drawn(random.stream("noise")),
        }
    }
}

/// Where a model's noise comes from: drawn, or given, so that a computation can be repeated with the noise of another program.
#[derive(Clone, Debug)]
pub struct Noise(Source);

#[derive(Clone, Debug)]
enum Source {
    Drawn(Random),
    Given(VecDeque<Tensor>),
}

impl Noise {
    /// Noise from a stream of random numbers.
    pub fn drawn(random: Random) -> Noise {
        Noise(Source::Drawn(random))
    }

    /// These tensors, one for each draw, in order.
    ///
    /// ```
    /// use nn::{Context, Mode, Noise};
    /// use tensor_core::{DType, Tensor};
    /// let noise = Noise::given([Tensor::from([0.5, -1.0])]);
    /// let mut cx = Context { mode: Mode::Training, noise };
    /// assert_eq!(cx.noise.normal([2], DType::F32).to_vec::<f32>(), [0.5, -1.0]);
    /// ```
    pub fn given(draws: impl IntoIterator<Item = Tensor>) -> Noise {
        Noise(Source::Given(draws.into_iter().collect()))
    }

    /// Standard normal draws: N(0, 1).
    ///
    /// # Panics
    /// If the noise is given, and the next tensor has another shape or there is none.
    #[track_caller]
    pub fn normal(&mut self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        let shape = shape.into();
        match &mut self.0 {
            Source::Drawn(random) => random.normal(shape, dtype),
            Source::Given(draws) => {
                let draw = draws.pop_front().expect("noise: all given draws are used up");
                assert_eq!(
                    draw.shape(),
                    shape,
                    "noise: the given draw has another shape than the one that is asked for"
                );
                draw.to_dtype(dtype)
            }
        }
    }

    /// Standard normal draws in the shape and type of another tensor.
    ///
    /// # Panics
    /// As [`Noise::normal`].
    #[track_caller]
    pub fn normal_like(&mut self, like: &Tensor) -> Tensor {
        self.normal(like.shape(), like.dtype())
    }
}
