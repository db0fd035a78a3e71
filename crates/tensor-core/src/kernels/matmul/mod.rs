//! C = A B, for operands with any strides and for batches of them: what the engine calls, and the ladder that leads there.
//!
//! Each rung is one short file, which differs from the one before by one idea and says what limits it. All of them are in [`RUNGS`], and can be run and
//! measured beside each other.
//!
//! | rung               | what is new                                                                                    |
//! |--------------------|------------------------------------------------------------------------------------------------|
//! | `naive.rs`         | the definition                                                                                 |
//! | `reordered.rs`     | rows are added to rows                                                                         |
//! | `register_tile.rs` | sums stay in registers                                                                         |
//! | `cache_blocks.rs`  | what is read again is still in the cache                                                       |
//! | `packed.rs`        | what is read lies in the order in which it is read (`pack.rs`)                                 |
//! | `simd.rs`          | the tile in vectors (`microkernel.rs`)                                                         |
//! | `edges.rs`         | a tile is no larger than what C has there (`tiles.rs`)                                         |
//! | `strided.rs`       | A is read where it lies, and only B is packed                                                  |
//! | `small.rs`         | B is not packed for few rows of A                                                              |
//! | `flipped.rs`       | where B is transposed and the larger operand, A is packed in its place                         |
//! | `vector.rs`        | kernels for a matrix times a vector (`matrix_vector.rs`) and a column times a row (`outer.rs`) |
//! | `parallel.rs`      | pieces of C on all threads: what the engine uses                                               |
//! | `reference.rs`     | the crate `matrixmultiply`                                                                     |
//!
//! What several rungs need: where a product is cut into blocks (`cut.rs`) and for threads (`rectangles.rs`), which rows of A are copied first
//! (`gather.rs`), how a part of Cᵀ comes to its place in C (`turned.rs`), operands (`operand.rs`), and what is done with a sum (`store.rs`). Beside the ladder stands `prepacked.rs`: an operand that is packed once
//! for many products, or for many pieces of one, as those of a strip are (`strip.rs`); and `batch.rs`: many small products.

mod batch;
mod cache_blocks;
mod cut;
mod edges;
mod flipped;
mod gather;
mod matrix_vector;
mod microkernel;
mod naive;
mod operand;
mod outer;
mod pack;
mod packed;
mod parallel;
mod prepacked;
mod rectangles;
mod reference;
mod register_tile;
mod reordered;
mod rung;
mod simd;
mod small;
mod store;
mod strided;
mod strip;
#[cfg(test)]
mod tests;
mod tiles;
mod turned;
mod vector;

use super::simd::Float;
pub(crate) use cut::is_added_once;
pub(super) use cut::{block_len, column_blocks};
pub(super) use microkernel::{CHAIN, TILE};
pub use operand::{Batch, Matrix};
pub(super) use operand::{Piece, Shared};
pub(super) use pack::pack;
pub use prepacked::Prepacked;
pub use rung::{Rung, product};
pub use store::{Activation, Store};
pub(super) use tiles::{panels_up_to, tile_rows_up_to};

/// Rows of A that a product takes up at a time: with fewer, it is slower for each of them.
pub const ROWS_AT_A_TIME: usize = microkernel::TILE.rows;

/// The rungs of the ladder, from the definition to what the engine uses, and the reference.
pub const RUNGS: &[&dyn Rung] = &[
    &naive::Naive,
    &reordered::Reordered,
    &register_tile::RegisterTile,
    &cache_blocks::CacheBlocks,
    &packed::Packed,
    &simd::Simd,
    &edges::Edges,
    &strided::Strided,
    &small::Small,
    &flipped::Flipped,
    &vector::Vector,
    &parallel::Parallel,
    &reference::Reference,
];

/// Whether this build has vectors that are worth a microkernel: 512 bits, 256 bits with fused multiply-add, or NEON. With SSE2 alone,
/// products go to `matrixmultiply`, which finds better instructions at run time.
pub const WIDE: bool = cfg!(any(
    target_feature = "avx512f",
    all(target_feature = "avx2", target_feature = "fma"),
    target_arch = "aarch64"
));

/// C = A B, stored as [`Store`] says: A is m x k, B is k x n, C is m x n and contiguous.
///
/// A large product is cut into pieces of C that threads take up.
pub fn matmul<T: Float>(
    m: usize,
    k: usize,
    n: usize,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    store: Store<'_, T>,
) {
    assert_eq!(m.checked_mul(n), Some(c.len()), "C is not {m} x {n}");
    matmul_batch(&[], [m, k, n], Batch::of_one(a), Batch::of_one(b), c, store);
}

/// [`matmul`] for each index of a batch of these sizes. The matrices of C lie one after the other.
///
/// Products that are large are cut, one after the other; of small ones, each task takes up some whole.
pub fn matmul_batch<T: Float>(
    sizes: &[usize],
    [m, k, n]: [usize; 3],
    a: Batch<'_, T>,
    b: Batch<'_, T>,
    c: &mut [T],
    store: Store<'_, T>,
) {
    let count: usize = sizes.iter().product();
    let width = m.checked_mul(n).expect("a matrix can be counted");
    assert_eq!(
        count.checked_mul(width),
        Some(c.len()),
        "C is not {sizes:?} of {m} x {n}"
    );
    assert!(
        store.bias.is_none_or(|bias| bias.len() == n),
        "the bias is not one row of C"
    );
    if c.is_empty() {
        return;
    }
    if k == 0 {
        // Sums of no terms: no operand has an element.
        if !store.accumulate {
            c.fill(T::ZERO);
        }
        return store.finish(&mut Piece::whole(c, n));
    }
    let operands = |i| {
        let (a, b) = (a.get(sizes, i), b.get(sizes, i));
        a.check("A", m, k);
        b.check("B", k, n);
        [a, b]
    };
    if count > 1 && rectangles::is_whole::<T>([m, k, n]) {
        return batch::product(count, [m, k, n], operands, c, store);
    }
    for (i, c) in c.chunks_exact_mut(width).enumerate() {
        let [a, b] = operands(i);
        parallel::product([m, k, n], a, b, c, store);
    }
}
