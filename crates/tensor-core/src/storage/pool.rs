//! A pool of buffers, so that the steady state of a training loop asks the system for no memory.
//!
//! Fresh memory costs a page fault every 4 KiB, which is worth several passes over the data. Buffers therefore come in size
//! classes (four to each power of two, at most 25 % too large) and wait in a list of their class for the next user: first in a list of the thread
//! that dropped them, without a lock; what is too much for that in a list that all threads share; what is too much for that
//! goes back to the system. (So a thread that only drops what others make keeps up to 128 MiB before they see any of it again.) The largest go first: sizes that no longer occur do not keep out those that do.

use bytemuck::{Pod, Zeroable};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// 64 bytes with their natural alignment: the unit of all buffers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct CacheLine([u8; LINE]);

const LINE: usize = 64;

/// Memory from the system, which is counted as long as it exists.
pub(crate) struct Buffer(Vec<CacheLine>);

impl Buffer {
    fn new(lines: usize) -> Buffer {
        SYSTEM_ALLOCATIONS.fetch_add(1, Relaxed);
        ALL_BYTES.fetch_add(lines * LINE, Relaxed);
        Buffer(vec![CacheLine::zeroed(); lines])
    }

    pub(crate) fn lines(&self) -> &[CacheLine] {
        &self.0
    }

    pub(crate) fn lines_mut(&mut self) -> &mut [CacheLine] {
        &mut self.0
    }

    fn bytes(&self) -> usize {
        self.0.len() * LINE
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        ALL_BYTES.fetch_sub(self.bytes(), Relaxed);
    }
}

/// What a thread keeps for itself, in bytes.
const THREAD_CAP: usize = 128 << 20;
/// What the threads keep together beyond that, in bytes.
const SHARED_CAP: usize = 1 << 30;

/// How much memory the buffers of this process take. See [`stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Bytes in buffers that a tensor holds.
    pub live_bytes: usize,
    /// Bytes in buffers that wait for their next user.
    pub pooled_bytes: usize,
    /// How often a buffer had to be asked of the system, since the start of the process.
    pub system_allocations: u64,
}

/// Of all buffers, live or waiting.
static ALL_BYTES: AtomicUsize = AtomicUsize::new(0);
static POOLED_BYTES: AtomicUsize = AtomicUsize::new(0);
static SYSTEM_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The figures of the whole process, at this moment.
///
/// ```standalone_crate
/// use tensor_core::{Tensor, storage::pool};
/// let before = pool::stats();
/// let x = Tensor::zeros([1024]);
/// assert!(pool::stats().live_bytes >= before.live_bytes + 4096);
/// drop(x); // the buffer waits for its next user
/// ```
pub fn stats() -> PoolStats {
    let pooled_bytes = POOLED_BYTES.load(Relaxed);
    PoolStats {
        live_bytes: ALL_BYTES.load(Relaxed).saturating_sub(pooled_bytes),
        pooled_bytes,
        system_allocations: SYSTEM_ALLOCATIONS.load(Relaxed),
    }
}

/// Gives the buffers that wait for this thread and for all threads back to the system. What other threads keep for themselves stays with them.
///
/// ```standalone_crate
/// use tensor_core::{Tensor, storage::pool};
/// drop(Tensor::zeros([1 << 20]));
/// let before = pool::stats().pooled_bytes;
/// pool::release();
/// assert!(pool::stats().pooled_bytes + (4 << 20) <= before);
/// ```
pub fn release() {
    // Where the thread is ending, its lists are gone already.
    let mine = MINE.try_with(|mine| mine.replace(FreeLists::new()));
    let shared = std::mem::replace(&mut *shared(), FreeLists::new());
    drop((mine, shared)); // to the system, after the lock
}

/// Buffers that wait, each with its count of holders: a list for each size class.
struct FreeLists {
    lists: [Vec<Arc<Buffer>>; CLASSES],
    bytes: usize,
}

impl FreeLists {
    const fn new() -> FreeLists {
        FreeLists {
            lists: [const { Vec::new() }; CLASSES],
            bytes: 0,
        }
    }

    fn take(&mut self, class: usize) -> Option<Arc<Buffer>> {
        let buffer = self.lists[class].pop()?;
        self.bytes -= buffer.bytes();
        POOLED_BYTES.fetch_sub(buffer.bytes(), Relaxed);
        Some(buffer)
    }

    /// Keeps the buffer, and hands out the largest ones until no more than `cap` bytes are kept.
    fn keep(&mut self, buffer: Arc<Buffer>, cap: usize) -> Vec<Arc<Buffer>> {
        self.bytes += buffer.bytes();
        POOLED_BYTES.fetch_add(buffer.bytes(), Relaxed);
        self.lists[size_class(buffer.lines().len())].push(buffer);
        let mut too_much = Vec::new();
        while self.bytes > cap {
            too_much.extend(self.largest());
        }
        too_much
    }

