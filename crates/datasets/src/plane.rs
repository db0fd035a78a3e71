//! Sets of points of the plane: small enough to see at a glance what a model has learnt and what it has missed.

use crate::{Dataset, Split};
use rand::distr::{Distribution, Uniform};
use rand_distr::Normal;
use std::f64::consts::{PI, TAU};
use tensor_core::rng::Random;

/// Points to train on.
pub const TRAIN: usize = 100_000;

/// Points to test on.
pub const TEST: usize = 10_000;

/// The centres of a mixture of equal, round normal distributions: what the coverage of modes is measured against.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// The mean of each mode.
    pub centres: Vec<[f32; 2]>,
    /// The standard deviation of each mode along each axis.
    pub sigma: f32,
}

/// `ring8`: eight modes at angles 2πk/8 on the circle of radius 1, sigma 0.01; the label is k.
/// The set on which GANs are shown to collapse (Metz et al., "Unrolled generative adversarial networks", 2017).
pub fn ring8(seed: u64) -> Dataset {
    // The angles divide the circle by eight: a range that includes its end would put two modes in one place.
    let centre = |k| f64::from(k) * TAU / 8.0;
    mixture(
        "ring8",
        seed,
        (0..8).map(|k| [centre(k).cos(), centre(k).sin()]).collect(),
        0.01,
    )
}

/// `grid25`: 25 modes at {-4, -2, 0, 2, 4}², sigma 0.05 (Srivastava et al., "VEEGAN", 2017, use the same grid with
/// their own sigma); the label counts along x first.
pub fn grid25(seed: u64) -> Dataset {
    let at = |k: i32| f64::from(2 * k - 4);
    mixture("grid25", seed, (0..25).map(|k| [at(k % 5), at(k / 5)]).collect(), 0.05)
}

/// `moons`: two half circles of radius 1 that reach into each other, sigma 0.05; the label says which one.
/// With the upper one around (0, 0) and the lower one around (1, 0.5), as scikit-learn's `make_moons`.
pub fn moons(seed: u64) -> Dataset {
    let angle = Uniform::new(0.0, PI).expect("0 is below pi");
    let noise = normal(0.05);
    set("moons", seed, None, |random| {
        let (sin, cos) = angle.sample(random).sin_cos();
        let lower = random.uniform_u32(2) as u8;
        let [x, y] = if lower == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
        ([x + noise.sample(random), y + noise.sample(random)], lower)
    })
}

/// `swissroll`: a spiral of one turn and a half, (t cos t, t sin t) / 10 for t from 1.5π to 4.5π, sigma 0.05.
/// The label is the third of the turn and a half, from the inside, so that pictures can be coloured along the roll.
pub fn swissroll(seed: u64) -> Dataset {
    let along = Uniform::new(0.0, 1.0).expect("0 is below 1");
    let noise = normal(0.05);
    set("swissroll", seed, None, |random| {
        let u: f64 = along.sample(random);
        let t = 1.5 * PI * (1.0 + 2.0 * u);
        let point = [
            t * t.cos() / 10.0 + noise.sample(random),
            t * t.sin() / 10.0 + noise.sample(random),
        ];
        (point, (3.0 * u) as u8)
    })
}

fn mixture(name: &str, seed: u64, centres: Vec<[f64; 2]>, sigma: f64) -> Dataset {
    let noise = normal(sigma);
    let modes = Modes {
        centres: centres.iter().map(|c| c.map(|x| x as f32)).collect(),
        sigma: sigma as f32,
    };
    set(name, seed, Some(modes), |random| {
        let k = random.uniform_u32(centres.len() as u32);
        let [x, y] = centres[k as usize];
        ([x + noise.sample(random), y + noise.sample(random)], k as u8)
    })
}

fn normal(sigma: f64) -> Normal<f64> {
    Normal::new(0.0, sigma).expect("sigma is finite")
}

