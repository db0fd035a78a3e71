//! Rung 10: C is cut into pieces, and threads take them up.
//!
//! The last rung ran on one core. Here a large product is cut into pieces of C, each of which is a product by itself. No thread waits for
//! another: a piece packs its own part of B. Where C is cut by columns alone, nothing is packed twice; where also by rows, a
//! piece has so many that packing is some hundredth of its work, as little as fetching what another core packed. (Where it is A that is packed, it is small: that is done before there are pieces, and all share it.)
//!
//! What limits it: the multiplications that the cores can do.

use super::super::parallel::for_each_task_of;
use super::super::simd::{Float, Lanes};
use super::microkernel::TILE;
use super::operand::{Matrix, Piece, Shared};
use super::prepacked::Prepacked;
use super::rung::Rung;
use super::store::Store;
use super::tiles::{BLOCK, part};
use super::{WIDE, flipped, reference, small};

/// Multiplications in a piece, at least: some 8 µs, where threads that are awake share work within 1 µs. With twice as many, a product of 128 x 128 x 128 stays on one
/// thread and takes 1.8 times as long; with half as many, nothing was faster.
const PIECE: usize = 1_000_000;
/// Multiplications that take as long as one of the simple elements by which [`for_each_task_of`] decides whether to wake threads.
const PER_ELEMENT: usize = 6;
/// Pieces that are enough: with twice as many, each so much smaller, one thread loses 2 % at N = 1024.
const PIECES: usize = 16;
/// Rows of a piece, and vectors in each, at least: first so that little is packed twice, and no tile is narrow; and where that gives fewer than
/// [`FEW`] pieces, so that a thread gets any work at all. (With 512 rows at least, two threads were a sixth slower at N = 512, where a piece was a fourth.)
const LEAST: [[usize; 2]; 2] = [[256, 6], [32, 2]];
const FEW: usize = 4;

/// Rung 10.
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
    if flipped::pays(sizes, &b) {
        return product_flipped(sizes, a, b, c, store);
    }
    let [m, k, n] = sizes;
    let [down, across] = cut::<T>(sizes);
    let c = Shared::new(Piece::whole(c, n));
    for_each_task_of(work(sizes), down * across, |task| {
        let is = part(m, TILE.rows, down, task / across);
        let js = part(n, T::Lanes::WIDTH, across, task % across);
        let (sizes, i, j) = ([is.len(), k, js.len()], is.start, js.start);
        // SAFETY: each task has another part of the rows or of the columns, and is called once; so the pieces do not overlap.
        #[allow(unsafe_code, reason = "pieces of the same rows")]
        let mut c = unsafe { c.part(is, js.clone()) };
        piece(sizes, a.from(i, 0), b.from(0, j), &mut c, store.columns(js));
    });
}

/// The same where A is packed and not B: all pieces share its panels.
fn product_flipped<T: Float>(sizes: [usize; 3], a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T], store: Store<'_, T>) {
    let [m, k, n] = sizes;
    let a = Prepacked::new(a.transposed(), k, m);
    let pieces = (multiplications(sizes) / PIECE)
        .clamp(1, PIECES)
        .min(n.div_ceil(flipped::GROUP));
    let c = Shared::new(Piece::whole(c, n));
    for_each_task_of(work(sizes), pieces, |task| {
        let js = part(n, flipped::GROUP, pieces, task);
        // SAFETY: each task has another part of the columns, and is called once; so the pieces do not overlap.
        #[allow(unsafe_code, reason = "pieces of the same rows")]
        let mut c = unsafe { c.part(0..m, js.clone()) };
        flipped::product(&a, b.from(0, js.start), &mut c, store.columns(js));
    });
}

/// The products of a batch of so many that are too small to be cut: each task takes up some whole. No size is 0.
pub(super) fn batch<'a, T: Float>(
    count: usize,
    sizes: [usize; 3],
    operands: impl Fn(usize) -> [Matrix<'a, T>; 2] + Sync + Send,
    c: &mut [T],
    store: Store<'_, T>,
) {
    let [m, _, n] = sizes;
    let each = multiplications(sizes);
    let group = (PIECE / each).max(1);
    let c = Shared::new(Piece::whole(c, n));
    for_each_task_of(
        each.saturating_mul(count) / PER_ELEMENT,
        count.div_ceil(group),
        |task| {
            for i in task * group..count.min((task + 1) * group) {
                let [a, b] = operands(i);
                // SAFETY: each i is another's, and each task is called once; so the matrices do not overlap.
                #[allow(unsafe_code, reason = "matrices of one slice")]
                let mut c = unsafe { c.part(i * m..(i + 1) * m, 0..n) };
                piece(sizes, a, b, &mut c, store);
            }
        },
    );
}

/// The work in simple elements: see [`for_each_task_of`].
pub(super) fn work(sizes: [usize; 3]) -> usize {
    multiplications(sizes) / PER_ELEMENT
}

fn multiplications([m, k, n]: [usize; 3]) -> usize {
    (m * n).saturating_mul(k)
}

/// Whether a product is too small to be cut.
pub(super) fn is_whole<T: Float>([m, k, n]: [usize; 3]) -> bool {
    cut::<T>([m, k, n]) == [1, 1]
}

/// Into how many parts the rows and the columns are cut, by the shape alone.
fn cut<T: Float>(sizes: [usize; 3]) -> [usize; 2] {
    let [m, _, n] = sizes;
    let width = T::Lanes::WIDTH;
    let mut wanted = (multiplications(sizes) / PIECE).clamp(1, PIECES);
    let mut down = 1;
    let mut across = wanted.min(n.div_ceil(BLOCK * width));
    // By columns nothing is packed twice, so they come first; then by rows; and by columns again if these are too few.
    for [rows, vectors] in LEAST {
        down = wanted.div_ceil(across).min(m / rows).max(down);
        across = wanted.div_ceil(down).min(n / (vectors * width)).max(across);
        wanted = wanted.min(FEW);
    }
    [down, across]
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
