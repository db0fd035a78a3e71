//! Activations that are smooth steps, tanh and the logistic function, and the latter's integral and logarithm.

use super::elementwise::Map;
use super::function::{Function, SlopeOf, slope};
use super::op::{Grad, OpInfo};
use super::operation;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

#[derive(Clone, Copy)]
pub(super) struct Tanh;
impl Function for Tanh {
    const INFO: OpInfo = OpInfo {
        name: "tanh",
        formula: "y = tanh x",
        rule: "gx = gy · (1 - y²)",
    };
    const SLOPE: &'static str = "tanh_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.tanh()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        // Where |y| is near 1, its difference from 1 is exact; that of y² is not.
        g * ((L::one() - y) * (L::one() + y))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, y: &Tensor) -> Grad {
        (h() * y * -2.0).into()
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;
impl Function for Sigmoid {
    const INFO: OpInfo = OpInfo {
        name: "sigmoid",
        formula: "y = 1 / (1 + e⁻ˣ)",
        rule: "gx = gy · y · (1 - y)",
    };
    const SLOPE: &'static str = "sigmoid_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.sigmoid()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        g * (y * (L::one() - y))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, y: &Tensor) -> Grad {
        (h() * (1.0 - y * 2.0)).into()
    }
}

#[derive(Clone, Copy)]
struct Softplus;
impl Function for Softplus {
    const INFO: OpInfo = OpInfo {
        name: "softplus",
        formula: "y = ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|)",
        rule: "gx = gy · sigmoid(x)",
    };
    const SLOPE: &'static str = "softplus_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.softplus()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g * x.sigmoid()
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        slope(Sigmoid, &h(), &x.sigmoid()).into()
    }
}

#[derive(Clone, Copy)]
struct LogSigmoid;
impl Function for LogSigmoid {
    const INFO: OpInfo = OpInfo {
        name: "log_sigmoid",
        formula: "y = ln σ(x) = min(x, 0) - ln(1 + e^-|x|)",
        rule: "gx = gy · σ(-x)",
    };
    const SLOPE: &'static str = "log_sigmoid_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        -(-x).softplus()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g * (-x).sigmoid()
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        (-slope(Sigmoid, &h(), &(-x).sigmoid())).into()
    }
}

/// Activations, element by element. Shape and type (F32, F64) of the input.
impl Tensor {
    operation! {
        /// y = tanh x = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ).
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.tanh().item(), x.tanh().grad(&[&x])[0].item()), (0.0, 1.0));
        /// ```
        pub fn tanh / try_tanh(&self) = Map(Tanh), |this| [this]
    }

    operation! {
        /// y = 1 / (1 + e⁻ˣ), the logistic function.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.sigmoid().item(), x.sigmoid().grad(&[&x])[0].item()), (0.5, 0.25));
        /// ```
        pub fn sigmoid / try_sigmoid(&self) = Map(Sigmoid), |this| [this]
    }

    operation! {
        /// y = ln(1 + eˣ), which is a smooth max(x, 0), computed so that it never overflows.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([100.0]).requires_grad();
        /// assert_eq!((x.softplus().item(), x.softplus().grad(&[&x])[0].item()), (100.0, 1.0));
        /// ```
        pub fn softplus / try_softplus(&self) = Map(Softplus), |this| [this]
    }

    operation! {
        /// y = ln σ(x) = -softplus(-x), the logarithm of the logistic function, computed so that it never underflows.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-200.0, 0.0]).requires_grad();
        /// assert_eq!(x.log_sigmoid().to_vec::<f32>(), [-200.0, -std::f32::consts::LN_2]);
        /// assert_eq!(x.log_sigmoid().sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.5]);
        /// ```
        pub fn log_sigmoid / try_log_sigmoid(&self) = Map(LogSigmoid), |this| [this]
    }
}
