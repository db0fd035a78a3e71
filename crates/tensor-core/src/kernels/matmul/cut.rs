//! Where a product is cut: into blocks, whose parts of B stay in the cache, and into pieces of C, which threads take up.

use super::super::simd::{Float, Lanes};
use super::microkernel::{TILE, UNROLLED};
use std::ops::Range;

/// Vectors in a row of a block of B, at most: with 512 steps of K, 384 KiB, less than half of a second-level cache of 1 MiB.
pub(super) const BLOCK: usize = 12;
// What is cut between whole units is not longer than these only if they are whole units themselves.
const _: () = assert!(BLOCK.is_multiple_of(TILE.vectors) && TILE.depth.is_multiple_of(UNROLLED));

/// As few equal blocks as are not longer than `most`; all but the last are multiples of `unit` long.
pub(in super::super) fn block_len(len: usize, most: usize, unit: usize) -> usize {
    len.div_ceil(len.div_ceil(most)).next_multiple_of(unit)
}

/// The columns of each block of B: as few blocks as are not wider than [`BLOCK`], cut between whole tiles.
pub(in super::super) fn column_blocks<T: Float>(columns: usize) -> impl Iterator<Item = Range<usize>> {
    let width = T::Lanes::WIDTH;
    let count = columns.div_ceil(BLOCK * width);
    (0..count).map(move |i| part(columns, TILE.vectors * width, count, i))
}

/// The `i`-th of `count` parts of so many rows or columns. They are as even as whole units allow: of 49 vectors in 8 parts, two threads get 24 and 25;
/// in parts of 7 vectors, 21 and 28.
pub(super) fn part(len: usize, unit: usize, count: usize, i: usize) -> Range<usize> {
    let units = len.div_ceil(unit);
    let start = |i: usize| len.min(units * i / count * unit);
    start(i)..start(i + 1)
}

/// Multiplications in a piece, at least: some 4 µs, where threads that are awake share work within 1 µs. With four times as many, a product of 128 x 128 x 128 stays
/// on one thread and takes 1.8 times as long.
const PIECE: usize = 500_000;
/// Multiplications that take as long as one of the simple elements by which [`for_each_task_of`] decides whether to wake threads.
///
/// [`for_each_task_of`]: super::super::parallel::for_each_task_of
const PER_ELEMENT: usize = 6;
/// How a product is cut: how many pieces for each thread are wanted, and how many rows and vectors each has at least. First so that little is packed twice and no
/// tile is narrow, then, where that gives too few pieces, so that threads which are not equally fast wait little for each other, and last so that each gets any work at all. (With 512
/// rows at least, two threads were a sixth slower at N = 512, where a piece was a fourth.)
const CUTS: [(usize, [usize; 2]); 3] = [
    (8, [MANY_ROWS, 2 * TILE.vectors]),
    (4, [MANY_ROWS, TILE.vectors]),
    (2, [32, 2]),
];
/// Rows with which packing is a small part of a piece's work.
const MANY_ROWS: usize = 256;

/// The work of a product in simple elements.
pub(super) fn work(sizes: [usize; 3]) -> usize {
    work_of_batch(1, sizes)
}

/// The work of so many products.
pub(super) fn work_of_batch(count: usize, sizes: [usize; 3]) -> usize {
    multiplications(sizes).saturating_mul(count) / PER_ELEMENT
}

fn multiplications([m, k, n]: [usize; 3]) -> usize {
    (m * n).saturating_mul(k)
}

/// How many pieces to cut a product into, if so many are wanted for each thread.
fn wanted(sizes: [usize; 3], each: usize, threads: usize) -> usize {
    match threads {
        0 | 1 => 1,
        _ => (multiplications(sizes) / PIECE).clamp(1, each.saturating_mul(threads)),
    }
}

/// How many small products make up a piece.
pub(super) fn products_in_a_piece(sizes: [usize; 3]) -> usize {
    (PIECE / multiplications(sizes)).max(1)
}

/// The pieces of C, m x n.
///
/// How many there are depends on the number of threads; what each element is, on neither: it is summed in the same order in whatever piece it lies.
pub(super) struct Pieces {
    /// m and n.
    sizes: [usize; 2],
    /// The rows and columns between which C is cut.
    units: [usize; 2],
    /// Into how many parts the rows and the columns are cut.
    parts: [usize; 2],
    /// How many pieces are wanted.
    wanted: usize,
}

