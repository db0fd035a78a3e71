//! What a training step or an evaluation reports.

/// Losses by name and in order, means over the batch, in nats per sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Losses(Vec<(&'static str, f64)>);

impl Losses {
    /// These losses, in this order.
    pub fn new(losses: impl IntoIterator<Item = (&'static str, f64)>) -> Losses {
        Losses(losses.into_iter().collect())
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.0.iter().copied()
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
            let sums = total.get_or_insert_with(|| Losses(losses.iter().map(|(name, _)| (name, 0.0)).collect()));
            for ((_, sum), (_, value)) in sums.0.iter_mut().zip(losses.iter()) {
                *sum += value * count as f64;
            }
        }
        total.map(|sums| Losses(sums.iter().map(|(name, sum)| (name, sum / samples as f64)).collect()))
    }
}