/// Both splits, each from its own stream.
fn set(name: &str, seed: u64, modes: Option<Modes>, draw: impl Fn(&mut Random) -> ([f64; 2], u8)) -> Dataset {
    let split = |split: &str, n: usize| {
        let mut random = Random::new(seed).stream(name).stream(split);
        let (points, labels): (Vec<[f64; 2]>, Vec<u8>) = (0..n).map(|_| draw(&mut random)).unzip();
        Split::points(points.into_iter().flatten().map(|x| x as f32).collect(), 2).with_labels(labels)
    };
    Dataset {
        name: name.into(),
        train: split("train", TRAIN),
        test: split("test", TEST),
        shape: vec![2],
        modes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn points(split: &Split) -> impl Iterator<Item = ([f64; 2], usize)> {
        let points = split
            .values()
            .unwrap()
            .chunks(2)
            .map(|p| [f64::from(p[0]), f64::from(p[1])]);
        points.zip(split.labels().unwrap().iter().map(|&label| usize::from(label)))
    }

    /// Mean and variance of each mode, and how many points it has, against what they are drawn from.
    fn check_mixture(set: &Dataset, centres: &[[f64; 2]], sigma: f64) {
        let modes = set.modes.as_ref().unwrap();
        assert_abs_diff_eq!(f64::from(modes.sigma), sigma, epsilon = 1e-8);
        let expected = TRAIN as f64 / centres.len() as f64;
        for (k, centre) in centres.iter().enumerate() {
            let mode: Vec<_> = points(&set.train).filter(|p| p.1 == k).map(|p| p.0).collect();
            let n = mode.len() as f64;
            assert!((n - expected).abs() < 4.0 * expected.sqrt(), "mode {k} has {n} points");
            for axis in 0..2 {
                assert_abs_diff_eq!(f64::from(modes.centres[k][axis]), centre[axis], epsilon = 1e-6);
                let mean = mode.iter().map(|p| p[axis]).sum::<f64>() / n;
                let variance = mode.iter().map(|p| (p[axis] - centre[axis]).powi(2)).sum::<f64>() / n;
                assert!(
                    (mean - centre[axis]).abs() < 4.5 * sigma / n.sqrt(),
                    "mode {k}: mean {mean}"
                );
                assert!(
                    (variance / (sigma * sigma) - 1.0).abs() < 4.5 * (2.0 / n).sqrt(),
                    "mode {k}: variance {variance}"
                );
            }
        }
    }

    #[test]
    fn ring8_is_a_ring_of_eight() {
        let h = std::f64::consts::FRAC_1_SQRT_2;
        let centres = [
            [1.0, 0.0],
            [h, h],
            [0.0, 1.0],
            [-h, h],
            [-1.0, 0.0],
            [-h, -h],
            [0.0, -1.0],
            [h, -h],
        ];
        check_mixture(&ring8(1), &centres, 0.01);
    }

    #[test]
    fn grid25_is_a_grid_of_25() {
        let at = [-4.0, -2.0, 0.0, 2.0, 4.0];
        let centres: Vec<[f64; 2]> = at.iter().flat_map(|&y| at.iter().map(move |&x| [x, y])).collect();
        check_mixture(&grid25(1), &centres, 0.05);
    }

    #[test]
    fn moons_lie_on_two_half_circles() {
        let set = moons(1);
        let (mut sum, n) = ([0.0; 2], TRAIN as f64);
        for ([x, y], label) in points(&set.train) {
            let ([cx, cy], side) = [([0.0, 0.0], 1.0), ([1.0, 0.5], -1.0)][label];
            let radius = (x - cx).hypot(y - cy);
            assert!(
                (radius - 1.0).abs() < 0.3 && side * (y - cy) > -0.3,
                "({x}, {y}) in moon {label}"
            );
            sum = [sum[0] + x, sum[1] + y];
        }
        // The means: (0 + 1) / 2, and (2/π + 1/2 - 2/π) / 2.
        assert_abs_diff_eq!(sum[0] / n, 0.5, epsilon = 0.012);
        assert_abs_diff_eq!(sum[1] / n, 0.25, epsilon = 0.008);
    }

    #[test]
    fn the_swissroll_is_a_spiral() {
        for ([x, y], third) in points(&swissroll(1).train) {
            // From radius and angle: t = 10 r, and t must be the angle up to whole turns.
            let t = 10.0 * x.hypot(y);
            let off = (y.atan2(x) - t).rem_euclid(TAU);
            let off = off.min(TAU - off) * x.hypot(y).min(0.1);
            assert!(off < 0.3, "({x}, {y})");
            assert!(t > 1.5 * PI - 2.5 && t < 4.5 * PI + 2.5);
            assert!((t / PI - 1.5 - third as f64) < 1.0 + 0.8 && third < 3);
        }
    }

    #[test]
    fn a_seed_and_a_split_have_their_own_points() {
        let (a, b, c) = (ring8(1), ring8(1), ring8(2));
        assert_eq!(a.train.values(), b.train.values());
        assert_ne!(a.train.values(), c.train.values());
        assert_ne!(a.train.values().unwrap()[..100], a.test.values().unwrap()[..100]);
        assert_eq!((a.train.len(), a.test.len()), (TRAIN, TEST));
    }
}
