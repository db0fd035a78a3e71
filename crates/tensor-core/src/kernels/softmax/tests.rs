use super::*;
use crate::kernels::parallel::testing::same_on_any_pool;

const SIZES: [[usize; 3]; 17] = [
    [0, 3, 4],
    [3, 4, 0],
    [2, 1, 1],
    [4, 10, 1],
    [37, 5, 1],
    [3000, 32, 1],
    [3, 16, 1],
    [3, 17, 1],
    [3, 64, 1],
    [3, 80, 1],
    [2, 1024, 1],
    [2, 5000, 1],
    [1000, 100, 1],
    [2, 5, 3],
    [2, 10, 16],
    [3, 33, 37],
    [200, 11, 49],
];

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 7919 % 2003) as f32 / 150.0 - 6.0).collect()
}

/// What `line` gives for each line, put back in place.
fn by_lines(arrays: &[&[f32]], [outer, size, inner]: [usize; 3], line: impl Fn(&[Vec<f64>]) -> Vec<f64>) -> Vec<f64> {
    let mut y = vec![0.0; outer * size * inner];
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| (o * size + k) * inner + i;
            let lines: Vec<Vec<f64>> = arrays
                .iter()
                .map(|x| (0..size).map(|k| x[at(k)] as f64).collect())
                .collect();
            for (k, value) in line(&lines).into_iter().enumerate() {
                y[at(k)] = value;
            }
        }
    }
    y
}

fn softmax_line(x: &[f64]) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / sum).collect()
}

#[track_caller]
fn assert_close(found: &[f32], wanted: &[f64], relative: f64, absolute: f64) {
    assert_eq!(found.len(), wanted.len());
    for (&a, &b) in found.iter().zip(wanted) {
        assert!((a as f64 - b).abs() <= relative * b.abs() + absolute, "{a} is not {b}");
    }
}

fn run(sizes: [usize; 3], kernel: impl Fn(&mut [f32]) + Sync) -> Vec<f32> {
    same_on_any_pool(|| {
        let mut y = vec![f32::NAN; sizes.iter().product()];
        kernel(&mut y);
        y
    })
}

#[test]
fn every_layout_gives_the_naive_values() {
    for sizes in SIZES {
        let x = numbers(sizes.iter().product());
        let y = run(sizes, |y| softmax(&x, sizes, y));
        // What a logit of 13 below the largest loses when the difference is rounded.
        assert_close(&y, &by_lines(&[&x], sizes, |x| softmax_line(&x[0])), 1e-6, 0.0);
        assert_eq!(y, run(sizes, |y| shares(&x, sizes, y)));
        let y = run(sizes, |y| log_softmax(&x, sizes, y));
        let logarithms = |x: &[Vec<f64>]| softmax_line(&x[0]).into_iter().map(f64::ln).collect();
        assert_close(&y, &by_lines(&[&x], sizes, logarithms), 5e-7, 2e-6);
    }
}

#[test]
fn every_layout_gives_the_naive_slopes() {
    for sizes in SIZES {
        let x = numbers(sizes.iter().product());
        let gy: Vec<f32> = x.iter().map(|x| (x * 3.0).sin()).collect();
        let y = run(sizes, |y| softmax(&x, sizes, y));
        let gx = run(sizes, |gx| softmax_slope(&y, &gy, sizes, gx));
        let wanted = by_lines(&[&x, &gy], sizes, |lines| {
            let y = softmax_line(&lines[0]);
            let dot: f64 = y.iter().zip(&lines[1]).map(|(y, gy)| y * gy).sum();
            y.iter().zip(&lines[1]).map(|(y, gy)| y * (gy - dot)).collect()
        });
        assert_close(&gx, &wanted, 1e-6, 1e-6);
        let y = run(sizes, |y| log_softmax(&x, sizes, y));
        let gx = run(sizes, |gx| log_softmax_slope(&y, &gy, sizes, gx));
        let wanted = by_lines(&[&x, &gy], sizes, |lines| {
            let total: f64 = lines[1].iter().sum();
            softmax_line(&lines[0])
                .iter()
                .zip(&lines[1])
                .map(|(y, gy)| gy - y * total)
                .collect()
        });
        assert_close(&gx, &wanted, 1e-6, 1e-5);
    }
}

