//! Numbers that kernels compute with: a [`Float`], and a vector of them, its [`Lanes`].
//!
//! A kernel is written once, over `T: Float`, and handles `T::Lanes::WIDTH` numbers with each instruction. The lanes come
//! from the crate `wide`, which splits them into as many registers as the build's instruction set asks for.

use super::{erf, functions};
use crate::dtype::Element;
use std::ops::{Add, Div, Mul, Neg, Sub};
use wide::{f32x8, f32x16, f64x8};

/// An element type that has arithmetic: `f32` or `f64`.
pub trait Float:
    Element + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The vector of this type.
    type Lanes: Lanes<Scalar = Self>;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// -∞, the maximum of nothing
    const NEG_INFINITY: Self;
    /// The smallest positive number that has all its digits: smaller ones are subnormal.
    const MIN_POSITIVE: Self;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// √x, correctly rounded.
    fn sqrt(self) -> Self;
    /// A square of 8 x 8 numbers with rows and columns exchanged.
    fn transpose(square: [[Self; 8]; 8]) -> [[Self; 8]; 8];
}

/// A vector of `WIDTH` numbers. Each operation acts on every lane by itself, so a number's result never depends on its neighbours.
///
/// Kernels call these methods on `T::Lanes`, a type parameter. On a concrete `f32x16` or `f64x8`, `x.exp()` would be `wide`'s own method
/// of that name, which is another function; there, write `Lanes::exp(x)`.
pub trait Lanes:
    Copy
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// What a lane holds.
    type Scalar: Float<Lanes = Self>;
    /// The lanes in memory, `[Scalar; WIDTH]`.
    type Array: Copy + AsRef<[Self::Scalar]> + AsMut<[Self::Scalar]>;
    /// The number of lanes.
    const WIDTH: usize;

    /// The same number in every lane.
    fn splat(x: Self::Scalar) -> Self;
    /// The lanes from memory.
    fn from_array(x: Self::Array) -> Self;
    /// The lanes to memory.
    fn to_array(self) -> Self::Array;
    /// A slice as whole vectors and what is left over.
    fn chunks(x: &[Self::Scalar]) -> (&[Self::Array], &[Self::Scalar]);
    /// [`chunks`](Self::chunks), to be written to.
    fn chunks_mut(x: &mut [Self::Scalar]) -> (&mut [Self::Array], &mut [Self::Scalar]);

    /// self · a + b, rounded once where the instruction set has it, else twice.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The larger number; NaN if either is.
    fn max(self, other: Self) -> Self;
    /// The smaller number; NaN if either is.
    fn min(self, other: Self) -> Self;
    /// |x|
    fn abs(self) -> Self;
    /// √x, correctly rounded.
    fn sqrt(self) -> Self;
    /// `if_true` where a > b, else `if_false`, which is also the answer where a or b is NaN.
    fn select_gt(a: Self, b: Self, if_true: Self, if_false: Self) -> Self;
    /// `if_true` where a = b, else `if_false`.
    fn select_eq(a: Self, b: Self, if_true: Self, if_false: Self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// eˣ for x <= 0, where that is all that is needed: the bits of `exp` in less time. For x > 0 it means nothing.
    fn exp_below_zero(self) -> Self;
    /// eˣ - 1, accurate for small x too.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x), accurate for small x too.
    fn ln_1p(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// ln(1 + eˣ)
    fn softplus(self) -> Self;
    /// The error function, 2/√π ∫₀ˣ e^-t² dt.
    fn erf(self) -> Self;
    /// 1 - erf x, accurate where that is small too.
    fn erfc(self) -> Self;
    /// sin x, by the standard library, lane by lane: it reduces large arguments properly.
    fn sin(self) -> Self;
    /// cos x, likewise.
    fn cos(self) -> Self;
    /// 0, 1, 2, …: the place of each lane.
    fn places() -> Self;
    /// Combines lane i with lane i + n/2, for n = WIDTH, WIDTH/2, …, 2: an order that is the same on every build.
    fn fold_halves(self, combine: impl Fn(Self, Self) -> Self) -> Self::Scalar;
    /// x to the power of `exponent`: by multiplication or division for -1, 1, 2 and 3, else by the standard library, lane by lane.
    fn powf(self, exponent: Self::Scalar) -> Self;

    /// Exactly `WIDTH` numbers.
    #[inline(always)]
    fn load(x: &[Self::Scalar]) -> Self {
        let (whole, rest) = Self::chunks(x);
        assert!(
            whole.len() == 1 && rest.is_empty(),
            "a vector has {} lanes, not {}",
            Self::WIDTH,
            x.len()
        );
        Self::from_array(whole[0])
    }
    /// Into exactly `WIDTH` numbers.
    #[inline(always)]
    fn store(self, y: &mut [Self::Scalar]) {
        y.copy_from_slice(self.to_array().as_ref());
    }
    /// Fewer than `WIDTH` numbers, followed by `padding`.
    #[inline]
    fn load_padded(x: &[Self::Scalar], padding: Self::Scalar) -> Self {
        let mut lanes = Self::splat(padding).to_array();
        lanes.as_mut()[..x.len()].copy_from_slice(x);
        Self::from_array(lanes)
    }
    /// As many numbers as there are lanes, or fewer, followed by `padding`.
    #[inline(always)]
    fn load_some(x: &[Self::Scalar], padding: Self::Scalar) -> Self {
        if x.len() == Self::WIDTH {
            Self::load(x)
        } else {
            Self::load_padded(x, padding)
        }
    }
    /// The first lanes, as many as there is room for.
    #[inline]
    fn store_padded(self, y: &mut [Self::Scalar]) {
        y.copy_from_slice(&self.to_array().as_ref()[..y.len()]);
    }
    /// The nearest number to `x` in every lane.
    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::splat(Self::Scalar::from_f64(x))
    }
    /// 0 in every lane.
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(Self::Scalar::ZERO)
    }
    /// 1 in every lane.
    #[inline(always)]
    fn one() -> Self {
        Self::splat(Self::Scalar::ONE)
    }
    /// 1/x by division, correctly rounded (the reciprocal instructions have 12 to 14 bits).
    #[inline(always)]
    fn recip(self) -> Self {
        Self::one() / self
    }
    /// -1, 0 or 1; NaN stays NaN.
    #[inline(always)]
    fn sign(self) -> Self {
        let zero = Self::zero();
        Self::select_gt(self, zero, Self::one(), Self::select_gt(zero, self, -Self::one(), self))
    }
    /// 1 / (1 + e⁻ˣ)
    #[inline(always)]
    fn sigmoid(self) -> Self {
        functions::sigmoid(self)
    }
    /// As many numbers as `n`, from the first of `x` on. The other lanes hold what follows them there, or zeros: loading a whole vector and
    /// leaving some of it out takes a fraction of the time of copying a part.
    #[inline(always)]
    fn load_first(x: &[Self::Scalar], n: usize) -> Self {
        match Self::chunks(x).0.first() {
            Some(whole) => Self::from_array(*whole),
            None => Self::load_padded(&x[..n], Self::Scalar::ZERO),
        }
    }
    /// The first `n` lanes, and `padding` in the others.
    #[inline(always)]
    fn keep_first(self, n: usize, padding: Self::Scalar) -> Self {
        Self::select_gt(Self::constant(n as f64), Self::places(), self, Self::splat(padding))
    }
    /// All lanes added, halves onto halves.
    #[inline(always)]
    fn sum(self) -> Self::Scalar {
        self.fold_halves(|a, b| a + b)
    }
    /// The largest lane; NaN if any is.
    #[inline(always)]
    fn max_lane(self) -> Self::Scalar {
        self.fold_halves(Self::max)
    }
}

