//! Lengths of vectors: the Euclidean norm and its relatives.

use super::elementwise::{Elementwise, Map};
use super::extremes::try_extreme;
use super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::{Over, reduction_cost};
use super::{composition, operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::elementwise::map_in_place;
use crate::kernels::reduce::sum_map;
use crate::kernels::simd::{Float, Lanes};
use crate::shape::{Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// (Σ |x|^p)^(1/p), for a finite p above 0.
struct Norm {
    over: Over,
    p: f64,
}

impl Norm {
    fn run<T: Float>(&self, x: &[T], sizes: [usize; 3], y: &mut [T]) {
        if self.p == 1.0 {
            sum_map(x, sizes, |x| x.abs(), y);
        } else if self.p == 2.0 {
            sum_map(x, sizes, |x| x * x, y);
            map_in_place(y, |y| y.sqrt());
        } else {
            let (p, root) = (T::from_f64(self.p), T::from_f64(1.0 / self.p));
            sum_map(x, sizes, |x| x.abs().powf(p), y);
            map_in_place(y, |y| y.powf(root));
        }
    }
}

impl Op for Norm {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "norm",
            formula: "y = (Σ |x|^p)^(1/p) over the given dimensions",
            rule: "gx = gy · sign(x) |x|^(p - 1) / y^(p - 1), 0 where y is 0",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = self.over.attributes();
        attributes.push(("p", self.p.to_string()));
        attributes
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        self.over.infer("norm", x)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, sizes) = self.over.three_dims(x[0]);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => self.run::<T>(x.as_slice(), sizes, out.as_mut_slice()));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0]).and_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, y) = (saved.input(0), saved.output());
        let exponent = self.p - 1.0;
        // The quotient is as small as the output: one pass over x is enough.
        let (x, g) = if self.p == 1.0 {
            (x.sign(), gy.clone())
        } else if self.p == 2.0 {
            (x.clone(), quotient_or_zero(gy, &y))
        } else {
            let power_of_y = power(&y, exponent, false);
            (power(x, exponent, true), quotient_or_zero(gy, &power_of_y))
        };
        grads![x * g.reshape(self.over.kept(saved.shape(0)))]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        reduction_cost(x, shape)
    }
}

/// |x|^exponent, with the sign of x if it is `signed`, and 0 where x is 0 whatever the exponent. Each is the other's derivative.
struct Power {
    exponent: f64,
    signed: bool,
}
impl Elementwise<1> for Power {
    const INFO: OpInfo = OpInfo {
        name: "power_of_size",
        formula: "y = |x|^exponent, or sign(x) |x|^exponent; 0 where x is 0",
        rule: "gx = gy · exponent · sign(x) |x|^(exponent - 1), or without the sign",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        let size = x.abs().powf(L::Scalar::from_f64(self.exponent));
        let y = if self.signed { x.sign() * size } else { size };
        L::select_eq(x, L::zero(), L::zero(), y)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        if self.exponent == 0.0 {
            return grads![Grad::Zero];
        }
        let slope = power(saved.input(0), self.exponent - 1.0, !self.signed);
        grads![gy * slope * self.exponent]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("exponent", self.exponent.to_string()),
            ("signed", self.signed.to_string()),
        ]
    }
}

#[track_caller]
fn power(x: &Tensor, exponent: f64, signed: bool) -> Tensor {
    super::apply(Map(Power { exponent, signed }), &[x])
}

/// a / b, and 0 where b is 0: what is left of a slope where its function has a corner.
struct QuotientOrZero;
impl Elementwise<2> for QuotientOrZero {
    const INFO: OpInfo = OpInfo {
        name: "quotient_or_zero",
        formula: "y = a / b, 0 where b is 0",
        rule: "ga = gy / b, gb = -(gy / b) · (a / b), 0 where b is 0",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [a, b]: [L; 2]) -> L {
        L::select_eq(b, L::zero(), L::zero(), a / b)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (a, b) = (saved.input(0), saved.input(1));
        let quotient = quotient_or_zero(gy, b);
        let gb = saved.wants(1).then(|| -(&quotient * quotient_or_zero(a, b)));
        grads![quotient, gb]
    }
}

#[track_caller]
pub(super) fn quotient_or_zero(a: &Tensor, b: &Tensor) -> Tensor {
    super::apply(Map(QuotientOrZero), &[a, b])
}

#[track_caller]
fn norm_of(x: &Tensor, p: f64, over: Over) -> Result<Tensor, ShapeError> {
    if p == f64::INFINITY {
        return try_extreme(&x.try_abs()?, over, true);
    }
    if p.is_nan() || p <= 0.0 {
        return Err(ShapeError::new("norm_p", format!("p is {p}, a norm needs one above 0")));
    }
    super::try_apply(Norm { over, p }, &[x])
}

/// Lengths. `dims` is `..` for all, one number or an array: the dimensions of one vector. A derivative where the length is 0 is taken as 0.
impl Tensor {
    operation! {
        /// The Euclidean length over `dims`, which disappear from the shape: √(Σ x²). The squares are added up in the type of the elements: in F32 numbers
        /// beyond 10¹⁹ give infinity.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[3.0, 4.0], [0.0, 0.0]]).requires_grad();
        /// assert_eq!(x.norm(1).to_vec::<f32>(), [5.0, 0.0]);
        /// assert_eq!(x.norm(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.6, 0.8, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn norm / try_norm(&self, dims: impl Dims) = Norm { over: Over::new(this, dims, false), p: 2.0 }, |this| [this]
    }

    operation! {
        /// The [Euclidean length](Tensor::norm) over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[3.0, 4.0]]).requires_grad();
        /// assert_eq!(x.norm_keepdim(1).to_string(), "[[5]]");
        /// assert_eq!(x.norm_keepdim(1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.6, 0.8]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn norm_keepdim / try_norm_keepdim(&self, dims: impl Dims) =
            Norm { over: Over::new(this, dims, true), p: 2.0 }, |this| [this]
    }

    composition! {
        /// The p-norm over `dims`, which disappear from the shape: (Σ |x|^p)^(1/p), and the largest |x| for an infinite p, whose derivative goes to the
        /// first of those that are the largest.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([3.0, -4.0]).requires_grad();
        /// assert_eq!(x.norm_p(1.0, ..).item(), 7.0);
        /// assert_eq!(x.norm_p(f64::INFINITY, ..).item(), 4.0);
        /// assert_eq!(x.norm_p(1.0, ..).grad(&[&x])[0].to_vec::<f32>(), [1.0, -1.0]);
        /// ```
        ///
        /// # Panics
        /// If p is not above 0, and as [`Tensor::sum`].
        pub fn norm_p / try_norm_p(&self, p: f64, dims: impl Dims) -> Tensor = |x| { norm_of(x, p, Over::new(x, dims, false)) }
    }

    composition! {
        /// The [p-norm](Tensor::norm_p) over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, -3.0]]).requires_grad();
        /// assert_eq!((&x / x.norm_p_keepdim(1.0, 1)).to_vec::<f32>(), [0.25, -0.75]);
        /// assert_eq!(x.norm_p_keepdim(1.0, 1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, -1.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::norm_p`].
        pub fn norm_p_keepdim / try_norm_p_keepdim(&self, p: f64, dims: impl Dims) -> Tensor = |x| {
            norm_of(x, p, Over::new(x, dims, true))
        }
    }
}
