//! Literals that pin the bits, and distributions against their closed forms.

use super::*;
use std::collections::HashSet;

fn normals(n: usize) -> Vec<f32> {
    let mut x = vec![0.0; n];
    Random::new(1).stream("normals").fill_normal(&mut x);
    x
}

/// The distribution function of N(0, 1).
fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Kolmogorov and Smirnov's statistic: sqrt(n) times the greatest distance between two distribution functions.
/// Above 1.95 with a probability of 0.001 where the sample is from `cdf`.
fn kolmogorov_smirnov(mut sample: Vec<f32>, cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f32::total_cmp);
    let n = sample.len() as f64;
    let distance = sample.iter().enumerate().fold(0.0f64, |d, (i, &x)| {
        let p = cdf(f64::from(x));
        d.max(p - i as f64 / n).max((i + 1) as f64 / n - p)
    });
    distance * n.sqrt()
}

/// FNV-1a of the bits, to pin many numbers by one.
fn checksum(x: &[f32]) -> u64 {
    let bytes = x.iter().flat_map(|v| v.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whoever changes these changes every seeded run of every user.
#[test]
fn the_bits_are_the_same_on_every_build() {
    let mut root = Random::new(42);
    let mut child = root.stream("noise").at(7);
    assert_eq!(
        [root.next_u32(), root.next_u32(), child.next_u32()],
        [1561798940, 2870761196, 2067300112]
    );
    let mut x = [0.0; 4];
    child.fill_normal(&mut x);
    assert_eq!(
        x.map(f32::to_bits),
        [3221910442, 999723155, 3204042429, 1065005225]
    );
    child.fill_uniform(&mut x);
    assert_eq!(
        x.map(f32::to_bits),
        [1064022994, 1061786885, 1037692528, 1048227368]
    );
    assert_eq!(Random::new(0).permutation(8), [3, 6, 4, 2, 1, 7, 5, 0]);
    assert_eq!(checksum(&normals(1_000_000)), 15_410_143_476_677_938_810);
}

#[test]
fn normal_numbers_have_the_moments_of_the_normal_distribution() {
    let n = 4_000_000;
    let x = normals(n);
    let moment = |k: i32| x.iter().map(|&v| f64::from(v).powi(k)).sum::<f64>() / n as f64;
    // E x^k is 0 for odd k and (k - 1)!! for even k; the variance of x^k is (2k - 1)!! - (E x^k)^2.
    let expected = [
        (1, 0.0, 1.0),
        (2, 1.0, 2.0),
        (3, 0.0, 15.0),
        (4, 3.0, 96.0),
        (5, 0.0, 945.0),
        (6, 15.0, 10170.0),
    ];
    for (k, mean, variance) in expected {
        let z = (moment(k) - mean) / (variance / n as f64).sqrt();
        assert!(
            z.abs() < 4.0,
            "moment {k}: {} is {z:.1} standard errors off",
            moment(k)
        );
    }
}

#[test]
fn normal_numbers_pass_kolmogorov_smirnov() {
    let x = normals(1_000_000);
    let statistic = kolmogorov_smirnov(x, phi);
    assert!(statistic < 1.95, "{statistic}");
}

#[test]
fn normal_numbers_have_tails() {
    let n = 16_000_000;
    let x = normals(n);
    for limit in [1.0, 2.0, 3.0, 4.0, 5.0] {
        for sign in [-1.0, 1.0] {
            let count = x.iter().filter(|&&v| sign * f64::from(v) > limit).count() as f64;
            let expected = n as f64 * phi(-limit);
            // Poisson: four standard deviations.
            assert!(
                (count - expected).abs() < 4.0 * expected.sqrt() + 1.0,
                "beyond {limit}: {count}, not {expected}"
            );
        }
    }
    assert!(x.iter().all(|v| v.abs() < 6.8));
}

/// The two numbers of a Box-Muller pair, and neighbouring pairs, must not know of each other, nor must their squares.
#[test]
fn neighbours_are_independent() {
    let x = normals(2_000_000);
    for lag in [1, 2, 3, 4, 64] {
        let pairs = || {
            x.iter()
                .zip(&x[lag..])
                .step_by(lag + 1)
                .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        };
        let n = pairs().count() as f64;
        let linear = pairs().map(|(a, b)| a * b).sum::<f64>() / n.sqrt();
        let squares = pairs()
            .map(|(a, b)| (a * a - 1.0) * (b * b - 1.0) / 2.0)
            .sum::<f64>()
            / n.sqrt();
        assert!(
            linear.abs() < 4.0 && squares.abs() < 4.0,
            "lag {lag}: {linear}, {squares}"
        );
    }
}

#[test]
fn uniform_numbers_are_uniform() {
    let mut x = vec![0.0; 1_000_000];
    Random::new(2).fill_uniform(&mut x);
    assert!(
        x.iter()
            .all(|&v| (0.0..1.0).contains(&v) && (v * 16_777_216.0).fract() == 0.0)
    );
    assert!(kolmogorov_smirnov(x, |p| p) < 1.95);
    let mut random = Random::new(3);
    let x: Vec<f32> = (0..200_000).map(|_| random.next_f64() as f32).collect();
    assert!(kolmogorov_smirnov(x, |p| p) < 1.95);
    let x: Vec<f32> = (0..200_000).map(|_| random.next_normal()).collect();
    assert!(kolmogorov_smirnov(x, phi) < 1.95);
}

#[test]
fn a_fill_is_the_words_that_scalar_draws_give() {
    let (mut a, mut b) = (Random::new(4), Random::new(4));
    let mut x = [0.0; 1000];
    a.fill_uniform(&mut x);
    assert!(x.iter().all(|&v| v == b.next_f32()));
    assert_eq!(a.position(), b.position());
}

#[test]
fn a_fill_takes_whole_blocks() {
    let mut random = Random::new(5);
    random.next_u32();
    random.fill_normal(&mut [0.0; 3]);
    assert_eq!(random.position(), 8);
    random.fill_normal(&mut []);
    assert_eq!(random.position(), 8);
}

#[test]
fn seek_continues_where_position_was_taken() {
    for draws in 0..9 {
        let mut random = Random::new(6).stream("x");
        (0..draws).for_each(|_| {
            random.next_u32();
        });
        let mut resumed = Random::new(6).stream("x");
        resumed.seek(random.position());
        assert!((0..10).all(|_| resumed.next_u32() == random.next_u32()));
    }
}

#[test]
fn deriving_neither_moves_nor_depends_on_the_parent_position() {
    let mut parent = Random::new(7);
    let before = parent.at(3).next_u64();
    parent.next_u32();
    assert_eq!(parent.at(3).next_u64(), before);
    assert_eq!(parent.position(), 1);
}

#[test]
fn each_path_is_a_generator_of_its_own() {
    let root = Random::new(8);
    let index = u64::from_le_bytes(*b"abcdefgh");
    let mut paths = vec![
        Random::new(9),
        Random::new(8 << 32),
        root.clone(),
        root.stream(""),
        root.stream("").stream(""),
        root.stream("a"),
        root.stream("a\0"),
        root.stream("abcdefgh"),
        root.stream("abcdefghi"),
        root.stream("abcdefgh").stream("i"),
        root.stream("a").stream("b"),
        root.stream("b").stream("a"),
        root.stream("ab"),
        root.at(index),
        root.at(0).at(1),
        root.at(1).at(0),
    ];
    paths.extend((0..100_000).map(|i| root.at(i)));
    let first: HashSet<u64> = paths.iter_mut().map(Random::next_u64).collect();
    assert_eq!(first.len(), paths.len());
}

/// The first draws of neighbouring streams are as independent as draws within one.
#[test]
fn neighbouring_streams_are_independent() {
    let root = Random::new(10);
    let x: Vec<f32> = (0..200_000).map(|i| root.at(i).next_f32()).collect();
    let correlation = x
        .windows(2)
        .map(|w| f64::from((w[0] - 0.5) * (w[1] - 0.5)) * 12.0)
        .sum::<f64>();
    assert!((correlation / (x.len() as f64).sqrt()).abs() < 4.0);
    assert!(kolmogorov_smirnov(x, |p| p) < 1.95);
}

#[test]
fn bounded_draws_are_unbiased() {
    let mut random = Random::new(11);
    // Without the rejection, half of the draws below 3 * 2^30 would be multiples of 3.
    let bound = 3 << 30;
    let n = 300_000;
    let mut counts = [0f64; 3];
    (0..n).for_each(|_| counts[random.uniform_u32(bound) as usize % 3] += 1.0);
    let expected = f64::from(n) / 3.0;
    let chi2: f64 = counts
        .iter()
        .map(|c| (c - expected).powi(2) / expected)
        .sum();
    assert!(chi2 < 13.8, "{counts:?}"); // 0.001 at two degrees of freedom
    assert_eq!(random.uniform_u32(1), 0);
    assert!((0..1000).all(|_| random.uniform_u32(7) < 7));
}

#[test]
fn permutations_are_equally_likely() {
    let mut random = Random::new(12);
    let mut counts = [[[0f64; 3]; 3]; 3];
    let n = 60_000;
    for _ in 0..n {
        let p = random.permutation(3);
        counts[p[0] as usize][p[1] as usize][p[2] as usize] += 1.0;
    }
    let seen: Vec<f64> = counts
        .into_iter()
        .flatten()
        .flatten()
        .filter(|&c| c > 0.0)
        .collect();
    let expected = f64::from(n) / 6.0;
    let chi2: f64 = seen.iter().map(|c| (c - expected).powi(2) / expected).sum();
    assert!(seen.len() == 6 && chi2 < 20.5, "{seen:?}"); // 0.001 at five degrees of freedom

    let mut p = random.permutation(10_007);
    p.sort();
    assert!(p.into_iter().eq(0..10_007));
    assert_eq!(random.permutation(0), [] as [u32; 0]);
}

#[test]
fn rand_core_draws_are_our_own() {
    use rand_core::Rng;
    let (mut a, mut b) = (Random::new(13), Random::new(13));
    assert_eq!(Rng::next_u32(&mut a), b.next_u32());
    assert_eq!(Rng::next_u64(&mut a), b.next_u64());
    let mut bytes = [0; 6];
    a.fill_bytes(&mut bytes);
    assert_eq!(bytes[..4], b.next_u32().to_le_bytes());
    assert_eq!(bytes[4..], b.next_u32().to_le_bytes()[..2]);
}
