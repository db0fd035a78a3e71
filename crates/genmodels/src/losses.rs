//! What a training step or an evaluation reports.

use std::fmt;

/// The most losses that a model reports.
const MOST: usize = 8;

/// Losses by name and in order, means over the batch, in nats per sample.
///
/// They lie in the value itself: a run keeps those of every step, and small pieces of memory that stay, strewn between the large ones that come and
/// go, would fragment the heap.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Losses {
    entries: [(&'static str, f64); MOST],
    count: usize,
}

impl Losses {
    /// These losses, in this order.
    ///
    /// # Panics
    /// If there are more than eight.
    #[track_caller]
    pub fn new(losses: impl IntoIterator<Item = (&'static str, f64)>) -> Losses {
        let mut all = Losses::default();
        for entry in losses {
            assert!(all.count < MOST, "a model reports at most {MOST} losses");
            all.entries[all.count] = entry;
            all.count += 1;
        }
        all
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.entries[..self.count].iter().copied()
    }

    /// The loss of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The first loss that is not a finite number.
    pub fn not_finite(&self) -> Option<(&'static str, f64)> {
        self.iter().find(|(_, value)| !value.is_finite())
    }

    /// The mean over parts of a data set, each with the number of its samples. The parts have the same losses.
    ///
    /// ```
    /// use genmodels::Losses;
    /// let parts = [(Losses::new([("kl", 1.0)]), 3), (Losses::new([("kl", 5.0)]), 1)];
    /// assert_eq!(Losses::mean(parts).unwrap().get("kl"), Some(2.0));
    /// ```
    pub fn mean(parts: impl IntoIterator<Item = (Losses, usize)>) -> Option<Losses> {
        let mut total: Option<Losses> = None;
        let mut samples = 0;
        for (losses, count) in parts {
            samples += count;
            let sums = total.get_or_insert_with(|| Losses::new(losses.iter().map(|(name, _)| (name, 0.0))));
            debug_assert_eq!(sums.count, losses.count, "the parts have the same losses");
            for ((_, sum), (_, value)) in sums.entries.iter_mut().zip(losses.iter()) {
                *sum += value * count as f64;
            }
        }
        total.map(|sums| Losses::new(sums.iter().map(|(name, sum)| (name, sum / samples as f64))))
    }
}

impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
