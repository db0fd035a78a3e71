//! Rung 1: the definition, C[i, j] = Σ A[i, p] B[p, j], one element of C after the other (the order i, j, p).
//!
//! What limits it: each addition waits for the one before, some four cycles, in which the processor could do 64 (AVX2) or 128 (AVX-512). And the inner loop
//! walks down a column of B, a new cache line for each number.

use super::operand::Matrix;
use super::rung::Rung;

/// Rung 1.
pub(super) struct Naive;

impl Rung for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn idea(&self) -> &'static str {
        "the definition: i, j, p"
    }

    fn bytes(&self) -> f64 {
        8.0 // two loads
    }

    #[inline(never)]
    fn run(&self, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        for i in 0..m {
            for j in 0..n {
                c[i * n + j] = (0..k).map(|p| a.at(i, p) * b.at(p, j)).sum();
            }
        }
    }
}
