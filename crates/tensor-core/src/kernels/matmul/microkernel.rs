//! The innermost loop: a tile of C, a few rows by a few vectors, stays in registers while all of K passes by.
//!
//! For each p, the tile's rows of A give one number each and row p of B gives a few vectors; each pair is one fused multiply-add. A tile of
//! 8 rows by 3 vectors takes 11 loads for 24 of them: a processor that does two of each in a cycle never waits for a load.

use super::super::arrays::array_of;
use super::super::simd::{Float, Lanes};
use super::operand::{Matrix, Piece};

/// The size of a tile, and of the blocks that are cut for it.
pub(in super::super) struct Tile {
    /// Rows of C.
    pub(in super::super) rows: usize,
    /// Vectors in a row.
    pub(in super::super) vectors: usize,
    /// Steps of K in a block. (Twice as many gain 1 or 2 % at N = 1024, and double the rounding error.)
    pub(in super::super) depth: usize,
}

impl Tile {
    /// Bytes that it loads for each multiplication of numbers in single precision.
    pub(super) fn bytes(&self) -> f64 {
        let columns = self.vectors * <f32 as Float>::Lanes::WIDTH;
        (4 * (self.rows + columns)) as f64 / (self.rows * columns) as f64
    }
}

/// The tile of this build's vectors.
pub(in super::super) const TILE: Tile = if cfg!(target_feature = "avx512f") {
    // 24 of 32 registers hold sums, 3 a row of B.
    Tile {
        rows: 8,
        vectors: 3,
        depth: 512,
    }
} else {
    // A vector is two registers of AVX2, which has 16: 12 sums, 2 for B, 1 for A. It is four of NEON's, which has 32: 24 sums, 4 for B.
    Tile {
        rows: 6,
        vectors: 1,
        depth: 256,
    }
};

/// Where the rows of B lie for a tile: in a packed panel, or where they always were.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a, T> {
    pub(super) data: &'a [T],
    /// From one row to the next.
    pub(super) stride: usize,
}

/// C = A B or C += A B for one whole tile.
#[inline(never)]
pub(super) fn tile<T: Float, const ROWS: usize, const VECTORS: usize>(
    k: usize,
    a: Matrix<'_, T>,
    b: Panel<'_, T>,
    c: &mut Piece<'_, T>,
    accumulate: bool,
) {
    assert!(
        c.rows() == ROWS && c.columns() == VECTORS * T::Lanes::WIDTH,
        "not a whole tile"
    );
    // All rows have one length, so that one comparison serves for the numbers of all of them.
    let reach = (k - 1) * a.column_stride + 1;
    let rows: [&[T]; ROWS] = array_of(|i| &a.data[i * a.row_stride..][..reach]);
    let mut sums = [[T::Lanes::zero(); VECTORS]; ROWS];
    for (p, b) in b.data.chunks(b.stride).take(k).enumerate() {
        let (b, _) = T::Lanes::chunks(&b[..VECTORS * T::Lanes::WIDTH]);
        let b: [T::Lanes; VECTORS] = array_of(|j| T::Lanes::from_array(b[j]));
        for i in 0..ROWS {
            let x = T::Lanes::splat(rows[i][p * a.column_stride]);
            for j in 0..VECTORS {
                sums[i][j] = x.mul_add(b[j], sums[i][j]);
            }
        }
    }
    // By indices that the compiler knows: a reference to the sums would take them out of the registers, at a third of the speed.
    #[expect(clippy::needless_range_loop, reason = "see above")]
    for i in 0..ROWS {
        let (c, _) = T::Lanes::chunks_mut(c.row(i));
        for j in 0..VECTORS {
            let sum = if accumulate {
                T::Lanes::from_array(c[j]) + sums[i][j]
            } else {
                sums[i][j]
            };
            c[j] = sum.to_array();
        }
    }
}
