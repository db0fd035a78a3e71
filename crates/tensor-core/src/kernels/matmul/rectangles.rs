//! Where a product is cut for threads: into rectangles of C.
//!
//! There are more of them than threads: cores are not equally fast at every moment, and a thread that is done takes up another one.

#[cfg(test)]
mod tests;

use super::super::simd::{Float, Lanes};
use super::WIDE;
use super::cut::part;
use super::microkernel::TILE;
use super::small::FEW_ROWS;
use std::ops::Range;

/// Multiplications for each rectangle that is wanted: some 4 µs, where threads that are awake share work within 1 µs. With four times as many, a product of
/// 128 x 128 x 128 stays on one thread and takes 1.8 times as long.
const LEAST: usize = 500_000;
/// Multiplications that take as long as one of the simple elements by which [`for_each_task_of`] decides whether to wake threads.
///
/// [`for_each_task_of`]: super::super::parallel::for_each_task_of
const PER_ELEMENT: usize = 6;
/// Rectangles for each thread that are enough.
const ENOUGH: usize = 8;
/// The same where smaller ones pack no more for it. (With half as many, two threads are 1 to 2 % slower at N = 512 to 2048; with twice as many, as fast.)
const ENOUGH_OF_A_STRIP: usize = 32;
/// Ways to cut a C that is not cut into strips: until there are so many rectangles for each thread, each of which has so many rows and vectors at least.
type Cuts = &'static [(usize, [usize; 2])];
/// First so that little is packed twice and no tile is narrow; where that gives too few, so that threads which are not equally fast wait little for each other;
/// and last so that each gets any work at all.
const CUTS: Cuts = &[
    (ENOUGH, [ROWS, TWO_TILES]),
    (ENOUGH / 2, [ROWS / 2, TWO_TILES]),
    (ENOUGH / 2, [ROWS, TILE.vectors]),
    (ENOUGH / 4, [FEWEST_ROWS, 2]),
];
/// The same where B is small and few rows of A read it where it lies. Then C is first cut into pieces of so few rows, which pack nothing: at N = 128 to 256,
/// two threads are 5 to 15 % faster for it. (Where it has too many rows for that, it is cut like any other.)
const CUTS_OF_FEW_ROWS: Cuts = &[
    (ENOUGH / 2, [FEW_ROWS, TWO_TILES]),
    (ENOUGH / 4, [FEWEST_ROWS, TILE.vectors]),
];
/// Bytes of B that are read again from a second-level cache, beside what else is there. (With twice as many, two threads are slower at N = 352.)
const SMALL_B: usize = 1 << 18;
/// Rows of the tallest piece that packs nothing.
const TALL: usize = FEW_ROWS / TILE.rows * TILE.rows;
/// Vectors of two tiles: with fewer, a row of A is read for one alone.
const TWO_TILES: usize = 2 * TILE.vectors;
/// Rows with which packing is a small part of the work.
const ROWS: usize = 256;
/// A rectangle has about so many rows at least, if C has them.
const FEWEST_ROWS: usize = 32;
/// Bytes of a strip of B, at most: each thread keeps one, and its memory remains with the thread.
pub(super) const STRIP: usize = 1 << 23;

/// The work of a product in simple elements.
pub(super) fn work(sizes: [usize; 3]) -> usize {
    work_of_batch(1, sizes)
}

/// The work of so many products.
pub(super) fn work_of_batch(count: usize, sizes: [usize; 3]) -> usize {
    cost(sizes).saturating_mul(count) / PER_ELEMENT
}

/// How many products of this size are as much work as a rectangle.
pub(super) fn products_in_a_rectangle(sizes: [usize; 3]) -> usize {
    (LEAST / cost(sizes)).max(1)
}

