//! Regions: stretches of a program in which the threads of the pool stay awake between one kernel and the next.
//!
//! A *caller* is a thread that runs kernels. Its *helpers* are tasks in the pool that it belongs to; each keeps a thread of the pool awake and looks
//! for jobs in the caller's slot. A helper leaves when the region ends, when a task panics, or when there was nothing to do for a while, and then it
//! is called again when there is. So it never keeps the pool from other work for longer than a region and that while.

use super::slot::{Slot, Worker, check_that_all_are_taken, each};
use std::cell::{Cell, OnceCell};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The work, in simple elements, from which on it pays to wake threads that sleep.
///
/// Measured on two cores: the call that wakes a thread takes the caller 11 µs, and the thread begins after 30 to 60 µs. This is 160 µs of one
/// thread's work if that is adding, 350 µs if it is eˣ: a call pays, and one in vain costs 3 to 7 %, once, in a region that has done so much before.
pub(super) const WORTH_WAKING: usize = 1 << 21;

thread_local! {
    static HERE: Here = const { Here::new() };
}

/// What a thread knows of its region and its helpers.
struct Here {
    /// How many regions it is inside of. The outermost counts, the others change nothing.
    depth: Cell<usize>,
    /// Whether it is at a task, or helps: kernels that it calls meanwhile run on it alone.
    is_busy: Cell<bool>,
    /// Whether its region has helpers.
    is_helped: Cell<bool>,
    /// The work in its region so far, as far as it can be shared.
    work: Cell<usize>,
    /// The work in its region before that: the next step of a training is like the last.
    expected: Cell<usize>,
    /// Whether its next pass over memory goes backwards.
    is_backwards: Cell<bool>,
    /// Its helpers, from the first time that any are of use.
    team: OnceCell<Arc<Team>>,
}

/// The helpers of one caller.
#[derive(Default)]
struct Team {
    slot: Slot,
    /// How many were called and have not left. Some may not have begun.
    helpers: AtomicUsize,
}

impl Here {
    const fn new() -> Here {
        Here {
            depth: Cell::new(0),
            is_busy: Cell::new(false),
            is_helped: Cell::new(false),
            work: Cell::new(0),
            expected: Cell::new(0),
            is_backwards: Cell::new(false),
            team: OnceCell::new(),
        }
    }

    /// Runs the tasks with helpers. False, and nothing is done, if this thread had better do them alone.
    fn share(&self, tasks: usize, work: usize, worker: &Worker<'_>) -> bool {
        let helpers = rayon::current_num_threads().min(tasks).saturating_sub(1);
        if helpers == 0 || self.is_busy.get() {
            return false;
        }
        let is_worth_waking = self.add_work(work) >= WORTH_WAKING;
        let _this_job = match self.depth.get() {
            0 if !is_worth_waking => return false,
            0 => match Helped::begin() {
                None => return false,
                helped => helped,
            },
            _ if !self.is_helped.get() => return false,
            _ => None,
        };
        let team = self.team.get_or_init(Arc::default);
        let called = team.helpers.load(Ordering::Relaxed);
        if is_worth_waking {
            (called..helpers).for_each(|_| Team::call(team));
        } else if called == 0 {
            return false;
        }
        let _busy = Busy::begin(&self.is_busy);
        team.slot.run(tasks, worker);
        true
    }

    /// Whether a pass of so many tasks goes backwards; the next one then does not. What cannot turn, or is within a task, does not count.
    fn turns(&self, tasks: usize) -> bool {
        tasks > 1 && !self.is_busy.get() && self.is_backwards.replace(!self.is_backwards.get())
    }

    fn with_team(&self, f: impl FnOnce(&Team)) {
        if let Some(team) = self.team.get() {
            f(team);
        }
    }

    /// The work that this region has, or will have if it is like the last one; outside of a region, the work itself.
    fn add_work(&self, work: usize) -> usize {
        if self.depth.get() == 0 {
            return work;
        }
        self.work.set(self.work.get().saturating_add(work));
        self.work.get().max(self.expected.get())
    }
}

