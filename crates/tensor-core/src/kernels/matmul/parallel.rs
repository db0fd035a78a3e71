//! Rung 9: C is cut into pieces, and threads take them up.
//!
//! The last rung ran on one core. Here a large product is cut into pieces of C, each of which is a product by itself. No thread waits for
//! another: a piece packs its own part of B. Where C is cut by columns alone, nothing is packed twice; where also by rows, a
//! piece has so many that packing is some hundredth of its work, as little as fetching what another core packed.
//!
//! What limits it: the multiplications that the cores can do.

use super::super::parallel::for_each_task;
use super::super::simd::{Float, Lanes};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece, Shared};
use super::rung::Rung;
use super::store::Store;
use super::strided::BLOCK;
use super::tiles::block_len;
use super::{WIDE, reference, small};

/// Multiplications in a piece, at least: some 80 µs.
const PIECE: usize = 10_000_000;
/// Pieces that are enough for any number of threads.
const PIECES: usize = 32;
/// Rows of a piece, at least, where another one packs the same part of B.
const ROWS: usize = 256;
/// Vectors in a row of a piece, at least.
const VECTORS: usize = 6;

/// Rung 9.
pub(super) struct Parallel;

impl Rung for Parallel {
    fn name(&self) -> &'static str {
        "parallel"
    }

    fn idea(&self) -> &'static str {
        "threads take up pieces of C"
    }

    fn bytes(&self) -> Option<f64> {
        Some(TILE.bytes())
    }

    fn is_shared(&self) -> bool {
        true
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        product(sizes, a, b, c, Store::new(false));
    }
}

/// C = A B on all threads. No size is 0.
pub(super) fn product<T: Float>(
    sizes: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    store: Store<'_, T>,
) {
    let [m, k, n] = sizes;
    let [rows, columns] = cut::<T>(sizes);
    let (down, across) = (m.div_ceil(rows), n.div_ceil(columns));
    if down * across == 1 {
        return piece(sizes, a, b, &mut Piece::whole(c, n), store);
    }
    let c = Shared::new(Piece::whole(c, n));
    for_each_task(down * across, |task| {
        let (i, j) = (task / across * rows, task % across * columns);
        let (is, js) = (i..m.min(i + rows), j..n.min(j + columns));
        let sizes = [is.len(), k, js.len()];
        // SAFETY: each task has another (i, j), and is called once; so the pieces do not overlap.
        #[allow(unsafe_code, reason = "pieces of the same rows")]
        let mut c = unsafe { c.part(is, js.clone()) };
        piece(sizes, a.from(i, 0), b.from(0, j), &mut c, store.columns(js));
    });
}

/// Rows and columns of a piece, by the shape alone.
pub(super) fn cut<T: Float>([m, k, n]: [usize; 3]) -> [usize; 2] {
    let width = T::Lanes::WIDTH;
    let wanted = (m.saturating_mul(n).saturating_mul(k) / PIECE).clamp(1, PIECES);
    let across = wanted.min(n.div_ceil(BLOCK * width));
    let down = wanted.div_ceil(across).min(m / ROWS).max(1);
    // Rows that are too few leave columns to be cut further.
    let across = wanted.div_ceil(down).min(n / (VECTORS * width)).max(across);
    [
        block_len(m, m.div_ceil(down), 8).min(m),
        block_len(n, n.div_ceil(across), width).min(n),
    ]
}

/// One piece, on this thread.
pub(super) fn piece<T: Float>(
    sizes: [usize; 3],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: &mut Piece<'_, T>,
    store: Store<'_, T>,
) {
    if WIDE {
        small::product(sizes, a, b, c, store);
    } else {
        reference::product(sizes, a, b, c, store.accumulate);
        store.finish(c);
    }
}
