//! Work handed to threads: the one place that knows how.
//!
//! | file          | what it is about                                                                    |
//! |---------------|-------------------------------------------------------------------------------------|
//! | `mod.rs`      | what kernels call: so many tasks, or a slice cut into pieces                         |
//! | `region.rs`   | who helps: which threads are awake, when they are called, and when they leave         |
//! | `slot.rs`     | how a job reaches those who are awake, and how its end is known                       |
//! | `pieces.rs`   | a slice whose pieces go to different threads                                        |
//! | `sync.rs`     | waiting without sleeping                                                              |
//! | `model.rs`    | `slot.rs` under loom: a test                                                          |
//!
//! Each piece of work is computed the same way whoever does it. And work is cut into pieces by the sizes of the data alone, except where the cut changes no bit
//! of the result, as in a matrix product. So the number of threads changes when a result is ready, never what it is.

mod pieces;
mod region;
mod slot;
mod sync;

#[cfg(test)]
mod model;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use region::{Region, enter_region, parallel_region, threads};

use pieces::Pieces;
use region::WORTH_WAKING;

/// Elements in a piece of simple work (a few loads, some arithmetic, a store): 0.8 µs where they are in the cache, 3 µs for eˣ.
///
/// Two threads that are awake are at a job and done with it within 1 µs. Measured in turn on two cores, x + x for 32,768 numbers is 1.25 times as
/// fast as on one, eˣ 1.9 times. With pieces half as long it is no faster, with those of a quarter x + x is slower than on one; with those twice as
/// long, both stay on one.
pub const CHUNK: usize = 1 << 14;

// The work arrives as `dyn Fn`: so what shares it is compiled once, and not for each of hundreds of loops (which took two minutes). A call by
// pointer for each piece costs nothing beside the piece.

/// Calls `f` with each number below `tasks`, in any order, possibly on several threads.
///
/// For tasks that each take far longer than a thread takes to wake.
pub fn for_each_task(tasks: usize, f: impl Fn(usize) + Sync) {
    for_each_task_of(WORTH_WAKING, tasks, f);
}

/// [`for_each_task`] for tasks that are together as much work as so many simple elements: see [`CHUNK`].
pub fn for_each_task_of(work: usize, tasks: usize, f: impl Fn(usize) + Sync) {
    region::run(tasks, work, &slot::each(f));
}

/// [`for_each_task_of`] for tasks that leave something for the next one on the same thread.
///
/// Each thread that comes begins with what `begin` makes, even if no task is left for it, and drops it before this returns. So `begin` should cost nothing.
pub fn for_each_task_with<S>(
    work: usize,
    tasks: usize,
    begin: impl Fn() -> S + Sync,
    f: impl Fn(&mut S, usize) + Sync,
) {
    region::run(tasks, work, &|next| {
        let mut state = begin();
        while let Some(i) = next() {
            f(&mut state, i);
        }
    });
}

/// Cuts `y` into chunks of `chunk` elements and calls `f` with each one's first index and the chunk itself.
///
/// A chunk should be about as much work as [`CHUNK`] simple elements.
pub fn for_each_chunk<T: Send>(y: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let work = (y.len() / chunk).saturating_mul(CHUNK);
    for_each_piece(y, chunk, work, &f);
}

/// Cuts `y` into parts of `part` elements and calls `f` with each one's first index and the part itself. All of them are as much work as `work` simple
/// elements: see [`CHUNK`].
pub fn for_each_part<T: Send>(y: &mut [T], part: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    for_each_piece(y, part, work, &f);
}

fn for_each_piece<T: Send>(y: &mut [T], piece: usize, work: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let pieces = Pieces::new(y, piece);
    region::pass(pieces.count(), work, &|i| {
        // SAFETY: `pass` calls with each number once.
        #[allow(unsafe_code, reason = "see `Pieces`")]
        let (start, y) = unsafe { pieces.take(i) };
        f(start, y);
    });
}

/// Cuts two slices into the same number of chunks and calls `f` with the first index in `y`, the chunk of `y`, and that of `z`.
///
/// For kernels with two results. The work is measured by `work`, the simple elements that a pair of chunks stands for.
pub fn for_each_pair<T: Send>(
    (y, y_chunk): (&mut [T], usize),
    z: (&mut [T], usize),
    work: usize,
    f: impl Fn(usize, &mut [T], &mut [T]) + Sync,
) {
    for_each_group([(y, y_chunk), z], work, |i, [y, z]| f(i * y_chunk, y, z));
}

/// Work on a chunk of each of N slices, with their number.
type OnGroups<'a, T, const N: usize> = dyn Fn(usize, [&mut [T]; N]) + Sync + 'a;

/// Cuts slices into the same number of chunks each and calls `f` with the number of a chunk, from 0 on, and this chunk of each slice.
///
/// For kernels with several results. The work is measured by `work`, the simple elements that a chunk of each slice together stand for.
pub fn for_each_group<T: Send, const N: usize>(
    slices: [(&mut [T], usize); N],
    work: usize,
    f: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    fn run<T: Send, const N: usize>(slices: [(&mut [T], usize); N], work: usize, f: &OnGroups<'_, T, N>) {
        let slices = slices.map(|(slice, chunk)| Pieces::new(slice, chunk));
        let count = slices[0].count();
        assert!(
            slices.iter().all(|slice| slice.count() == count),
            "the slices have different numbers of chunks"
        );
        region::pass(count, count.saturating_mul(work), &|i| {
            // SAFETY: `pass` calls with each number once.
            #[allow(unsafe_code, reason = "see `Pieces`")]
            let chunks = slices.each_ref().map(|slice| unsafe { slice.take(i) }.1);
            f(i, chunks);
        });
    }
    run(slices, work, &f);
}
