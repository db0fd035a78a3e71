//! Losses as functions of predictions and targets, element by element: what is summed and what is averaged stays visible in the model.

use tensor_core::Tensor;

/// Binary cross entropy of targets in [0, 1] from logits, element by element, in nats; see [`Tensor::bce_with_logits`].
///
/// ```
/// use nn::loss::bce_with_logits;
/// use tensor_core::Tensor;
/// let loss = bce_with_logits(&Tensor::from([[0.0, 0.0]]), &Tensor::from([[1.0, 0.5]]));
/// assert_eq!(loss.to_vec::<f32>(), [std::f32::consts::LN_2; 2]);
/// ```
///
/// # Panics
/// If the shapes or the types differ. (One target for many logits is more often a mistake than meant; [`Tensor::bce_with_logits`] broadcasts.)
#[track_caller]
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Tensor {
    same_shape("bce_with_logits", logits, targets);
    logits.bce_with_logits(targets)
}

/// The squared error (ŷ - y)², element by element. Its mean over all elements is PyTorch's `mse_loss`.
///
/// ```
/// use nn::loss::squared_error;
/// use tensor_core::Tensor;
/// let loss = squared_error(&Tensor::from([1.0, 4.0]), &Tensor::from([0.0, 2.0])).mean(..);
/// assert_eq!(loss.item(), 2.5);
/// ```
///
/// # Panics
/// If the shapes or the types differ: [B, 1] - [B] would be [B, B].
#[track_caller]
pub fn squared_error(prediction: &Tensor, target: &Tensor) -> Tensor {
    same_shape("squared_error", prediction, target);
    (prediction - target).sqr()
}

#[track_caller]
fn same_shape(loss: &str, prediction: &Tensor, target: &Tensor) {
    let (p, t) = (prediction.shape(), target.shape());
    assert_eq!(p, t, "{loss}: the prediction has shape {p}, the target has {t}");
}
