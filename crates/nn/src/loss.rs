//! Losses as functions of predictions and targets, element by element: what is summed and what is averaged stays visible in the model.
//!
//! Predictions and targets are F32 or F64, both the same; the result has their type and, where nothing else is said, their shape.

use tensor_core::shape::Dims;
use tensor_core::{ShapeError, Tensor};

/// Binary cross entropy of targets t in [0, 1] from logits x, element by element, in nats: -t ln σ(x) - (1 - t) ln(1 - σ(x)), computed as
/// max(x, 0) - x t + ln(1 + exp(-|x|)), which overflows nowhere; see [`Tensor::bce_with_logits`].
///
/// ```
/// use nn::loss::bce_with_logits;
/// use tensor_core::Tensor;
/// let logits = Tensor::from([0.0, 0.0, 800.0]).requires_grad();
/// let loss = bce_with_logits(&logits, &Tensor::from([1.0, 0.5, 0.0]));
/// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2, std::f32::consts::LN_2, 800.0]);
/// assert_eq!(loss.sum(..).grad(&[&logits])[0].to_vec::<f32>(), [-0.5, 0.0, 1.0]); // σ(x) - t
/// ```
///
/// # Panics
/// If the shapes or the types differ. (One target for many logits is more often a mistake than meant; [`Tensor::bce_with_logits`] broadcasts.)
#[track_caller]
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Tensor {
    same_shape("bce_with_logits", logits, targets);
    logits.bce_with_logits(targets)
}

/// Binary cross entropy of targets t in [0, 1] under probabilities p, element by element, in nats: -t ln p - (1 - t) ln(1 - p); see [`Tensor::bce`].
///
/// ```
/// use nn::loss::bce;
/// use tensor_core::Tensor;
/// let p = Tensor::from([0.5, 0.5]).requires_grad();
/// let loss = bce(&p, &Tensor::from([1.0, 0.0]));
/// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2; 2]);
/// assert_eq!(loss.sum(..).grad(&[&p])[0].to_vec::<f32>(), [-2.0, 2.0]);
/// ```
///
/// # Panics
/// If the shapes or the types differ. ([`Tensor::bce`] broadcasts.)
#[track_caller]
pub fn bce(probabilities: &Tensor, targets: &Tensor) -> Tensor {
    same_shape("bce", probabilities, targets);
    probabilities.bce(targets)
}

/// Cross entropy of logits [N, classes, …] with the numbers of the right classes, U32 [N, …], in nats: -ln softmax(x)_t, one number for each target;
/// see [`Tensor::cross_entropy`]. Its mean is PyTorch's `cross_entropy`.
///
/// ```
/// use nn::loss::cross_entropy;
/// use tensor_core::Tensor;
/// let logits = Tensor::from([[0.0, 0.0], [500.0, 0.0]]).requires_grad();
/// let loss = cross_entropy(&logits, &Tensor::from_slice(&[1u32, 1], [2]));
/// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2, 500.0]);
/// assert_eq!(loss.sum(..).grad(&[&logits])[0].to_vec::<f32>(), [0.5, -0.5, 1.0, -1.0]);
/// ```
///
/// # Panics
/// If the shapes do not fit, or a target is not the number of a class.
#[track_caller]
pub fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    logits.cross_entropy(targets)
}

/// The squared error (ŷ - y)², element by element. Its mean over all elements is PyTorch's `mse_loss`.
///
/// ```
/// use nn::loss::squared_error;
/// use tensor_core::Tensor;
/// let prediction = Tensor::from([1.0, 4.0]).requires_grad();
/// let loss = squared_error(&prediction, &Tensor::from([0.0, 2.0])).mean(..);
/// assert_eq!(loss.item(), 2.5); // (1² + 2²) / 2
/// assert_eq!(loss.grad(&[&prediction])[0].to_vec::<f32>(), [1.0, 2.0]); // 2 (ŷ - y) / 2
/// ```
///
/// # Panics
/// If the shapes or the types differ: [B, 1] - \[B\] would be [B, B].
#[track_caller]
pub fn squared_error(prediction: &Tensor, target: &Tensor) -> Tensor {
    same_shape("squared_error", prediction, target);
    (prediction - target).sqr()
}

