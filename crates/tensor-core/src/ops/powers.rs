//! Powers and roots.

use super::elementwise::Map;
use super::function::{Function, SlopeOf};
use super::op::{Grad, OpInfo};
use super::operation;
use crate::kernels::simd::{Float, Lanes};
use crate::tensor::Tensor;

#[derive(Clone, Copy)]
struct Sqr;
impl Function for Sqr {
    const INFO: OpInfo = OpInfo {
        name: "sqr",
        formula: "y = x²",
        rule: "gx = 2 gy · x",
    };
    const SLOPE: &'static str = "sqr_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x * x
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        g * (x + x)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        (h() * 2.0).into()
    }
}

#[derive(Clone, Copy)]
struct Sqrt;
impl Function for Sqrt {
    const INFO: OpInfo = OpInfo {
        name: "sqrt",
        formula: "y = √x",
        rule: "gx = gy / (2 y)",
    };
    const SLOPE: &'static str = "sqrt_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.sqrt()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        g / (y + y)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, y: &Tensor) -> Grad {
        (h() / y / y * -0.5).into()
    }
}

#[derive(Clone, Copy)]
struct Rsqrt;
impl Function for Rsqrt {
    const INFO: OpInfo = OpInfo {
        name: "rsqrt",
        formula: "y = 1 / √x",
        rule: "gx = -½ gy · y³",
    };
    const SLOPE: &'static str = "rsqrt_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.sqrt().recip()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        g * y * y * y * L::constant(-0.5)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, y: &Tensor) -> Grad {
        (h() * y * y * -1.5).into()
    }
}

#[derive(Clone, Copy)]
struct Recip;
impl Function for Recip {
    const INFO: OpInfo = OpInfo {
        name: "recip",
        formula: "y = 1 / x",
        rule: "gx = -gy · y²",
    };
    const SLOPE: &'static str = "recip_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Output;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.recip()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, y: L) -> L {
        -(g * y * y)
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, y: &Tensor) -> Grad {
        (h() * y * -2.0).into()
    }
}

#[derive(Clone, Copy)]
struct Powf {
    exponent: f64,
}
impl Function for Powf {
    const INFO: OpInfo = OpInfo {
        name: "powf",
        formula: "y = xᵖ",
        rule: "gx = gy · p · xᵖ⁻¹, 0 for p = 0",
    };
    const SLOPE: &'static str = "powf_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.powf(L::Scalar::from_f64(self.exponent))
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        // At x = 0, 0 · x⁻¹ would not be a number.
        if self.exponent == 0.0 {
            return L::zero();
        }
        g * L::constant(self.exponent) * x.powf(L::Scalar::from_f64(self.exponent - 1.0))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        let p = self.exponent;
        match p * (p - 1.0) {
            0.0 => Grad::Zero,
            factor => (h() * x.powf(p - 2.0) * factor).into(),
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("exponent", self.exponent.to_string())]
    }
}

/// Powers, element by element. Shape and type (F32, F64) of the input.
impl Tensor {
    operation! {
        /// y = x².
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([3.0]).requires_grad();
        /// assert_eq!((x.sqr().item(), x.sqr().grad(&[&x])[0].item()), (9.0, 6.0));
        /// ```
        pub fn sqr / try_sqr(&self) = Map(Sqr), |this| [this]
    }

    operation! {
        /// y = √x; not a number below 0. The derivative at 0 is infinite.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([4.0]).requires_grad();
        /// assert_eq!((x.sqrt().item(), x.sqrt().grad(&[&x])[0].item()), (2.0, 0.25));
        /// ```
        pub fn sqrt / try_sqrt(&self) = Map(Sqrt), |this| [this]
    }

    operation! {
        /// y = 1 / √x; not a number below 0, infinite at 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([4.0]).requires_grad();
        /// assert_eq!((x.rsqrt().item(), x.rsqrt().grad(&[&x])[0].item()), (0.5, -0.0625));
        /// ```
        pub fn rsqrt / try_rsqrt(&self) = Map(Rsqrt), |this| [this]
    }

    operation! {
        /// y = 1 / x.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([2.0]).requires_grad();
        /// assert_eq!((x.recip().item(), x.recip().grad(&[&x])[0].item()), (0.5, -0.25));
        /// ```
        pub fn recip / try_recip(&self) = Map(Recip), |this| [this]
    }

    operation! {
        /// y = xᵖ, where p is the exponent. Negative x have a power only if p is an integer, else it is not a number; x⁰ is 1 for every x, and its
        /// derivative 0. PyTorch's `pow`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-2.0, 0.0]).requires_grad();
        /// assert_eq!(x.powf(3.0).to_vec::<f32>(), [-8.0, 0.0]);
        /// assert_eq!(x.powf(3.0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [12.0, 0.0]);
        /// ```
        pub fn powf / try_powf(&self, exponent: f64) = Map(Powf { exponent }), |this| [this]
    }
}
