use super::testing::{all_awake, gather, happens_within, on_pool, same_on_any_pool, until};
use super::*;
use rayon::prelude::*;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The numbers from 0, each from a task of its own.
fn count_up(tasks: usize) -> Vec<usize> {
    let mut y = vec![0; tasks];
    for_each_part(&mut y, 1, WORTH_WAKING, |i, y| y[0] += i);
    y
}

/// Whether a job does what it is to.
fn works() -> bool {
    count_up(7).into_iter().eq(0..7)
}

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
fn what_a_thread_keeps_is_its_own() {
    for tasks in [0, 1, 2, 100] {
        same_on_any_pool(|| {
            let runs: Vec<AtomicU32> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
            let owners = Mutex::new(Vec::new());
            let begin = || {
                owners.lock().unwrap().push(thread::current().id());
                (thread::current().id(), 0)
            };
            for_each_task_with(WORTH_WAKING, tasks, begin, |(owner, so_far), i| {
                assert_eq!(*owner, thread::current().id());
                // What each finds is what it left: one more than at its last task.
                runs[i].fetch_add(1 + *so_far, Ordering::Relaxed);
                *so_far += 1;
            });
            let owners = owners.into_inner().unwrap();
            let threads: HashSet<_> = owners.iter().collect();
            assert_eq!(threads.len(), owners.len(), "a thread begins once");
            // The first task of each thread counts 1, its second 2, and so on.
            let mut runs: Vec<_> = runs.into_iter().map(AtomicU32::into_inner).collect();
            runs.sort_unstable();
            assert!(runs.iter().filter(|&&n| n == 1).count() <= owners.len());
            assert!(runs.first().is_none_or(|&n| n == 1) && runs.windows(2).all(|n| n[1] - n[0] <= 1));
        });
    }
}

#[test]
fn a_pass_begins_where_the_last_one_ended() {
    // Alone, or where no other thread is worth waking, from one end to the other and back; what is too small to turn does not count.
    for threads in [1, 2] {
        let order = on_pool(threads, || {
            let order = Mutex::new(Vec::new());
            for len in [5, 1, 5] {
                for_each_part(&mut vec![0; len], 1, 1, |i, _| order.lock().unwrap().push(i));
            }
            order.into_inner().unwrap()
        });
        assert_eq!(order, [0, 1, 2, 3, 4, 0, 4, 3, 2, 1, 0]);
    }
    // With another thread, from both ends to the middle and back. (A helper is free to leave just before a job, which says nothing then.)
    let firsts = || {
        let caller = thread::current().id();
        let firsts = Mutex::new([None; 2]);
        for_each_part(&mut [0; 6], 1, WORTH_WAKING, |i, _| {
            let helps = usize::from(thread::current().id() != caller);
            firsts.lock().unwrap()[helps].get_or_insert(i);
            happens_within(Duration::from_millis(50), || {
                firsts.lock().unwrap().iter().all(Option::is_some)
            });
        });
        let [caller, helper] = firsts.into_inner().unwrap();
        caller.zip(helper)
    };
    let mut seen = HashSet::new();
    on_pool(2, || {
        all_awake(|| {
            until(|| {
                seen.extend(firsts());
                seen.len() > 1
            });
        });
    });
    assert_eq!(seen, HashSet::from([(0, 5), (2, 3)]));
}

#[test]
fn pairs_of_chunks_go_together() {
    for (len, work) in [(0, 1), (7, 1), (100, CHUNK)] {
        let (y, z) = same_on_any_pool(|| {
            let (mut y, mut z) = (vec![0; 3 * len], vec![0; len]);
            for_each_pair((&mut y, 6), (&mut z, 2), work, |start, y, z| {
                assert_eq!(y.len(), 3 * z.len());
                y.fill(start);
                z.fill(start / 3);
            });
            (y, z)
        });
        assert!((0..3 * len).all(|i| y[i] == i / 6 * 6) && (0..len).all(|i| z[i] == i / 2 * 2));
    }
}

#[test]
fn groups_of_chunks_go_together() {
    let [x, y, z] = same_on_any_pool(|| {
        let mut slices = [20, 30, 10].map(|len| vec![usize::MAX; len]);
        let [x, y, z] = slices.each_mut();
        for_each_group([(x, 8), (y, 12), (z, 4)], CHUNK, |i, [x, y, z]| {
            assert!((x.len(), y.len()) == (2 * z.len(), 3 * z.len()));
            [x, y, z].into_iter().for_each(|slice| slice.fill(i));
        });
        slices
    });
    assert!((0..10).all(|i| [x[2 * i], y[3 * i], z[i]] == [i / 4; 3]));
}

