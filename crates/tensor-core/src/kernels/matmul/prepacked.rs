//! An operand that many products share, or many pieces of one: it is packed once, before the first of them.

use super::super::parallel::for_each_task_of;
use super::super::simd::{Float, Lanes};
use super::cut::{blocks, column_blocks, part, steps_in_block};
use super::operand::{Matrix, Piece, Shared};
use super::pack::{Block, SQUARE, filled, pack};
use super::store::Store;
use super::strided::times_block;
use super::{WIDE, rectangles, reference, tiles};
use crate::storage::Storage;
use std::ops::Range;

/// B, k x n, in panels.
///
/// A recurrent network multiplies a few rows by the same weights in each step. [`matmul`](super::matmul) would pack the weights or turn its results each
/// time, which takes about as long as such a product itself.
pub struct Prepacked {
    k: usize,
    n: usize,
    /// The packed blocks, one after the other.
    panels: Storage,
}

impl Prepacked {
    /// Packs B, on all threads if there is a microkernel to pack for.
    pub fn new<T: Float>(b: Matrix<'_, T>, k: usize, n: usize) -> Prepacked {
        Self::by_tasks(b, k, n, |tasks, task| {
            for_each_task_of(k.saturating_mul(n), tasks, task);
        })
    }

    /// [`new`](Self::new) without help from other threads.
    pub(super) fn on_this_thread<T: Float>(b: Matrix<'_, T>, k: usize, n: usize) -> Prepacked {
        Self::by_tasks(b, k, n, |tasks, task| (0..tasks).for_each(task))
    }

    fn by_tasks<T: Float>(
        b: Matrix<'_, T>,
        k: usize,
        n: usize,
        for_each_task: impl FnOnce(usize, &(dyn Fn(usize) + Sync)),
    ) -> Prepacked {
        let width = if WIDE { n.next_multiple_of(T::Lanes::WIDTH) } else { n };
        let room = k.checked_mul(width).expect("a packed matrix fits into memory");
        let mut panels = Storage::for_overwrite(room, T::DTYPE);
        if room > 0 {
            b.check("B", k, n);
            fill(b, [k, n], panels.as_mut_slice(), for_each_task);
        }
        Prepacked { k, n, panels }
    }

    /// K.
    pub(super) fn steps(&self) -> usize {
        self.k
    }

    /// The blocks in the order in which they are used: their steps of K, their columns, and their panels. Neither K nor N is 0, and the build has a
    /// microkernel.
    pub(super) fn blocks<T: Float>(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>, Block<'_, T>)> {
        debug_assert!(WIDE && self.k > 0 && self.n > 0);
        blocks::<T>(self.k, self.n).map(|(steps, columns)| {
            let panels = &self.panels.as_slice()[place::<T>(self.n, &steps, &columns)];
            let block = Block::packed(panels, steps.len());
            (steps, columns, block)
        })
    }

    /// The work of a product with so many rows of A, in the simple elements by which threads are called.
    pub fn work(&self, rows: usize) -> usize {
        rectangles::work([rows, self.k, self.n])
    }

    /// C = A B on this thread, with the bits of [`matmul`](super::matmul) unless C is a vector: C is m x n and contiguous.
    pub fn product<T: Float>(&self, m: usize, a: Matrix<'_, T>, c: &mut [T], store: Store<'_, T>) {
        let (k, n) = (self.k, self.n);
        assert_eq!(m.checked_mul(n), Some(c.len()), "C is not {m} x {n}");
        assert!(
            store.bias.is_none_or(|bias| bias.len() == n),
            "the bias is not one row of C"
        );
        if c.is_empty() {
            return;
        }
        let panels = self.panels.as_slice();
        if k == 0 {
            super::matmul(m, k, n, a, Matrix::of_rows(panels, n), c, store);
        } else if WIDE {
            a.check("A", m, k);
            self.times(a, &mut Piece::whole(c, n), store);
        } else {
            let c = &mut Piece::whole(c, n);
            reference::product([m, k, n], a, Matrix::of_rows(panels, n), c, store.accumulate);
            store.finish(c);
        }
    }

    /// C = A B on this thread, where neither K nor N is 0 and the build has a microkernel.
    pub(super) fn times<T: Float>(&self, a: Matrix<'_, T>, c: &mut Piece<'_, T>, store: Store<'_, T>) {
        for (steps, columns, b) in self.blocks() {
            times_block([c.rows(), self.k], a, &b, (steps, columns), c, store);
        }
    }
}

/// Where the panels of a block lie: after those of all blocks with earlier steps, and of the columns before it.
fn place<T: Float>(n: usize, steps: &Range<usize>, columns: &Range<usize>) -> Range<usize> {
    let filled = |columns: usize| columns.next_multiple_of(T::Lanes::WIDTH);
    assert!(
        columns.start.is_multiple_of(T::Lanes::WIDTH),
        "a block begins with a whole vector"
    );
    let start = steps.start * filled(n) + columns.start * steps.len();
    start..start + steps.len() * filled(columns.len())
}

/// Fills `panels` with B: packed, or, for the crate `matrixmultiply`, which packs by itself, in rows.
fn fill<T: Float>(
    b: Matrix<'_, T>,
    [k, n]: [usize; 2],
    panels: &mut [T],
    for_each_task: impl FnOnce(usize, &(dyn Fn(usize) + Sync)),
) {
    if !WIDE {
        let rows = panels.chunks_exact_mut(n).enumerate();
        return rows.for_each(|(p, row)| row.iter_mut().enumerate().for_each(|(j, out)| *out = b.at(p, j)));
    }
    let panels = Shared::new(Piece::whole(panels, panels.len()));
    let slices = slices(k, n);
    for_each_task(slices.len(), &|task| {
        let (steps, slice) = &slices[task];
        for columns in column_blocks::<T>(n) {
            let block = place::<T>(n, steps, &columns);
            for panel in tiles::panels::<T>(columns.len()) {
                let width = filled::<T>(&panel);
                let start = block.start + panel.start * steps.len() + (slice.start - steps.start) * width;
                let rows = start..start + slice.len() * width;
                assert!(rows.end <= block.end, "rows of a panel of this block");
                // SAFETY: each task has other steps of K, and is called once. Of one block, those are other rows of its panels; and blocks begin with whole
                // vectors, so that the place of one ends before the next begins.
                #[allow(unsafe_code, reason = "rows of every panel")]
                let mut room = unsafe { panels.part(0..1, rows) };
                let b = b.from(slice.start, columns.start + panel.start);
                pack(b, slice.len(), panel.len(), width, room.row(0));
            }
        }
    });
}

/// Numbers and steps of K that a task packs, at least: 5 to 7 µs of work, and whole lines of memory of each column.
const SLICE: usize = 1 << 13;
const STEPS: usize = 64;

/// What the tasks pack: each some steps of K, of all columns; and the steps of the block that those are in.
fn slices(k: usize, n: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let depth = steps_in_block(k);
    let cut = |start: usize| {
        let steps = start..k.min(start + depth);
        let count = (steps.len().saturating_mul(n) / SLICE).min(steps.len() / STEPS).max(1);
        (0..count).map(move |i| {
            let slice = part(steps.len(), SQUARE, count, i);
            (steps.clone(), steps.start + slice.start..steps.start + slice.end)
        })
    };
    (0..k).step_by(depth).flat_map(cut).collect()
}
