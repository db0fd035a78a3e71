//! The range of numbers, and which are not finite: for messages, not for training.

use super::simd::Float;

/// What a look at all numbers of a slice finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The place of the first that is one of both.
    pub first: Option<usize>,
    /// The smallest finite number; +∞ where there is none.
    pub min: f64,
    /// The largest finite number; -∞ where there is none.
    pub max: f64,
    /// The mean of the finite numbers; NaN where there is none.
    pub mean: f64,
}

/// Looks at all numbers.
pub fn summary<T: Float>(x: &[T]) -> Summary {
    let mut summary = Summary {
        nan: 0,
        infinite: 0,
        first: None,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        mean: f64::NAN,
    };
    let mut sum = 0.0;
    for (i, value) in x.iter().map(|value| value.to_f64()).enumerate() {
        if value.is_finite() {
            summary.min = summary.min.min(value);
            summary.max = summary.max.max(value);
            sum += value;
        } else {
            summary.nan += usize::from(value.is_nan());
            summary.infinite += usize::from(value.is_infinite());
            summary.first = summary.first.or(Some(i));
        }
    }
    summary.mean = sum / (x.len() - summary.nan - summary.infinite) as f64; // 0 / 0 is NaN
    summary
}

/// Whether no number is NaN or infinite.
pub fn all_finite<T: Float>(x: &[T]) -> bool {
    // Within a block there is no early exit, so that the loop becomes one of vectors.
    let block_is_finite = |block: &[T]| block.iter().fold(true, |finite, x| finite & x.to_f64().is_finite());
    x.chunks(1024).all(block_is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_of_the_finite_numbers_and_counts_the_others() {
        let x = [1.0f32, f32::NAN, -3.0, f32::INFINITY, 5.0, f32::NEG_INFINITY];
        let wanted = Summary {
            nan: 1,
            infinite: 2,
            first: Some(1),
            min: -3.0,
            max: 5.0,
            mean: 1.0,
        };
        assert_eq!(summary(&x), wanted);
        let nothing = summary::<f64>(&[]);
        assert!(nothing.mean.is_nan() && nothing.first.is_none() && nothing.min > nothing.max);
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_anywhere() {
        for place in [0, 1023, 1024, 2999] {
            let mut x = vec![1e300; 3000];
            assert!(all_finite(&x));
            x[place] = f64::NEG_INFINITY;
            assert!(!all_finite(&x), "{place}");
        }
    }
}
