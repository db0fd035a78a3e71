//! Where a product is cut for threads: into rectangles of C.
//!
//! There are more of them than threads: cores are not equally fast at every moment, and a thread that is done takes up another one.

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
/// two threads are 5 to 15 % faster for it.
const CUTS_WITH_SMALL_B: Cuts = &[
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
/// About as many rows has a rectangle at least, if C has as many.
const FEWEST_ROWS: usize = 32;
/// Bytes of a strip of B, at most: each thread keeps one, and its memory remains with the thread.
const STRIP: usize = 1 << 23;

/// The work of a product in simple elements.
pub(super) fn work(sizes: [usize; 3]) -> usize {
    work_of_batch(1, sizes)
}

/// The work of so many products.
pub(super) fn work_of_batch(count: usize, sizes: [usize; 3]) -> usize {
    multiplications(sizes).saturating_mul(count) / PER_ELEMENT
}

/// How many small products one task takes up.
pub(super) fn products_in_a_task(sizes: [usize; 3]) -> usize {
    (LEAST / multiplications(sizes)).max(1)
}

/// Whether a product is too small to be cut, for any number of threads.
pub(super) fn is_whole<T: Float>(sizes: [usize; 3]) -> bool {
    // Whether pieces pack decides how C is cut, not if.
    Rectangles::new::<T>(sizes, true, usize::MAX).count() == 1
}

fn multiplications([m, k, n]: [usize; 3]) -> usize {
    (m * n).saturating_mul(k)
}

/// As many rectangles as a product is worth, and not more than so many for each thread.
fn wanted(sizes: [usize; 3], for_each_thread: usize, threads: usize) -> usize {
    match threads {
        0 | 1 => 1,
        _ => (multiplications(sizes) / LEAST).clamp(1, for_each_thread.saturating_mul(threads)),
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
    /// For a product that so many threads share; `packs` says whether even pieces of few rows pack B. No size is 0.
    pub(super) fn new<T: Float>(sizes: [usize; 3], packs: bool, threads: usize) -> Rectangles {
        let [m, k, n] = sizes;
        let width = T::Lanes::WIDTH;
        let mut whole = Rectangles {
            sizes: [m, n],
            units: [TILE.rows, width],
            parts: [1, 1],
            halved: 0..0,
            halves: (0, TILE.rows),
            has_strips: false,
        };
        let wanted = |for_each_thread| wanted(sizes, for_each_thread, threads);
        if wanted(ENOUGH) == 1 {
            return whole;
        }
        let bytes = |columns: usize| k.saturating_mul(columns).saturating_mul(T::DTYPE.size());
        let reads_small_b = !packs && bytes(n) <= SMALL_B;
        // Of more than two threads, all but the caller take tasks from one end: they would all come to the same strip at once, and each would pack it.
        if WIDE && threads <= 2 && m > ROWS && !reads_small_b && bytes(n.min(TILE.block * width)) <= STRIP {
            return Self::strips([m, n], width, wanted(ENOUGH_OF_A_STRIP));
        }
        let (cuts, mut down, mut across) = if reads_small_b && m >= 2 * FEW_ROWS {
            (CUTS_WITH_SMALL_B, m.div_ceil(TALL).min(wanted(ENOUGH)), 1)
        } else {
            // By columns nothing is packed twice, so they come first; then by rows; and by columns again if these are too few.
            (CUTS, 1, wanted(ENOUGH).min(n.div_ceil(TILE.block * width)))
        };
        for &(for_each_thread, [rows, vectors]) in cuts {
            let wanted = wanted(for_each_thread);
            down = wanted.div_ceil(across).min(m / rows).max(down);
            across = wanted.div_ceil(down).min(n / (vectors * width)).max(across);
        }
        whole.parts = [down, across];
        let is_wide = n.div_ceil(width) / across >= TWO_TILES;
        if is_wide {
            whole.halves = (1, TILE.vectors * width);
        }
        // Where there are enough, smaller ones cost more than the waiting that they save.
        if down * across < wanted(ENOUGH) && (is_wide || m / down >= ROWS) {
            whole.halved = taken_last(down * across, threads);
        }
        whole
    }

    /// Those that are cut by columns alone, between whole units.
    pub(super) fn by_columns(sizes: [usize; 3], unit: usize, threads: usize) -> Rectangles {
        let [m, _, n] = sizes;
        Rectangles {
            sizes: [m, n],
            units: [m, unit],
            parts: [1, wanted(sizes, ENOUGH, threads).min(n.div_ceil(unit))],
            halved: 0..0,
            halves: (1, unit),
            has_strips: false,
        }
    }

    /// Strips of columns as wide as a block of B, from top to bottom, one after the other, for two threads: each packs a strip of B once for all that it takes up
    /// of it, and only where the two meet, both pack the same.
    fn strips([m, n]: [usize; 2], width: usize, wanted: usize) -> Rectangles {
        let tile = TILE.vectors * width;
        // Where there are few rows, one strip would be packed by both for half of them each.
        let least = if m < 2 * ROWS { 2 } else { 1 };
        let across = n
            .div_ceil(width)
            .div_ceil(TILE.block)
            .max(least.min(n.div_ceil(tile) / 2));
        Rectangles {
            sizes: [m, n],
            units: [TILE.rows, tile],
            parts: [wanted.div_ceil(across).min(m / FEWEST_ROWS), across],
            halved: 0..0,
            halves: (0, TILE.rows),
            has_strips: true,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each element of C lies in one of them and no other, and none is empty.
    fn check(rectangles: &Rectangles) -> Result<(), TestCaseError> {
        let [m, n] = rectangles.sizes;
        let mut times = vec![0; m * n];
        for [rows, columns] in (0..rectangles.count()).map(|i| rectangles.get(i)) {
            prop_assert!(!rows.is_empty() && !columns.is_empty());
            for i in rows {
                times[i * n..][columns.clone()].iter_mut().for_each(|times| *times += 1);
            }
        }
        prop_assert!(times.iter().all(|&times| times == 1));
        Ok(())
    }

    proptest! {
        #[test]
        fn together_they_are_c(m in 1..1100usize, k in 1..2000usize, n in 1..1100usize, threads in 0..20usize, unit in 1..64usize, packs: bool) {
            check(&Rectangles::new::<f32>([m, k, n], packs, threads))?;
            check(&Rectangles::new::<f64>([m, k, n], packs, threads))?;
            check(&Rectangles::by_columns([m, k, n], unit, threads))?;
        }
    }

    #[test]
    fn how_many() {
        let count = |sizes, threads| Rectangles::new::<f32>(sizes, true, threads).count();
        assert_eq!(count([1000, 1000, 1000], 1), 1, "one thread packs nothing twice");
        assert_eq!(count([64, 64, 64], 16), 1, "too little work");
        assert!(count([1000, 1000, 1000], 2) >= 16);
        assert!(count([1000, 1000, 1000], 16) >= 64);
    }

    #[test]
    fn where_b_is_small_and_need_not_be_packed_no_piece_does() {
        for n in 128..=256 {
            let rectangles = Rectangles::new::<f32>([n, n, n], false, 2);
            let rows = (0..rectangles.count()).map(|i| rectangles.get(i)[0].len());
            assert!(rows.max().unwrap() <= FEW_ROWS, "{n}");
        }
    }

    #[test]
    fn two_threads_pack_hardly_a_strip_twice() {
        let rectangles = Rectangles::new::<f32>([1000, 500, 1000], true, 2);
        assert_eq!(rectangles.has_strips(), WIDE);
        let (count, strips) = (rectangles.count(), rectangles.parts[1]);
        // One thread takes tasks from the front and the other from the back, wherever they meet.
        for meeting in 0..=count {
            let packs = |tasks: Range<usize>| {
                let columns: Vec<_> = tasks.map(|i| rectangles.get(i)[1].clone()).collect();
                columns.chunk_by(|a, b| a == b).count()
            };
            let packed = packs(0..meeting) + packs(meeting..count);
            assert!(!WIDE || (strips..=strips + 1).contains(&packed), "{packed} of {strips}");
        }
    }

    #[test]
    fn more_than_two_threads_have_no_strips() {
        assert!(!Rectangles::new::<f32>([1000, 500, 1000], true, 3).has_strips());
    }

    #[test]
    fn where_there_are_few_those_taken_last_are_small() {
        let columns = 8 * TWO_TILES * <f32 as Float>::Lanes::WIDTH;
        let rectangles = Rectangles::new::<f32>([100, 4000, columns], true, 2);
        let size = |i| rectangles.get(i).map(|range| range.len()).iter().product::<usize>();
        let count = rectangles.count();
        assert!(count < 16 && size(count / 2) < size(0) && size(count / 2) < size(count - 1));
        assert_eq!(taken_last(8, 2), 2..6);
        assert_eq!(taken_last(64, 16), 0..32);
        assert_eq!(taken_last(3, 2), 0..0);
    }
}
