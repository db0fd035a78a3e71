//! How long something takes that is done again and again.

use std::time::Instant;

/// So many calls in so many seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) calls: u64,
    pub(super) seconds: f64,
}

impl Time {
    /// Seconds of one call.
    pub(super) fn each(&self) -> f64 {
        self.seconds / self.calls as f64
    }
}

/// Calls `f` once, and then for as long as `seconds` have not passed. The clock is read rarely, since a small product takes less time than that.
pub(super) fn repeat(seconds: f64, mut f: impl FnMut()) -> Time {
    let start = Instant::now();
    let (mut calls, mut batch) = (0, 1);
    loop {
        (0..batch).for_each(|_| f());
        calls += batch;
        let time = Time {
            calls,
            // A clock may stand still for one short call.
            seconds: start.elapsed().as_secs_f64().max(1e-9),
        };
        if time.seconds >= seconds {
            return time;
        }
        // As many as seem to be left, but not more than so far.
        let left = (seconds - time.seconds) / time.each();
        batch = left.ceil().min(calls as f64) as u64;
    }
}

/// The smallest and the middle one of some numbers, of which there is at least one.
pub(super) fn best_and_median(times: &[f64]) -> (f64, f64) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_slow_is_called_once_and_what_is_fast_until_time_is_up() {
        assert_eq!(repeat(1e-3, || std::thread::sleep(Duration::from_millis(5))).calls, 1);
        let mut calls = 0;
        let time = repeat(1e-3, || calls += 1);
        assert_eq!(time.calls, calls);
        assert!(calls > 1 && time.seconds >= 1e-3);
    }

    #[test]
    fn best_and_median_of_times() {
        assert_eq!(best_and_median(&[3.0]), (3.0, 3.0));
        assert_eq!(best_and_median(&[3.0, 1.0, 9.0, 2.0, 4.0]), (1.0, 3.0));
    }
}
