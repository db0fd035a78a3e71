//! Buffers that one thread makes and another drops are counted, and come back. A test binary of its own, since the figures are those of the process.

use std::sync::Barrier;
use std::thread;
use tensor_core::Tensor;
use tensor_core::storage::pool::stats;

#[test]
fn buffers_are_counted_whoever_drops_them_last() {
    let rounds = 20_000;
    let (start, x) = (Barrier::new(2), Tensor::zeros([1000]));
    let before = stats();
    let turns = Barrier::new(2);
    let (sender, receiver) = std::sync::mpsc::channel::<Tensor>();
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            for clone in receiver {
                turns.wait();
                drop(clone); // at the same moment as the other
            }
            let mine = stats();
            assert!(mine.pooled_bytes > 0, "what this thread dropped waits in its lists");
        });
        start.wait();
        for _ in 0..rounds {
            let y = &x + 1.0;
            sender.send(y.detach()).unwrap();
            turns.wait();
            drop(y);
        }
        drop(sender);
    });
    let after = stats();
    assert_eq!(after.live_bytes, before.live_bytes, "every buffer was given back");
    assert_eq!(after.live_bytes, 4096, "that of x");
    // The other thread has ended, and its lists with it: what is left waits here, at most one buffer for each that this thread dropped last.
    assert!(
        after.pooled_bytes <= 4096 * rounds && after.system_allocations <= rounds as u64 + 1,
        "{after:?}"
    );
    let y = &x + 1.0;
    assert_eq!(stats().live_bytes, 2 * 4096);
    drop(y);
    assert_eq!(stats().live_bytes, 4096);
}
