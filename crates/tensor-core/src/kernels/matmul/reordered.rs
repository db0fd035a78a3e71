//! Rung 2: the same additions in the order i, p, j.
//!
//! The last rung waited for each addition and jumped through B. Here the inner loop adds a multiple of a row of B to a row of C: both are
//! contiguous, and no addition waits for its neighbour, so the compiler turns it into vector instructions.
//!
//! What limits it: for each multiplication, B and C are loaded and C is stored; in a cycle a processor does two multiplications, but hardly more than two loads and one store.

use super::operand::Matrix;
use super::rung::Rung;

/// Rung 2.
pub(super) struct Reordered;

impl Rung for Reordered {
    fn name(&self) -> &'static str {
        "reordered"
    }

    fn idea(&self) -> &'static str {
        "i, p, j: rows are added to rows"
    }

    fn bytes(&self) -> f64 {
        12.0 // two loads and a store
    }

    #[inline(never)]
    fn run(&self, [_, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let mut copy = Vec::new();
        let b = b.in_rows(k, n, &mut copy);
        c.fill(0.0);
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            for p in 0..k {
                let x = a.at(i, p);
                let b = &b.data[p * b.row_stride..][..n];
                c.iter_mut().zip(b).for_each(|(c, b)| *c += x * b);
            }
        }
    }
}
