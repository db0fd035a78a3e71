//! What a run has measured so far, for the report's curves: bounded, however long the run.

use genmodels::Losses;
use serde::{Deserialize, Serialize};

/// Points of a training curve, at most. Even, since a full curve is halved.
const POINTS: usize = 600;
/// Evaluations, at most.
const EVALS: usize = 1000;

/// Losses by stretches of steps and by epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// Stretches of equal length; the last one may still be filling.
    stretches: Vec<Stretch>,
    /// How many times the curve was halved: a stretch has 2 to this power steps.
    halvings: u32,
    last: Option<(u64, Losses)>,
    /// Sums over the epoch under way, with its steps so far.
    epoch: Option<(Losses, u64)>,
    /// (step, losses of the test split); of a long run every other one, or fewer.
    evals: Vec<(u64, Losses)>,
}

/// Means over successive steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    steps: usize,
    /// The mean number of the steps: where the point lies.
    place: f64,
    losses: Losses,
}

impl Stretch {
    fn with(&self, next: &Stretch) -> Stretch {
        let steps = self.steps + next.steps;
        let place = self.place * self.steps as f64 + next.place * next.steps as f64;
        let losses = Losses::mean([(self.losses, self.steps), (next.losses, next.steps)]);
        Stretch {
            steps,
            place: place / steps as f64,
            losses: losses.expect("there are two parts"),
        }
    }
}

impl History {
    /// What is wrong with a history that was read from a file, if it cannot be that of so many steps of an epoch.
    pub(crate) fn fault(&self, steps_of_epoch: u64) -> Option<&'static str> {
        let in_epoch = self.epoch.map_or(0, |(_, steps)| steps);
        let sound = |stretch: &Stretch| (1..=1 << 62).contains(&stretch.steps);
        match () {
            () if self.stretches.len() > POINTS => Some("it has more points than a curve"),
            () if in_epoch != steps_of_epoch => Some("it has another number of steps of the epoch under way"),
            () if self.evals.len() > EVALS => Some("it has more evaluations than a curve"),
            () if self.halvings > 62 => Some("it was halved too often"),
            () if !self.stretches.iter().all(sound) => Some("a point stands for no steps"),
            () => None,
        }
    }

    /// Adds the losses of a step.
    pub(crate) fn add(&mut self, step: u64, losses: Losses) {
        self.last = Some((step, losses));
        self.epoch = Some(match self.epoch {
            None => (losses, 1),
            Some((sums, steps)) => {
                let sum = |(name, value): (_, f64)| (name, sums.get(name).unwrap_or(0.0) + value);
                (Losses::new(losses.iter().map(sum)), steps + 1)
            }
        });
        let new = Stretch {
            steps: 1,
            place: step as f64,
            losses,
        };
        let length = self.stretch();
        if let Some(last) = self.stretches.last_mut().filter(|last| last.steps < length) {
            *last = last.with(&new);
            return;
        }
        if self.stretches.len() == POINTS {
            self.stretches = self.stretches.chunks(2).map(|pair| pair[0].with(&pair[1])).collect();
            self.halvings += 1;
        }
        self.stretches.push(new);
    }

    /// Adds the losses of the test split after a step.
    pub(crate) fn add_eval(&mut self, step: u64, losses: Losses) {
        if self.evals.len() == EVALS {
            let mut number = 0;
            self.evals.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
        self.evals.push((step, losses));
    }

    /// The last losses of the test split.
    pub(crate) fn last_eval(&self) -> Option<&(u64, Losses)> {
        self.evals.last()
    }

    /// Ends an epoch: the mean of each loss over its steps.
    pub(crate) fn end_epoch(&mut self) -> Losses {
        let Some((sums, steps)) = self.epoch.take() else {
            return Losses::default();
        };
        Losses::new(sums.iter().map(|(name, sum)| (name, sum / steps as f64)))
    }

    /// The last step and its losses.
    pub(crate) fn last(&self) -> Option<&(u64, Losses)> {
        self.last.as_ref()
    }

    /// How many steps a point of the training curve stands for.
    pub(crate) fn stretch(&self) -> usize {
        1 << self.halvings
    }

    /// The names of all losses, in the order of their first appearance.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let tested = self.evals.iter().map(|(_, losses)| losses);
        for losses in self.stretches.iter().take(1).map(|s| &s.losses).chain(tested) {
            for (name, _) in losses.iter() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// One loss over the steps, as means of stretches.
    pub(crate) fn training(&self, name: &str) -> Vec<(f64, f64)> {
        let point = |stretch: &Stretch| Some((stretch.place, stretch.losses.get(name)?));
        self.stretches.iter().filter_map(point).collect()
    }

    /// One loss of the test split.
    pub(crate) fn test(&self, name: &str) -> Vec<(f64, f64)> {
        let point = |(step, losses): &(u64, Losses)| Some((*step as f64, losses.get(name)?));
        self.evals.iter().filter_map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(steps: u64) -> History {
        let mut history = History::default();
        (1..=steps).for_each(|i| history.add(i, Losses::new([("a", i as f64), ("b", -1.0)])));
        history.add_eval(steps, Losses::new([("a", 0.5), ("c", 2.0)]));
        history
    }

    #[test]
    fn names_come_in_order_and_once() {
        assert_eq!(history(10).names(), ["a", "b", "c"]);
        assert!(History::default().names().is_empty());
    }

    #[test]
    fn a_short_run_keeps_every_step() {
        let history = history(3);
        assert_eq!(history.training("a"), [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]);
        assert_eq!((history.stretch(), history.last().unwrap().0), (1, 3));
        assert_eq!(history.training("nothing"), []);
        assert_eq!(history.test("c"), [(3.0, 2.0)]);
    }

    #[test]
    fn a_long_run_keeps_means_of_stretches_that_cover_everything() {
        for steps in [POINTS as u64 + 1, 5_000, 100_001] {
            let history = history(steps);
            let (points, stretch) = (history.training("a"), history.stretch());
            assert!(
                (POINTS / 2..=POINTS).contains(&points.len()),
                "{steps}: {}",
                points.len()
            );
            assert_eq!(points.len(), (steps as usize).div_ceil(stretch));
            // The losses are the numbers of their steps.
            assert!(points.iter().all(|(x, y)| (x - y).abs() < 1e-6));
            assert_eq!(points[0].0, (1.0 + stretch as f64) / 2.0);
            assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(history.training("b").iter().all(|p| p.1 == -1.0));
        }
    }

    #[test]
    fn evaluations_are_bounded_and_the_first_and_the_last_stay() {
        let mut history = History::default();
        (1..=100_000).for_each(|step| history.add_eval(step, Losses::new([("a", step as f64)])));
        let points = history.test("a");
        assert!((EVALS / 2..=EVALS).contains(&points.len()), "{}", points.len());
        assert_eq!((points[0].0, points.last().unwrap().0), (1.0, 100_000.0));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn the_mean_of_an_epoch() {
        let mut history = history(10);
        assert_eq!(history.end_epoch(), Losses::new([("a", 5.5), ("b", -1.0)]));
        assert_eq!(history.end_epoch(), Losses::default());
        history.add(11, Losses::new([("a", 3.0), ("b", 1.0)]));
        assert_eq!(history.end_epoch(), Losses::new([("a", 3.0), ("b", 1.0)]));
    }
}