    fn largest(&mut self) -> Option<Arc<Buffer>> {
        let class = self.lists.iter().rposition(|list| !list.is_empty())?;
        self.take(class)
    }
}

impl Drop for FreeLists {
    fn drop(&mut self) {
        POOLED_BYTES.fetch_sub(self.bytes, Relaxed);
    }
}

thread_local! {
    static MINE: RefCell<FreeLists> = const { RefCell::new(FreeLists::new()) };
}
static SHARED: Mutex<FreeLists> = Mutex::new(FreeLists::new());

/// Four classes to each power of two that a number of lines can reach.
const CLASSES: usize = 4 * (usize::BITS - LINE.ilog2()) as usize;

/// The class of buffers with this many lines: the number of the first that is large enough. Their sizes are 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14,
/// 16, 20, … lines.
fn size_class(lines: usize) -> usize {
    if lines <= 4 {
        return lines - 1;
    }
    // Between two powers of two there are four steps.
    let power = (lines - 1).ilog2() as usize;
    let step = 1 << (power - 2);
    4 * (power - 2) + (lines - (1 << power)).div_ceil(step) + 3
}

/// How many lines the buffers of a class have.
fn lines_of(class: usize) -> usize {
    match class {
        0..4 => class + 1,
        _ => (5 + class % 4) << (class / 4 - 1),
    }
}

/// A buffer of at least `bytes` bytes that nobody else holds, with whatever its last user left in it. For no bytes it has one line, so that a tensor
/// without elements knows as well as any other with whom it shares.
pub(crate) fn take(bytes: usize) -> Arc<Buffer> {
    let class = size_class(bytes.div_ceil(LINE).max(1));
    let mine = MINE.try_with(|mine| mine.borrow_mut().take(class)).ok().flatten();
    let waiting = mine.or_else(|| shared().take(class));
    waiting.unwrap_or_else(|| Arc::new(Buffer::new(lines_of(class))))
}

/// Takes back for its next user a buffer that nobody else holds.
pub(crate) fn give_back(buffer: Arc<Buffer>) {
    let mut buffer = Some(buffer);
    // The thread's own lists are gone when the thread is ending: then the shared ones take it.
    let kept = MINE.try_with(|mine| buffer.take().map(|buffer| mine.borrow_mut().keep(buffer, THREAD_CAP)));
    let too_much = kept.ok().flatten().unwrap_or_default();
    for buffer in buffer.into_iter().chain(too_much) {
        let too_much = shared().keep(buffer, SHARED_CAP);
        drop(too_much); // to the system, after the lock
    }
}

/// The shared lists. A panic elsewhere cannot leave them half changed, so a poisoned lock is as good as any.
fn shared() -> std::sync::MutexGuard<'static, FreeLists> {
    SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_waste_at_most_a_quarter() {
        for lines in 1..10_000 {
            let class = size_class(lines);
            let size = lines_of(class);
            assert!(size >= lines && size * 4 <= lines * 5, "{lines} -> {size}");
            assert!(
                class == 0 || lines_of(class - 1) < lines,
                "{lines} fit into a smaller class"
            );
            assert_eq!(size_class(size), class, "a class is its own class");
        }
        assert!(size_class(isize::MAX as usize / LINE) < CLASSES);
    }

    #[test]
    fn a_dropped_buffer_serves_the_next_request_of_its_size() {
        let bytes = 12_345_678;
        let first = take(bytes);
        let address = first.lines().as_ptr().addr();
        give_back(first);
        let second = take(bytes - 1000);
        assert_eq!(second.lines().as_ptr().addr(), address);
        give_back(second);
    }

    #[test]
    fn lists_keep_no_more_than_their_cap() {
        let mut lists = FreeLists::new();
        let buffer = |lines| Arc::new(Buffer::new(lines));
        let take = |lists: &mut FreeLists, lines| lists.take(size_class(lines));
        assert!(lists.keep(buffer(2), 5 * LINE).is_empty());
        assert!(lists.keep(buffer(3), 5 * LINE).is_empty());
        let too_much: Vec<usize> = lists
            .keep(buffer(1), 5 * LINE)
            .iter()
            .map(|buffer| buffer.lines().len())
            .collect();
        assert_eq!(too_much, [3], "the largest goes");
        assert!(take(&mut lists, 2).is_some() && take(&mut lists, 1).is_some());
        assert!(take(&mut lists, 3).is_none() && lists.bytes == 0);
        assert_eq!(
            lists.keep(buffer(10), 5 * LINE).len(),
            1,
            "what is larger than the cap is not kept"
        );
    }
}
