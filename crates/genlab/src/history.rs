//! What a run has measured so far, for the report's curves.

use genmodels::Losses;

/// Losses by step and by epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// (step, losses of the batch)
    pub(crate) steps: Vec<(u64, Losses)>,
    /// (step, losses of the test split)
    pub(crate) evals: Vec<(u64, Losses)>,
}

impl History {
    /// The names of all losses, in the order of their first appearance.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (_, losses) in self.steps.iter().take(1).chain(&self.evals) {
            for (name, _) in losses.iter() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// One loss per step, as the means of at most `points` stretches of equal length.
    pub(crate) fn training(&self, name: &str, points: usize) -> Vec<(f64, f64)> {
        let all = series(&self.steps, name);
        let length = all.len().div_ceil(points.max(1)).max(1);
        let mean = |stretch: &[(f64, f64)]| {
            let sum = stretch.iter().fold((0.0, 0.0), |(x, y), (dx, dy)| (x + dx, y + dy));
            (sum.0 / stretch.len() as f64, sum.1 / stretch.len() as f64)
        };
        all.chunks(length).map(mean).collect()
    }

    /// One loss of the test split.
    pub(crate) fn test(&self, name: &str) -> Vec<(f64, f64)> {
        series(&self.evals, name)
    }

    /// The mean of each loss over the steps from `first` on.
    pub(crate) fn mean_since(&self, first: usize) -> Losses {
        let steps = &self.steps[first.min(self.steps.len())..];
        Losses::mean(steps.iter().map(|(_, losses)| (*losses, 1))).unwrap_or_default()
    }
}

fn series(points: &[(u64, Losses)], name: &str) -> Vec<(f64, f64)> {
    points
        .iter()
        .filter_map(|(step, losses)| Some((*step as f64, losses.get(name)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let steps = (1..=10)
            .map(|i| (i, Losses::new([("a", i as f64), ("b", -1.0)])))
            .collect();
        History {
            steps,
            evals: vec![(10, Losses::new([("a", 0.5), ("c", 2.0)]))],
        }
    }

    #[test]
    fn names_come_in_order_and_once() {
        assert_eq!(history().names(), ["a", "b", "c"]);
    }

    #[test]
    fn stretches_are_means_and_cover_everything() {
        assert_eq!(history().training("a", 100).len(), 10);
        assert_eq!(
            history().training("a", 5),
            [(1.5, 1.5), (3.5, 3.5), (5.5, 5.5), (7.5, 7.5), (9.5, 9.5)]
        );
        // Ten steps in at most four stretches: three of three and one of one.
        assert_eq!(
            history().training("a", 4),
            [(2.0, 2.0), (5.0, 5.0), (8.0, 8.0), (10.0, 10.0)]
        );
        assert_eq!(history().training("nothing", 4), []);
        assert_eq!(history().test("c"), [(10.0, 2.0)]);
    }

    #[test]
    fn the_mean_of_an_epoch() {
        assert_eq!(history().mean_since(8), Losses::new([("a", 9.5), ("b", -1.0)]));
        assert_eq!(history().mean_since(99), Losses::default());
    }
}
