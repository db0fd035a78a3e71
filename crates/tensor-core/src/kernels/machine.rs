//! What the machine can do at most: loops that do nothing but multiply and add in registers, or nothing but read memory.
//!
//! Other kernels are measured against these two. They take no time themselves: whoever calls them has the clock.
//!
//! In single precision, as the rungs of [`super::matmul`] are. (And a generic function would be compiled with whatever calls it: without
//! optimisation, in a debug build of the program.)

use super::simd::{Float, Lanes};

type Vector = <f32 as Float>::Lanes;

/// Sums that grow side by side. A fused multiply-add takes some four cycles and two begin in each, so eight or more must be under way; and all
/// must fit into registers, of which a vector takes one (AVX-512), two (AVX2) or four (NEON).
const CHAINS: usize = if cfg!(target_feature = "avx512f") { 16 } else { 6 };

/// Floating-point operations in a step of [`multiply_adds`]: a multiplication and an addition in each lane.
pub const OPERATIONS: usize = 2 * CHAINS * Vector::WIDTH;

/// x ← factor · x + term, so many times, for as many numbers x as the registers hold; then the sum of them. The numbers begin with 0, 1, 2, …,
/// one for each vector.
///
/// ```
/// use tensor_core::kernels::machine::{OPERATIONS, multiply_adds};
/// // Whatever they begin with, they come near 1 / (1 - 0.5) = 2.
/// let numbers = OPERATIONS / 2;
/// assert_eq!(multiply_adds(100, 0.5, 1.0), 2.0 * numbers as f32);
/// ```
#[inline(never)]
pub fn multiply_adds(steps: usize, factor: f32, term: f32) -> f32 {
    let (factor, term) = (Vector::splat(factor), Vector::splat(term));
    let mut x: [Vector; CHAINS] = std::array::from_fn(|i| Vector::splat(i as f32));
    for _ in 0..steps {
        for x in &mut x {
            *x = x.mul_add(factor, term);
        }
    }
    x.into_iter().fold(Vector::zero(), |sum, x| sum + x).sum()
}

/// Vectors that [`read`] adds up side by side.
const READS: usize = 8;

/// The sum of all numbers, read once from front to back: as fast as memory gives them. (For a sum that is also as accurate as it can be, see
/// [`super::reduce`].)
///
/// ```
/// use tensor_core::kernels::machine::read;
/// assert_eq!(read(&[0.5; 1001]), 500.5);
/// ```
#[inline(never)]
pub fn read(x: &[f32]) -> f32 {
    let (vectors, rest) = Vector::chunks(x);
    let (groups, last) = vectors.as_chunks::<READS>();
    let mut sums = [Vector::zero(); READS];
    for group in groups {
        for i in 0..READS {
            sums[i] += Vector::from_array(group[i]);
        }
    }
    for &vector in last {
        sums[0] += Vector::from_array(vector);
    }
    sums[0] += Vector::load_padded(rest, 0.0);
    sums.into_iter().fold(Vector::zero(), |sum, x| sum + x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closed form: x after n steps is factorⁿ · x + term · (factorⁿ - 1) / (factor - 1).
    #[test]
    fn each_step_multiplies_and_adds_once_in_every_lane() {
        for steps in [0, 1, 2, 7] {
            let power = 1.5f32.powi(steps as i32);
            let each = |x: usize| power * x as f32 + 0.25 * (power - 1.0) / 0.5;
            let width = Vector::WIDTH as f32;
            let wanted: f32 = (0..CHAINS).map(|x| width * each(x)).sum();
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
