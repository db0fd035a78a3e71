//! Rung 10: where B lies column by column and is the larger operand, A is packed in its place.
//!
//! That is x Wᵀ, the forward pass of every layer, with a batch x that is smaller than the weights. The last rung turned all of W into panels, for a few rows of
//! x to meet them. But (A B)ᵀ = Bᵀ Aᵀ, and Bᵀ has rows: here the microkernel reads them where they lie, as it read those of A, and A goes into the
//! panels. It computes tiles of Cᵀ, which are turned as they are stored: a few squares for each tile, in place of all of W.
//!
//! What limits it: one core.

use super::super::arrays::Lines;
use super::super::simd::{Float, Lanes};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece};
use super::pack::{SQUARE, filled};
use super::prepacked::Prepacked;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{LARGEST, any_tile, panels, tile_rows};
use super::{WIDE, small, turned};

/// Between how many columns C is cut for threads: whole tiles of rows of Bᵀ, and whole squares.
pub(super) const UNIT: usize = TILE.rows * if TILE.rows.is_multiple_of(SQUARE) { 2 } else { 4 };
const _: () = assert!(UNIT.is_multiple_of(SQUARE));
/// Columns of C that are computed together, where a piece has as many: of each of its rows, 128 bytes with AVX-512. (With half as many, 64 x 100 x 6,272 takes a
/// tenth longer on one thread, 128 x 784 x 400 2 to 4 %: C's rows lie far apart, and of each only one line of the cache was written at a time. Where threads cut C
/// between so many columns, and not between half as many, nothing changes for 784 columns, and 100 x 200 x 200 takes up to a tenth longer.)
const COLUMNS: usize = 2 * UNIT;
const TILES: usize = COLUMNS / TILE.rows;

/// Rung 10.
pub(super) struct Flipped;

impl Rung for Flipped {
    fn name(&self) -> &'static str {
        "flipped"
    }

    fn idea(&self) -> &'static str {
        "of A and a transposed B, the smaller is packed"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let [m, k, n] = sizes;
        let (c, store) = (&mut Piece::whole(c, n), Store::new(false));
        if pays(sizes, &b) {
            product(&Prepacked::on_this_thread(a.transposed(), k, m), b, c, store);
        } else {
            small::product(sizes, a, b, c, store);
        }
    }
}

/// Whether to pack A and not B: then A is packed and C is turned, in place of B. With at most two thirds as many numbers in those, it was as fast (65 x 256 x 256) to
/// 26 % faster (32 x 784 x 400), with three quarters 7 % slower.
pub(super) fn pays<T: Float>([m, k, n]: [usize; 3], b: &Matrix<'_, T>) -> bool {
    let turned = m.next_multiple_of(T::Lanes::WIDTH).saturating_mul(k.saturating_add(n));
    WIDE && b.row_stride == 1
        && b.column_stride >= k
        && turned.saturating_mul(3) <= n.saturating_mul(k).saturating_mul(2)
}

/// One thread's product, from Aᵀ in panels. Each element is summed as on the rungs before, in the order of K, chain by chain of each block: the bits are the same.
pub(super) fn product<T: Float>(a: &Prepacked, b: Matrix<'_, T>, c: &mut Piece<'_, T>, store: Store<'_, T>) {
    let (k, b) = (a.steps(), b.transposed());
    let mut room = Lines([T::ZERO; TILES * LARGEST]);
    for (steps, rows, a) in a.blocks::<T>() {
        let accumulate = store.accumulate || steps.start > 0;
        for start in (0..c.columns()).step_by(COLUMNS) {
            let columns = start..c.columns().min(start + COLUMNS);
            for panel in panels::<T>(rows.len()) {
                let width = filled::<T>(&panel);
                let mut c = c.part(rows.start + panel.start..rows.start + panel.end, columns.clone());
                let sums = &mut room.0[..columns.len() * width];
                if accumulate {
                    turned::load(sums, width, &mut c);
                }
                for js in tile_rows(columns.len()) {
                    let mut tile = Piece::whole(&mut sums[js.start * width..js.end * width], width);
                    let b = b.from(start + js.start, steps.start);
                    any_tile(steps.len(), b, a.panel(&panel), &mut tile, accumulate);
                }
                turned::store(sums, width, &mut c);
                if steps.end == k {
                    store.columns(columns.clone()).finish(&mut c);
                }
            }
        }
    }
}
