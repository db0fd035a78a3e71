//! Rectifiers: activations that let positive numbers pass and hold negative ones back, sharply (ReLU) or smoothly (SiLU, GELU).

use super::activation::Sigmoid;
use super::elementwise::Map;
use super::function::{Function, SlopeOf, slope};
use super::op::{Grad, OpInfo};
use super::operation;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, PI};

/// g where v is positive, `below` where it is not. Where v is not a number, g passes, as in PyTorch.
#[inline(always)]
fn rectified<L: Lanes>(g: L, v: L, below: L) -> L {
    L::select_gt(v, L::zero(), g, L::select_eq(v, v, below, g))
}

#[derive(Clone, Copy)]
pub(super) struct Relu;
impl Function for Relu {
    const INFO: OpInfo = OpInfo {
        name: "relu",
        formula: "y = max(x, 0)",
        rule: "gx = gy where x > 0, else 0",
    };
    const SLOPE: &'static str = "relu_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.max(L::zero())
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        // The output is positive exactly where the input is. 0 is chosen and not multiplied by, since g may be infinite.
        rectified(g, y, L::zero())
    }

    fn curvature(&self, _: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        Grad::Zero
    }
}

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu {
    pub(super) slope: f64,
}
impl Function for LeakyRelu {
    const INFO: OpInfo = OpInfo {
        name: "leaky_relu",
        formula: "y = x where x > 0, else slope · x",
        rule: "gx = gy where x > 0, else slope · gy",
    };
    const SLOPE: &'static str = "leaky_relu_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        L::select_gt(x, L::zero(), x, x * L::constant(self.slope))
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        L::select_gt(x, L::zero(), g, g * L::constant(self.slope))
    }

    fn curvature(&self, _: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        Grad::Zero
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("slope", self.slope.to_string())]
    }
}

#[derive(Clone, Copy)]
struct Elu {
    alpha: f64,
}
impl Function for Elu {
    const INFO: OpInfo = OpInfo {
        name: "elu",
        formula: "y = x where x > 0, else α (eˣ - 1)",
        rule: "gx = gy where x > 0, else gy · α eˣ",
    };
    const SLOPE: &'static str = "elu_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        L::select_gt(x, L::zero(), x, x.exp_m1() * L::constant(self.alpha))
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        rectified(g, x, g * (L::constant(self.alpha) * x.exp()))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        // 0 where x > 0; below, the slope is its own derivative.
        let below = h().masked_fill(&x.gt(0.0), 0.0);
        slope(*self, &below, x).into()
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("alpha", self.alpha.to_string())]
    }
}

/// The others multiply x by a gate that goes from 0 to 1. Further out than this, the gate is 0 or 1 to the last digit of F64; x stops here in
/// products with what is 0 there, since 0 · ∞ is not a number.
const FAR: f64 = 1000.0;

/// x, but not beyond -[`FAR`].
#[inline(always)]
fn above<L: Lanes>(x: L) -> L {
    x.max(L::constant(-FAR))
}

/// x, but not beyond ±[`FAR`].
#[inline(always)]
fn within<L: Lanes>(x: L) -> L {
    above(x).min(L::constant(FAR))
}

#[derive(Clone, Copy)]
struct Silu;
impl Function for Silu {
    const INFO: OpInfo = OpInfo {
        name: "silu",
        formula: "y = x · σ(x)",
        rule: "gx = gy · σ(x) · (1 + x · (1 - σ(x)))",
    };
    const SLOPE: &'static str = "silu_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        above(x) * x.sigmoid()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        let s = x.sigmoid();
        g * (s * (L::one() + within(x) * (L::one() - s)))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        // σ (1 - σ) (2 + x (1 - 2 σ))
        let s = x.sigmoid();
        let bend = x.clamp(-FAR, FAR) * (1.0 - 2.0 * &s) + 2.0;
        slope(Sigmoid, &(h() * bend), &s).into()
    }
}

#[derive(Clone, Copy)]
struct Gelu;
impl Function for Gelu {
    const INFO: OpInfo = OpInfo {
        name: "gelu",
        formula: "y = x · Φ(x) = x · ½ (1 + erf(x / √2))",
        rule: "gx = gy · (Φ(x) + x · φ(x)), with φ(x) = e^(-x²/2) / √(2π)",
    };
    const SLOPE: &'static str = "gelu_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        above(x) * normal_cdf(x)
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        let x = within(x);
        let density = (x * x * L::constant(-0.5)).exp() * L::constant((0.5 / PI).sqrt());
        g * (normal_cdf(x) + x * density)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        // φ(x) (2 - x²)
        let square = x.clamp(-FAR, FAR).sqr();
        let density = (&square * -0.5).exp() * (0.5 / PI).sqrt();
        (h() * density * (2.0 - square)).into()
    }
}

/// Φ(x) = ½ (1 + erf(x / √2)), the normal distribution, by erfc: it has its digits in the lower tail too.
#[inline(always)]
fn normal_cdf<L: Lanes>(x: L) -> L {
    (x * L::constant(-FRAC_1_SQRT_2)).erfc() * L::constant(0.5)
}

