//! What the tests of the steps share.

/// Runs `step` so many times: each loss is a number, and the last tenth of them is in the mean well below the first tenth.
pub(crate) fn assert_falls(steps: usize, mut step: impl FnMut() -> f64) {
    let losses: Vec<f64> = (0..steps).map(|_| step()).collect();
    assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let tenth = steps / 10;
    let (first, last) = (mean(&losses[..tenth]), mean(&losses[steps - tenth..]));
    let fall = 0.1 * first.abs();
    assert!(last < first - fall, "the losses went from {first} to {last}");
}
