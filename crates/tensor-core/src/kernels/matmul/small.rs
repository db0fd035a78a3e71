//! Rung 8: B is not packed where that would not pay.
//!
//! The last rung copied all of B, even if only a few rows of A were to meet it, or if all of B was in the cache anyway. Here the microkernel
//! then reads rows of B where they lie: it asks only that they are contiguous and do not overlap.
//!
//! What limits it: a transposed B is turned into panels as a whole, however few rows of A are to meet it.

use super::super::simd::Float;
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::rung::Rung;
use super::store::Store;
use super::strided;

/// With so few rows of A, each number of B would be copied for one or two tiles only.
const FEW_ROWS: usize = 16;
/// A block of B whose rows lie in so many numbers stays in the second-level cache. (Rows that are far apart do not, however short they are: they
/// share a few places there.)
const SMALL: usize = 1 << 16;

/// Rung 8.
pub(super) struct Small;

impl Rung for Small {
    fn name(&self) -> &'static str {
        "small"
    }

    fn idea(&self) -> &'static str {
        "small operands are not packed"
    }

    fn bytes(&self) -> Option<f64> {
        Some(TILE.bytes())
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, &mut Piece::whole(c, sizes[2]), Store::new(false));
    }
}

/// One thread's product, packed or not.
pub(super) fn product<T: Float>(
    [m, k, n]: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut Piece<'_, T>,
    store: Store<'_, T>,
) {
    let has_rows = b.column_stride == 1 && b.row_stride >= n;
    let block = k.min(TILE.depth).saturating_mul(b.row_stride);
    let reads_in_place = has_rows && (m <= FEW_ROWS || block <= SMALL);
    strided::product([m, k, n], a, b, c, store, !reads_in_place);
}