/// The absolute error |ŷ - y|, element by element. Its mean over all elements is PyTorch's `l1_loss`.
///
/// ```
/// use nn::loss::absolute_error;
/// use tensor_core::Tensor;
/// let prediction = Tensor::from([1.0, 4.0]).requires_grad();
/// let loss = absolute_error(&prediction, &Tensor::from([3.0, 3.0])).mean(..);
/// assert_eq!(loss.item(), 1.5);
/// assert_eq!(loss.grad(&[&prediction])[0].to_vec::<f32>(), [-0.5, 0.5]);
/// ```
///
/// # Panics
/// If the shapes or the types differ.
#[track_caller]
pub fn absolute_error(prediction: &Tensor, target: &Tensor) -> Tensor {
    same_shape("absolute_error", prediction, target);
    (prediction - target).abs()
}

/// Huber's loss (1964), element by element: ½ e² where the error |e| = |ŷ - y| is at most `delta`, else `delta` (|e| - ½ `delta`), so that single large errors
/// pull no harder than `delta`. Its mean over all elements is PyTorch's `huber_loss`.
///
/// ```
/// use nn::loss::huber;
/// use tensor_core::Tensor;
/// let prediction = Tensor::from([1.0, 5.0]).requires_grad();
/// let loss = huber(&prediction, &Tensor::from([0.0, 0.0]), 2.0);
/// assert_eq!(loss.to_vec::<f32>(), [0.5, 8.0]);
/// assert_eq!(loss.sum(..).grad(&[&prediction])[0].to_vec::<f32>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// If the shapes or the types differ, or `delta` is not positive.
#[track_caller]
pub fn huber(prediction: &Tensor, target: &Tensor, delta: f64) -> Tensor {
    same_shape("huber", prediction, target);
    assert!(delta > 0.0, "huber: delta has to be positive, it is {delta}");
    // With c = min(|e|, δ), both cases are c (|e| - ½ c). The gradient, c sign(e), is that of both at the border.
    let size = (prediction - target).abs();
    let held = size.clamp(0.0, delta);
    &held * (&size - 0.5 * &held)
}

/// The sum over `dims` of the values where the mask is not 0. The others have no influence on value or gradient, whatever they hold.
///
/// ```
/// use nn::loss::masked_sum;
/// use tensor_core::Tensor;
/// let losses = Tensor::from([[1.0, 2.0], [4.0, f32::NAN]]).requires_grad();
/// let mask = Tensor::from_slice(&[1u32, 1, 1, 0], [2, 2]); // the second sentence has one word only
/// let sums = masked_sum(&losses, &mask, 1);
/// assert_eq!(sums.to_vec::<f32>(), [3.0, 4.0]);
/// assert_eq!(sums.sum(..).grad(&[&losses])[0].to_vec::<f32>(), [1.0, 1.0, 1.0, 0.0]);
/// ```
///
/// # Panics
/// If the mask does not hold U32 or has another shape than the values, or there is no such dimension.
#[track_caller]
pub fn masked_sum(values: &Tensor, mask: &Tensor, dims: impl Dims) -> Tensor {
    kept("masked_sum", values, mask).sum(dims)
}

/// The mean over `dims` of the values where the mask is not 0: their sum, divided by their number. The others have no influence on value or gradient,
/// whatever they hold. The mean of none is not a number.
///
/// ```
/// use nn::loss::masked_mean;
/// use tensor_core::Tensor;
/// let losses = Tensor::from([1.0, f32::INFINITY, 4.0]).requires_grad();
/// let mean = masked_mean(&losses, &Tensor::from_slice(&[1u32, 0, 1], [3]), ..);
/// assert_eq!(mean.item(), 2.5);
/// assert_eq!(mean.grad(&[&losses])[0].to_vec::<f32>(), [0.5, 0.0, 0.5]);
/// ```
///
/// # Panics
/// As [`masked_sum`].
#[track_caller]
pub fn masked_mean(values: &Tensor, mask: &Tensor, dims: impl Dims + Copy) -> Tensor {
    let sum = kept("masked_mean", values, mask).sum(dims);
    sum / mask.ne(0.0).to_dtype(values.dtype()).sum(dims)
}