/// The gate is ½ (1 + tanh(w / 2)) = σ(w), with w = 2 √(2/π) (x + 0.044715 x³).
#[derive(Clone, Copy)]
struct GeluTanh;
impl Function for GeluTanh {
    const INFO: OpInfo = OpInfo {
        name: "gelu_tanh",
        formula: "y = x · σ(w), with w = √(8/π) (x + 0.044715 x³)",
        rule: "gx = gy · (σ(w) + x · σ(w) (1 - σ(w)) · dw/dx)",
    };
    const SLOPE: &'static str = "gelu_tanh_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        let w = x + x * x * x * L::constant(GeluTanh::CUBIC);
        above(x) * (w * L::constant(GeluTanh::scale())).sigmoid()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        let x = within(x);
        let square = x * x;
        let (scale, cubic) = (L::constant(GeluTanh::scale()), L::constant(GeluTanh::CUBIC));
        let s = (scale * (x + x * square * cubic)).sigmoid();
        let w_slope = scale * (L::one() + L::constant(3.0) * cubic * square);
        g * (s + x * (s * (L::one() - s) * w_slope))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        // σ (1 - σ) (2 w' + x ((1 - 2 σ) w'² + w''))
        let x = x.clamp(-FAR, FAR);
        let square = x.sqr();
        let (scale, cubic) = (GeluTanh::scale(), GeluTanh::CUBIC);
        let s = (&x * (&square * cubic + 1.0) * scale).sigmoid();
        let w_slope = (square * (3.0 * cubic) + 1.0) * scale;
        let w_curvature = &x * (6.0 * cubic * scale);
        let bend = &w_slope * 2.0 + x * ((1.0 - 2.0 * &s) * w_slope.sqr() + w_curvature);
        slope(Sigmoid, &(h() * bend), &s).into()
    }
}

impl GeluTanh {
    const CUBIC: f64 = 0.044_715;

    fn scale() -> f64 {
        2.0 * FRAC_2_PI.sqrt()
    }
}

/// Rectifiers, element by element. Shape and type (F32, F64) of the input.
impl Tensor {
    operation! {
        /// y = max(x, 0), the rectified linear unit. The derivative at 0 is taken as 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-1.0, 0.0, 2.0]).requires_grad();
        /// assert_eq!(x.relu().to_vec::<f32>(), [0.0, 0.0, 2.0]);
        /// assert_eq!(x.relu().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 1.0]);
        /// ```
        pub fn relu / try_relu(&self) = Map(Relu), |this| [this]
    }

    operation! {
        /// y = x where x > 0, else `slope` · x. The derivative at 0 is taken as `slope`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-10.0, 2.0]).requires_grad();
        /// assert_eq!(x.leaky_relu(0.2).to_vec::<f32>(), [-2.0, 2.0]);
        /// assert_eq!(x.leaky_relu(0.2).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.2, 1.0]);
        /// ```
        pub fn leaky_relu / try_leaky_relu(&self, slope: f64) = Map(LeakyRelu { slope }), |this| [this]
    }

    operation! {
        /// y = x where x > 0, else α (eˣ - 1), the exponential linear unit (Clevert, Unterthiner & Hochreiter 2016). The derivative at 0 is taken as α.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-200.0, 0.0, 2.0]).requires_grad();
        /// assert_eq!(x.elu(0.5).to_vec::<f32>(), [-0.5, 0.0, 2.0]);
        /// assert_eq!(x.elu(0.5).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.5, 1.0]);
        /// ```
        pub fn elu / try_elu(&self, alpha: f64) = Map(Elu { alpha }), |this| [this]
    }

    operation! {
        /// y = x σ(x), the sigmoid linear unit, also called swish (Elfwing, Uchibe & Doya 2018).
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0, 200.0]).requires_grad();
        /// assert_eq!(x.silu().to_vec::<f32>(), [0.0, 200.0]);
        /// assert_eq!(x.silu().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 1.0]);
        /// ```
        pub fn silu / try_silu(&self) = Map(Silu), |this| [this]
    }

    operation! {
        /// y = x Φ(x) = x ½ (1 + erf(x / √2)), the Gaussian error linear unit (Hendrycks & Gimpel 2016): x times the probability that a standard
        /// normal number is smaller. Accurate to a few units in the last place for negative x too, where that probability is small.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0, 200.0]).requires_grad();
        /// assert_eq!(x.gelu().to_vec::<f32>(), [0.0, 200.0]);
        /// assert_eq!(x.gelu().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 1.0]);
        /// ```
        pub fn gelu / try_gelu(&self) = Map(Gelu), |this| [this]
    }

    operation! {
        /// y = x ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), the approximation of [`Tensor::gelu`] that GPT-2 has. PyTorch's `gelu` with
        /// `approximate="tanh"`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0, 200.0]).requires_grad();
        /// assert_eq!(x.gelu_tanh().to_vec::<f32>(), [0.0, 200.0]);
        /// assert_eq!(x.gelu_tanh().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 1.0]);
        /// ```
        pub fn gelu_tanh / try_gelu_tanh(&self) = Map(GeluTanh), |this| [this]
    }
}
