//! A pool of buffers, so that the steady state of a training loop asks the system for no memory.
//!
//! Fresh memory costs a page fault every 4 KiB, which is worth several passes over the data. Buffers therefore come in size
//! classes (four to each power of two, at most 25 % too large) and wait in a list of their class for the next user: first in a list of the thread
//! that dropped them, without a lock; what is too much for that in a list that all threads share; what is too much for that
//! goes back to the system. The largest go first: sizes that no longer occur do not keep out those that do.

use bytemuck::{Pod, Zeroable};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// 64 bytes with their natural alignment: the unit of all buffers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct CacheLine([u8; LINE]);

const LINE: usize = 64;

/// What a thread keeps for itself, in bytes.
const THREAD_CAP: usize = 128 << 20;
/// What the threads keep together beyond that, in bytes.
const SHARED_CAP: usize = 1 << 30;

/// How much memory the buffers of this process take. See [`stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Bytes in buffers that a tensor holds.
    pub live_bytes: usize,
    /// Bytes in buffers that wait for their next user.
    pub pooled_bytes: usize,
    /// How often a buffer had to be asked of the system, since the start of the process.
    pub system_allocations: u64,
}

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static POOLED_BYTES: AtomicUsize = AtomicUsize::new(0);
static SYSTEM_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The figures of the whole process, at this moment.
///
/// ```
/// use tensor_core::{Tensor, storage::pool};
/// let before = pool::stats();
/// let x = Tensor::zeros([1024]);
/// assert!(pool::stats().live_bytes >= before.live_bytes + 4096);
/// drop(x); // the buffer waits for its next user
/// ```
pub fn stats() -> PoolStats {
    PoolStats {
        live_bytes: LIVE_BYTES.load(Relaxed),
        pooled_bytes: POOLED_BYTES.load(Relaxed),
        system_allocations: SYSTEM_ALLOCATIONS.load(Relaxed),
    }
}

/// Buffers that wait, by their number of lines.
#[derive(Default)]
struct FreeLists {
    lists: BTreeMap<usize, Vec<Vec<CacheLine>>>,
    bytes: usize,
}

impl FreeLists {
    fn take(&mut self, lines: usize) -> Option<Vec<CacheLine>> {
        let buffer = self.lists.get_mut(&lines)?.pop()?;
        self.bytes -= lines * LINE;
        POOLED_BYTES.fetch_sub(lines * LINE, Relaxed);
        Some(buffer)
    }

    /// Keeps the buffer, and hands out the largest ones until no more than `cap` bytes are kept.
    fn keep(&mut self, buffer: Vec<CacheLine>, cap: usize) -> Vec<Vec<CacheLine>> {
        let bytes = buffer.len() * LINE;
        self.bytes += bytes;
        POOLED_BYTES.fetch_add(bytes, Relaxed);
        self.lists.entry(buffer.len()).or_default().push(buffer);
        let mut too_much = Vec::new();
        while self.bytes > cap {
            too_much.extend(self.largest());
        }
        too_much
    }

    fn largest(&mut self) -> Option<Vec<CacheLine>> {
        self.lists.retain(|_, list| !list.is_empty());
        let lines = *self.lists.last_key_value()?.0;
        self.take(lines)
    }
}

impl Drop for FreeLists {
    fn drop(&mut self) {
        POOLED_BYTES.fetch_sub(self.bytes, Relaxed);
    }
}

thread_local! {
    static MINE: RefCell<FreeLists> = RefCell::default();
}
static SHARED: Mutex<FreeLists> = Mutex::new(FreeLists {
    lists: BTreeMap::new(),
    bytes: 0,
});

/// Rounds up to the next size class: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … lines.
fn size_class(lines: usize) -> usize {
    let step = (lines.next_power_of_two() / 8).max(1);
    lines.next_multiple_of(step)
}

/// A buffer of at least `bytes` bytes, with whatever its last user left in it.
pub(crate) fn take(bytes: usize) -> Vec<CacheLine> {
    if bytes == 0 {
        return Vec::new();
    }
    let lines = size_class(bytes.div_ceil(LINE));
    LIVE_BYTES.fetch_add(lines * LINE, Relaxed);
    let mine = MINE.try_with(|mine| mine.borrow_mut().take(lines)).ok().flatten();
    mine.or_else(|| shared().take(lines)).unwrap_or_else(|| {
        SYSTEM_ALLOCATIONS.fetch_add(1, Relaxed);
        vec![CacheLine::zeroed(); lines]
    })
}

/// Takes a buffer back for its next user.
pub(crate) fn give_back(buffer: Vec<CacheLine>) {
    if buffer.is_empty() {
        return;
    }
    LIVE_BYTES.fetch_sub(buffer.len() * LINE, Relaxed);
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
            assert!(class >= lines && class * 4 <= lines * 5, "{lines} -> {class}");
            assert_eq!(size_class(class), class, "a class is its own class");
        }
    }

    #[test]
    fn a_dropped_buffer_serves_the_next_request_of_its_size() {
        let bytes = 12_345_678;
        let first = take(bytes);
        let address = first.as_ptr().addr();
        give_back(first);
        let second = take(bytes - 1000);
        assert_eq!(second.as_ptr().addr(), address);
        give_back(second);
    }

    #[test]
    fn lists_keep_no_more_than_their_cap() {
        let mut lists = FreeLists::default();
        let buffer = |lines| vec![CacheLine::zeroed(); lines];
        assert!(lists.keep(buffer(2), 5 * LINE).is_empty());
        assert!(lists.keep(buffer(3), 5 * LINE).is_empty());
        let too_much: Vec<usize> = lists.keep(buffer(1), 5 * LINE).iter().map(Vec::len).collect();
        assert_eq!(too_much, [3], "the largest goes");
        assert!(lists.take(2).is_some() && lists.take(1).is_some());
        assert!(lists.take(3).is_none() && lists.bytes == 0);
        assert_eq!(
            lists.keep(buffer(9), 5 * LINE).len(),
            1,
            "what is larger than the cap is not kept"
        );
    }
}
