//! Elementary functions: powers, roots, exponential and logarithm.

use super::elementwise::{Elementwise, Map};
use super::op::{Grads, Keeps, OpInfo, Saved};
use super::operation;
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

struct Exp;
impl Elementwise<1> for Exp {
    const INFO: OpInfo = OpInfo {
        name: "exp",
        formula: "y = eˣ",
        rule: "gx = gy · y",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.exp()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * saved.output()]
    }
}

struct Ln;
impl Elementwise<1> for Ln {
    const INFO: OpInfo = OpInfo {
        name: "ln",
        formula: "y = ln x",
        rule: "gx = gy / x",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0]);

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.ln()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy / saved.input(0)]
    }
}

struct Sqr;
impl Elementwise<1> for Sqr {
    const INFO: OpInfo = OpInfo {
        name: "sqr",
        formula: "y = x²",
        rule: "gx = 2 gy · x",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0]);

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x * x
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * saved.input(0) * 2.0]
    }
}

struct Sqrt;
impl Elementwise<1> for Sqrt {
    const INFO: OpInfo = OpInfo {
        name: "sqrt",
        formula: "y = √x",
        rule: "gx = gy / (2 y)",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.sqrt()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * 0.5 / saved.output()]
    }
}

struct Recip;
impl Elementwise<1> for Recip {
    const INFO: OpInfo = OpInfo {
        name: "recip",
        formula: "y = 1 / x",
        rule: "gx = -gy · y²",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        L::one() / x
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![-(gy * saved.output().sqr())]
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
        /// y = 1 / x.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([2.0]).requires_grad();
        /// assert_eq!((x.recip().item(), x.recip().grad(&[&x])[0].item()), (0.5, -0.25));
        /// ```
        pub fn recip / try_recip(&self) = Map(Recip), |this| [this]
    }
}
