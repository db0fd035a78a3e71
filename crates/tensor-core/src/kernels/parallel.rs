//! Work handed to threads: the one file that knows how.
//!
//! Work is cut into pieces by the sizes of the data alone, and each piece is computed the same way whoever does it. So the
//! number of threads changes when a result is ready, never what it is.

use rayon::prelude::*;

/// Elements in a piece of simple work (a few loads, some arithmetic, a store): about 10 µs.
pub const CHUNK: usize = 1 << 15;

/// Work of fewer pieces than this stays on the calling thread. Waking others costs 10 to 120 µs.
const FEWEST_PIECES: usize = 4;

// The work arrives as `dyn Fn`: so rayon's machinery is compiled once for each type of element, and not for each of hundreds of loops (which
// took two minutes). A call by pointer for each piece costs nothing beside the piece.

/// Calls `f` with each number below `tasks`, in any order, possibly on several threads.
///
/// For tasks that each take far longer than a thread takes to wake.
pub fn for_each_task(tasks: usize, f: impl Fn(usize) + Sync + Send) {
    fn run(tasks: usize, f: &(dyn Fn(usize) + Sync)) {
        if tasks <= 1 || rayon::current_num_threads() == 1 {
            (0..tasks).for_each(f);
        } else {
            (0..tasks).into_par_iter().with_max_len(1).for_each(f);
        }
    }
    run(tasks, &f);
}

/// Cuts `y` into chunks of `chunk` elements and calls `f` with each one's first index and the chunk itself.
///
/// A chunk should be about as much work as [`CHUNK`] simple elements; a few of them stay on the calling thread.
pub fn for_each_chunk<T: Send>(y: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync + Send) {
    let few = y.len() <= chunk.saturating_mul(FEWEST_PIECES - 1);
    for_each_piece(y, chunk, few, &f);
}

/// Cuts `y` into parts of `part` elements and calls `f` with each one's first index and the part itself.
///
/// For parts that each take far longer than a thread takes to wake.
pub fn for_each_part<T: Send>(y: &mut [T], part: usize, f: impl Fn(usize, &mut [T]) + Sync + Send) {
    let few = y.len() <= part;
    for_each_piece(y, part, few, &f);
}

fn for_each_piece<T: Send>(y: &mut [T], piece: usize, few: bool, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    if few || rayon::current_num_threads() == 1 {
        y.chunks_mut(piece).enumerate().for_each(|(i, y)| f(i * piece, y));
    } else {
        let pieces = y.par_chunks_mut(piece).enumerate().with_max_len(1);
        pieces.for_each(|(i, y)| f(i * piece, y));
    }
}

/// Work on a chunk of each of two slices, and where the first begins.
type OnPairs<'a, T> = dyn Fn(usize, &mut [T], &mut [T]) + Sync + 'a;

/// Cuts two slices into the same number of chunks and calls `f` with the first index in `y`, the chunk of `y`, and that of `z`.
///
/// For kernels with two results. The work is measured by `work`, the simple elements that a pair of chunks stands for.
pub fn for_each_pair<T: Send>(
    y: (&mut [T], usize),
    z: (&mut [T], usize),
    work: usize,
    f: impl Fn(usize, &mut [T], &mut [T]) + Sync + Send,
) {
    fn run<T: Send>((y, y_chunk): (&mut [T], usize), (z, z_chunk): (&mut [T], usize), work: usize, f: &OnPairs<'_, T>) {
        let pieces = y.len().div_ceil(y_chunk);
        assert_eq!(
            pieces,
            z.len().div_ceil(z_chunk),
            "the slices have different numbers of chunks"
        );
        if pieces.saturating_mul(work) < CHUNK * FEWEST_PIECES || rayon::current_num_threads() == 1 {
            let pairs = y.chunks_mut(y_chunk).zip(z.chunks_mut(z_chunk));
            pairs.enumerate().for_each(|(i, (y, z))| f(i * y_chunk, y, z));
        } else {
            let pairs = y.par_chunks_mut(y_chunk).zip(z.par_chunks_mut(z_chunk));
            pairs.enumerate().for_each(|(i, (y, z))| f(i * y_chunk, y, z));
        }
    }
    run(y, z, work, &f);
}

#[cfg(test)]
pub(crate) mod testing {
    /// Runs `f` on pools of 1, 2 and 5 threads and asserts that the results are equal.
    pub(crate) fn same_on_any_pool<R: PartialEq + Send>(f: impl Fn() -> R + Sync) -> R {
        let on = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(&f)
        };
        let one = on(1);
        assert!(one == on(2), "two threads give another result than one");
        assert!(one == on(5), "five threads give another result than one");
        one
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::same_on_any_pool, *};
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn each_task_runs_once() {
        for tasks in [0, 1, 2, 7, 100] {
            same_on_any_pool(|| {
                let runs: Vec<AtomicU32> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
                for_each_task(tasks, |i| {
                    runs[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(runs.iter().all(|n| n.load(Ordering::Relaxed) == 1));
            });
        }
    }

    #[test]
    fn pairs_of_chunks_go_together() {
        for (len, work) in [(0, 1), (7, 1), (100, CHUNK)] {
            let (y, z) = same_on_any_pool(|| {
                let (mut y, mut z) = (vec![0; 3 * len], vec![0; len]);
                for_each_pair((&mut y, 6), (&mut z, 2), work, |start, y, z| {
                    assert_eq!(y.len(), 3 * z.len());
                    y.fill(start);
                    z.fill(start / 3);
                });
                (y, z)
            });
            assert!((0..3 * len).all(|i| y[i] == i / 6 * 6) && (0..len).all(|i| z[i] == i / 2 * 2));
        }
    }

    #[test]
    fn chunks_and_parts_cover_the_slice_in_place() {
        for len in [0, 1, 9, 10, 11, 39, 40, 1003] {
            let y = same_on_any_pool(|| {
                let mut y = vec![usize::MAX; len];
                for_each_chunk(&mut y, 10, |start, chunk| {
                    assert!(chunk.len() == 10.min(len - start));
                    chunk.iter_mut().enumerate().for_each(|(i, y)| *y = start + i);
                });
                for_each_part(&mut y, 7, |start, part| {
                    assert!(part.len() == 7.min(len - start));
                    part.iter_mut().enumerate().for_each(|(i, y)| *y += start + i);
                });
                y
            });
            assert!(y.iter().copied().eq((0..len).map(|i| 2 * i)));
        }
    }
}
