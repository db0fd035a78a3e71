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
    /// What dropout drops, from a stream of its own: a layer more or less changes no draw of the model.
    pub dropout: Noise,
}

impl Context {
    /// For a training step. The streams are derived from `random`, by their names.
    ///
    /// The same `random` gives the same draws: in a loop, each step takes its own by [`Random::at`]. With `Context::training(&random)` inside the loop, dropout
    /// would drop the same numbers, and a VAE draw the same noise, in each step.
    ///
    /// ```
    /// use nn::{Context, Dropout, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let random = Random::new(0);
    /// let dropout = Dropout::new(0.5);
    /// let dropped = |cx: &mut Context| dropout.forward(&Tensor::ones([100]), cx).to_vec::<f32>();
    /// let mut seen = Vec::new();
    /// for step in 0..3 {
    ///     let mut cx = Context::training(&random.at(step));
    ///     seen.push(dropped(&mut cx));
    /// }
    /// assert!(seen[0] != seen[1] && seen[1] != seen[2]);
    /// assert_eq!(seen[1], dropped(&mut Context::training(&random.at(1)))); // from the seed and the step alone
    /// ```
    pub fn training(random: &Random) -> Context {
        Context::new(Mode::Training, random)
    }

    /// For evaluation or sampling. The streams are derived from `random`, by their names.
    pub fn evaluation(random: &Random) -> Context {
        Context::new(Mode::Evaluation, random)
    }

    fn new(mode: Mode, random: &Random) -> Context {
        Context {
            mode,
            noise: Noise::drawn(random.stream("noise")),
            dropout: Noise::drawn(random.stream("dropout")),
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
    ///
    /// ```
    /// use nn::Noise;
    /// use tensor_core::{DType, Random};
    /// let mut noise = Noise::drawn(Random::new(7));
    /// assert_eq!(noise.normal([3], DType::F32), Random::new(7).normal([3], DType::F32));
    /// ```
    pub fn drawn(random: Random) -> Noise {
        Noise(Source::Drawn(random))
    }

    /// These tensors, one for each draw, in order.
    ///
    /// ```
    /// use nn::{Context, Noise};
    /// use tensor_core::{DType, Random, Tensor};
    /// let noise = Noise::given([Tensor::from([0.5, -1.0])]);
    /// let mut cx = Context { noise, ..Context::training(&Random::new(0)) };
    /// assert_eq!(cx.noise.normal([2], DType::F32).to_vec::<f32>(), [0.5, -1.0]);
    /// ```
    pub fn given(draws: impl IntoIterator<Item = Tensor>) -> Noise {
        Noise(Source::Given(draws.into_iter().collect()))
    }

    /// Standard normal draws: N(0, 1). Draws of F64 are those of F32, widened.
    ///
    /// ```
    /// use tensor_core::{DType, Random};
    /// let draws = nn::Noise::drawn(Random::new(7)).normal([10_000], DType::F64);
    /// assert!(draws.mean(..).item().abs() < 0.05); // 5 standard errors, 5 / √10,000
    /// assert!((draws.sqr().mean(..).item() - 1.0).abs() < 0.071); // 5 · √(2 / 10,000)
    /// ```
    ///
    /// # Panics
    /// If the noise is given, and the next tensor has another shape or there is none.
    #[track_caller]
    pub fn normal(&mut self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        self.draw(shape.into(), dtype, Random::normal)
    }

    /// Uniform draws from [0, 1).
    ///
    /// ```
    /// use tensor_core::{DType, Random};
    /// let draws = nn::Noise::drawn(Random::new(7)).uniform([10_000], DType::F64);
    /// assert!(draws.min(..).item() >= 0.0 && draws.max(..).item() < 1.0);
    /// assert!((draws.mean(..).item() - 0.5).abs() < 0.015); // 5 standard errors, 5 / √(12 · 10,000)
    /// ```
    ///
    /// # Panics
    /// As [`Noise::normal`].
    #[track_caller]
    pub fn uniform(&mut self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        self.draw(shape.into(), dtype, Random::uniform)
    }

    #[track_caller]
    fn draw(&mut self, shape: Shape, dtype: DType, from: fn(&mut Random, Shape, DType) -> Tensor) -> Tensor {
        match &mut self.0 {
            Source::Drawn(random) => from(random, shape, dtype),
            Source::Given(draws) => {
                let draw = draws.pop_front().expect("noise: all given draws are used up");
                let given = draw.shape();
                assert!(
                    given == shape,
                    "noise: the given draw has shape {given}, asked for is {shape}"
                );
                draw.to_dtype(dtype)
            }
        }
    }

    /// Standard normal draws in the shape and type of another tensor, as for the ε of z = μ + σ ε.
    ///
    /// ```
    /// use nn::Noise;
    /// use tensor_core::Tensor;
    /// let (mu, sigma) = (Tensor::from([1.0]).requires_grad(), Tensor::from([2.0]).requires_grad());
    /// let z = &mu + &sigma * Noise::given([Tensor::from([-0.5])]).normal_like(&mu);
    /// assert_eq!(z.item(), 0.0);
    /// let slopes = z.sum(..).grad(&[&mu, &sigma]);
    /// assert_eq!([slopes[0].item(), slopes[1].item()], [1.0, -0.5]); // 1 and ε
    /// ```
    ///
    /// # Panics
    /// As [`Noise::normal`].
    #[track_caller]
    pub fn normal_like(&mut self, like: &Tensor) -> Tensor {
        self.normal(like.shape(), like.dtype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "noise: the given draw has shape [2], asked for is [3]")]
    fn a_given_draw_of_another_shape_is_refused() {
        Noise::given([Tensor::zeros([2])]).normal([3], DType::F32);
    }
}