/// Whether it is known what this processor's maximum of a number and NaN is.
pub(super) const KNOWN_EXTREMES: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// A function of single numbers for each lane. A call for each, which the loops of all operations share, and not a copy of it in each of them.
#[inline(always)]
fn lane_by_lane<L: Lanes>(x: L, f: impl Fn(L::Scalar) -> L::Scalar) -> L {
    #[inline(never)]
    fn each<T: Copy>(lanes: &mut [T], f: &dyn Fn(T) -> T) {
        lanes.iter_mut().for_each(|x| *x = f(*x));
    }
    let mut lanes = x.to_array();
    each(lanes.as_mut(), &f);
    L::from_array(lanes)
}

/// The two implementations differ in their types, and in where the transcendental functions come from.
macro_rules! implement {
    ($scalar:ident, $lanes:ident, $width:literal, $eight:ident, |$x:ident| $($function:ident: $y:expr),+ $(,)?) => {
        impl Float for $scalar {
            type Lanes = $lanes;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = $scalar::NEG_INFINITY;
            const MIN_POSITIVE: Self = $scalar::MIN_POSITIVE;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $scalar
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $scalar::sqrt(self)
            }
            #[inline(always)]
            fn transpose(square: [[Self; 8]; 8]) -> [[Self; 8]; 8] {
                // (`map` would be a call, and take longer than the rest.)
                let turned: [$eight; 8] = <$eight>::transpose(bytemuck::cast(square));
                bytemuck::cast(turned)
            }
        }

        impl Lanes for $lanes {
            type Scalar = $scalar;
            type Array = [$scalar; $width];
            const WIDTH: usize = $width;

            #[inline(always)]
            fn splat(x: $scalar) -> Self {
                <$lanes>::splat(x)
            }
            #[inline(always)]
            fn from_array(x: Self::Array) -> Self {
                <$lanes>::new(x)
            }
            #[inline(always)]
            fn to_array(self) -> Self::Array {
                <$lanes>::to_array(self)
            }
            #[inline(always)]
            fn chunks(x: &[$scalar]) -> (&[Self::Array], &[$scalar]) {
                x.as_chunks()
            }
            #[inline(always)]
            fn chunks_mut(x: &mut [$scalar]) -> (&mut [Self::Array], &mut [$scalar]) {
                x.as_chunks_mut()
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                <$lanes>::mul_add(self, a, b)
            }
            // x86's instruction answers with its second operand where either is NaN, ARM's with NaN: only a NaN in the first is left to
            // see to. (Two comparisons and a choice, which mean the same on every processor, take twice as long: see `reduce`.)
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if KNOWN_EXTREMES {
                    self.is_nan().select(self, self.fast_max(other))
                } else {
                    (self.simd_gt(other) | self.is_nan()).select(self, other)
                }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if KNOWN_EXTREMES {
                    self.is_nan().select(self, self.fast_min(other))
                } else {
                    (other.simd_gt(self) | self.is_nan()).select(self, other)
                }
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$lanes>::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$lanes>::sqrt(self)
            }
            #[inline(always)]
            fn select_gt(a: Self, b: Self, if_true: Self, if_false: Self) -> Self {
                a.simd_gt(b).select(if_true, if_false)
            }
            #[inline(always)]
            fn select_eq(a: Self, b: Self, if_true: Self, if_false: Self) -> Self {
                a.simd_eq(b).select(if_true, if_false)
            }
            $(
                #[inline(always)]
                fn $function(self) -> Self {
                    let $x = self;
                    $y
                }
            )+
            #[inline(always)]
            fn places() -> Self {
                <$lanes>::new(std::array::from_fn(|i| i as $scalar))
            }
            #[inline(always)]
            fn fold_halves(self, combine: impl Fn(Self, Self) -> Self) -> $scalar {
                // Whole vectors throughout, which the compiler turns into a shuffle and an operation for each half.
                let (mut x, mut half) = (self, $width / 2);
                while half > 0 {
                    let lanes = <$lanes>::to_array(x);
                    x = combine(x, <$lanes>::new(std::array::from_fn(|i| lanes[(i + half) % $width])));
                    half /= 2;
                }
                <$lanes>::to_array(x)[0]
            }
            #[inline(always)]
            fn sin(self) -> Self {
                lane_by_lane(self, $scalar::sin)
            }
            #[inline(always)]
            fn cos(self) -> Self {
                lane_by_lane(self, $scalar::cos)
            }
            #[inline]
            fn powf(self, exponent: $scalar) -> Self {
                match exponent {
                    -1.0 => Lanes::recip(self),
                    1.0 => self,
                    2.0 => self * self,
                    3.0 => self * self * self,
                    _ => lane_by_lane(self, |x| x.powf(exponent)),
                }
            }
        }
    };
}

