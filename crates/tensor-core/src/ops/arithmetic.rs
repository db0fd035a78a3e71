//! Sums, differences, products and quotients, of two tensors or with a number.

use super::elementwise::{Elementwise, Map};
use super::function::{Function, SlopeOf};
use super::op::{Grad, Grads, Keeps, OpInfo, Saved};
use super::operation;
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;
use std::ops::{Add, Div, Mul, Neg, Sub};

struct AddOp;
impl Elementwise<2> for AddOp {
    const INFO: OpInfo = OpInfo {
        name: "add",
        formula: "y = a + b",
        rule: "ga = gy, gb = gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a + b
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.clone(), gy.clone()]
    }
}

struct SubOp;
impl Elementwise<2> for SubOp {
    const INFO: OpInfo = OpInfo {
        name: "sub",
        formula: "y = a - b",
        rule: "ga = gy, gb = -gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a - b
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.clone(), saved.wants(1).then(|| -gy)]
    }
}

struct MulOp;
impl Elementwise<2> for MulOp {
    const INFO: OpInfo = OpInfo {
        name: "mul",
        formula: "y = a · b",
        rule: "ga = gy · b, gb = gy · a",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a * b
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![
            saved.wants(0).then(|| gy * saved.input(1)),
            saved.wants(1).then(|| gy * saved.input(0)),
        ]
    }
}

struct DivOp;
impl Elementwise<2> for DivOp {
    const INFO: OpInfo = OpInfo {
        name: "div",
        formula: "y = a / b",
        rule: "ga = gy / b, gb = -(gy / b) · (a / b)",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a / b
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (a, b) = (saved.input(0), saved.input(1));
        grads![
            saved.wants(0).then(|| gy / b),
            saved.wants(1).then(|| super::apply(Map(DivisorSlope), &[gy, a, b])),
        ]
    }
}

/// The divisor's rule in one pass. Not -g a / b²: the square leaves the range of F32 early.
struct DivisorSlope;
impl Elementwise<3> for DivisorSlope {
    const INFO: OpInfo = OpInfo {
        name: "divisor_slope",
        formula: "y = -(g / b) · (a / b)",
        rule: "gg = -gy · (a / b) / b, ga = -gy · g / b², gb = 2 gy · (g / b) · (a / b) / b",
    };
    const KEEPS: Keeps = Keeps::all_inputs();

    #[inline(always)]
    fn value<L: Lanes>(&self, [g, a, b]: [L; 3]) -> L {
        -((g / b) * (a / b))
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| -((&inputs[0] / &inputs[2]) * (&inputs[1] / &inputs[2])))
    }
}

/// y = c x.
struct MulScalar {
    factor: f64,
}
impl Elementwise<1> for MulScalar {
    const INFO: OpInfo = OpInfo {
        name: "mul_scalar",
        formula: "y = c · x",
        rule: "gx = c · gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x * L::constant(self.factor)
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * self.factor]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("c", self.factor.to_string())]
    }
}

/// y = x / c. Not x · (1 / c), which rounds twice.
struct DivScalar {
    divisor: f64,
}
impl Elementwise<1> for DivScalar {
    const INFO: OpInfo = OpInfo {
        name: "div_scalar",
        formula: "y = x / c",
        rule: "gx = gy / c",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x / L::constant(self.divisor)
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy / self.divisor]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("c", self.divisor.to_string())]
    }
}

/// y = c / x.
#[derive(Clone, Copy)]
struct ScalarDiv {
    dividend: f64,
}
impl Function for ScalarDiv {
    const INFO: OpInfo = OpInfo {
        name: "rdiv_scalar",
        formula: "y = c / x",
        rule: "gx = -gy · (c / x) / x",
    };
    const SLOPE: &'static str = "rdiv_scalar_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        L::constant(self.dividend) / x
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        -(g * (L::constant(self.dividend) / x / x))
    }

    fn curvature(&self, h: impl FnOnce() -> Tensor, x: &Tensor) -> Grad {
        (h() * (2.0 * self.dividend / x / x / x)).into()
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("c", self.dividend.to_string())]
    }
}

/// y = x + c.
struct AddScalar {
    amount: f64,
}
impl Elementwise<1> for AddScalar {
    const INFO: OpInfo = OpInfo {
        name: "add_scalar",
        formula: "y = x + c",
        rule: "gx = gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x + L::constant(self.amount)
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy.clone()]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("c", self.amount.to_string())]
    }
}

/// y = c - x.
struct ScalarSub {
    minuend: f64,
}
impl Elementwise<1> for ScalarSub {
    const INFO: OpInfo = OpInfo {
        name: "rsub_scalar",
        formula: "y = c - x",
        rule: "gx = -gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        L::constant(self.minuend) - x
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![-gy]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("c", self.minuend.to_string())]
    }
}

/// y = -x.
struct NegOp;
impl Elementwise<1> for NegOp {
    const INFO: OpInfo = OpInfo {
        name: "neg",
        formula: "y = -x",
        rule: "gx = -gy",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        -x
    }

    fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![-gy]
    }
}

/// Element by element, with broadcasting. `&a + &b`, `&a - 1.0`, `2.0 * &a` and so on do the same; these methods have `try_` twins.
impl Tensor {
    operation! {
        /// y = a + b. Shapes are broadcast; both hold F32, or both F64. ga = gy and gb = gy, summed over what was broadcast.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let b = Tensor::from([10.0, 20.0]).requires_grad();
        /// assert_eq!(a.add(&b).to_vec::<f32>(), [11.0, 22.0, 13.0, 24.0]);
        /// assert_eq!(a.add(&b).sum(..).grad(&[&b])[0].to_vec::<f32>(), [2.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the types differ, or the elements are integers.
        pub fn add / try_add(&self, other: &Tensor) = Map(AddOp), |this| [this, other]
    }

