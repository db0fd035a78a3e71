//! Rung 11: C is cut into pieces, and threads take them up.
//!
//! The last rung ran on one core. Here a large product is cut into pieces of C, each of which is a product by itself, and no thread waits for another.
//!
//! So each packs what it needs of B, and the cut keeps that small. For two threads, a tall C is cut into strips of columns and these by rows: a thread packs
//! a strip once for all pieces of it that it takes up (`strip.rs`). Otherwise C is cut by columns first, where nothing is packed twice; where also by rows,
//! a piece has so many that packing is a small part of its work, or, if B is small, so few that it packs nothing. (Where it is A that is packed, it is small: each
//! of two threads packs all of it, unless that is large.)
//! `rectangles.rs` says where it is cut.
//!
//! What limits it: the multiplications that the cores can do.

use super::super::parallel::{for_each_task_with, threads};
use super::super::simd::Float;
use super::microkernel::TILE;
use super::operand::{Matrix, Piece, Shared};
use super::prepacked::Prepacked;
use super::rectangles::{self, Rectangles, STRIP};
use super::rung::Rung;
use super::store::Store;
use super::strip::Strip;
use super::vector::{self, MatrixVector};
use super::{WIDE, flipped, reference, small};

/// Rung 11.
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
    if let Some(operands) = MatrixVector::of(sizes, a, b) {
        return operands.product(c, store);
    }
    if vector::is_outer(sizes, &b) {
        return vector::outer(a, b, sizes[2], c, store);
    }
    if flipped::pays(sizes, &b) {
        return product_flipped(sizes, a, b, c, store);
    }
    let [_, k, n] = sizes;
    let reads_b = WIDE && small::reads_b(k, &b);
    let pieces = Rectangles::new::<T>(sizes, reads_b, threads());
    let c = Shared::new(Piece::whole(c, n));
    for_each_task_with(
        rectangles::work(sizes),
        pieces.count(),
        Strip::default,
        |strip, task| {
            let [is, js] = pieces.get(task);
            let (rows, a, columns) = (is.len(), a.from(is.start, 0), js.clone());
            // SAFETY: each task is another rectangle, and is called once; and no two of them overlap.
            #[allow(unsafe_code, reason = "pieces of the same rows")]
            let mut c = unsafe { c.part(is, js) };
            let store = store.columns(columns.clone());
            if pieces.has_strips() {
                strip.of(b, k, columns).times(a, &mut c, store);
            } else {
                piece([rows, k, columns.len()], a, b.from(0, columns.start), &mut c, store);
            }
        },
    );
}

/// The same where A is packed and not B. Each of two threads packs all of it for itself: what the other one packed would have to come from its cache, which takes longer.
/// (With shared panels, 64 x 784 x 256 takes a tenth longer, 64 x 256 x 256 a fifth; a step of a VAE or GAN up to 2 %.) More threads share the panels, and so do two of
/// a large A.
fn product_flipped<T: Float>(sizes: [usize; 3], a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], store: Store<'_, T>) {
    let [m, k, n] = sizes;
    let a = a.transposed();
    let is_shared = threads() > 2 || (m * k).saturating_mul(T::DTYPE.size()) > STRIP;
    let shared = is_shared.then(|| Prepacked::new(a, k, m));
    let pieces = Rectangles::by_columns(sizes, flipped::UNIT, threads());
    let c = Shared::new(Piece::whole(c, n));
    for_each_task_with(
        rectangles::work(sizes),
        pieces.count(),
        Strip::default,
        |strip, task| {
            let [is, js] = pieces.get(task);
            // SAFETY: each task is another rectangle, and is called once; and no two of them overlap.
            #[allow(unsafe_code, reason = "pieces of the same rows")]
            let mut c = unsafe { c.part(is, js.clone()) };
            let a = match &shared {
                Some(panels) => panels,
                None => strip.of(a, k, 0..m),
            };
            flipped::product(a, b.from(0, js.start), &mut c, store.columns(js));
        },
    );
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