/// The values where the mask is not 0, and 0 elsewhere.
#[track_caller]
fn kept(loss: &'static str, values: &Tensor, mask: &Tensor) -> Tensor {
    let (v, m) = (values.shape(), mask.shape());
    if v != m {
        ShapeError::new(loss, format!("the values have shape {v}, the mask has {m}")).raise();
    }
    mask.where_cond(values, &Tensor::full_of([], 0.0, values.dtype()))
}

#[track_caller]
fn same_shape(loss: &'static str, prediction: &Tensor, target: &Tensor) {
    let (p, t) = (prediction.shape(), target.shape());
    if p != t {
        ShapeError::new(loss, format!("the prediction has shape {p}, the target has {t}")).raise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::panic_of;
    use tensor_core::autograd::check::{gradcheck, gradgradcheck};

    #[test]
    fn losses_have_the_derivatives_of_differences() {
        // Errors on both sides of the border, and of both signs.
        let inputs = [
            Tensor::from_slice(&[0.3, -0.2, 2.5, -4.0], [4]),
            Tensor::from_slice(&[0.1; 4], [4]),
        ];
        for loss in [
            |x: &[Tensor]| huber(&x[0], &x[1], 1.5),
            |x: &[Tensor]| absolute_error(&x[0], &x[1]),
            |x: &[Tensor]| squared_error(&x[0], &x[1]),
        ] {
            gradcheck(loss, &inputs).unwrap();
            gradgradcheck(loss, &inputs).unwrap();
        }
    }

    #[test]
    fn a_mean_over_rows_counts_each_rows_own() {
        let values = Tensor::from([[1.0, 2.0, 6.0], [f32::NAN, 5.0, f32::INFINITY]]);
        let mask = Tensor::from_slice(&[1u32, 1, 1, 0, 1, 0], [2, 3]);
        assert_eq!(masked_mean(&values, &mask, -1).to_vec::<f32>(), [3.0, 5.0]);
        assert!(
            masked_mean(&values, &mask.zeros_like(), ..).item().is_nan(),
            "the mean of none"
        );
        assert_eq!(masked_sum(&values, &mask.zeros_like(), ..).item(), 0.0);
    }

    #[test]
    fn shapes_that_differ_are_refused_at_the_users_line() {
        let (x, y) = (Tensor::zeros([4, 1]), Tensor::zeros([4]));
        let (line, (message, at)) = (line!(), panic_of(|| squared_error(&x, &y)));
        assert_eq!(at, (file!().to_owned(), line));
        let wanted = "squared_error: the prediction has shape [4, 1], the target has [4]";
        assert_eq!(message, format!("{wanted}\n  at {}:{line}:59", file!()));
    }

    #[test]
    fn cross_entropy_explains_what_targets_are() {
        let (logits, targets) = (Tensor::zeros([4, 3]), Tensor::zeros([4]));
        let (line, (message, at)) = (line!(), panic_of(|| cross_entropy(&logits, &targets)));
        assert_eq!(at, (file!().to_owned(), line));
        let wanted = "cross_entropy: targets of type U32 are needed, these are F32 [4]";
        let hint = "to_dtype(DType::U32) converts";
        assert_eq!(message, format!("{wanted}\n  at {}:{line}:59\n  hint: {hint}", file!()));
    }

    #[test]
    #[should_panic(expected = "masked_mean: the values have shape [2, 3], the mask has [3]")]
    fn a_mask_of_another_shape_is_refused() {
        masked_mean(&Tensor::zeros([2, 3]), &Tensor::zeros([3]).ne(1.0), ..);
    }
}
