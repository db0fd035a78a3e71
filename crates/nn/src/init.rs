//! How weights start: the schemes of PyTorch's `nn.init`, for weights [out, in, …].

use tensor_core::{DType, Random, Shape, Tensor};

/// A distribution for initial weights [out, in, …]. `fan_in` is the number of inputs of one output: all sizes but the first, multiplied. `fan_out` is the number
/// of outputs of one input: all sizes but the second. U(-b, b) has the standard deviation b / √3.
///
/// ```
/// use nn::Init;
/// use tensor_core::Random;
/// let spread = |init: Init| {
///     let w = init.weight([100, 400].into(), &mut Random::new(0)); // fan_in 400, fan_out 100
///     (w.sqr().mean(..).item().sqrt(), w.abs().max(..).item())
/// };
/// // Standard deviations, within 2 % (40,000 draws), and largest magnitudes.
/// let near = |found: f64, wanted: f64| (found / wanted - 1.0).abs() < 0.02;
/// let (std, largest) = spread(Init::PyTorch);
/// assert!(near(std, 0.05 / 3f64.sqrt()) && near(largest, 0.05)); // 1 / √400
/// let (std, largest) = spread(Init::XavierUniform);
/// assert!(near(std, 0.0632) && near(largest, 0.1095)); // √(2 / 500) and √(6 / 500)
/// assert!(near(spread(Init::KaimingNormal).0, 0.0707)); // √(2 / 400)
/// assert!(near(spread(Init::Normal { std: 0.02 }).0, 0.02));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// PyTorch's default for Linear and Conv: U(-b, b) with b = 1 / √fan_in, or 0 where there is no input.
    PyTorch,
    /// Glorot & Bengio (2010): U(-b, b) with b = √(6 / (fan_in + fan_out)).
    XavierUniform,
    /// Glorot & Bengio (2010): N(0, 2 / (fan_in + fan_out)).
    XavierNormal,
    /// He et al. (2015), for ReLU: U(-b, b) with b = √(6 / fan_in).
    KaimingUniform,
    /// He et al. (2015), for ReLU: N(0, 2 / fan_in).
    KaimingNormal,
    /// N(0, std²).
    Normal {
        /// The standard deviation.
        std: f64,
    },
}

impl Init {
    /// Weights of this shape, [out, in, …], as F32.
    ///
    /// ```
    /// use nn::Init;
    /// use tensor_core::{Random, Shape};
    /// let w = Init::PyTorch.weight([400, 784].into(), &mut Random::new(0));
    /// assert!(w.to_vec::<f32>().iter().all(|w| w.abs() <= 1.0 / 28.0));
    /// ```
    ///
    /// # Panics
    /// If the shape has fewer than two dimensions.
    #[track_caller]
    pub fn weight(self, shape: Shape, random: &mut Random) -> Tensor {
        assert!(
            shape.rank() >= 2,
            "a weight has at least two dimensions [out, in], this one is {shape}"
        );
        let fan_in = shape[1..].iter().product::<usize>() as f64;
        let fan_out = (shape[0] * shape[2..].iter().product::<usize>()) as f64;
        match self {
            Init::PyTorch => uniform(shape, pytorch_bound(fan_in), random),
            Init::XavierUniform => uniform(shape, (6.0 / (fan_in + fan_out)).sqrt(), random),
            Init::XavierNormal => normal(shape, (2.0 / (fan_in + fan_out)).sqrt(), random),
            Init::KaimingUniform => uniform(shape, (6.0 / fan_in).sqrt(), random),
            Init::KaimingNormal => normal(shape, (2.0 / fan_in).sqrt(), random),
            Init::Normal { std } => normal(shape, std, random),
        }
    }

    /// The bias \[out\] that goes with a weight of `fan_in` inputs, as F32: PyTorch draws it like the weight, the other schemes start at 0.
    ///
    /// ```
    /// use nn::Init;
    /// use tensor_core::Random;
    /// let random = &mut Random::new(0);
    /// assert!(Init::PyTorch.bias(100, 25, random).abs().max(..).item() <= 0.2); // 1 / √25
    /// assert_eq!(Init::KaimingNormal.bias(3, 25, random).to_vec::<f32>(), [0.0; 3]);
    /// ```
    pub fn bias(self, outputs: usize, fan_in: usize, random: &mut Random) -> Tensor {
        match self {
            Init::PyTorch => uniform(outputs.into(), pytorch_bound(fan_in as f64), random),
            _ => Tensor::zeros(outputs),
        }
    }
}

/// The bound of PyTorch's default.
fn pytorch_bound(fan_in: f64) -> f64 {
    if fan_in > 0.0 { 1.0 / fan_in.sqrt() } else { 0.0 }
}

/// U(-bound, bound).
fn uniform(shape: Shape, bound: f64, random: &mut Random) -> Tensor {
    (random.uniform(shape, DType::F32) * 2.0 - 1.0) * bound
}

/// N(0, std²).
fn normal(shape: Shape, std: f64, random: &mut Random) -> Tensor {
    random.normal(shape, DType::F32) * std
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, variance and largest magnitude of many draws.
    fn moments(init: Init) -> (f64, f64, f64) {
        let weight = init.weight([300, 200].into(), &mut Random::new(5));
        let values = weight.to_vec::<f32>();
        let n = values.len() as f64;
        let mean = values.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
        let variance = values.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / n;
        (
            mean,
            variance,
            values.iter().fold(0.0, |m, &w| m.max(f64::from(w.abs()))),
        )
    }

    #[test]
    fn the_moments_are_those_of_the_papers() {
        // The variance of U(-b, b) is b² / 3.
        let cases: [(Init, f64, Option<f64>); 6] = [
            (Init::PyTorch, 1.0 / 200.0 / 3.0, Some((1.0f64 / 200.0).sqrt())),
            (Init::XavierUniform, 6.0 / 500.0 / 3.0, Some((6.0f64 / 500.0).sqrt())),
            (Init::XavierNormal, 2.0 / 500.0, None),
            (Init::KaimingUniform, 6.0 / 200.0 / 3.0, Some((6.0f64 / 200.0).sqrt())),
            (Init::KaimingNormal, 2.0 / 200.0, None),
            (Init::Normal { std: 0.02 }, 0.0004, None),
        ];
        for (init, variance, bound) in cases {
            let (mean, found, largest) = moments(init);
            // 60,000 draws: the mean is within 5 standard errors, the variance within 3 %.
            assert!(mean.abs() < 5.0 * (variance / 60_000.0).sqrt(), "{init:?}: mean {mean}");
            assert!(
                (found / variance - 1.0).abs() < 0.03,
                "{init:?}: variance {found}, not {variance}"
            );
            if let Some(bound) = bound {
                assert!(
                    largest <= bound && largest > 0.999 * bound,
                    "{init:?}: largest {largest}, bound {bound}"
                );
            }
        }
    }

    #[test]
    fn biases_follow_the_scheme() {
        let mut random = Random::new(1);
        let bias = Init::PyTorch.bias(1000, 25, &mut random).to_vec::<f32>();
        assert!(bias.iter().all(|b| b.abs() <= 0.2) && bias.iter().any(|b| b.abs() > 0.19));
        assert_eq!(Init::PyTorch.bias(3, 0, &mut random), Tensor::zeros([3]), "no input");
        assert_eq!(Init::KaimingNormal.bias(3, 25, &mut random), Tensor::zeros([3]));
    }
}
