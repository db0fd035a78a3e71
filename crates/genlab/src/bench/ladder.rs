//! The rungs, measured in turn.

use super::machine::{Peak, ROUNDS};
use super::product::{Product, Size};
use super::timing::{best_and_median, repeat};
use tensor_core::kernels::matmul::{RUNGS, Rung};

/// A rung is left out at a size where one product takes longer than that, in seconds.
const PATIENCE: f64 = 1.0;
/// Rounds that a rung takes part in, even if its time is over.
const LEAST_ROUNDS: usize = 2;
/// The side of the product by which it is judged how long others will take.
const TRIAL: &str = "256";

/// What is known before the measurement.
pub(super) struct Ladder {
    /// Seconds for each rung and size.
    seconds: f64,
    /// Of each rung, seconds for one floating-point operation, about.
    expected: Vec<f64>,
}

/// All rungs at one size.
pub(super) struct Row {
    pub(super) size: Size,
    /// The machine's, in the same rounds.
    peak: Peak,
    /// Of each rung; `None` where it would have taken too long.
    pub(super) speeds: Vec<Option<Speed>>,
}

/// GFLOP/s of a rung.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speed {
    /// In its fastest round.
    pub(super) best: f64,
    /// In the round in the middle.
    pub(super) median: f64,
    pub(super) rounds: usize,
}

/// Seconds that a rung takes for one floating-point operation, about, by one try.
pub(super) fn seconds_of_an_operation(rung: &dyn Rung) -> f64 {
    let size: Size = TRIAL.parse().expect("a size");
    let mut product = Product::new(&size);
    repeat(0.0, || product.run(rung)).each() / size.operations()
}

impl Ladder {
    /// Tries each rung once.
    pub(super) fn new(seconds: f64) -> Self {
        let expected = RUNGS.iter().map(|&rung| seconds_of_an_operation(rung)).collect();
        Self { seconds, expected }
    }

    /// All rungs at this size, in rounds: in each, the machine's peak and every rung in turn. A slow one has used up its time after some rounds.
    pub(super) fn measure(&self, size: Size) -> Row {
        let slice = self.seconds / ROUNDS as f64;
        let mut product = Product::new(&size);
        let mut peaks = Vec::new();
        let mut times = vec![Vec::new(); RUNGS.len()];
        let mut used = vec![0.0; RUNGS.len()];
        for round in 0..ROUNDS {
            peaks.push(Peak::measure(slice));
            for (i, &rung) in RUNGS.iter().enumerate() {
                let is_too_slow = self.expected[i] * size.operations() > PATIENCE;
                let has_time = used[i] < self.seconds || round < LEAST_ROUNDS;
                if !is_too_slow && has_time {
                    let time = repeat(slice, || product.run(rung));
                    used[i] += time.seconds;
                    times[i].push(time.each());
                }
            }
        }
        let speed = |times: &Vec<f64>| {
            let gflops = |seconds| size.operations() / seconds / 1e9;
            (!times.is_empty()).then(|| {
                let (best, median) = best_and_median(times);
                Speed {
                    best: gflops(best),
                    median: gflops(median),
                    rounds: times.len(),
                }
            })
        };
        Row {
            speeds: times.iter().map(speed).collect(),
            peak: Peak::best(&peaks),
            size,
        }
    }
}

impl Row {
    /// What rung `i` could reach, in GFLOP/s: the peak of one core, or of all if it uses them.
    pub(super) fn peak(&self, i: usize) -> f64 {
        match RUNGS[i].is_shared() {
            true => self.peak.all_cores,
            false => self.peak.one_core,
        }
    }

    /// The part of its peak that rung `i` reaches.
    pub(super) fn share(&self, i: usize) -> Option<f64> {
        self.speeds[i].map(|speed| speed.best / self.peak(i))
    }

    /// How many times as fast as the rung before it rung `i` is. The reference follows from none, and none from it.
    pub(super) fn factor(&self, i: usize) -> Option<f64> {
        if RUNGS[i].is_reference() {
            return None;
        }
        let before = RUNGS[..i].iter().rposition(|rung| !rung.is_reference())?;
        Some(self.speeds[i]?.best / self.speeds[before]?.best)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A row in which rung i does 2ⁱ GFLOP/s and the first is left out. One core can do 100, all can do 200.
    pub(crate) fn row(size: &str) -> Row {
        let speed = |i| Speed {
            best: f64::powi(2.0, i),
            median: f64::powi(2.0, i) * 0.75,
            rounds: 5,
        };
        Row {
            size: size.parse().unwrap(),
            peak: Peak {
                one_core: 100.0,
                all_cores: 200.0,
            },
            speeds: (0..RUNGS.len() as i32).map(|i| (i > 0).then(|| speed(i))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_factors_follow_from_the_speeds() {
        let row = testing::row("64");
        let shared = RUNGS.iter().position(|rung| rung.is_shared()).unwrap();
        assert_eq!((row.share(0), row.share(3)), (None, Some(0.08)));
        assert_eq!(row.share(shared), Some(f64::powi(2.0, shared as i32) / 200.0));
        assert_eq!((row.factor(0), row.factor(1), row.factor(2)), (None, None, Some(2.0)));
        let reference = RUNGS.iter().position(|rung| rung.is_reference()).unwrap();
        assert_eq!(row.factor(reference), None);
    }

    #[test]
    fn a_rung_that_would_take_too_long_is_left_out() {
        let mut expected = vec![0.0; RUNGS.len()];
        expected[1] = 0.6; // 2 operations: 1.2 s
        let ladder = Ladder {
            seconds: 1e-6,
            expected,
        };
        let row = ladder.measure("1".parse().unwrap());
        let measured: Vec<bool> = row.speeds.iter().map(Option::is_some).collect();
        assert_eq!(measured, (0..RUNGS.len()).map(|i| i != 1).collect::<Vec<_>>());
    }
}
