//! How a tensor prints: its values in brackets, its shape and type. Long dimensions are cut in the middle.

use super::Tensor;
use crate::dtype::DType;
use std::fmt;

/// A dimension longer than this shows only its ends.
const LONGEST: usize = 8;
/// How many elements each end shows.
const ENDS: usize = 3;

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.converted(DType::F64).to_vec::<f64>();
        let precision = f.precision().unwrap_or(4);
        write_level(f, self.shape().sizes(), &values, precision, 0)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {} {}", self.dtype(), self.shape())?;
        if self.is_tracked() {
            f.write_str(" tracked")
        } else {
            Ok(())
        }
    }
}

fn write_level(
    f: &mut fmt::Formatter<'_>,
    sizes: &[usize],
    values: &[f64],
    precision: usize,
    depth: usize,
) -> fmt::Result {
    let Some((&size, inner)) = sizes.split_first() else {
        return write_number(f, values[0], precision);
    };
    let step: usize = inner.iter().product();
    f.write_str("[")?;
    for i in 0..size {
        let skipped = size > LONGEST && (ENDS..size - ENDS).contains(&i);
        if skipped && i != ENDS {
            continue;
        }
        if i > 0 && inner.is_empty() {
            f.write_str(", ")?;
        } else if i > 0 {
            write!(f, ",\n{:depth$}", "", depth = depth + 1)?;
        }
        if skipped {
            f.write_str("…")?;
        } else {
            write_level(f, inner, &values[i * step..(i + 1) * step], precision, depth + 1)?;
        }
    }
    f.write_str("]")
}

/// One number as tensors print it.
pub(crate) struct Number(pub(crate) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, self.0, f.precision().unwrap_or(4))
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, value: f64, precision: usize) -> fmt::Result {
    if value != 0.0 && value.is_finite() && !(1e-4..1e6).contains(&value.abs()) {
        write!(f, "{value:.precision$e}")
    } else if value.fract() == 0.0 {
        write!(f, "{value:.0}")
    } else {
        write!(f, "{value:.precision$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_shape_and_type_are_shown() {
        let x = Tensor::from([[1.0, 0.5], [-2.0, 1e-9]]);
        assert_eq!(format!("{x}"), "[[1, 0.5000],\n [-2, 1.0000e-9]]");
        assert_eq!(
            format!("{:?}", Tensor::from([1.0]).requires_grad()),
            "[1] F32 [1] tracked"
        );
        assert_eq!(format!("{}", Tensor::zeros([20])), "[0, 0, 0, …, 0, 0, 0]");
        assert_eq!(format!("{}", Tensor::zeros([2, 0])), "[[],\n []]");
    }
}