/// Whether a product of a batch is too small to be cut, for any number of threads.
pub(super) fn is_whole<T: Float>(sizes: [usize; 3]) -> bool {
    // Few multiplications stay together even if one such product alone would be cut for what it reads: threads share the batch.
    // (Whether rows read B where it lies decides how C is cut, not if.)
    multiplications(sizes) < 2 * LEAST || Rectangles::new::<T>(sizes, false, usize::MAX).count() == 1
}

fn multiplications([m, k, n]: [usize; 3]) -> usize {
    (m * n).saturating_mul(k)
}

/// What a product costs, in multiplications: those that it has, or [`PER_ELEMENT`] for each number of A and B, where each is used so few times that its way from
/// memory takes longer. (1 x 64 x 6272 takes half of the time on two threads.)
fn cost(sizes: [usize; 3]) -> usize {
    let [m, k, n] = sizes;
    let numbers = k.saturating_mul(m.saturating_add(n));
    multiplications(sizes).max(numbers.saturating_mul(PER_ELEMENT))
}

/// As many rectangles as a product is worth, and not more than so many for each thread.
fn wanted(sizes: [usize; 3], for_each_thread: usize, threads: usize) -> usize {
    match threads {
        0 | 1 => 1,
        _ => (cost(sizes) / LEAST).clamp(1, for_each_thread.saturating_mul(threads)),
    }
}

/// Rectangles that together are C, m x n, and of which none is empty and no two overlap.
///
/// How many there are depends on the number of threads. That changes no bit of C: each element is summed in the same order in whichever it lies.
pub(super) struct Rectangles {
    /// m and n.
    sizes: [usize; 2],
    /// The rows and columns between which C is cut.
    units: [usize; 2],
    /// Into how many parts the rows and the columns are cut.
    parts: [usize; 2],
    /// Which of those that this makes are cut in two.
    halved: Range<usize>,
    /// Along which dimension that is done, and between how many rows or columns.
    halves: (usize, usize),
    /// Whether a thread is to keep the columns of B that it has packed for the next one.
    has_strips: bool,
}

impl Rectangles {
    /// For a product that so many threads share; `reads_b` says whether few rows of A read B where it lies. No size is 0.
    pub(super) fn new<T: Float>(sizes: [usize; 3], reads_b: bool, threads: usize) -> Rectangles {
        let [m, k, n] = sizes;
        let block = TILE.block * T::Lanes::WIDTH;
        let enough = wanted(sizes, ENOUGH, threads);
        let bytes = |columns: usize| k.saturating_mul(columns).saturating_mul(T::DTYPE.size());
        if enough == 1 {
            Self::even([m, n], [TILE.rows, T::Lanes::WIDTH], [1, 1])
        } else if reads_b && bytes(n) <= SMALL_B && (2 * FEW_ROWS..=enough * TALL).contains(&m) {
            Self::cut::<T>(sizes, threads, [m.div_ceil(TALL), 1], CUTS_OF_FEW_ROWS)
        } else if WIDE && threads == 2 && m > ROWS && bytes(n.min(block)) <= STRIP {
            Self::strips::<T>(sizes)
        } else {
            // By columns nothing is packed twice, so they come first; then by rows; and by columns again if these are too few.
            Self::cut::<T>(sizes, threads, [1, enough.min(n.div_ceil(block))], CUTS)
        }
    }

    /// Those that are cut by columns alone, between whole units.
    pub(super) fn by_columns(sizes: [usize; 3], unit: usize, threads: usize) -> Rectangles {
        let [m, _, n] = sizes;
        let count = wanted(sizes, ENOUGH, threads).min(n.div_ceil(unit));
        Self::even([m, n], [m, unit], [1, count])
    }

    /// So many parts, as even as the units between which they are cut allow.
    fn even(sizes: [usize; 2], units: [usize; 2], parts: [usize; 2]) -> Rectangles {
        Rectangles {
            sizes,
            units,
            parts,
            halved: 0..0,
            halves: (0, units[0]),
            has_strips: false,
        }
    }

