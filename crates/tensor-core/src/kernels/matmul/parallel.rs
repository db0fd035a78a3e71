//! Rung 12: C is cut into pieces, and threads take them up.
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
use super::reference::{self, Reference};
use super::rung::Rung;
use super::store::Store;
use super::strip::Strip;
use super::vector::WithVector;
use super::{WIDE, flipped, small};
use std::ops::Range;

/// Rung 12.
pub(super) struct Parallel;

impl Rung for Parallel {
    fn name(&self) -> &'static str {
        "parallel"
    }

    fn idea(&self) -> &'static str {
        "threads take up pieces of C"
    }

    fn bytes(&self) -> f64 {
        if WIDE { TILE.bytes() } else { Reference.bytes() }
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
    if let Some(operands) = WithVector::of(sizes, a, b) {
        return operands.product(c, store);
    }
    if flipped::pays(sizes, &b) {
        return product_flipped(sizes, a, b, c, store);
    }
    let [_, k, _] = sizes;
    let reads_b = WIDE && small::reads_b(k, &b);
    let pieces = Rectangles::new::<T>(sizes, reads_b, threads());
    for_each_piece(sizes, &pieces, c, |strip, [is, js], c| {
        let (rows, columns) = (is.len(), js.len());
        let (a, store) = (a.from(is.start, 0), store.columns(js.clone()));
        if pieces.has_strips() {
            strip.of(b, k, js).times(a, c, store);
        } else {
            piece([rows, k, columns], a, b.from(0, js.start), c, store);
        }
    });
}

/// The same where A is packed and not B. Each of two threads packs all of it for itself: what the other one packed would have to come from its cache, which takes longer.
/// (With shared panels, 64 x 784 x 256 takes a tenth longer, 64 x 256 x 256 a fifth; a step of a VAE or GAN up to 2 %.) More threads share the panels, and so do two of
/// a large A.
fn product_flipped<T: Float>(sizes: [usize; 3], a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], store: Store<'_, T>) {
    let [m, k, _] = sizes;
    let a = a.transposed();
    let is_shared = threads() > 2 || (m * k).saturating_mul(T::DTYPE.size()) > STRIP;
    let shared = is_shared.then(|| Prepacked::new(a, k, m));
    let pieces = Rectangles::by_columns(sizes, flipped::UNIT, threads());
    for_each_piece(sizes, &pieces, c, |strip, [_, js], c| {
        let a = match &shared {
            Some(panels) => panels,
            None => strip.of(a, k, 0..m),
        };
        flipped::product(a, b.from(0, js.start), c, store.columns(js));
    });
}

/// Calls `f` for each rectangle of C on all threads: with what a thread has packed last, the rows and the columns, and the piece of C.
fn for_each_piece<T: Float>(
    sizes: [usize; 3],
    pieces: &Rectangles,
    c: &mut [T],
    f: impl Fn(&mut Strip, [Range<usize>; 2], &mut Piece<'_, T>) + Sync,
) {
    let c = Shared::new(Piece::whole(c, sizes[2]));
    for_each_task_with(
        rectangles::work(sizes),
        pieces.count(),
        Strip::default,
        |strip, task| {
            let [is, js] = pieces.get(task);
            // SAFETY: each task is another rectangle, and is called once; and no two of them overlap.
            #[allow(unsafe_code, reason = "pieces of the same rows")]
            let mut c = unsafe { c.part(is.clone(), js.clone()) };
            f(strip, [is, js], &mut c);
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
