//! Binary cross entropy, in one pass: from logits, because the detour by way of probabilities loses digits, and from probabilities.

use super::elementwise::{Elementwise, Map};
use super::op::{Grads, Keeps, OpInfo, Saved};
use super::operation;
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

/// y = max(l, 0) - t · l + ln(1 + e^-|l|). In this order nothing is lost where l is large and t is 0 or 1.
struct BceWithLogits;
impl Elementwise<2> for BceWithLogits {
    const INFO: OpInfo = OpInfo {
        name: "bce_with_logits",
        formula: "y = -t ln σ(l) - (1 - t) ln(1 - σ(l)) = max(l, 0) - t · l + ln(1 + e^-|l|)",
        rule: "gl = gy · (σ(l) - t), gt = -gy · l",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [logit, target]: [L; 2]) -> L {
        (logit.max(L::zero()) - target * logit) + (-logit.abs()).softplus()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| inputs[0].softplus() - &inputs[1] * &inputs[0])
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        let (logits, targets) = (saved.input(0), saved.input(1));
        Some(grads![
            saved
                .wants(0)
                .then(|| super::apply(Map(BceSlope), &[gy, logits, targets])),
            saved.wants(1).then(|| -(gy * logits)),
        ])
    }
}

/// y = g · (σ(l) - t): the slope of the loss in one pass.
struct BceSlope;
impl Elementwise<3> for BceSlope {
    const INFO: OpInfo = OpInfo {
        name: "bce_slope",
        formula: "y = g · (σ(l) - t)",
        rule: "gg = gy · (σ(l) - t), gl = gy · g · σ(l) (1 - σ(l)), gt = -gy · g",
    };
    const KEEPS: Keeps = Keeps::all_inputs();

    #[inline(always)]
    fn value<L: Lanes>(&self, [g, logit, target]: [L; 3]) -> L {
        g * (logit.sigmoid() - target)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| &inputs[0] * (inputs[1].sigmoid() - &inputs[2]))
    }
}

/// The logarithms stop at -100, so that a probability of 0 costs much, but not ∞.
const LOWEST_LOG: f64 = -100.0;

/// The divisor p (1 - p) of the slope stops at 10⁻¹², for the same reason.
const LEAST_VARIANCE: f64 = 1e-12;

struct Bce;
impl Elementwise<2> for Bce {
    const INFO: OpInfo = OpInfo {
        name: "bce",
        formula: "y = -t · max(ln p, -100) - (1 - t) · max(ln(1 - p), -100)",
        rule: "gp = gy · (p - t) / max(p (1 - p), 10⁻¹²), gt = gy · (max(ln(1 - p), -100) - max(ln p, -100))",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [p, t]: [L; 2]) -> L {
        let lowest = L::constant(LOWEST_LOG);
        (t - L::one()) * (-p).ln_1p().max(lowest) - t * p.ln().max(lowest)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (p, t) = (saved.input(0), saved.input(1));
        let log = |x: Tensor| x.clamp(LOWEST_LOG, f64::INFINITY);
        grads![
            saved
                .wants(0)
                .then(|| super::apply(Map(BceProbabilitySlope), &[gy, p, t])),
            saved.wants(1).then(|| gy * (log((-p).ln_1p()) - log(p.ln()))),
        ]
    }
}

/// y = g · (p - t) / max(p (1 - p), 10⁻¹²), as in PyTorch: not the slope of the formula above where that is held, but one that points to the target.
struct BceProbabilitySlope;
impl Elementwise<3> for BceProbabilitySlope {
    const INFO: OpInfo = OpInfo {
        name: "bce_probability_slope",
        formula: "y = g · (p - t) / max(p (1 - p), 10⁻¹²)",
        rule: "that of the same, made of single operations",
    };
    const KEEPS: Keeps = Keeps::all_inputs();

    #[inline(always)]
    fn value<L: Lanes>(&self, [g, p, t]: [L; 3]) -> L {
        g * (p - t) / (p * (L::one() - p)).max(L::constant(LEAST_VARIANCE))
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| {
            let [g, p, t] = inputs else {
                unreachable!("the operation has three inputs")
            };
            g * (p - t) / (p * (1.0 - p)).clamp(LEAST_VARIANCE, f64::INFINITY)
        })
    }
}

impl Tensor {
    operation! {
        /// Binary cross entropy of targets t in [0, 1] under these probabilities p, element by element, in nats: y = -t ln p - (1 - t) ln(1 - p). As in
        /// PyTorch, the logarithms stop at -100, and the divisor p (1 - p) of the gradient at 10⁻¹². Where the probabilities come from logits,
        /// [`Tensor::bce_with_logits`] is more accurate.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let p = Tensor::from([0.5, 0.0]).requires_grad();
        /// let loss = p.bce(&Tensor::from([1.0, 1.0]));
        /// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2, 100.0]);
        /// assert_eq!(loss.sum(..).grad(&[&p])[0].to_vec::<f32>(), [-2.0, -1e12]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast or the types differ.
        pub fn bce / try_bce(&self, targets: &Tensor) = Map(Bce), |this| [this, targets]
    }

    operation! {
        /// Binary cross entropy of targets t in [0, 1] under the probabilities σ(l) that these logits stand for, element by element, in nats:
        /// y = -t ln σ(l) - (1 - t) ln(1 - σ(l)), computed as max(l, 0) - t · l + ln(1 + e^-|l|), which is finite for every finite logit. Sum it over
        /// the dimensions of a sample, average it over the batch.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let logits = Tensor::from([0.0, 200.0]).requires_grad();
        /// let loss = logits.bce_with_logits(&Tensor::from([1.0, 1.0]));
        /// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2, 0.0]);
        /// assert_eq!(loss.sum(..).grad(&[&logits])[0].to_vec::<f32>(), [-0.5, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast or the types differ.
        pub fn bce_with_logits / try_bce_with_logits(&self, targets: &Tensor) = Map(BceWithLogits), |this| [this, targets]
    }
}
