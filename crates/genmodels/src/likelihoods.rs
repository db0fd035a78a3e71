//! Log densities and divergences, in nats, one number for each sample of the batch: sums over a sample's dimensions are taken here, means
//! over the batch by the model.

use nn::loss::bce_with_logits;
use std::f64::consts::TAU;
use tensor_core::Tensor;

/// ln p(x) under independent Bernoulli variables with success probabilities σ(logits): x and logits \[B, D\], the result \[B\].
///
/// For grey values between 0 and 1 this is no likelihood, but what most published VAEs report all the same; it then has a ceiling
/// below 0 (the entropy of the pixels). Kingma & Welling (2014), appendix C.1, eq. (11).
///
/// ```
/// use genmodels::likelihoods::bernoulli_log_prob;
/// use tensor_core::Tensor;
/// let x = Tensor::from([[1.0, 0.0]]);
/// let log_p = bernoulli_log_prob(&Tensor::from([[0.0, 0.0]]), &x);
/// assert_eq!(log_p.to_vec::<f32>(), [-2.0 * std::f32::consts::LN_2]); // two fair coins
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn bernoulli_log_prob(logits: &Tensor, x: &Tensor) -> Tensor {
    -bce_with_logits(logits, x).sum(1)
}

/// ln N(x; μ, σ² I) = -½ Σ (ln 2π + ln σ² + (x - μ)² / σ²): μ, ln σ² and x \[B, D\], the result \[B\]. Kingma & Welling (2014), appendix C.2.
///
/// ```
/// use genmodels::likelihoods::gaussian_log_prob;
/// use tensor_core::Tensor;
/// let (mu, log_var) = (Tensor::from([[1.0, 2.0]]).requires_grad(), Tensor::from([[0.0, 0.0]]));
/// let log_p = gaussian_log_prob(&mu, &log_var, &Tensor::from([[1.0, 5.0]]));
/// assert_eq!(log_p.to_vec::<f32>(), [-std::f32::consts::TAU.ln() - 4.5]); // - 3² / 2
/// assert_eq!(log_p.grad(&[&mu])[0].to_vec::<f32>(), [0.0, 3.0]); // (x - μ) / σ²
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn gaussian_log_prob(mu: &Tensor, log_var: &Tensor, x: &Tensor) -> Tensor {
    let (m, v, s) = (mu.shape(), log_var.shape(), x.shape());
    assert!(
        m == s && v == s,
        "gaussian_log_prob: the mean has shape {m}, the logarithm of the variance has {v}, the sample has {s}"
    );
    let squares = (x - mu).sqr() * (-log_var).exp();
    -0.5 * (log_var + squares + TAU.ln()).sum(1)
}

/// KL(N(μ, σ² I) || N(0, I)) = ½ Σ (μ² + σ² - 1 - ln σ²), exactly 0 at μ = 0, ln σ² = 0: μ and ln σ² \[B, Z\], the result \[B\].
/// Kingma & Welling (2014), appendix B.
///
/// ```
/// use genmodels::likelihoods::kl_to_standard_normal;
/// use tensor_core::Tensor;
/// let kl = kl_to_standard_normal(&Tensor::from([[0.0, 2.0]]), &Tensor::from([[0.0, 0.0]]));
/// assert_eq!(kl.to_vec::<f32>(), [2.0]); // μ² / 2
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn kl_to_standard_normal(mu: &Tensor, log_var: &Tensor) -> Tensor {
    let (m, v) = (mu.shape(), log_var.shape());
    assert_eq!(
        m, v,
        "kl_to_standard_normal: the mean has shape {m}, the logarithm of the variance has {v}"
    );
    0.5 * (mu.sqr() + log_var.exp() - 1.0 - log_var).sum(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use tensor_core::{DType, Random};

    fn draw(stream: &str, sizes: [usize; 2]) -> Tensor {
        Random::new(1).stream(stream).normal(sizes, DType::F64)
    }

    #[test]
    fn bernoulli_is_the_sum_of_its_logarithms() {
        let (logits, x) = (draw("logits", [3, 5]), draw("x", [3, 5]).sigmoid());
        let p = logits.sigmoid();
        let by_definition = (&x * p.ln() + (1.0 - &x) * (1.0 - &p).ln()).sum(1);
        assert_relative_eq!(bernoulli_log_prob(&logits, &x), by_definition, max_relative = 1e-12);
    }

    #[test]
    #[should_panic(expected = "bce_with_logits: the prediction has shape [4, 3], the target has [3]")]
    fn a_batch_is_not_compared_with_one_image() {
        bernoulli_log_prob(&Tensor::zeros([4, 3]), &Tensor::zeros([3]));
    }

    #[test]
    fn gaussian_is_the_logarithm_of_the_product_of_its_densities() {
        let (mu, log_var, x) = (draw("mu", [3, 5]), draw("log_var", [3, 5]), draw("x", [3, 5]));
        let [m, v, s] = [&mu, &log_var, &x].map(Tensor::to_vec::<f64>);
        let density = |i: usize| {
            let sigma = v[i].exp().sqrt();
            (-0.5 * ((s[i] - m[i]) / sigma).powi(2)).exp() / (sigma * TAU.sqrt())
        };
        let row = |row: usize| (5 * row..5 * row + 5).map(density).product::<f64>().ln();
        let by_definition = Tensor::from_slice(&[0, 1, 2].map(row), [3]);
        assert_relative_eq!(
            gaussian_log_prob(&mu, &log_var, &x),
            by_definition,
            max_relative = 1e-12
        );
    }

    #[test]
    #[should_panic(
        expected = "the mean has shape [5], the logarithm of the variance has [3, 5], the sample has [3, 5]"
    )]
    fn a_mean_is_not_shared_by_a_batch() {
        gaussian_log_prob(&Tensor::zeros(5), &Tensor::zeros([3, 5]), &Tensor::zeros([3, 5]));
    }

    #[test]
    fn kl_is_the_mean_log_ratio_under_q() {
        let (mu, log_var) = (draw("mu", [1, 2]), draw("log_var", [1, 2]));
        let eps = Random::new(2).normal([200_000, 2], DType::F64);
        let z = &mu + (0.5 * &log_var).exp() * &eps;
        // ln q(z) - ln p(z): the constants cancel.
        let log_ratio = (0.5 * (z.sqr() - eps.sqr()) - 0.5 * &log_var).sum(1);
        let (mean, n) = (log_ratio.mean(..), 200_000.0);
        let standard_error = ((log_ratio - &mean).sqr().mean(..).item() / n).sqrt();
        let kl = kl_to_standard_normal(&mu, &log_var).item();
        assert!(
            (kl - mean.item()).abs() < 4.0 * standard_error,
            "{kl} and {mean} +- {standard_error}"
        );
    }
}
