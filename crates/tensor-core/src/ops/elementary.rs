//! Elementary functions: exponential and logarithm, sine and cosine, and the error function.

use super::elementwise::Map;
use super::function::{Function, SlopeOf, slope};
use super::op::{Grad, OpInfo};
use super::operation;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;
use std::f64::consts::FRAC_2_SQRT_PI;

#[derive(Clone, Copy)]
struct Exp;
impl Function for Exp {
    const INFO: OpInfo = OpInfo {
        name: "exp",
        formula: "y = eˣ",
        rule: "gx = gy · y",
    };
    const SLOPE: &'static str = "exp_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.exp()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        g * y
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        h().into()
    }
}

#[derive(Clone, Copy)]
struct Ln;
impl Function for Ln {
    const INFO: OpInfo = OpInfo {
        name: "ln",
        formula: "y = ln x",
        rule: "gx = gy / x",
    };
    const SLOPE: &'static str = "ln_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.ln()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g / x
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        (-(h() / x / x)).into()
    }
}

#[derive(Clone, Copy)]
struct Ln1p;
impl Function for Ln1p {
    const INFO: OpInfo = OpInfo {
        name: "ln_1p",
        formula: "y = ln(1 + x)",
        rule: "gx = gy / (1 + x)",
    };
    const SLOPE: &'static str = "ln_1p_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.ln_1p()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g / (L::one() + x)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        let sum = x + 1.0;
        (-(h() / &sum / sum)).into()
    }
}

#[derive(Clone, Copy)]
struct Sin;
impl Function for Sin {
    const INFO: OpInfo = OpInfo {
        name: "sin",
        formula: "y = sin x",
        rule: "gx = gy · cos x",
    };
    const SLOPE: &'static str = "sin_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.sin()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g * x.cos()
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        (-(h() * x.sin())).into()
    }
}

#[derive(Clone, Copy)]
struct Cos;
impl Function for Cos {
    const INFO: OpInfo = OpInfo {
        name: "cos",
        formula: "y = cos x",
        rule: "gx = -gy · sin x",
    };
    const SLOPE: &'static str = "cos_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.cos()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        -(g * x.sin())
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        (-(h() * x.cos())).into()
    }
}

#[derive(Clone, Copy)]
struct Erf;
impl Function for Erf {
    const INFO: OpInfo = OpInfo {
        name: "erf",
        formula: "y = 2/√π ∫₀ˣ e^-t² dt",
        rule: "gx = gy · 2/√π · e^-x²",
    };
    const SLOPE: &'static str = "erf_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.erf()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g * (L::constant(FRAC_2_SQRT_PI) * (-(x * x)).exp())
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        // Beyond ±100 the slope is 0, and 0 · ∞ would not be a number.
        slope(*self, &(h() * x.clamp(-100.0, 100.0) * -2.0), x).into()
    }
}

/// Elementary functions, element by element. Shape and type (F32, F64) of the input.
impl Tensor {
    operation! {
        /// y = eˣ.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.exp().item(), x.exp().grad(&[&x])[0].item()), (1.0, 1.0));
        /// ```
        pub fn exp / try_exp(&self) = Map(Exp), |this| [this]
    }

    operation! {
        /// y = ln x, the natural logarithm; not a number below 0, minus infinity at 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0]).requires_grad();
        /// assert_eq!((x.ln().item(), x.ln().grad(&[&x])[0].item()), (0.0, 1.0));
        /// ```
        pub fn ln / try_ln(&self) = Map(Ln), |this| [this]
    }

    operation! {
        /// y = ln(1 + x), accurate for small x too; not a number below -1, minus infinity at -1. PyTorch's `log1p`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1e-30]).requires_grad();
        /// assert_eq!((x.ln_1p().item(), x.ln_1p().grad(&[&x])[0].item()), (f64::from(1e-30f32), 1.0));
        /// ```
        pub fn ln_1p / try_ln_1p(&self) = Map(Ln1p), |this| [this]
    }

    operation! {
        /// y = sin x, for x in radians.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.sin().item(), x.sin().grad(&[&x])[0].item()), (0.0, 1.0));
        /// ```
        pub fn sin / try_sin(&self) = Map(Sin), |this| [this]
    }

    operation! {
        /// y = cos x, for x in radians.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.cos().item(), x.cos().grad(&[&x])[0].item()), (1.0, 0.0));
        /// ```
        pub fn cos / try_cos(&self) = Map(Cos), |this| [this]
    }

    operation! {
        /// y = erf x = 2/√π ∫₀ˣ e^-t² dt, the error function. P(|z| < x) for a normal z with variance ½; the normal distribution is ½ (1 + erf(x / √2)).
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0, 1e9]).requires_grad();
        /// assert_eq!(x.erf().to_vec::<f32>(), [0.0, 1.0]);
        /// assert_eq!(x.erf().sum(..).grad(&[&x])[0].to_vec::<f32>(), [std::f32::consts::FRAC_2_SQRT_PI, 0.0]);
        /// ```
        pub fn erf / try_erf(&self) = Map(Erf), |this| [this]
    }
}