#[test]
fn cross_entropy_is_minus_the_logarithm_of_the_targets_probability() {
    for sizes @ [outer, size, inner] in SIZES {
        let x = numbers(sizes.iter().product());
        let targets: Vec<u32> = (0..outer * inner).map(|i| (i * 5 % size) as u32).collect();
        let y = run([outer, 1, inner], |y| cross_entropy(&x, &targets, sizes, y));
        let logarithms = by_lines(&[&x], sizes, |x| softmax_line(&x[0]).into_iter().map(f64::ln).collect());
        let of_target = |line: usize| (line / inner * size + targets[line] as usize) * inner + line % inner;
        let wanted: Vec<f64> = (0..outer * inner).map(|line| -logarithms[of_target(line)]).collect();
        assert_close(&y, &wanted, 5e-7, 2e-6);
        let gy: Vec<f32> = (0..outer * inner).map(|i| 0.5 + i as f32 % 3.0).collect();
        let gx = run(sizes, |gx| cross_entropy_slope(&x, &targets, &gy, sizes, gx));
        let mut wanted = by_lines(&[&x], sizes, |x| softmax_line(&x[0]));
        (0..outer * inner).for_each(|line| wanted[of_target(line)] -= 1.0);
        for (i, wanted) in wanted.iter_mut().enumerate() {
            *wanted *= gy[i / (size * inner) * inner + i % inner] as f64;
        }
        assert_close(&gx, &wanted, 1e-6, 1e-6);
    }
}

#[test]
fn logsumexp_is_the_logarithm_of_the_sum() {
    for sizes @ [outer, size, inner] in SIZES {
        let x = numbers(sizes.iter().product());
        let y = run([outer, 1, inner], |y| logsumexp(&x, sizes, y));
        for (line, y) in y.into_iter().enumerate() {
            let e = |k: usize| f64::from(x[(line / inner * size + k) * inner + line % inner]).exp();
            let wanted = (0..size).map(e).sum::<f64>().ln();
            assert!(
                (f64::from(y) - wanted).abs() <= 5e-7 * wanted.abs() + 1e-7,
                "{y} is not {wanted}"
            );
        }
    }
    let x = numbers(1 << 20);
    let wanted = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
    let mut y = [0.0];
    logsumexp(&x, [1, x.len(), 1], &mut y);
    assert!((f64::from(y[0]) - wanted).abs() <= 2e-6, "{} is not {wanted}", y[0]);
}

#[test]
fn logsumexp_of_infinite_and_huge_numbers() {
    let infinity = f32::INFINITY;
    for (x, wanted) in [
        ([-infinity, -infinity], -infinity),
        ([-infinity, 3.0], 3.0),
        ([infinity, 3e3], infinity),
        ([infinity, -infinity], infinity),
        ([1e4, 1e4], 1e4 + std::f32::consts::LN_2),
        ([-1e4, -1e4], -1e4 + std::f32::consts::LN_2),
    ] {
        let mut y = [0.0];
        logsumexp(&x, [1, 2, 1], &mut y);
        assert_eq!(y, [wanted], "{x:?}");
    }
    let mut y = [0.0];
    logsumexp(&[f32::NAN, 1.0], [1, 2, 1], &mut y);
    assert!(y[0].is_nan());
    let mut y = [0.0; 2];
    logsumexp::<f32>(&[], [2, 0, 1], &mut y);
    assert_eq!(y, [-infinity; 2]);
}

