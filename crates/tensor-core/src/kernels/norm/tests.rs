//! Against the definition, in double precision.

use super::super::parallel::testing::same_on_any_pool;
use super::rows::Rows;
use super::{channels, rows};

const EPS: f64 = 1e-5;

fn numbers(n: usize, offset: f32) -> Vec<f32> {
    (0..n)
        .map(|i| offset + (i * 7919 % 2003) as f32 / 2003.0 - 0.5)
        .collect()
}

/// Mean and biased variance.
fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

fn assert_close(found: &[f32], wanted: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), wanted.len());
    for (i, (&a, b)) in found.iter().zip(wanted).enumerate() {
        assert!(
            (f64::from(a) - b).abs() <= tolerance,
            "{what}, number {i}: {a} is not {b}"
        );
    }
}

/// Forward and backward by the definition: y, gx, gw, gb. `group` and `channel` say where the i-th number belongs.
fn naive(
    [x, gy, weight, bias]: [&[f32]; 4],
    group: impl Fn(usize) -> usize,
    channel: impl Fn(usize) -> usize,
) -> [Vec<f64>; 4] {
    let groups = (0..x.len()).map(&group).max().unwrap_or(0) + 1;
    let members: Vec<Vec<usize>> = (0..groups)
        .map(|g| (0..x.len()).filter(|&i| group(i) == g).collect())
        .collect();
    let [mut y, mut gx] = [(); 2].map(|()| vec![0.0; x.len()]);
    let [mut gw, mut gb] = [(); 2].map(|()| vec![0.0; weight.len()]);
    for members in members {
        let (mean, variance) = moments(&members.iter().map(|&i| f64::from(x[i])).collect::<Vec<_>>());
        let scale = 1.0 / (variance + EPS).sqrt();
        let hat = |i: usize| (f64::from(x[i]) - mean) * scale;
        let g = |i: usize| f64::from(gy[i]) * f64::from(weight[channel(i)]);
        let n = members.len() as f64;
        let sum = members.iter().map(|&i| g(i)).sum::<f64>() / n;
        let product = members.iter().map(|&i| g(i) * hat(i)).sum::<f64>() / n;
        for &i in &members {
            y[i] = hat(i) * f64::from(weight[channel(i)]) + f64::from(bias[channel(i)]);
            gx[i] = scale * (g(i) - sum - hat(i) * product);
            gw[channel(i)] += f64::from(gy[i]) * hat(i);
            gb[channel(i)] += f64::from(gy[i]);
        }
    }
    [y, gx, gw, gb]
}

#[test]
fn rows_of_every_kind() {
    // Layers with an odd and a large width, groups with and without places, instances; several pieces of work.
    for (count, width, inner, channels) in [
        (5, 37, 1, 37),
        (60, 3001, 1, 3001),
        (6, 6, 1, 12),
        (8, 3 * 20, 20, 6),
        (40, 2 * 900, 900, 8),
        (14, 49, 49, 7),
        (3, 70_000, 70_000, 3),
    ] {
        let what = format!("{count} rows of {width}, {channels} channels of {inner}");
        let (x, gy) = (numbers(count * width, 0.3), numbers(count * width, 0.1));
        let (weight, bias) = (numbers(channels, 1.0), numbers(channels, 0.0));
        let rows = Rows { width, inner, channels };
        let (y, gx, sums) = same_on_any_pool(|| {
            let [mut y, mut gx] = [(); 2].map(|()| vec![f32::NAN; x.len()]);
            let (mut stats, mut sums) = (vec![f32::NAN; 2 * count], vec![f32::NAN; 2 * channels]);
            rows::normalise(&x, rows, EPS, &weight, &bias, &mut y, &mut stats);
            rows::backward(&gy, &x, rows, &stats, &weight, &mut gx, &mut sums);
            (y, gx, sums)
        });
        let [y_wanted, gx_wanted, gw, gb] = naive([&x, &gy, &weight, &bias], |i| i / width, |i| i / inner % channels);
        assert_close(&y, &y_wanted, 1e-5, &what);
        assert_close(&gx, &gx_wanted, 1e-5, &what);
        // Sums of so many numbers of size 1.
        let tolerance = 1e-6 * (count * width / channels) as f64 + 1e-5;
        assert_close(&sums, &[gw, gb].concat(), tolerance, &what);
    }
}