impl Pieces {
    /// Those of a product that so many threads share.
    pub(super) fn new<T: Float>(sizes: [usize; 3], threads: usize) -> Pieces {
        let [m, _, n] = sizes;
        let width = T::Lanes::WIDTH;
        let wanted = |each| wanted(sizes, each, threads);
        // By columns nothing is packed twice, so they come first; then by rows; and by columns again if these are too few.
        let mut across = wanted(CUTS[0].0).min(n.div_ceil(BLOCK * width));
        let mut down = 1;
        for (each, [rows, vectors]) in CUTS {
            down = wanted(each).div_ceil(across).min(m / rows).max(down);
            across = wanted(each).div_ceil(down).min(n / (vectors * width)).max(across);
        }
        Pieces {
            sizes: [m, n],
            units: [TILE.rows, width],
            parts: [down, across],
            wanted: wanted(CUTS[0].0),
        }
    }

    /// Those that are cut by columns alone, between whole units.
    pub(super) fn by_columns(sizes: [usize; 3], unit: usize, threads: usize) -> Pieces {
        let [m, _, n] = sizes;
        let wanted = wanted(sizes, CUTS[0].0, threads);
        Pieces {
            sizes: [m, n],
            units: [m, unit],
            parts: [1, wanted.min(n.div_ceil(unit))],
            wanted,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.whole() + self.halved().len()
    }

    fn whole(&self) -> usize {
        let [down, across] = self.parts;
        down * across
    }

    /// The pieces that are cut in two, where there are fewer than wanted: those in the middle. Threads take up pieces from both ends, so these come last, and the smaller
    /// they are, the less one thread waits for another. (Where there are enough, it would cost 1 to 2 % of a product of 1024 x 1024 x 1024.)
    fn halved(&self) -> Range<usize> {
        let whole = self.whole();
        match whole / 4 {
            0 => 0..0,
            _ if whole >= self.wanted => 0..0,
            quarter => quarter..whole - quarter,
        }
    }

    /// The rows and the columns of the `i`-th.
    pub(super) fn get(&self, i: usize) -> [Range<usize>; 2] {
        let halved = self.halved();
        let (first, halves) = (halved.start, 2 * halved.len());
        if i < first {
            self.piece(i)
        } else if i < first + halves {
            self.half(first + (i - first) / 2, (i - first) % 2)
        } else {
            self.piece(i - halved.len())
        }
    }

    fn piece(&self, i: usize) -> [Range<usize>; 2] {
        let [_, across] = self.parts;
        let place = [i / across, i % across];
        [0, 1].map(|dim| part(self.sizes[dim], self.units[dim], self.parts[dim], place[dim]))
    }

    /// The first or the second half of a piece: by columns, between whole tiles; or by rows, if it has so many that little is packed twice. Otherwise the first is empty.
    fn half(&self, i: usize, half: usize) -> [Range<usize>; 2] {
        let mut piece = self.piece(i);
        let [rows, columns] = [0, 1].map(|dim| piece[dim].len());
        let tile = TILE.vectors * self.units[1];
        let (dim, unit) = match () {
            () if columns >= 2 * tile => (1, tile),
            () if rows >= MANY_ROWS => (0, self.units[0]),
            () => (1, columns),
        };
        let half = part(piece[dim].len(), unit, 2, half);
        let start = piece[dim].start;
        piece[dim] = start + half.start..start + half.end;
        piece
    }
}

/// Whether a product is too small to be cut, for any number of threads.
pub(super) fn is_whole<T: Float>(sizes: [usize; 3]) -> bool {
    Pieces::new::<T>(sizes, usize::MAX).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each element of C lies in one piece and no other.
    fn check(pieces: &Pieces) -> Result<(), TestCaseError> {
        let [m, n] = pieces.sizes;
        let mut times = vec![0; m * n];
        for [rows, columns] in (0..pieces.count()).map(|i| pieces.get(i)) {
            for i in rows {
                times[i * n..][columns.clone()].iter_mut().for_each(|times| *times += 1);
            }
        }
        prop_assert!(times.iter().all(|&times| times == 1));
        Ok(())
    }

    proptest! {
        #[test]
        fn pieces_are_all_of_c(m in 1..1100usize, k in 1..2000usize, n in 1..1100usize, threads in 0..20usize, unit in 1..64usize) {
            check(&Pieces::new::<f32>([m, k, n], threads))?;
            check(&Pieces::new::<f64>([m, k, n], threads))?;
            check(&Pieces::by_columns([m, k, n], unit, threads))?;
        }
    }

    #[test]
    fn how_many_pieces() {
        let count = |sizes, threads| Pieces::new::<f32>(sizes, threads).count();
        assert_eq!(count([1000, 1000, 1000], 1), 1, "one thread packs nothing twice");
        assert_eq!(count([64, 64, 64], 16), 1, "too little work");
        assert!(count([1000, 1000, 1000], 2) >= 16);
        assert!(count([1000, 1000, 1000], 16) >= 64);
    }
}
