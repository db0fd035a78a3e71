//! Dropout.

use super::Layer;
use crate::context::{Context, Mode};
use tensor_core::Tensor;

/// Srivastava et al. (2014), inverted: in training each number becomes 0 with probability `p`, and the others are divided by 1 - p, so that the mean
/// stays. Otherwise nothing changes. The draws are those of [`Context::dropout`]. Any shape, F32 or F64.
///
/// ```
/// use nn::{Context, Dropout, Layer, Noise};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
/// let dropout = Dropout::new(0.5);
/// let dropped = Noise::given([Tensor::from([0.7, 0.2, 0.5])]); // what is less than p drops its number
/// let mut cx = Context { dropout: dropped, ..Context::training(&Random::new(0)) };
/// let y = dropout.forward(&x, &mut cx);
/// assert_eq!(y.to_vec::<f32>(), [2.0, 0.0, 6.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [2.0, 0.0, 2.0]);
/// assert_eq!(dropout.forward(&x, &mut Context::evaluation(&Random::new(0))), x);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dropout {
    /// The probability to drop a number.
    pub p: f64,
}

impl Dropout {
    /// With this probability to drop a number.
    ///
    /// # Panics
    /// If it is not between 0 and 1.
    #[track_caller]
    pub fn new(p: f64) -> Dropout {
        assert!((0.0..=1.0).contains(&p), "dropout: {p} is no probability");
        Dropout { p }
    }
}

has_no_parts!(Dropout);

impl Layer for Dropout {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        if cx.mode == Mode::Evaluation || self.p == 0.0 {
            return x.clone();
        }
        let kept = cx.dropout.uniform(x.shape(), x.dtype()).ge(self.p).to_dtype(x.dtype());
        // Where everything is dropped, there is nothing left to make larger.
        let scale = if self.p < 1.0 { 1.0 / (1.0 - self.p) } else { 0.0 };
        x * (kept * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Noise;
    use tensor_core::{DType, Random};

    #[test]
    fn the_mean_stays_and_the_share_is_right() {
        let x = Tensor::ones([200, 500]).requires_grad();
        let mut cx = Context::training(&Random::new(4));
        let y = Dropout::new(0.3).forward(&x, &mut cx);
        let values = y.to_vec::<f32>();
        let scaled = 1.0 / 0.7f32;
        assert!(values.iter().all(|&y| y == 0.0 || (y - scaled).abs() < 1e-6));
        // 100,000 draws: the share is within 5 standard deviations, 5 · √(0.3 · 0.7 / n).
        let dropped = values.iter().filter(|&&y| y == 0.0).count() as f64 / values.len() as f64;
        assert!((dropped - 0.3).abs() < 0.0073, "{dropped}");
        // The gradient goes where the number went.
        assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), values);
    }

    #[test]
    fn nothing_and_everything_can_be_dropped() {
        let random = Random::new(1);
        let x = Tensor::from([1.0, -2.0]).requires_grad();
        let mut cx = Context::training(&random);
        assert_eq!(Dropout::new(0.0).forward(&x, &mut cx), x);
        let unused = Context::training(&random).dropout.normal([3], DType::F32);
        assert_eq!(cx.dropout.normal([3], DType::F32), unused, "p = 0 draws nothing");
        let y = Dropout::new(1.0).forward(&x, &mut cx);
        assert_eq!(y, Tensor::zeros([2]));
        assert_eq!(y.sum(..).grad(&[&x])[0], Tensor::zeros([2]));
    }

    #[test]
    fn what_is_dropped_changes_no_noise_of_the_model() {
        let random = Random::new(3);
        let x = Tensor::ones([4]);
        let mut cx = Context::training(&random);
        Dropout::new(0.5).forward(&x, &mut cx);
        let wanted = Context::training(&random).noise.normal([4], DType::F32);
        assert_eq!(cx.noise.normal([4], DType::F32), wanted);

        // The noise of another program, with dropout in the model.
        let noise = Noise::given([x.clone()]);
        let mut cx = Context {
            noise,
            ..Context::training(&random)
        };
        Dropout::new(0.5).forward(&x, &mut cx);
        assert_eq!(cx.noise.normal_like(&x), x);
    }

    #[test]
    #[should_panic(expected = "dropout: 1.5 is no probability")]
    fn a_probability_is_at_most_one() {
        Dropout::new(1.5);
    }
}
