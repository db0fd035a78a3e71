//! Work handed to threads: the one file that knows how.
//!
//! Work is cut into pieces by the sizes of the data alone, and each piece is computed the same way whoever does it. So the
//! number of threads changes when a result is ready, never what it is.

use rayon::prelude::*;

/// Elements in a piece of simple work (a few loads, some arithmetic, a store): about 10 µs.
pub const CHUNK: usize = 1 << 15;

/// Work of fewer pieces than this stays on the calling thread. Waking others costs 10 to 120 µs.
const FEWEST_PIECES: usize = 4;

/// Calls `f` with each number below `tasks`, in any order, possibly on several threads.
///
/// For tasks that each take far longer than a thread takes to wake.
pub fn for_each_task(tasks: usize, f: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || rayon::current_num_threads() == 1 {
        (0..tasks).for_each(f);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(f);
    }
}

/// Cuts `y` into chunks of `chunk` elements and calls `f` with each one's first index and the chunk itself.
///
/// A chunk should be about as much work as [`CHUNK`] simple elements; a few of them stay on the calling thread.
pub fn for_each_chunk<T: Send>(y: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync + Send) {
    if y.len() <= chunk.saturating_mul(FEWEST_PIECES - 1) || rayon::current_num_threads() == 1 {
        y.chunks_mut(chunk).enumerate().for_each(|(i, y)| f(i * chunk, y));
    } else {
        y.par_chunks_mut(chunk).enumerate().for_each(|(i, y)| f(i * chunk, y));
    }
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
    fn chunks_cover_the_slice_in_place() {
        for len in [0, 1, 9, 10, 11, 39, 40, 1003] {
            let y = same_on_any_pool(|| {
                let mut y = vec![usize::MAX; len];
                for_each_chunk(&mut y, 10, |start, chunk| {
                    assert!(chunk.len() == 10.min(len - start));
                    chunk.iter_mut().enumerate().for_each(|(i, y)| *y = start + i);
                });
                y
            });
            assert_eq!(y, (0..len).collect::<Vec<_>>());
        }
    }
}
