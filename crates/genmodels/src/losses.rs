//! What a training step or an evaluation reports.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The most losses that a model reports.
const MOST: usize = 8;
/// The most names of losses that are read from files, and the longest of them: names are kept for as long as the program runs.
const MOST_NAMES: usize = 64;
const LONGEST_NAME: usize = 32;

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

/// As a map from name to value, in order.
impl Serialize for Losses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Losses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Losses, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Losses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST} losses by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Losses, A::Error> {
        let mut losses = Losses::default();
        while let Some((name, value)) = map.next_entry::<String, f64>()? {
            if losses.count == MOST {
                return Err(A::Error::custom(format!("there are more than {MOST} losses")));
            }
            let name =
                kept(&name).ok_or_else(|| A::Error::custom(format!("`{name:.40}` is not the name of a loss")))?;
            losses.entries[losses.count] = (name, value);
            losses.count += 1;
        }
        Ok(losses)
    }
}

/// The name as one that lives as long as the program, as those in the source do; `None` for more or longer ones than there are losses.
fn kept(name: &str) -> Option<&'static str> {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.iter().find(|known| **known == name) {
        return Some(known);
    }
    if names.len() == MOST_NAMES || name.is_empty() || name.len() > LONGEST_NAME {
        return None;
    }
    names.push(Box::leak(name.into()));
    names.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_with_every_bit() {
        let losses = Losses::new([("elbo", -104.123_456_789_012_34), ("kl", 0.1 + 0.2), ("tiny", 5e-324)]);
        let text = serde_json::to_string(&losses).unwrap();
        assert_eq!(
            text,
            r#"{"elbo":-104.12345678901234,"kl":0.30000000000000004,"tiny":5e-324}"#
        );
        assert_eq!(serde_json::from_str::<Losses>(&text).unwrap(), losses);
    }

    #[test]
    fn what_is_not_losses_is_refused() {
        let refused = |text: &str| serde_json::from_str::<Losses>(text).unwrap_err().to_string();
        let nine: Vec<String> = (0..9).map(|i| format!(r#""loss{i}":1"#)).collect();
        assert!(refused(&format!("{{{}}}", nine.join(","))).starts_with("there are more than 8 losses"));
        let long = "x".repeat(33);
        assert!(refused(&format!(r#"{{"{long}":1}}"#)).starts_with(&format!("`{long}` is not the name of a loss")));
        assert!(refused(r#"{"kl":null}"#).starts_with("invalid type: null"));
        assert!(refused("[1]").contains("expected at most 8 losses by name"));
    }
}
