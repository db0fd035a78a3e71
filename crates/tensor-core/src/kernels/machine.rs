//! What the machine can do at most: loops that do nothing but multiply and add in registers, or nothing but read memory.
//!
//! Other kernels are measured against these two. They take no time themselves: whoever calls them has the clock.

use super::simd::{Float, Lanes};

/// Sums that grow side by side. A fused multiply-add takes some four cycles and two begin in each, so eight or more must be under way; and all
/// must fit into registers, of which a vector takes one (AVX-512), two (AVX2) or four (NEON).
const CHAINS: usize = if cfg!(target_feature = "avx512f") { 16 } else { 6 };

/// Floating-point operations in a step of [`multiply_adds`]: a multiplication and an addition in each lane.
pub const fn operations<T: Float>() -> usize {
    2 * CHAINS * T::Lanes::WIDTH
}

/// x ← factor · x + term, so many times, for as many numbers x as the registers hold; then the sum of them. The numbers begin with 0, 1, 2, …,
/// one for each vector.
///
/// ```
/// use tensor_core::kernels::machine::{multiply_adds, operations};
/// // Whatever they begin with, they come near 1 / (1 - 0.5) = 2.
/// let numbers = operations::<f32>() / 2;
/// assert_eq!(multiply_adds(100, 0.5f32, 1.0), 2.0 * numbers as f32);
/// ```
#[inline(never)]
pub fn multiply_adds<T: Float>(steps: usize, factor: T, term: T) -> T {
    let (factor, term) = (T::Lanes::splat(factor), T::Lanes::splat(term));
    let mut x: [T::Lanes; CHAINS] = std::array::from_fn(|i| T::Lanes::constant(i as f64));
    for _ in 0..steps {
        for x in &mut x {
            *x = x.mul_add(factor, term);
        }
    }
    x.into_iter().fold(T::Lanes::zero(), |sum, x| sum + x).sum()
}

/// Vectors that [`read`] adds up side by side.
const READS: usize = 8;

/// The sum of all numbers, read once from front to back: as fast as memory gives them. (For a sum that is also as accurate as it can be, see
/// [`super::reduce`].)
///
/// ```
/// use tensor_core::kernels::machine::read;
/// assert_eq!(read(&[0.5f32; 1001]), 500.5);
/// ```
#[inline(never)]
pub fn read<T: Float>(x: &[T]) -> T {
    let (vectors, rest) = T::Lanes::chunks(x);
    let (groups, last) = vectors.as_chunks::<READS>();
    let mut sums = [T::Lanes::zero(); READS];
    for group in groups {
        for i in 0..READS {
            sums[i] = sums[i] + T::Lanes::from_array(group[i]);
        }
    }
    for &vector in last {
        sums[0] = sums[0] + T::Lanes::from_array(vector);
    }
    sums[0] = sums[0] + T::Lanes::load_padded(rest, T::ZERO);
    sums.into_iter().fold(T::Lanes::zero(), |sum, x| sum + x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closed form: x after n steps is factorⁿ · x + term · (factorⁿ - 1) / (factor - 1).
    #[test]
    fn each_step_multiplies_and_adds_once_in_every_lane() {
        for steps in [0, 1, 2, 7] {
            let power = 1.5f64.powi(steps as i32);
            let each = |x: usize| power * x as f64 + 0.25 * (power - 1.0) / 0.5;
            let width = <f64 as Float>::Lanes::WIDTH as f64;
            let wanted: f64 = (0..CHAINS).map(|x| width * each(x)).sum();
            assert_eq!(multiply_adds(steps, 1.5, 0.25), wanted, "{steps} steps");
        }
    }

    #[test]
    fn every_number_is_read_once() {
        for len in [0, 1, 15, 16, 17, 127, 128, 129, 1000] {
            let numbers: Vec<f32> = (1..=len).map(|i| i as f32).collect();
            assert_eq!(read(&numbers), (len * (len + 1) / 2) as f32, "{len}");
        }
    }
}
