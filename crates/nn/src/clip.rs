//! Bounds for gradients, between the backward pass and the step.

use crate::pass::{CHUNK, for_each_stretch};
use tensor_core::kernels::{Float, parallel};
use tensor_core::{DType, Gradients, Tensor};

/// What PyTorch adds to the norm before it divides by it.
const EPS: f64 = 1e-6;

/// Scales all gradients by one factor, so that their norm, taken over all of them together, is at most `max_norm`: the direction stays (Pascanu,
/// Mikolov & Bengio 2013). Returns the norm ‖g‖ that they had. As PyTorch's `clip_grad_norm_`: g ← g · `max_norm` / (‖g‖ + 1e-6) where that factor
/// is below 1.
///
/// A norm that is NaN or infinite cannot be scaled: the gradients then stay as they are and the norm says so. A step with them would
/// spoil the parameters, so that a caller who wants to go on looks at the norm and leaves out the step. (PyTorch multiplies by what comes of the
/// division: with one infinite gradient, all others become 0.)
///
/// The squares are summed in F64, in an order that the sizes alone decide.
///
/// ```
/// use nn::{Param, clip};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0, 2.0]));
/// let (_, mut grads) = (w.tensor() * Tensor::from([30.0, -40.0])).sum(..).value_and_grad([&w]);
/// assert_eq!(clip::by_global_norm(&mut grads, 5.0), 50.0);
/// let clipped = grads.get(&w).unwrap().to_vec::<f32>();
/// assert!((clipped[0] - 3.0).abs() < 1e-6 && (clipped[1] + 4.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If `max_norm` is negative or NaN.
#[track_caller]
pub fn by_global_norm(gradients: &mut Gradients, max_norm: f64) -> f64 {
    assert!(max_norm >= 0.0, "by_global_norm: a norm is at least 0, not {max_norm}");
    let dense: Vec<Tensor> = gradients.iter().map(|(_, gradient)| gradient.dense()).collect();
    let norm = (sum_of_squares::<f32>(&dense) + sum_of_squares::<f64>(&dense)).sqrt();
    drop(dense); // so that the gradients are nobody else's and change in place
    let factor = max_norm / (norm + EPS);
    if norm.is_finite() && factor < 1.0 {
        change(gradients, Scale { factor });
    }
    norm
}

/// Moves each number of the gradients into [-`limit`, `limit`], as PyTorch's `clip_grad_value_` does. The direction changes. NaN stays NaN.
///
/// ```
/// use nn::{Param, clip};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0, 2.0]));
/// let (_, mut grads) = (w.tensor() * Tensor::from([0.25, -40.0])).sum(..).value_and_grad([&w]);
/// clip::by_value(&mut grads, 0.5);
/// assert_eq!(grads.get(&w).unwrap().to_vec::<f32>(), [0.25, -0.5]);
/// ```
///
/// # Panics
/// If `limit` is negative or NaN.
#[track_caller]
pub fn by_value(gradients: &mut Gradients, limit: f64) {
    assert!(limit >= 0.0, "by_value: a limit is at least 0, not {limit}");
    change(gradients, Clamp { limit });
}

/// The squares of all elements of the tensors of type `T`, added up.
fn sum_of_squares<T: Float>(tensors: &[Tensor]) -> f64 {
    let own = tensors.iter().filter(|tensor| tensor.dtype() == T::DTYPE);
    let chunks = own.flat_map(|tensor| tensor.as_slice::<T>().chunks(CHUNK));
    let mut sums: Vec<(&[T], f64)> = chunks.map(|chunk| (chunk, 0.0)).collect();
    parallel::for_each_chunk(&mut sums, 1, |_, sums| {
        for (chunk, sum) in sums {
            *sum = sum_of_chunk(chunk);
        }
    });
    sums.iter().map(|(_, sum)| sum).sum()
}

/// Sixteen sums side by side, for which the compiler uses vectors. In F64 the squares of F32 numbers neither overflow nor vanish.
fn sum_of_chunk<T: Float>(chunk: &[T]) -> f64 {
    let mut sums = [0.0; 16];
    let mut add = |numbers: &[T]| {
        for (sum, x) in sums.iter_mut().zip(numbers) {
            *sum += x.to_f64() * x.to_f64();
        }
    };
    let (whole, rest) = chunk.as_chunks::<16>();
    whole.iter().for_each(|numbers| add(numbers));
    add(rest);
    sums.iter().sum()
}

/// What happens to each number.
trait Change: Sync {
    fn apply<T: Float>(&self, values: &mut [T]);
}

struct Scale {
    factor: f64,
}

impl Change for Scale {
    fn apply<T: Float>(&self, values: &mut [T]) {
        let factor = T::from_f64(self.factor);
        values.iter_mut().for_each(|x| *x = *x * factor);
    }
}

struct Clamp {
    limit: f64,
}

impl Change for Clamp {
    fn apply<T: Float>(&self, values: &mut [T]) {
        let (low, high) = (T::from_f64(-self.limit), T::from_f64(self.limit));
        for x in values {
            let above = if *x < low { low } else { *x };
            *x = if above > high { high } else { above };
        }
    }
}

/// Changes the numbers in place; gradients that others hold too are copied first.
#[track_caller]
fn change(gradients: &mut Gradients, change: impl Change) {
    change_of_type::<f32>(gradients, DType::F32, &change);
    change_of_type::<f64>(gradients, DType::F64, &change);
}

