//! The innermost loop: a tile of C, a few rows by a few vectors, stays in registers while a chain of steps of K passes by.
//!
//! For each p, the tile's rows of A give one number each and row p of B gives a few vectors; each pair is one fused multiply-add. A tile of
//! 8 rows by 3 vectors takes 11 loads for 24 of them: a processor that does two of each in a cycle never waits for a load.

#[cfg(test)]
mod tests;

use super::super::simd::{Float, Lanes};
use super::operand::{Matrix, Piece};
use super::rung::bytes_of_tile;
use crate::dtype::DType;
use std::array::from_fn;

/// The size of a tile, and of the blocks that are cut for it.
pub(in super::super) struct Tile {
    /// Rows of C.
    pub(in super::super) rows: usize,
    /// Vectors in a row.
    pub(in super::super) vectors: usize,
    /// Steps of K in a block, at most. (With 512 in place of 800, products with K = 784 are 1 to 4 % slower, and those with K = 128 to 512 and 1024 are cut alike; with 1024, N = 1024 is up to 1 %
    /// faster, but a block no longer fits into 1 MiB. In a build for AVX2, on a CPU with 2 MiB of second-level
    /// cache, 512 in place of 256 make 2048 x 2048 a tenth faster, and 512 to 1024 as fast; on older ones with 256 KiB a block no longer fits, and neither that nor NEON was measured.)
    pub(super) depth: usize,
    /// Vectors in a row of a block of B, at most: as a block has up to `depth` rows, it takes at most nine tenths of a second-level cache of 1 MiB (AVX-512), or
    /// three quarters of one of 512 KiB. (With 12 in place of 18, one thread is 1 % slower at N = 512, 4 % from 784 on; with 24 and 512 steps it was 0 to 1 % faster.)
    pub(super) block: usize,
}

impl Tile {
    /// Bytes that it loads for each multiplication of numbers in single precision.
    pub(super) fn bytes(&self) -> f64 {
        bytes_of_tile(self.rows, self.vectors * <f32 as Float>::Lanes::WIDTH)
    }
}

/// The tile of this build's vectors. `wide`'s types have as many lanes in every build, in one register or in several: so it is the instructions of the build that decide, and
/// not the type.
pub(in super::super) const TILE: Tile = if cfg!(target_feature = "avx512f") {
    // 24 of 32 registers hold sums, 3 a row of B.
    Tile {
        rows: 8,
        vectors: 3,
        depth: 800,
        block: 18,
    }
} else {
    // A vector is two registers of AVX2, which has 16: 12 sums, 2 for B, 1 for A. It is four of NEON's, which has 32: 24 sums, 4 for B.
    Tile {
        rows: 6,
        vectors: 1,
        depth: 512,
        block: 12,
    }
};

/// Steps of K that are summed one after the other, at most: then the sum is added to C.
///
/// In a long chain of terms of one sign, all roundings may go the same way. The error of a sum of K equal terms is within 2 √K ε of the sum for chains of 256 (hardly less at 256,
/// half of it at 512; a sum of millions of terms was not tried); with chains of 512 it was up to 1.4 times that, and a product with more than 256 steps 1 to 2 % faster. (Chains of 128 take another 2 to 6 %.)
pub(in super::super) const CHAIN: usize = 256;

/// Rows of numbers: those of B for a tile, in a packed panel or where they always were; or contiguous columns of A.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a, T> {
    pub(super) data: &'a [T],
    /// From one row to the next.
    pub(super) stride: usize,
}

impl<'a, T: Float> Panel<'a, T> {
    /// The panel from row `p` on.
    pub(super) fn from(&self, p: usize) -> Self {
        Panel {
            data: self.row(p),
            ..*self
        }
    }

    /// Row `p` and what is behind it.
    #[inline(always)]
    fn row(&self, p: usize) -> &'a [T] {
        &self.data[p * self.stride..]
    }

    /// The rows below `k` in groups of [`UNROLLED`], and how many of these may be taken. A group is taken with what lies between its rows: so not the last
    /// one if the data ends before that; and none if rows of so many numbers overlap.
    #[inline(always)]
    fn groups(&self, numbers: usize, k: usize) -> (Groups<'a, T>, usize) {
        let groups = k / UNROLLED;
        let whole = groups.saturating_sub(usize::from(groups * UNROLLED * self.stride > self.data.len()));
        let Panel { data, stride } = *self;
        (Groups { data, stride }, if stride < numbers { 0 } else { whole })
    }
}

/// What is left of a panel's rows, to be taken in groups.
struct Groups<'a, T> {
    data: &'a [T],
    stride: usize,
}

impl<'a, T> Groups<'a, T> {
    /// Takes the next group from the front.
    ///
    /// That each row is as long as it has to be follows from the stride: so the compiler asks once for a group. With two questions for each row, a group took
    /// 175 instructions for its 96 multiplications, and up to 8 % longer where another thread has half of the core's time; now it takes 160.
    #[inline(always)]
    fn take(&mut self) -> [&'a [T]; UNROLLED] {
        let (mut group, rest) = self.data.split_at(UNROLLED * self.stride);
        self.data = rest;
        from_fn(|_| {
            let (row, rest) = group.split_at(self.stride);
            group = rest;
            row
        })
    }
}

/// The first numbers of a row.
#[inline(always)]
fn numbers<T, const NUMBERS: usize>(row: &[T]) -> &[T; NUMBERS] {
    row.first_chunk().expect("a whole line")
}

/// The first vectors of a row.
#[inline(always)]
fn vectors<T: Float, const VECTORS: usize>(row: &[T]) -> &Vectors<T, VECTORS> {
    let (row, _) = T::Lanes::chunks(row);
    row.first_chunk().expect("a whole row")
}

