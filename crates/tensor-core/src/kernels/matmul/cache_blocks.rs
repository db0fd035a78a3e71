//! Rung 4: the same tiles, in an order in which what is read again is still in the cache.
//!
//! The last rung read B from main memory for each row of tiles. Here the product is cut into blocks: 256 steps of K by 256 columns of B are
//! 256 KiB, which stay in the second-level cache (256 KiB to 2 MiB a core) while all rows of A pass by.
//!
//! What limits it: the numbers of a block lie apart, each row of a tile in another page of memory. Caches that choose a place by the low
//! bits of an address have few places for rows that are a power of two apart, and each page needs an entry in a small table.

use super::operand::{Matrix, Piece};
use super::register_tile;
use super::rung::Rung;

/// Steps of K in a block.
pub(super) const K_BLOCK: usize = 256;
/// Columns of B in a block.
pub(super) const N_BLOCK: usize = 256;

/// Rung 4.
pub(super) struct CacheBlocks;

impl Rung for CacheBlocks {
    fn name(&self) -> &'static str {
        "cache_blocks"
    }

    fn idea(&self) -> &'static str {
        "blocks of B stay in the cache"
    }

    fn bytes(&self) -> f64 {
        register_tile::BYTES
    }

    #[inline(never)]
    fn run(&self, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let mut copies = [Vec::new(), Vec::new()];
        let [a_copy, b_copy] = &mut copies;
        let (a, b) = (a.in_rows(m, k, a_copy), b.in_rows(k, n, b_copy));
        let mut c = Piece::whole(c, n);
        for p in (0..k).step_by(K_BLOCK) {
            for j in (0..n).step_by(N_BLOCK) {
                let (k, end) = (K_BLOCK.min(k - p), n.min(j + N_BLOCK));
                let mut c = c.part(0..m, j..end);
                register_tile::tiles([m, k, end - j], a.from(0, p), b.from(p, j), &mut c, p > 0);
            }
        }
    }
}
