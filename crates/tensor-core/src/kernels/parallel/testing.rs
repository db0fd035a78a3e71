//! What the tests of all kernels share.

use super::{for_each_task, parallel_region};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs `f` on a pool of so many threads.
pub(crate) fn on_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(f)
}

/// Waits for something that other threads are to do.
pub(crate) fn until(happens: impl Fn() -> bool) {
    let began = Instant::now();
    while !happens() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not happen");
        std::thread::yield_now();
    }
}

/// Runs `f` in a region of which all threads of the pool are awake and help, however small the work is.
pub(crate) fn all_awake<R>(f: impl FnOnce() -> R) -> R {
    parallel_region(|| {
        let (threads, arrived) = (rayon::current_num_threads(), AtomicUsize::new(0));
        if threads > 1 {
            for_each_task(threads, |_| {
                arrived.fetch_add(1, Ordering::Relaxed);
                until(|| arrived.load(Ordering::Relaxed) == threads);
            });
        }
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