#[test]
#[should_panic(expected = "different numbers of chunks")]
fn groups_of_other_numbers_are_refused() {
    for_each_group([(&mut [0; 4][..], 2), (&mut [0; 5][..], 2)], 1, |_, _| {});
}

#[test]
fn chunks_and_parts_cover_the_slice_in_place() {
    for len in [0, 1, 9, 10, 11, 39, 40, 1003] {
        let y = same_on_any_pool(|| {
            let mut y = vec![usize::MAX; len];
            for_each_chunk(&mut y, 10, |start, chunk| {
                assert!(chunk.len() == 10.min(len - start));
                chunk.iter_mut().enumerate().for_each(|(i, y)| *y = start + i);
            });
            for_each_part(&mut y, 7, WORTH_WAKING, |start, part| {
                assert!(part.len() == 7.min(len - start));
                part.iter_mut().enumerate().for_each(|(i, y)| *y += start + i);
            });
            y
        });
        assert!(y.iter().copied().eq((0..len).map(|i| 2 * i)));
    }
}

#[test]
fn all_threads_of_the_current_pool_help_and_no_others() {
    for threads in [2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let own: HashSet<ThreadId> = pool.broadcast(|_| thread::current().id()).into_iter().collect();
        pool.install(|| {
            assert_eq!(gather(threads), own, "outside of a region");
            parallel_region(|| {
                for _ in 0..3 {
                    assert_eq!(gather(threads), own);
                }
            });
        });
    }
}

#[test]
fn helpers_that_left_come_back_when_there_is_work_again() {
    on_pool(2, || {
        parallel_region(|| {
            for _ in 0..3 {
                assert_eq!(gather(2).len(), 2);
                until(|| region::helpers() == 0);
            }
        });
    });
}

#[test]
fn helpers_leave_when_the_region_ends() {
    on_pool(5, || {
        for _ in 0..3 {
            parallel_region(|| assert_eq!(gather(5).len(), 5));
            until(|| region::helpers() == 0);
        }
        let outcome = catch_unwind(|| {
            parallel_region(|| {
                gather(5);
                std::panic::resume_unwind(Box::new(()));
            })
        });
        assert!(outcome.is_err());
        until(|| region::helpers() == 0);
    });
}

#[test]
fn small_work_wakes_nobody() {
    on_pool(2, || {
        parallel_region(|| {
            let mut y = [0; 10];
            for_each_chunk(&mut y, 1, |i, y| y[0] = i);
            assert_eq!(region::helpers(), 0);
        });
    });
}

#[test]
fn a_step_like_the_last_one_has_helpers_from_the_first_job() {
    let step = || {
        parallel_region(|| {
            let mut y = [0; 2];
            for_each_chunk(&mut y, 1, |_, _| ());
            let called = region::helpers();
            for_each_task(2, |_| ());
            until(|| region::helpers() == 0);
            called
        })
    };
    on_pool(2, || {
        assert_eq!(step(), 0);
        until(|| step() == 1);
    });
}

#[test]
fn the_caller_does_not_wait_for_a_thread_that_has_other_work() {
    on_pool(2, || {
        let (is_taken, may_go) = (AtomicBool::new(false), AtomicBool::new(false));
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                is_taken.store(true, Ordering::Release);
                until(|| may_go.load(Ordering::Acquire));
            });
            until(|| is_taken.load(Ordering::Acquire));
            parallel_region(|| (0..100).for_each(|_| assert!(works())));
            assert_eq!(region::helpers(), 1, "it has not begun");
            may_go.store(true, Ordering::Release);
        });
    });
}

#[test]
fn parallel_iterators_go_on_inside_a_region() {
    for threads in [1, 2, 5] {
        on_pool(threads, || {
            all_awake(|| {
                for _ in 0..20 {
                    let sum: usize = (0..1000usize).into_par_iter().map(|i| i % 7).sum();
                    assert_eq!(sum, 2997);
                    assert!(works());
                    let all = (0..50).into_par_iter().all(|_| works());
                    assert!(all);
                }
            });
        });
    }
}

#[test]
fn other_work_of_the_pool_gets_its_turn_in_a_long_region() {
    on_pool(2, || {
        all_awake(|| {
            let is_done = AtomicBool::new(false);
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| is_done.store(true, Ordering::Release));
                // The caller is not at rayon's disposal, so the helper has to leave for it.
                until(|| is_done.load(Ordering::Acquire));
            });
        });
    });
}

