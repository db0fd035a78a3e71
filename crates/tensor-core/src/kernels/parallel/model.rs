//! The job slot in every order in which threads can take their steps: `slot.rs` once more, on loom's atomics instead of those of the standard
//! library. (The mutex around the payload of a panic stays that one's: it is locked, never waited for in turn.)
//!
//! loom runs each closure below many times, each time with the threads interleaved in another way (all ways with at most so many preemptions)
//! and each load giving another of the values that the memory model allows. It reports a cell that one thread writes while another reads it: what
//! happened if a task ran when the caller has gone on.

#[allow(clippy::duplicate_mod, reason = "the same code, on other types")]
#[path = "slot.rs"]
mod slot;

mod sync {
    pub(super) use loom::sync::atomic::{AtomicPtr, AtomicUsize};

    /// Two rounds: one for whom nothing happens, one for whom something does.
    #[derive(Default)]
    pub(super) struct Patience {
        rounds: u32,
    }

    impl Patience {
        pub(super) fn wait(&mut self) -> bool {
            loom::thread::yield_now();
            self.rounds += 1;
            self.rounds < 2
        }
    }
}

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use slot::{Slot, each};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Two numbers, which tasks change without asking anyone.
struct Numbers([UnsafeCell<u32>; 2]);

// SAFETY: none is needed beyond loom's: it stops the test at the first access that is not alone.
#[allow(unsafe_code, reason = "what the model checks is that this is sound")]
unsafe impl Sync for Numbers {}

impl Numbers {
    fn new() -> Numbers {
        Numbers([UnsafeCell::new(0), UnsafeCell::new(0)])
    }

    fn add(&self, i: usize) {
        #[allow(unsafe_code, reason = "loom checks that nobody else looks")]
        self.0[i].with_mut(|number| unsafe { *number += 1 });
    }

    /// Takes them: a task that still ran would be seen.
    fn take(&self) -> [u32; 2] {
        #[allow(unsafe_code, reason = "loom checks that nobody else looks")]
        [0, 1].map(|i| self.0[i].with_mut(|number| unsafe { std::mem::take(&mut *number) }))
    }
}

/// Tries everything that `jobs` and so many helpers can do together.
fn explore(helpers: usize, preemptions: usize, jobs: impl Fn(&Slot) + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let slot = Arc::new(Slot::default());
        let serve = |_| {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.serve())
        };
        let helpers: Vec<_> = (0..helpers).map(serve).collect();
        jobs(&slot);
        slot.dismiss();
        helpers.into_iter().for_each(|helper| helper.join().unwrap());
    });
}

/// Each task once; then nobody is at it any more, and all that was done is seen.
fn job(slot: &Slot) {
    let numbers = Numbers::new();
    slot.run(2, &each(|i| numbers.add(i)));
    assert_eq!(numbers.take(), [1, 1]);
}

#[test]
fn jobs_one_after_the_other_are_done_with_a_helper() {
    explore(1, 3, |slot| (0..2).for_each(|_| job(slot)));
}

#[test]
fn what_threads_keep_between_tasks_is_gone_when_the_job_is_done() {
    /// What a thread keeps. It is counted as long as it is there.
    struct Kept<'a>(&'a AtomicUsize);

    impl Drop for Kept<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    explore(1, 3, |slot| {
        let (numbers, kept) = (Numbers::new(), AtomicUsize::new(0));
        slot.run(2, &|next| {
            kept.fetch_add(1, Ordering::Relaxed);
            let _kept = Kept(&kept);
            while let Some(i) = next() {
                numbers.add(i);
            }
        });
        assert_eq!(numbers.take(), [1, 1]);
        assert_eq!(kept.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_job_is_done_with_two_helpers() {
    explore(2, 2, job);
}

#[test]
fn helpers_that_are_dismissed_may_be_there_for_the_next_job() {
    explore(1, 3, |slot| {
        job(slot);
        slot.dismiss();
        slot.invite();
        job(slot);
    });
}

#[test]
fn a_job_is_done_though_helpers_are_dismissed_meanwhile() {
    explore(1, 3, |slot| {
        let numbers = Numbers::new();
        slot.run(
            2,
            &each(|i| {
                slot.dismiss();
                numbers.add(i);
                slot.invite();
            }),
        );
        assert_eq!(numbers.take(), [1, 1]);
    });
}

#[test]
fn a_panic_arrives_when_all_have_left() {
    explore(1, 3, |slot| {
        let numbers = Numbers::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            slot.run(
                2,
                &each(|i| {
                    numbers.add(i);
                    // Without the message that a panic prints.
                    std::panic::resume_unwind(Box::new(i));
                }),
            );
        }));
        let first = *outcome.unwrap_err().downcast::<usize>().unwrap();
        let runs = numbers.take();
        assert_eq!(runs[first], 1);
        assert!(runs[1 - first] <= 1);
        job(slot);
    });
}
