//! What a data set holds, in words.

use crate::progress::thousands;
use datasets::{Dataset, Factors, Split};

/// The facts about a data set, as (fact, value).
pub(super) fn facts(data: &Dataset) -> Vec<(String, String)> {
    let mut facts = vec![("name".to_owned(), data.name.clone())];
    for (name, split) in [("training", &data.train), ("test", &data.test)] {
        facts.push((name.into(), samples(data, split)));
        facts.push((format!("{name}, values"), values(split)));
        if let Some(labels) = split.labels() {
            facts.push((format!("{name}, labels"), label_counts(labels)));
        }
    }
    if let Some(modes) = &data.modes {
        let count = modes.centres.len();
        facts.push(("modes".into(), format!("{count} round normals, sigma {}", modes.sigma)));
    }
    if let Some(factors) = data.train.factors() {
        for (i, name) in Factors::NAMES.iter().enumerate() {
            let each = factors.iter().map(|factor| f64::from(factor.values()[i]));
            facts.push((format!("factor {name}"), Spread::of(each).in_words()));
        }
    }
    facts
}

/// `60,000 images of 28 x 28` or `100,000 points of the plane`.
pub(super) fn samples(data: &Dataset, split: &Split) -> String {
    format!("{} {}", thousands(split.len() as u64), size(&data.shape))
}

/// `images of 28 x 28`, width first as in a picture's properties, or `points of the plane`.
pub(super) fn size(shape: &[usize]) -> String {
    match shape {
        [2] => "points of the plane".into(),
        sizes => {
            let sizes: Vec<String> = sizes.iter().rev().map(usize::to_string).collect();
            format!("images of {}", sizes.join(" x "))
        }
    }
}

fn values(split: &Split) -> String {
    match (split.bytes(), split.values()) {
        (Some(bytes), _) => Spread::of(bytes.iter().map(|&byte| f64::from(byte) / 255.0)).in_words(),
        (_, Some(points)) => {
            let [x, y] = axes(points).map(|axis| axis.in_words());
            format!("x: {x}; y: {y}")
        }
        (None, None) => "none".into(),
    }
}

/// How points lie along each axis.
fn axes(points: &[f32]) -> [Spread; 2] {
    [0, 1].map(|axis| Spread::of(points.iter().skip(axis).step_by(2).map(|&x| f64::from(x))))
}

/// Where points lie so that a GAN hardly learns them, and what to do. (After 4,000 steps of the preset `ring8`, it had found seven of eight
/// modes on a circle of radius 2 around the origin, with deviations of 1.4; hardly one on circles of radius 10 or more, or 0.1 or less, or around (5, 5).
/// The limits lie in between.)
pub(super) fn hard_to_learn(data: &Dataset) -> Option<String> {
    let axes = axes(data.train.values()?);
    // Numbers that are all the same cannot be made wider.
    let is_off =
        |axis: &Spread| axis.mean.abs() > 2.0 || axis.deviation > 4.0 || 0.0 < axis.deviation && axis.deviation < 0.25;
    let off = ["x", "y"].into_iter().zip(&axes).filter(|(_, axis)| is_off(axis));
    let off: Vec<String> = off.map(|(name, axis)| format!("{name}: {}", axis.in_words())).collect();
    (!off.is_empty()).then(|| {
        format!(
            "points are used as they stand, and a GAN learns those best that have mean 0 and a standard deviation of about 1: \
             subtract the mean and divide by the deviation first ({})",
            off.join("; ")
        )
    })
}

fn label_counts(labels: &[u8]) -> String {
    let mut counts = [0_u64; 256];
    labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    let each = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let each: Vec<String> = each
        .map(|(label, &count)| format!("{label}: {}", thousands(count)))
        .collect();
    each.join("  ")
}

/// How some numbers lie.
struct Spread {
    mean: f64,
    deviation: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Spread {
        // By Welford's sums: the squares of numbers far from 0 would hide how they differ.
        let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers {
            n += 1.0;
            let off = x - mean;
            mean += off / n;
            squares += off * (x - mean);
            (least, most) = (least.min(x), most.max(x));
        }
        Spread {
            mean,
            deviation: (squares / n).sqrt(),
            least,
            most,
        }
    }

    fn in_words(&self) -> String {
        let Spread {
            deviation, least, most, ..
        } = self;
        // A mean that rounds to zero has no sign.
        let mean = (self.mean * 1e4).round() / 1e4 + 0.0;
        format!("mean {mean:.4}, standard deviation {deviation:.4}, from {least:.4} to {most:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_by_axis_with_their_modes() {
        let facts = facts(&Dataset::open("ring8", 0).unwrap());
        let fact = |name: &str| facts.iter().find(|(fact, _)| fact == name).unwrap().1.as_str();
        assert_eq!(fact("training"), "100,000 points of the plane");
        assert_eq!(fact("modes"), "8 round normals, sigma 0.01");
        assert!(fact("test, values").starts_with("x: mean ") && fact("test, values").contains("; y: mean "));
        assert!(fact("test, labels").starts_with("0: 1,"));
    }

    #[test]
    fn points_that_are_hard_to_learn_are_told_by_axis() {
        for name in ["ring8", "grid25", "moons", "swissroll"] {
            assert_eq!(hard_to_learn(&Dataset::open(name, 0).unwrap()), None, "{name}");
        }
        let place = tempfile::tempdir().unwrap();
        let told = |name: &str, point: fn(f64) -> [f64; 2]| {
            let file = place.path().join(name);
            // 1 and -1 in turn. The hundred that are not trained on are alike: so the mean of 900 is 1/9, and the deviation √(1 - 1/81).
            let line = |i: usize| {
                point(if i.is_multiple_of(2) { 1.0 } else { -1.0 })
                    .map(|x| x.to_string())
                    .join(",")
            };
            std::fs::write(&file, (0..1000).map(|i| line(i) + "\n").collect::<String>()).unwrap();
            hard_to_learn(&Dataset::open(&format!("csv:{}", file.display()), 0).unwrap())
        };
        assert_eq!(told("good.csv", |x| [x - 1.9, 0.27 * x + 1.8]), None);
        assert_eq!(told("line.csv", |x| [x, 1.0]), None, "a constant has no deviation");
        for (name, point) in [
            ("right.csv", (|x| [x + 1.9, x]) as fn(f64) -> [f64; 2]),
            ("left.csv", |x| [x - 2.2, x]),
            ("narrow.csv", |x| [0.24 * x, 3.9 * x]),
            ("wide.csv", |x| [4.1 * x, x]),
        ] {
            let told = told(name, point).expect(name);
            assert!(told.contains("(x: mean ") && !told.contains("; y: "), "{told}");
        }
        let far = told("far.csv", |x| [0.01 * x, x + 50.0]).unwrap();
        let both = "(x: mean 0.0011, standard deviation 0.0099, from -0.0100 to 0.0100; y: mean 50.1111, standard deviation 0.9938, from 49.0000 to 51.0000)";
        assert!(far.ends_with(both), "{far}");
    }

    #[test]
    fn the_width_of_an_image_is_told_first() {
        assert_eq!(size(&[12, 20]), "images of 20 x 12");
    }

    #[test]
    fn the_spread_of_known_numbers() {
        let words = Spread::of([1.0, 3.0].into_iter()).in_words();
        assert_eq!(words, "mean 2.0000, standard deviation 1.0000, from 1.0000 to 3.0000");
    }
}