#[test]
fn infinite_numbers() {
    let (infinity, nan) = (f32::INFINITY, f32::NAN);
    for (x, softmax_wanted, shares_wanted) in [
        ([-infinity, -infinity, -infinity], [nan; 3], [0.0; 3]),
        ([-infinity, 1.0, 1.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]),
        ([infinity, 1.0, -infinity], [nan; 3], [nan, 0.0, 0.0]),
        ([nan, 1.0, -infinity], [nan; 3], [nan; 3]),
    ] {
        // As one line, and as the first of two.
        let pairs: Vec<f32> = x.iter().flat_map(|&x| [x, 0.0]).collect();
        for (kernel, wanted) in [
            (softmax as fn(&[f32], [usize; 3], &mut [f32]), softmax_wanted),
            (shares, shares_wanted),
        ] {
            let (mut line, mut two) = ([0.5; 3], [0.5; 6]);
            kernel(&x, [1, 3, 1], &mut line);
            kernel(&pairs, [1, 3, 2], &mut two);
            for (&y, wanted) in line.iter().chain(two.iter().step_by(2)).zip(wanted.iter().cycle()) {
                assert!(
                    y == *wanted || y.is_nan() && wanted.is_nan(),
                    "{x:?}: {y} is not {wanted}"
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "an array is not [2, 3, 4]")]
fn a_wrong_length_is_refused() {
    softmax(&[0.0; 23], [2, 3, 4], &mut [0.0; 24]);
}

/// Lines that are filled up before they are computed, and lines that are not.
#[test]
fn infinite_numbers_in_long_lines() {
    let infinity = f32::INFINITY;
    for size in [33, 64] {
        let line = |numbers: &[(usize, f32)]| {
            let mut x = vec![-infinity; size];
            numbers.iter().for_each(|&(i, number)| x[i] = number);
            let mut results = [(); 3].map(|()| vec![9.0; size]);
            let [soft, share, log] = &mut results;
            softmax(&x, [1, size, 1], soft);
            shares(&x, [1, size, 1], share);
            log_softmax(&x, [1, size, 1], log);
            let mut sum = [9.0];
            logsumexp(&x, [1, size, 1], &mut sum);
            (results, sum[0])
        };
        let ([soft, share, _], sum) = line(&[]);
        assert!(soft.iter().all(|x| x.is_nan()) && share == vec![0.0; size] && sum == -infinity);

        let ([soft, share, log], sum) = line(&[(0, 1.0), (32, 1.0)]);
        let mut wanted = vec![0.0; size];
        (wanted[0], wanted[32]) = (0.5, 0.5);
        assert!(soft == wanted && share == wanted && sum == 1.0 + std::f32::consts::LN_2);
        assert!((0..size).all(|i| (log[i] == -infinity) == (wanted[i] == 0.0)));

        let ([soft, ..], sum) = line(&[(20, infinity), (32, 3.0)]);
        assert!(soft[20].is_nan() && sum == infinity);
        let ([soft, _, log], sum) = line(&[(0, 1.0), (32, f32::NAN)]);
        assert!(soft.iter().chain(&log).all(|x| x.is_nan()) && sum.is_nan());
    }
}

#[test]
#[should_panic(expected = "a target is none of 33 classes")]
fn a_target_in_the_padding_is_refused() {
    cross_entropy(&[0.0f32; 33], &[40], [1, 33, 1], &mut [0.0]);
}

#[test]
fn a_divisor_divides_as_division_does() {
    let divide = |x: f32, by: f32| {
        let divisor = Divisor::new(<f32 as Float>::Lanes::splat(by));
        divisor.divide(<f32 as Float>::Lanes::splat(x)).to_array()[3]
    };
    // Where the product is rounded before the sum, the last digit may be another.
    let has_fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    for i in 0..300_000u32 {
        let x = (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 2f32.powi(24 + (i % 60) as i32);
        let by = 1.0 + (i.wrapping_mul(2_246_822_519) >> 8) as f32 / 2f32.powi(24 - (i % 14) as i32);
        let (found, wanted) = (divide(x, by), x / by);
        let steps = found.to_bits().abs_diff(wanted.to_bits());
        assert!(
            steps <= u32::from(!has_fused),
            "{x:e} / {by:e} = {found:e}, not {wanted:e}"
        );
    }
    // The last digit of the smallest numbers may be another.
    for i in 0..100_000u32 {
        let x = 2f32.powi(-126 + (i % 27) as i32) * (1.0 + (i.wrapping_mul(2_654_435_761) >> 9) as f32 / 2f32.powi(23));
        let by = 1.0 + (i.wrapping_mul(2_246_822_519) >> 8) as f32 / 2f32.powi(24);
        assert!(
            divide(x, by).to_bits().abs_diff((x / by).to_bits()) <= 1,
            "{x:e} / {by}"
        );
    }
    for (x, by) in [(1e-40, 3.0), (1e-45, 1.0), (3e-45, 1000.0), (f32::MIN_POSITIVE, 7.0)] {
        assert!(
            divide(x, by).to_bits().abs_diff((x / by).to_bits()) <= 1,
            "{x:e} / {by}"
        );
    }
    assert_eq!(divide(0.0, 5.0).to_bits(), 0);
    assert!(divide(0.5, f32::NAN).is_nan() && divide(f32::NAN, 2.0).is_nan());
}
