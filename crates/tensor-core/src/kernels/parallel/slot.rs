//! The job slot: how one thread offers work to others that are awake, and how it knows that none of them still looks at it.
//!
//! The caller *opens* a job, works on it itself, and *closes* it. A helper that finds it open *joins*, takes tasks by a common counter, and *leaves*.
//! So the caller can finish every task alone. It waits only for helpers that have joined, never for one that has not, which may be asleep.
//!
//! The atomics and the waiting come from `super::sync`. In `model.rs` those are loom's, and this very file is tried in every order in which the
//! threads can take their steps with a few interruptions.

use super::sync::{AtomicPtr, AtomicUsize, Patience};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Mutex, PoisonError};

/// Bit of the state: helpers are to leave.
const DISMISSED: usize = 1;
/// Bit of the state: there is a job, and some of its tasks may not be taken yet.
const OPEN: usize = 2;
/// What each helper that has joined the job adds to the state.
const HELPER: usize = 4;

/// Where the jobs of one calling thread lie, one at a time.
#[derive(Default)]
pub(super) struct Slot {
    /// [`DISMISSED`], or [`OPEN`] or not, and [`HELPER`] times the number of helpers that are at the job.
    state: AtomicUsize,
    /// The job, on the caller's stack. It is there as long as the state is open or a helper is at it.
    job: AtomicPtr<Job<'static>>,
}

/// What each thread does that works on a job: it asks for the number of one task after the other, until there is none.
pub(super) type Worker<'a> = dyn Fn(&mut dyn FnMut() -> Option<usize>) + Sync + 'a;

/// What a thread does that calls `task` with each number it gets.
pub(super) fn each(task: impl Fn(usize) + Sync) -> impl Fn(&mut dyn FnMut() -> Option<usize>) + Sync {
    move |next| {
        while let Some(i) = next() {
            task(i);
        }
    }
}

/// # Panics
/// If a worker has left tasks behind.
pub(super) fn check_that_all_are_taken(all_are_taken: bool) {
    assert!(all_are_taken, "nobody has asked for some of the tasks");
}

/// Tasks to do, and how far they are.
struct Job<'a> {
    worker: &'a Worker<'a>,
    tasks: usize,
    /// How many tasks were asked for, by whoever works on the job; from `tasks` on, there is none.
    taken: AtomicUsize,
    /// How many of them the helpers have taken.
    taken_by_helpers: AtomicUsize,
    /// What the first task that panicked has said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    // The caller takes tasks from the front and the helpers from the back, so that each finds in its cache what it computed last: x + x for
    // 262,144 numbers, again and again, takes two cores 7.5 µs (one 20); when each task goes to whoever comes first, it takes them 10.8.

    /// What the caller does: tasks from the first one on.
    fn work_from_front(&self) {
        let mut next = 0;
        self.work(|| {
            next += 1;
            next - 1
        });
    }

    /// What helpers do: tasks from the last one on. Whether all went well.
    fn work_from_back(&self) -> bool {
        self.work(|| self.tasks - 1 - self.taken_by_helpers.fetch_add(1, Relaxed))
    }

    /// Takes tasks until there are none, of which `next` says the numbers. Whether all went well: a panic takes the tasks that are left away from
    /// everybody.
    fn work(&self, mut next: impl FnMut() -> usize) -> bool {
        let mut task = || (self.taken.fetch_add(1, Relaxed) < self.tasks).then(&mut next);
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.worker)(&mut task)));
        let Err(panic) = outcome else { return true };
        self.taken.store(self.tasks, Relaxed);
        let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(panic);
        false
    }
}

impl Slot {
    /// Calls `worker` for the tasks with the numbers below `tasks`, together with the helpers that join.
    ///
    /// The calling thread is the only one that opens jobs here, one after the other.
    ///
    /// # Panics
    /// If `worker` does, with what the first one said, when all who work on it have left. If it has left tasks behind, or opens a job in this slot.
    pub(super) fn run(&self, tasks: usize, worker: &Worker<'_>) {
        assert!(self.state.load(Relaxed) <= DISMISSED, "one job at a time");
        let job = Job {
            worker,
            tasks,
            taken: AtomicUsize::new(0),
            taken_by_helpers: AtomicUsize::new(0),
            panic: Mutex::new(None),
        };
        self.job
            .store(ptr::from_ref(&job).cast::<Job<'static>>().cast_mut(), Relaxed);
        // There was no job, so nobody else writes the state. Who reads `OPEN` here sees the job, too.
        self.state.store(OPEN, Release);
        job.work_from_front();
        self.state.fetch_and(!OPEN, Relaxed); // from here on, nobody joins
        let mut patience = Patience::default();
        while self.state.load(Acquire) >= HELPER {
            patience.wait();
        }
        if let Some(panic) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(panic);
        }
        check_that_all_are_taken(job.taken.into_inner() >= tasks);
    }

    /// Lets helpers stay who look for a job: to be said before they are called.
    pub(super) fn invite(&self) {
        self.state.fetch_and(!DISMISSED, Relaxed);
    }

    /// Sends helpers away who are not at a job, and the others when they are done with it.
    pub(super) fn dismiss(&self) {
        self.state.fetch_or(DISMISSED, Relaxed);
    }

    /// Helps with one job after the other, until dismissed, after a panic, or when nothing was to do for too long.
    pub(super) fn serve(&self) {
        let mut patience = Patience::default();
        loop {
            let state = self.state.load(Relaxed);
            if state & DISMISSED != 0 {
                return;
            }
            if state & OPEN == 0 {
                if !patience.wait() {
                    return;
                }
            } else if self
                .state
                .compare_exchange_weak(state, state + HELPER, Acquire, Relaxed)
                .is_ok()
            {
                if !self.help() {
                    return;
                }
                patience = Patience::default();
            }
        }
    }

    /// What a helper does who has joined. Whether all went well.
    fn help(&self) -> bool {
        let is_well = {
            // SAFETY: this helper has joined while the job was open. The exchange that made it count acquired what `run` released when it opened
            // the job, so the pointer read here is that of this job or, were that possible, of a later one. It is not: `run` goes on
            // (it neither returns nor unwinds: the panics of tasks are caught) only when no helper counts any more, and this one counts until the
            // subtraction below. So the job, and the worker that it borrows, live longer than this reference to them.
            #[allow(unsafe_code, reason = "a borrow handed to a thread that was running before it began")]
            let job = unsafe { &*self.job.load(Relaxed) };
            job.work_from_back()
        };
        // There are no tasks left: no one needs to join. (Else this helper would itself, again and again, until the caller closes the job.)
        self.state.fetch_and(!OPEN, Relaxed);
        // The caller acquires this, and so sees all that was done here.
        self.state.fetch_sub(HELPER, Release);
        is_well
    }
}
