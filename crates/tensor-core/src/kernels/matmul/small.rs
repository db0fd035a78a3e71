//! Rung 9: B is not packed where that would not pay.
//!
//! The last rung copied all of B, even if only a few rows of A were to meet it. Here the microkernel then reads rows of B where they lie: it asks
//! only that they are contiguous.
//!
//! What limits it: a transposed B is turned into panels as a whole, however few rows of A are to meet it.

use super::super::simd::Float;
use super::gather::collide;
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::rung::Rung;
use super::store::Store;
use super::strided;

/// With so few rows of A, each number of B is read so few times that copying it takes longer than reading it where it lies: at 32 rows a fifth longer, at
/// 128 rows as long, at 512 rows a tenth shorter.
pub(super) const FEW_ROWS: usize = 64;
/// The same where rows of B [`collide`]: read in place, a product with 64 rows of A took twice as long for 512 x 1024 and a seventh longer for 64 x 4096.
const FEW_COLLIDING: usize = 16;

/// Rung 9.
pub(super) struct Small;

impl Rung for Small {
    fn name(&self) -> &'static str {
        "small"
    }

    fn idea(&self) -> &'static str {
        "for few rows of A, B is not packed"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, &mut Piece::whole(c, sizes[2]), Store::new(false));
    }
}

/// One thread's product, packed or not.
pub(super) fn product<T: Float>(
    sizes: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut Piece<'_, T>,
    store: Store<'_, T>,
) {
    strided::product(sizes, a, b, c, store, packs(sizes, &b));
}

/// Whether to pack B.
pub(super) fn packs<T: Float>([m, k, _]: [usize; 3], b: &Matrix<'_, T>) -> bool {
    b.column_stride != 1 || m > FEW_ROWS || m > FEW_COLLIDING && collide::<T>(k, b.row_stride)
}

/// Whether as few rows as [`FEW_ROWS`] read B where it lies.
pub(super) fn reads_b<T: Float>(k: usize, b: &Matrix<'_, T>) -> bool {
    !packs([FEW_ROWS, k, 1], b)
}