#[track_caller]
fn change_of_type<T: Float>(gradients: &mut Gradients, dtype: DType, change: &impl Change) {
    let own = gradients.iter_mut().filter(|(_, gradient)| gradient.dtype() == dtype);
    let values = own.map(|(_, gradient)| gradient.as_mut_slice::<T>()).collect();
    for_each_stretch(values, [], [], |values, [], []| change.apply(values));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;
    use approx::assert_relative_eq;
    use tensor_core::parallel_region;

    /// Gradients with these values: those of Σ g w by w.
    fn gradients(values: &[Tensor]) -> Gradients {
        let params: Vec<Param> = values.iter().map(|value| Param::new(value.zeros_like())).collect();
        let product = |(param, value): (&Param, &Tensor)| (param.tensor() * value).sum(..);
        let loss = params.iter().zip(values).map(product).reduce(|a, b| a + b).unwrap();
        loss.value_and_grad(&params).1
    }

    fn numbers(gradients: &Gradients) -> Vec<f64> {
        let numbers = |gradient: &Tensor| gradient.to_dtype(DType::F64).to_vec::<f64>();
        gradients.iter().flat_map(|(_, gradient)| numbers(gradient)).collect()
    }

    const START: [f64; 5] = [0.3, -1.2, 2.0, -0.7, 4.0];

    fn start() -> Gradients {
        gradients(&[
            Tensor::from_slice(&START[..3], [3]),
            Tensor::from_slice(&START[3..], [2, 1]),
        ])
    }

    /// The values of PyTorch 2.15, in F64: `a.grad = tensor([0.3, -1.2, 2.0]); b.grad = tensor([[-0.7], [4.0]])`, then
    /// `clip_grad_norm_([a, b], 1.5)`.
    #[test]
    fn the_norm_is_bounded_as_in_pytorch() {
        let mut gradients = start();
        assert_relative_eq!(
            by_global_norm(&mut gradients, 1.5),
            4.692547282660026,
            max_relative = 1e-15
        );
        let wanted = [
            0.09589672239768883,
            -0.3835868895907553,
            0.6393114826512589,
            -0.22375901892794062,
            1.2786229653025178,
        ];
        assert_relative_eq!(numbers(&gradients).as_slice(), wanted.as_slice(), max_relative = 1e-15);
    }

    #[test]
    fn gradients_within_the_bounds_stay_as_they_are() {
        let mut gradients = start();
        assert_relative_eq!(
            by_global_norm(&mut gradients, 10.0),
            4.692547282660026,
            max_relative = 1e-15
        );
        by_value(&mut gradients, 4.0);
        assert_eq!(numbers(&gradients), START);
    }

    #[test]
    fn a_norm_that_is_not_finite_is_told_and_changes_nothing() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut gradients = gradients(&[Tensor::from_slice(&[1.0], [1]), Tensor::from_slice(&[3.0, bad], [2])]);
            let norm = by_global_norm(&mut gradients, 1.0);
            assert_eq!((norm.is_nan(), norm.is_infinite()), (bad.is_nan(), bad.is_infinite()));
            assert_eq!(numbers(&gradients)[..2], [1.0, 3.0]);
            by_value(&mut gradients, 2.0);
            assert_eq!(numbers(&gradients)[..2], [1.0, 2.0]);
            let clipped = numbers(&gradients)[2];
            assert!(clipped == 2.0 * bad.signum() || bad.is_nan() && clipped.is_nan());
        }
    }

    #[test]
    fn a_gradient_that_others_hold_is_not_corrupted() {
        let mut gradients = start();
        let (_, first) = gradients.iter().next().unwrap();
        let first = first.clone();
        by_value(&mut gradients, 0.5);
        assert_eq!(first.to_vec::<f64>(), START[..3]);
        assert_eq!(numbers(&gradients), [0.3, -0.5, 0.5, -0.5, 0.5]);
    }

    #[test]
    fn the_norm_of_many_numbers_has_the_same_bits_on_any_number_of_threads() {
        let many: Vec<f32> = (0..300_001u64)
            .map(|i| (i * 7919 % 20_011) as f32 / 20_011.0 - 0.3)
            .collect();
        let naive = many.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let clip = || {
                // Enough work for the threads of the region to be woken: what follows is shared.
                let x = Tensor::ones([600, 600]);
                assert_eq!(x.matmul(&x).max(..).item(), 600.0);
                let tensors = [Tensor::from_slice(&many, many.len()), Tensor::zeros([0])];
                let mut gradients = gradients(&tensors);
                let norm = by_global_norm(&mut gradients, 1.0);
                (norm, numbers(&gradients))
            };
            pool.install(|| parallel_region(clip))
        };
        let one = on(1);
        // One addition after the other is what is inexact here.
        assert_relative_eq!(one.0, naive, max_relative = 1e-12);
        let clipped = one.1.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert_relative_eq!(clipped, 1.0, max_relative = 1e-6);
        assert!(on(2) == one && on(5) == one);
    }

    #[test]
    #[should_panic(expected = "by_global_norm: a norm is at least 0, not NaN")]
    fn a_bound_that_is_no_number_is_refused() {
        by_global_norm(&mut start(), f64::NAN);
    }
}
