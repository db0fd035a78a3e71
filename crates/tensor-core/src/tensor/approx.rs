//! Comparison up to rounding, through the `approx` crate: `assert_relative_eq!(a, b)` works on tensors.

use super::Tensor;
use crate::dtype::DType;
use ::approx::{AbsDiffEq, RelativeEq};

impl PartialEq for Tensor {
    /// Same shape, same type, equal elements. Whether and how the tensors are tracked does not matter.
    fn eq(&self, other: &Tensor) -> bool {
        self.shape() == other.shape() && self.dtype() == other.dtype() && self.pairs(other).all(|(a, b)| a == b)
    }
}

/// Every element must be close: `|a - b| <= epsilon`.
impl AbsDiffEq for Tensor {
    type Epsilon = f64;

    fn default_epsilon() -> f64 {
        f64::EPSILON
    }

    fn abs_diff_eq(&self, other: &Tensor, epsilon: f64) -> bool {
        self.shape() == other.shape() && self.pairs(other).all(|(a, b)| a.abs_diff_eq(&b, epsilon))
    }
}

/// Every element must be close in relation to its size: `|a - b| <= max_relative * max(|a|, |b|)`, or `<= epsilon`.
impl RelativeEq for Tensor {
    fn default_max_relative() -> f64 {
        1e-6
    }

    fn relative_eq(&self, other: &Tensor, epsilon: f64, max_relative: f64) -> bool {
        self.shape() == other.shape() && self.pairs(other).all(|(a, b)| a.relative_eq(&b, epsilon, max_relative))
    }
}

impl Tensor {
    fn pairs(&self, other: &Tensor) -> impl Iterator<Item = (f64, f64)> + use<> {
        let values = |x: &Tensor| x.converted(DType::F64).to_vec::<f64>();
        values(self).into_iter().zip(values(other))
    }
}
