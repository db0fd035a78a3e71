//! Functions made of straight pieces: the larger and the smaller of two, the absolute value, the sign, and a range.

use super::elementwise::{Elementwise, Map};
use super::function::{Function, SlopeOf};
use super::op::{Grad, Grads, Keeps, OpInfo, Saved};
use super::operation;
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

struct Maximum;
impl Elementwise<2> for Maximum {
    const INFO: OpInfo = OpInfo {
        name: "maximum",
        formula: "y = max(a, b)",
        rule: "ga = gy where a > b, ½ gy where a = b, else 0; gb likewise",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a.max(b)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (a, b) = (saved.input(0), saved.input(1));
        grads![
            saved.wants(0).then(|| share_of_larger(gy, a, b)),
            saved.wants(1).then(|| share_of_larger(gy, b, a)),
        ]
    }
}

struct Minimum;
impl Elementwise<2> for Minimum {
    const INFO: OpInfo = OpInfo {
        name: "minimum",
        formula: "y = min(a, b)",
        rule: "ga = gy where a < b, ½ gy where a = b, else 0; gb likewise",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        a.min(b)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (a, b) = (saved.input(0), saved.input(1));
        grads![
            saved.wants(0).then(|| share_of_larger(gy, b, a)),
            saved.wants(1).then(|| share_of_larger(gy, a, b)),
        ]
    }
}

/// The rule of the maximum as an operation of its own: linear in the gradient, constant in a and b almost everywhere.
struct ShareOfLarger;
impl Elementwise<3> for ShareOfLarger {
    const INFO: OpInfo = OpInfo {
        name: "share_of_larger",
        formula: "y = g where a > b, ½ g where a = b, else 0",
        rule: "gg = gy where a > b, ½ gy where a = b, else 0; ga = gb = 0 almost everywhere",
    };
    const KEEPS: Keeps = Keeps::inputs(&[1, 2]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [g, a, b]: [L; 3]) -> L {
        // 0 is chosen and not multiplied by, since g may be infinite. Where a or b is not a number, g passes.
        let not_smaller = L::select_eq(a, b, g * L::constant(0.5), g);
        L::select_gt(b, a, L::zero(), not_smaller)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let gg = saved
            .wants(0)
            .then(|| share_of_larger(gy, saved.input(1), saved.input(2)));
        grads![gg, Grad::Zero, Grad::Zero]
    }
}

fn share_of_larger(g: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
    super::apply(Map(ShareOfLarger), &[g, a, b])
}

#[derive(Clone, Copy)]
struct Abs;
impl Function for Abs {
    const INFO: OpInfo = OpInfo {
        name: "abs",
        formula: "y = |x|",
        rule: "gx = gy · sign(x)",
    };
    const SLOPE: &'static str = "abs_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.abs()
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        // 0 is chosen and not multiplied by, since g may be infinite. Where x is not a number, the slope is 0, as PyTorch's.
        let zero = L::zero();
        L::select_gt(x, zero, g, L::select_gt(zero, x, -g, zero))
    }

    fn curvature(&self, _: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        Grad::Zero
    }
}

#[derive(Clone, Copy)]
struct Clamp {
    min: f64,
    max: f64,
}
impl Function for Clamp {
    const INFO: OpInfo = OpInfo {
        name: "clamp",
        formula: "y = min(max(x, min), max)",
        rule: "gx = gy where min <= x <= max, else 0",
    };
    const SLOPE: &'static str = "clamp_slope";
    const SLOPE_OF: SlopeOf = SlopeOf::Input;

    #[inline(always)]
    fn value<L: Lanes>(&self, x: L) -> L {
        x.max(L::constant(self.min)).min(L::constant(self.max))
    }

    #[inline(always)]
    fn slope<L: Lanes>(&self, g: L, x: L) -> L {
        // Where x is not a number, the slope is 0, as PyTorch's.
        let of_number = L::select_eq(x, x, g, L::zero());
        let not_above = L::select_gt(x, L::constant(self.max), L::zero(), of_number);
        L::select_gt(L::constant(self.min), x, L::zero(), not_above)
    }

    fn curvature(&self, _: impl FnOnce() -> Tensor, _: &Tensor) -> Grad {
        Grad::Zero
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("min", self.min.to_string()), ("max", self.max.to_string())]
    }
}

struct Sign;
impl Elementwise<1> for Sign {
    const INFO: OpInfo = OpInfo {
        name: "sign",
        formula: "y = 1 where x > 0, -1 where x < 0, 0 where x = 0",
        rule: "gx = 0 almost everywhere",
    };
    const KEEPS: Keeps = Keeps::nothing();

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.sign()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero]
    }
}

/// Element by element, for F32 and F64. What is not a number stays so.
impl Tensor {
    operation! {
        /// y = max(a, b). Shapes are broadcast. Where both are equal, each gets half of the gradient.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// let y = a.maximum(&Tensor::from([2.0]));
        /// assert_eq!(y.to_vec::<f32>(), [2.0, 2.0, 3.0]);
        /// assert_eq!(y.sum(..).grad(&[&a])[0].to_vec::<f32>(), [0.0, 0.5, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast or the types differ.
        pub fn maximum / try_maximum(&self, other: &Tensor) = Map(Maximum), |this| [this, other]
    }

    operation! {
        /// y = min(a, b). Shapes are broadcast. Where both are equal, each gets half of the gradient.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// let y = a.minimum(&Tensor::from([2.0]));
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 2.0, 2.0]);
        /// assert_eq!(y.sum(..).grad(&[&a])[0].to_vec::<f32>(), [1.0, 0.5, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast or the types differ.
        pub fn minimum / try_minimum(&self, other: &Tensor) = Map(Minimum), |this| [this, other]
    }

    operation! {
        /// y = |x|. The derivative at 0 is taken as 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-3.0, 0.0, 2.0]).requires_grad();
        /// assert_eq!(x.abs().to_vec::<f32>(), [3.0, 0.0, 2.0]);
        /// assert_eq!(x.abs().sum(..).grad(&[&x])[0].to_vec::<f32>(), [-1.0, 0.0, 1.0]);
        /// ```
        pub fn abs / try_abs(&self) = Map(Abs), |this| [this]
    }

    operation! {
        /// y = x where it is between `min` and `max`, else the nearer of the two; `f64::INFINITY` leaves a side open. The derivative is 1 from `min`
        /// to `max`, borders included, and 0 outside. If `min` is above `max`, all elements become `max`, as in PyTorch.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-3.0, -1.0, 0.5, 2.0]).requires_grad();
        /// assert_eq!(x.clamp(-1.0, 1.0).to_vec::<f32>(), [-1.0, -1.0, 0.5, 1.0]);
        /// assert_eq!(x.clamp(-1.0, 1.0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0, 1.0, 0.0]);
        /// ```
        pub fn clamp / try_clamp(&self, min: f64, max: f64) = Map(Clamp { min, max }), |this| [this]
    }

    operation! {
        /// y = 1 where x > 0, -1 where x < 0, 0 where x = 0. The derivative is 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-3.0, 0.0, 2.0]).requires_grad();
        /// assert_eq!(x.sign().to_vec::<f32>(), [-1.0, 0.0, 1.0]);
        /// assert_eq!(x.sign().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0; 3]);
        /// ```
        pub fn sign / try_sign(&self) = Map(Sign), |this| [this]
    }
}