    /// At least so many parts, and more as these cuts say.
    fn cut<T: Float>(sizes: [usize; 3], threads: usize, [mut down, mut across]: [usize; 2], cuts: Cuts) -> Rectangles {
        let [m, _, n] = sizes;
        let width = T::Lanes::WIDTH;
        for &(for_each_thread, [rows, vectors]) in cuts {
            let wanted = wanted(sizes, for_each_thread, threads);
            down = wanted.div_ceil(across).min(m / rows).max(down);
            across = wanted.div_ceil(down).min(n / (vectors * width)).max(across);
        }
        let mut all = Self::even([m, n], [TILE.rows, width], [down, across]);
        let is_wide = n.div_ceil(width) / across >= TWO_TILES;
        if is_wide {
            all.halves = (1, TILE.vectors * width);
        }
        // Where there are enough, smaller ones cost more than the waiting that they save.
        if down * across < wanted(sizes, ENOUGH, threads) && (is_wide || m / down >= ROWS) {
            all.halved = taken_last(down * across, threads);
        }
        all
    }

    /// Strips of columns as wide as a block of B, from top to bottom, one after the other, for two threads: each packs a strip of B once for all that it takes up
    /// of it, and only where the two meet, both pack the same. (Of more threads, all but the caller take tasks from one end: they would all come to the same
    /// strip at once, and each would pack it.)
    fn strips<T: Float>(sizes: [usize; 3]) -> Rectangles {
        let [m, _, n] = sizes;
        let tile = TILE.vectors * T::Lanes::WIDTH;
        // Where there are few rows, one strip would be packed by both for half of them each.
        let least = if m < 2 * ROWS { 2 } else { 1 };
        let across = n
            .div_ceil(TILE.block * T::Lanes::WIDTH)
            .max(least.min(n.div_ceil(tile) / 2));
        let down = wanted(sizes, ENOUGH_OF_A_STRIP, 2)
            .div_ceil(across)
            .min(m / FEWEST_ROWS);
        Rectangles {
            has_strips: true,
            ..Self::even([m, n], [TILE.rows, tile], [down, across])
        }
    }

    /// See [`strips`](Self::strips).
    pub(super) fn has_strips(&self) -> bool {
        self.has_strips
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let [down, across] = self.parts;
        down * across + self.halved.len()
    }

    /// The rows and the columns of the `i`-th.
    pub(super) fn get(&self, i: usize) -> [Range<usize>; 2] {
        let (first, halves) = (self.halved.start, 2 * self.halved.len());
        if i < first {
            self.whole(i)
        } else if i < first + halves {
            self.half(first + (i - first) / 2, (i - first) % 2)
        } else {
            self.whole(i - self.halved.len())
        }
    }

    /// Those below each other are neighbours: so a thread that keeps what it has packed of B can use it again.
    fn whole(&self, i: usize) -> [Range<usize>; 2] {
        let [down, _] = self.parts;
        let place = [i % down, i / down];
        [0, 1].map(|dim| part(self.sizes[dim], self.units[dim], self.parts[dim], place[dim]))
    }

    /// The first or the second half of one.
    fn half(&self, i: usize, half: usize) -> [Range<usize>; 2] {
        let mut rectangle = self.whole(i);
        let (dim, unit) = self.halves;
        let start = rectangle[dim].start;
        let half = part(rectangle[dim].len(), unit, 2, half);
        rectangle[dim] = start + half.start..start + half.end;
        rectangle
    }
}

/// Of so many tasks, the half that is taken up last. The smaller those are, the less one thread waits for another.
///
/// The caller takes tasks from the first on and the others from the last on: so they meet where the caller has done its share.
fn taken_last(tasks: usize, threads: usize) -> Range<usize> {
    if tasks < 4 {
        return 0..0;
    }
    let half = tasks / 2;
    let start = (tasks / threads).saturating_sub(half / 2);
    start..start + half
}