impl Team {
    /// Calls one more helper: it begins when a thread of the current pool has time. Nobody waits for that.
    fn call(team: &Arc<Team>) {
        team.helpers.fetch_add(1, Ordering::Relaxed);
        let team = Arc::clone(team);
        rayon::spawn(move || {
            HERE.with(|here| {
                // The pool may hand this to a thread that waits inside a region or a task of its own, even to the caller. It has better things to do.
                if here.depth.get() == 0 && !here.is_busy.get() {
                    let _busy = Busy::begin(&here.is_busy);
                    team.slot.serve();
                }
            });
            team.helpers.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Marks a thread as busy, until it is dropped.
struct Busy<'a>(&'a Cell<bool>);

impl Busy<'_> {
    fn begin(is_busy: &Cell<bool>) -> Busy<'_> {
        is_busy.set(true);
        Busy(is_busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Whether a thread of no pool is being helped. All of these would call on the global pool, and together with it be more than there are cores: so the
/// second one gets no helpers. (The threads of a pool are as many as the pool has, whoever helps whom.)
static OUTSIDER_IS_HELPED: AtomicBool = AtomicBool::new(false);

/// The time in which this thread may have helpers. They are dismissed when it is dropped.
struct Helped {
    is_outsider: bool,
}

impl Helped {
    fn begin() -> Option<Helped> {
        let is_outsider = rayon::current_thread_index().is_none();
        if is_outsider && OUTSIDER_IS_HELPED.swap(true, Ordering::Relaxed) {
            return None;
        }
        HERE.with(|here| here.with_team(|team| team.slot.invite()));
        Some(Helped { is_outsider })
    }
}

impl Drop for Helped {
    fn drop(&mut self) {
        HERE.with(|here| here.with_team(|team| team.slot.dismiss()));
        if self.is_outsider {
            OUTSIDER_IS_HELPED.store(false, Ordering::Relaxed);
        }
    }
}

/// How many threads may share what this one has to do: 1 where it is at a task itself.
pub fn threads() -> usize {
    match HERE.with(|here| here.is_busy.get()) {
        true => 1,
        false => rayon::current_num_threads(),
    }
}

/// Calls `worker` on this thread and on those that help it, until each number below `tasks` has been asked for. `work` is that of all tasks, in simple
/// elements.
pub(super) fn run(tasks: usize, work: usize, worker: &Worker<'_>) {
    if tasks < 2 || !HERE.with(|here| here.share(tasks, work, worker)) {
        let mut numbers = 0..tasks;
        worker(&mut || numbers.next());
        check_that_all_are_taken(numbers.is_empty());
    }
}

/// [`run`] for tasks that are neighbours in memory, every other time backwards: what the last pass came to in the end is what is still in the caches. On two
/// cores, x + x for a million numbers, again and again, takes a sixth less time, on one a tenth; where all of it stays in the caches, it is the same.
pub(super) fn pass(tasks: usize, work: usize, task: &(dyn Fn(usize) + Sync)) {
    if !HERE.with(|here| here.turns(tasks)) {
        return run(tasks, work, &each(task));
    }
    // The caller's share is at the front and the helpers' at the back, so the last pass ended between the two: this one goes from there to both ends.
    let share = tasks / threads();
    let outwards = |i| {
        task(if i < share {
            share - 1 - i
        } else {
            share + tasks - 1 - i
        })
    };
    if !HERE.with(|here| here.share(tasks, work, &each(outwards))) {
        (0..tasks).rev().for_each(task);
    }
}

/// Runs `f`, and keeps the threads of the current rayon pool awake meanwhile, so that kernels which follow each other share their work at once.
///
/// To wake a thread takes longer than many a kernel. So this belongs around whatever runs many of them one after the other: one step of a
/// training, or the evaluation of one batch. [`value_and_grad`](crate::Tensor::value_and_grad) and its relatives are regions by themselves, and
/// so is a step of `genmodels::Trainer`.
///
/// `f` runs on the calling thread. Results are the same bits with and without it, and for any number of threads. Inside of a region, another one
/// changes nothing. Threads are woken only if there is enough work for them. While a region lasts, they may be kept from other work in the pool, and
/// so it should not last for a whole training.
///
/// ```
/// use tensor_core::{DType, Random, Tensor, parallel_region};
/// let w = Random::new(0).normal([300, 400], DType::F32).requires_grad();
/// let x = Random::new(1).normal([400, 500], DType::F32);
/// let step = || w.matmul(&x).tanh().sum(..).value_and_grad([&w]);
/// let (value, gradients) = parallel_region(step);
/// let (alone, _) = step();
/// assert_eq!(value, alone);
/// assert_eq!(gradients.get(&w).unwrap().size(0), 300);
/// ```
pub fn parallel_region<R>(f: impl FnOnce() -> R) -> R {
    let _region = enter_region();
    f()
}

/// [`parallel_region`] until the guard is dropped: for functions that pass their caller's line on, which a closure does not.
pub fn enter_region() -> Region {
    HERE.with(|here| {
        let depth = here.depth.get();
        here.depth.set(depth + 1);
        // A region that begins inside of a task has no helpers: this thread's are at the task's job.
        let may_be_helped = depth == 0 && !here.is_busy.get();
        let helped = if may_be_helped { Helped::begin() } else { None };
        if depth == 0 {
            here.work.set(0);
            here.is_helped.set(helped.is_some());
        }
        Region {
            _helped: helped,
            thread: PhantomData,
        }
    })
}

/// The inside of a region, until it is dropped, also when that is by a panic. See [`enter_region`].
#[must_use = "the region ends when the guard is dropped"]
pub struct Region {
    _helped: Option<Helped>,
    /// A region is one thread's, and so the guard stays on it.
    thread: PhantomData<*const ()>,
}

impl Drop for Region {
    fn drop(&mut self) {
        HERE.with(|here| {
            here.depth.set(here.depth.get() - 1);
            if here.depth.get() == 0 {
                here.expected.set(here.work.get());
            }
        });
    }
}

/// How many helpers of this thread were called and have not left.
#[cfg(test)]
pub(super) fn helpers() -> usize {
    HERE.with(|here| here.team.get().map_or(0, |team| team.helpers.load(Ordering::Relaxed)))
}