#[test]
fn channels_of_every_kind() {
    for sizes @ [samples, channels, inner] in [
        [7, 37, 1],
        [300, 400, 1],
        [4, 3, 50],
        [3, 70, 9],
        [64, 40, 49],
        [16, 24, 300],
        [1, 2, 33],
        [2, 1, 90_000],
    ] {
        let what = format!("{sizes:?}");
        let count = samples * channels * inner;
        let (x, gy) = (numbers(count, 0.3), numbers(count, 0.1));
        let (weight, bias) = (numbers(channels, 1.0), numbers(channels, 0.0));
        let (y, gx, gw, gb) = same_on_any_pool(|| {
            let [mut y, mut gx] = [(); 2].map(|()| vec![f32::NAN; count]);
            let [mut mean, mut variance, mut gw, mut gb] = [(); 4].map(|()| vec![f32::NAN; channels]);
            channels::moments(&x, sizes, &mut mean, &mut variance);
            channels::normalise(&x, sizes, &mean, &variance, EPS, &weight, &bias, &mut y);
            let gradients = (&mut gx[..], &mut gw[..], &mut gb[..]);
            channels::backward(&gy, &x, sizes, &mean, &variance, EPS, &weight, gradients);
            (y, gx, gw, gb)
        });
        let channel = |i: usize| i / inner % channels;
        let [y_wanted, gx_wanted, gw_wanted, gb_wanted] = naive([&x, &gy, &weight, &bias], channel, channel);
        assert_close(&y, &y_wanted, 1e-5, &what);
        assert_close(&gx, &gx_wanted, 1e-5, &what);
        let tolerance = 1e-6 * (samples * inner) as f64 + 1e-5;
        assert_close(&gw, &gw_wanted, tolerance, &what);
        assert_close(&gb, &gb_wanted, tolerance, &what);
    }
}

#[test]
fn a_large_mean_costs_no_more_digits_than_it_must() {
    // Numbers around 10,000 are multiples of 2⁻¹⁰, and so is their mean as it is stored: half of that beside a deviation of 0.29.
    let tolerance = 0.5 / 1024.0 / 0.28 * 1.1;
    let x = numbers(64 * 500, 10_000.0);
    let ones = vec![1.0; 500];
    let zeros = vec![0.0; 500];
    let [mut mean, mut variance] = [(); 2].map(|()| vec![0.0; 500]);
    channels::moments(&x, [64, 500, 1], &mut mean, &mut variance);
    let mut y = vec![0.0; x.len()];
    channels::normalise(&x, [64, 500, 1], &mean, &variance, EPS, &ones, &zeros, &mut y);
    let gy = vec![0.0; x.len()];
    let [wanted, ..] = naive([&x, &gy, &ones, &zeros], |i| i % 500, |i| i % 500);
    assert_close(&y, &wanted, tolerance, "channels");
    let (mut stats, rows) = (
        vec![0.0; 128],
        Rows {
            width: 500,
            inner: 1,
            channels: 500,
        },
    );
    rows::normalise(&x, rows, EPS, &ones, &zeros, &mut y, &mut stats);
    let [wanted, ..] = naive([&x, &gy, &ones, &zeros], |i| i / 500, |i| i % 500);
    assert_close(&y, &wanted, tolerance, "rows");
}

#[test]
fn equal_numbers_become_the_bias() {
    let x = vec![0.1f32; 4 * 100];
    let (weight, bias) = ([3.0; 4], [0.5, 1.5, 2.5, 3.5]);
    let (mut y, mut stats) = (vec![0.0; 400], vec![0.0; 8]);
    rows::normalise(
        &x,
        Rows {
            width: 100,
            inner: 100,
            channels: 4,
        },
        EPS,
        &weight,
        &bias,
        &mut y,
        &mut stats,
    );
    assert!((0..400).all(|i| (y[i] - bias[i / 100]).abs() < 1e-5));
    let [mut mean, mut variance] = [(); 2].map(|()| vec![0.0; 4]);
    channels::moments(&x, [1, 4, 100], &mut mean, &mut variance);
    assert_eq!((mean, variance), (vec![0.1; 4], vec![0.0; 4]));
}

#[test]
#[should_panic(expected = "are not rows of 7")]
fn rows_that_do_not_fit_are_refused() {
    let rows = Rows {
        width: 7,
        inner: 1,
        channels: 7,
    };
    rows::normalise(
        &[0.0f32; 10],
        rows,
        EPS,
        &[1.0; 7],
        &[0.0; 7],
        &mut [0.0; 10],
        &mut [0.0; 2],
    );
}

#[test]
#[should_panic(expected = "planes of 20 do not belong to [2, 2, 3] channels")]
fn numbers_of_other_channels_are_refused() {
    let (x, two) = ([0.0f32; 80], [1.0; 2]);
    channels::normalise(&x, [2, 2, 20], &two, &two, EPS, &two, &[0.0; 3], &mut [0.0; 80]);
}