implement!(
    f32, f32x16, 16, f32x8,
    |x| exp: functions::exp(x),
    exp_below_zero: functions::exp_below_zero(x),
    exp_m1: functions::exp_m1(x),
    ln: functions::ln(x),
    ln_1p: functions::ln_1p(x),
    tanh: functions::tanh(x),
    softplus: functions::softplus(x),
    erf: erf::erf(x),
    erfc: erf::erfc(x),
);

// In double precision, clarity comes before speed: the standard library, lane by lane, and the crate libm for what it lacks.
implement!(
    f64, f64x8, 8, f64x8,
    |x| exp: lane_by_lane(x, f64::exp),
    exp_below_zero: Lanes::exp(x),
    exp_m1: lane_by_lane(x, f64::exp_m1),
    ln: lane_by_lane(x, f64::ln),
    ln_1p: lane_by_lane(x, f64::ln_1p),
    tanh: lane_by_lane(x, f64::tanh),
    softplus: Lanes::max(x, Lanes::zero()) + lane_by_lane(x, |x| (-x.abs()).exp().ln_1p()),
    erf: lane_by_lane(x, libm::erf),
    erfc: lane_by_lane(x, libm::erfc),
);

#[cfg(test)]
mod tests {
    use super::*;

    /// A test of each operation against the scalar one, for one type.
    fn lanes_match_scalars<T: Float>() {
        let special = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            1.0,
            -1.5,
            3.25,
            1e-30,
            -7e20,
        ];
        let width = T::Lanes::WIDTH;
        for &a in &special {
            for &b in &special {
                let (x, y) = (T::Lanes::splat(T::from_f64(a)), T::Lanes::splat(T::from_f64(b)));
                let check = |name: &str, got: T::Lanes, want: f64| {
                    for lane in got.to_array().as_ref() {
                        let want = T::from_f64(want).to_f64();
                        let (same, nan) = (lane.to_f64() == want, lane.to_f64().is_nan() && want.is_nan());
                        assert!(same || nan, "{name}({a}, {b}) = {lane}, not {want}");
                    }
                };
                let nan = a.is_nan() || b.is_nan();
                check("max", x.max(y), if nan { f64::NAN } else { a.max(b) });
                check("min", x.min(y), if nan { f64::NAN } else { a.min(b) });
                check(
                    "select_eq",
                    T::Lanes::select_eq(x, y, x, -T::Lanes::one()),
                    if a == b { a } else { -1.0 },
                );
                check("abs", x.abs(), a.abs());
                check("sign", x.sign(), if a == 0.0 { 0.0 } else { a.signum() });
                check("recip", T::Lanes::splat(T::from_f64(4.0)).recip(), 0.25);
                check("sqrt", T::Lanes::splat(T::from_f64(6.25)).sqrt(), 2.5);
                check("mul_add", T::Lanes::one().mul_add(x, T::Lanes::zero()), a);
                check("powf -1", x.powf(-T::ONE), T::from_f64(a).to_f64().recip());
                check("powf 2", x.powf(T::from_f64(2.0)), T::from_f64(a).to_f64().powi(2));
                check("powf 0.5", x.powf(T::from_f64(0.5)), T::from_f64(a).to_f64().powf(0.5));
            }
        }
        let numbers: Vec<T> = (0..width).map(|i| T::from_f64(i as f64 - 3.0)).collect();
        let x = T::Lanes::load(&numbers);
        assert_eq!(x.sum().to_f64(), (0..width).map(|i| i as f64 - 3.0).sum::<f64>());
        assert_eq!(x.max_lane().to_f64(), width as f64 - 4.0);
        let mut stored = vec![T::ZERO; width];
        x.store(&mut stored);
        assert_eq!(stored, numbers);
        let mut stored = vec![T::ZERO; 3];
        T::Lanes::load_padded(&numbers[..3], T::ONE).store_padded(&mut stored);
        assert_eq!(stored, numbers[..3]);
        for i in 0..width {
            let mut with_nan = numbers.clone();
            with_nan[i] = T::from_f64(f64::NAN);
            assert!(
                T::Lanes::load(&with_nan).max_lane().to_f64().is_nan(),
                "NaN in lane {i} is lost"
            );
        }
    }

    #[test]
    fn single_precision() {
        lanes_match_scalars::<f32>();
    }

    #[test]
    fn double_precision() {
        lanes_match_scalars::<f64>();
    }
}
