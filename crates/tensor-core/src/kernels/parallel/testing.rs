//! What the tests of all kernels share.

use super::{for_each_task, parallel_region};
use std::collections::HashSet;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Runs `f` on a pool of so many threads.
pub(crate) fn on_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(f)
}

/// Waits for something that other threads are to do.
pub(crate) fn until(happens: impl FnMut() -> bool) {
    assert!(happens_within(Duration::from_secs(60), happens), "it does not happen");
}

/// [`until`], but for so long at most. Whether it has happened.
pub(super) fn happens_within(time: Duration, mut happens: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !happens() {
        if began.elapsed() > time {
            return false;
        }
        thread::yield_now();
    }
    true
}

/// Runs jobs until in one of them so many threads have taken part, and tells which.
///
/// One job may not do: a helper is free to leave just before it.
pub(crate) fn gather(wanted: usize) -> HashSet<ThreadId> {
    let mut threads = HashSet::new();
    until(|| {
        let seen = Mutex::new(HashSet::new());
        for_each_task(wanted, |_| {
            seen.lock().unwrap().insert(thread::current().id());
            happens_within(Duration::from_millis(50), || seen.lock().unwrap().len() == wanted);
        });
        threads = seen.into_inner().unwrap();
        threads.len() == wanted
    });
    threads
}

/// Runs `f` in a region of which all threads of the pool are awake and help, however small the work is.
pub(crate) fn all_awake<R>(f: impl FnOnce() -> R) -> R {
    parallel_region(|| {
        gather(rayon::current_num_threads());
        f()
    })
}

/// Runs `f` on pools of 1, 2 and 5 threads, which are awake or not, and asserts that the results are equal.
pub(crate) fn same_on_any_pool<R: PartialEq + Send>(f: impl Fn() -> R + Sync) -> R {
    let one = on_pool(1, &f);
    for threads in [2, 5] {
        assert!(
            on_pool(threads, &f) == one,
            "{threads} threads give another result than one"
        );
        assert!(
            on_pool(threads, || all_awake(&f)) == one,
            "{threads} awake threads give another result than one"
        );
    }
    one
}