#[test]
fn two_regions_in_a_pool_each_do_their_work() {
    for threads in [1, 2, 5] {
        let steps = || (0..100).for_each(|_| parallel_region(|| (0..10).for_each(|_| assert!(works()))));
        on_pool(threads, || rayon::join(steps, steps));
    }
}

#[test]
fn of_two_threads_outside_of_all_pools_one_is_helped() {
    let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |n: &AtomicUsize| {
        n.fetch_add(1, Ordering::AcqRel);
        until(|| n.load(Ordering::Acquire) == 2);
    };
    let region = || {
        parallel_region(|| {
            count(&inside); // both are in their regions
            assert!(works());
            let called = region::helpers();
            count(&done);
            called
        })
    };
    let called = thread::scope(|scope| [scope.spawn(region), scope.spawn(region)].map(|t| t.join().unwrap()));
    assert!(called.iter().filter(|&&helpers| helpers > 0).count() <= 1, "{called:?}");
}

#[test]
fn a_panic_in_a_task_reaches_the_caller() {
    for threads in [1, 2, 5] {
        on_pool(threads, || {
            for bad in [0, 3, 19] {
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    all_awake(|| {
                        for_each_task(20, |i| {
                            if i == bad {
                                std::panic::resume_unwind(Box::new("bad"));
                            }
                        });
                    });
                }));
                assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "bad");
                assert!(works() && all_awake(works), "the threads work on");
            }
        });
    }
}

#[test]
fn a_panic_of_a_helper_reaches_the_caller() {
    on_pool(2, || {
        let caller = thread::current().id();
        let panic_of_a_helper = || {
            if thread::current().id() != caller {
                std::panic::resume_unwind(Box::new(()));
            }
        };
        let before_its_first_task =
            || for_each_task_with(WORTH_WAKING, 1000, panic_of_a_helper, |(), _| thread::yield_now());
        let at_a_task = || {
            for_each_task(1000, |_| {
                panic_of_a_helper();
                thread::yield_now();
            });
        };
        let jobs: [&dyn Fn(); 2] = [&at_a_task, &before_its_first_task];
        for job in jobs {
            parallel_region(|| {
                until(|| {
                    gather(2);
                    catch_unwind(AssertUnwindSafe(job)).is_err()
                });
                until(|| region::helpers() == 0); // it has left, and
                assert_eq!(gather(2).len(), 2); // comes again
            });
        }
    });
}

#[test]
fn a_worker_that_leaves_tasks_behind_is_noticed() {
    for threads in [1, 2] {
        on_pool(threads, || {
            let job = || {
                region::run(10, WORTH_WAKING, &|next| {
                    next();
                })
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| all_awake(job)));
            let message = *outcome.unwrap_err().downcast::<&str>().unwrap();
            assert_eq!(message, "nobody has asked for some of the tasks");
            assert!(works() && all_awake(works), "the threads work on");
        });
    }
}

#[test]
fn kernels_inside_of_a_task_run_on_its_thread() {
    on_pool(5, || {
        all_awake(|| {
            for_each_task(5, |_| {
                let own = thread::current().id();
                for_each_task(20, |_| assert_eq!(thread::current().id(), own));
            });
        });
    });
}

/// A region with work, all of which is done here.
fn stays_on_its_thread() {
    let own = thread::current().id();
    parallel_region(|| {
        assert!(works());
        for_each_task(20, |_| assert_eq!(thread::current().id(), own));
    });
}

#[test]
fn a_region_inside_of_a_task_runs_on_its_thread() {
    for threads in [1, 2, 5] {
        on_pool(threads, || {
            for _ in 0..100 {
                for_each_task(8, |_| stays_on_its_thread());
                parallel_region(|| for_each_task(8, |_| stays_on_its_thread()));
            }
        });
    }
}

#[test]
fn regions_nest() {
    on_pool(2, || {
        parallel_region(|| {
            until(|| {
                parallel_region(|| gather(2));
                region::helpers() == 1 // only the end of the outermost sends them away
            });
        });
    });
}

#[test]
fn more_threads_than_cores_do_not_stall_each_other() {
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    on_pool(threads, || {
        all_awake(|| (0..200).for_each(|_| assert!(count_up(3 * threads).into_iter().eq(0..3 * threads))));
    });
}