    operation! {
        /// y = a - b. Shapes are broadcast; both hold F32, or both F64. ga = gy and gb = -gy, summed over what was broadcast.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let b = Tensor::from([1.0]).requires_grad();
        /// let y = Tensor::from([3.0, 4.0]).sub(&b);
        /// assert_eq!(y.to_vec::<f32>(), [2.0, 3.0]);
        /// assert_eq!(y.sum(..).grad(&[&b])[0].item(), -2.0);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the types differ, or the elements are integers.
        pub fn sub / try_sub(&self, other: &Tensor) = Map(SubOp), |this| [this, other]
    }

    operation! {
        /// y = a · b, element by element. Shapes are broadcast; both hold F32, or both F64. ga = gy · b and gb = gy · a, summed over what was broadcast.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([2.0]).requires_grad();
        /// let y = a.mul(&Tensor::from([5.0]));
        /// assert_eq!((y.item(), y.grad(&[&a])[0].item()), (10.0, 5.0));
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the types differ, or the elements are integers.
        pub fn mul / try_mul(&self, other: &Tensor) = Map(MulOp), |this| [this, other]
    }

    operation! {
        /// y = a / b. Shapes are broadcast; both hold F32, or both F64. ga = gy / b and gb = -gy · a / b², summed over what was broadcast.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let b = Tensor::from([2.0]).requires_grad();
        /// let y = Tensor::from([6.0]).div(&b);
        /// assert_eq!((y.item(), y.grad(&[&b])[0].item()), (3.0, -1.5));
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the types differ, or the elements are integers.
        pub fn div / try_div(&self, other: &Tensor) = Map(DivOp), |this| [this, other]
    }
}

/// Implements one operator for tensors and references to tensors on both sides, and for a number on either.
macro_rules! operator {
    ($trait:ident, $method:ident, |$x:ident, $c:ident| $tensor_number:expr, |$d:ident, $y:ident| $number_tensor:expr) => {
        operator!(@pair $trait, $method, Tensor, Tensor);
        operator!(@pair $trait, $method, Tensor, &Tensor);
        operator!(@pair $trait, $method, &Tensor, Tensor);
        operator!(@pair $trait, $method, &Tensor, &Tensor);
        operator!(@number $trait, $method, Tensor, |$x, $c| $tensor_number, |$d, $y| $number_tensor);
        operator!(@number $trait, $method, &Tensor, |$x, $c| $tensor_number, |$d, $y| $number_tensor);
    };
    (@pair $trait:ident, $method:ident, $lhs:ty, $rhs:ty) => {
        /// Element by element, with broadcasting. Panics if the shapes do not broadcast, the types differ, or the elements are integers: the method
        /// of the same name has a twin that returns the error.
        impl $trait<$rhs> for $lhs {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, other: $rhs) -> Tensor {
                Tensor::$method(&self, &other)
            }
        }
    };
    (@number $trait:ident, $method:ident, $tensor:ty, |$x:ident, $c:ident| $tn:expr, |$d:ident, $y:ident| $nt:expr) => {
        /// With a number for each element, rounded to its type. Panics if the elements are integers.
        impl $trait<f64> for $tensor {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, $c: f64) -> Tensor {
                let $x: &Tensor = &self;
                $tn
            }
        }

        /// With a number for each element, rounded to its type. Panics if the elements are integers.
        impl $trait<$tensor> for f64 {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, y: $tensor) -> Tensor {
                let ($d, $y): (f64, &Tensor) = (self, &y);
                $nt
            }
        }
    };
}

operator!(Add, add, |x, c| add_scalar(x, c), |c, x| add_scalar(x, c));
operator!(Sub, sub, |x, c| add_scalar(x, -c), |c, x| scalar_sub(c, x));
operator!(Mul, mul, |x, c| mul_scalar(x, c), |c, x| mul_scalar(x, c));
operator!(Div, div, |x, c| div_scalar(x, c), |c, x| scalar_div(c, x));

#[track_caller]
fn add_scalar(x: &Tensor, amount: f64) -> Tensor {
    super::apply(Map(AddScalar { amount }), &[x])
}

#[track_caller]
fn scalar_sub(minuend: f64, x: &Tensor) -> Tensor {
    super::apply(Map(ScalarSub { minuend }), &[x])
}

#[track_caller]
fn mul_scalar(x: &Tensor, factor: f64) -> Tensor {
    super::apply(Map(MulScalar { factor }), &[x])
}

#[track_caller]
fn scalar_div(dividend: f64, x: &Tensor) -> Tensor {
    super::apply(Map(ScalarDiv { dividend }), &[x])
}

#[track_caller]
fn div_scalar(x: &Tensor, divisor: f64) -> Tensor {
    super::apply(Map(DivScalar { divisor }), &[x])
}

impl Neg for &Tensor {
    type Output = Tensor;

    #[track_caller]
    fn neg(self) -> Tensor {
        super::apply(Map(NegOp), &[self])
    }
}

impl Neg for Tensor {
    type Output = Tensor;

    #[track_caller]
    fn neg(self) -> Tensor {
        -&self
    }
}