/// The sums of a tile.
type Sums<T, const ROWS: usize, const VECTORS: usize> = [[<T as Float>::Lanes; VECTORS]; ROWS];
/// Vectors in memory.
type Vectors<T, const VECTORS: usize> = [<<T as Float>::Lanes as Lanes>::Array; VECTORS];

/// Steps of K that are written out one after the other, so that the addresses in A are worked out once for all of them: such an instruction takes the
/// place of a multiplication now and then. With one step at a time, a tile reached 91 % of the peak; with four, 98 %.
pub(super) const UNROLLED: usize = 4;

/// C = A B or C += A B for one whole tile. The rows of A are contiguous if `BY_ROWS`, else its columns.
///
/// Those are two functions, and arrays are made by `from_fn` and not by the shorter [`array_of`](super::super::arrays::array_of), because both ways the
/// compiler would keep some sums in memory.
#[inline(never)]
pub(super) fn tile<T: Float, const ROWS: usize, const VECTORS: usize, const BY_ROWS: bool>(
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
    match BY_ROWS {
        true => assert!(a.column_stride == 1, "rows of A are not contiguous"),
        false => assert!(a.row_stride == 1 || ROWS == 1, "columns of A are not contiguous"),
    }
    let sums: Sums<T, ROWS, VECTORS> = match (BY_ROWS, T::DTYPE) {
        (true, DType::F32) => by_rows(k, a, b),
        (true, _) => by_rows_in_single_steps(k, a, b),
        (false, _) => by_columns(k, a, b),
    };
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

/// A B, where the rows of A are contiguous.
#[expect(clippy::needless_range_loop, reason = "the same place in each of several rows")]
#[inline(always)]
fn by_rows<T: Float, const ROWS: usize, const VECTORS: usize>(
    k: usize,
    a: Matrix<'_, T>,
    b: Panel<'_, T>,
) -> Sums<T, ROWS, VECTORS> {
    let (mut b_groups, groups) = b.groups(VECTORS * T::Lanes::WIDTH, k);
    let grouped = groups * UNROLLED;
    let rows: [&[T]; ROWS] = from_fn(|i| &a.data[i * a.row_stride..][..k]);
    let grouped_rows: [&[[T; UNROLLED]]; ROWS] = from_fn(|i| rows[i][..grouped].as_chunks().0);
    let mut sums = [[T::Lanes::zero(); VECTORS]; ROWS];
    for p in 0..groups {
        let a: [&[T; UNROLLED]; ROWS] = from_fn(|i| &grouped_rows[i][p]);
        let b = b_groups.take();
        for u in 0..UNROLLED {
            sums = step(sums, |i| a[i][u], vectors(b[u]));
        }
    }
    for p in grouped..k {
        sums = step(sums, |i| rows[i][p], vectors(b.row(p)));
    }
    sums
}

/// The same for double precision, where the compiler would load the numbers of four steps at once and run out of registers. It even does so in single steps if it
/// knows that the column stride is 1, and so it isn't told.
#[inline(always)]
fn by_rows_in_single_steps<T: Float, const ROWS: usize, const VECTORS: usize>(
    k: usize,
    a: Matrix<'_, T>,
    b: Panel<'_, T>,
) -> Sums<T, ROWS, VECTORS> {
    let reach = (k - 1) * a.column_stride + 1;
    let rows: [&[T]; ROWS] = from_fn(|i| &a.data[i * a.row_stride..][..reach]);
    let mut sums = [[T::Lanes::zero(); VECTORS]; ROWS];
    for p in 0..k {
        sums = step(sums, |i| rows[i][p * a.column_stride], vectors(b.row(p)));
    }
    sums
}

/// A B, where the columns of A are contiguous.
#[inline(always)]
fn by_columns<T: Float, const ROWS: usize, const VECTORS: usize>(
    k: usize,
    a: Matrix<'_, T>,
    b: Panel<'_, T>,
) -> Sums<T, ROWS, VECTORS> {
    let (data, stride) = (a.data, a.column_stride);
    let a = Panel { data, stride };
    let (mut a_groups, groups_of_a) = a.groups(ROWS, k);
    let (mut b_groups, groups_of_b) = b.groups(VECTORS * T::Lanes::WIDTH, k);
    let groups = groups_of_a.min(groups_of_b);
    let mut sums = [[T::Lanes::zero(); VECTORS]; ROWS];
    for _ in 0..groups {
        let (a, b) = (a_groups.take(), b_groups.take());
        for u in 0..UNROLLED {
            let a: &[T; ROWS] = numbers(a[u]);
            sums = step(sums, |i| a[i], vectors(b[u]));
        }
    }
    for p in groups * UNROLLED..k {
        let a: &[T; ROWS] = numbers(a.row(p));
        sums = step(sums, |i| a[i], vectors(b.row(p)));
    }
    sums
}

/// One step of K: a column of A times a row of B is added. The sums go in and out by value, for the reason given in [`tile`].
#[inline(always)]
fn step<T: Float, const ROWS: usize, const VECTORS: usize>(
    mut sums: Sums<T, ROWS, VECTORS>,
    a: impl Fn(usize) -> T,
    b: &Vectors<T, VECTORS>,
) -> Sums<T, ROWS, VECTORS> {
    let b: [T::Lanes; VECTORS] = from_fn(|j| T::Lanes::from_array(b[j]));
    #[expect(clippy::needless_range_loop, reason = "see `tile`")]
    for i in 0..ROWS {
        let x = T::Lanes::splat(a(i));
        for j in 0..VECTORS {
            sums[i][j] = x.mul_add(b[j], sums[i][j]);
        }
    }
    sums
}
