//! The products that the engine uses against sums in double precision.

mod rungs;
mod same_bits;

use super::super::parallel::testing::same_on_any_pool;
use super::rectangles::Rectangles;
use super::*;
use proptest::prelude::*;

pub(super) fn numbers<T: Float>(n: usize) -> Vec<T> {
    (0..n)
        .map(|i| T::from_f64((i * 7919 % 2003) as f64 / 2003.0 - 0.4))
        .collect()
}

/// C by the definition, in double precision, and no further from it than 2 sqrt(K) eps (|A| |B|).
pub(super) fn check<T: Float>(
    m: usize,
    k: usize,
    n: usize,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    accumulate: bool,
    epsilon: f64,
) {
    let before = numbers::<T>(m * n);
    let terms = k + usize::from(accumulate);
    let c = same_on_any_pool(|| {
        let mut c = before.clone();
        matmul(m, k, n, a, b, &mut c, Store::new(accumulate));
        c
    });
    for i in 0..m {
        for j in 0..n {
            let mut want = if accumulate { before[i * n + j].to_f64() } else { 0.0 };
            let mut size = f64::abs(want);
            for p in 0..k {
                let a = a.data[i * a.row_stride + p * a.column_stride].to_f64();
                let term = a * b.data[p * b.row_stride + j * b.column_stride].to_f64();
                want += term;
                size += term.abs();
            }
            let got = c[i * n + j].to_f64();
            assert!(
                (got - want).abs() <= 2.0 * (terms as f64).sqrt() * epsilon * size,
                "{m} x {k} x {n} at ({i}, {j}): {got} is not {want}"
            );
        }
    }
}

pub(super) fn matrix<T>(data: &[T], rows: usize, columns: usize, transposed: bool) -> Matrix<'_, T> {
    match transposed {
        false => Matrix {
            data,
            row_stride: columns,
            column_stride: 1,
        },
        true => Matrix {
            data,
            row_stride: 1,
            column_stride: rows,
        },
    }
}

fn all_layouts<T: Float>(m: usize, k: usize, n: usize, epsilon: f64) {
    let (a, b) = (numbers::<T>(m * k), numbers::<T>(k * n));
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        check(m, k, n, matrix(&a, m, k, ta), matrix(&b, k, n, tb), ta, epsilon);
    }
}

#[test]
fn sizes_and_layouts() {
    for (m, k, n) in [
        (1, 1, 1),
        (0, 3, 2),
        (3, 0, 2),
        (2, 3, 0),
        (15, 16, 17),
        (1, 1000, 1),
        (33, 1, 65),
        (200, 7, 3),
    ] {
        all_layouts::<f32>(m, k, n, f32::EPSILON as f64);
        all_layouts::<f64>(m, k, n, f64::EPSILON);
    }
}

#[test]
fn large_products_are_cut() {
    for (m, k, n) in [(128, 784, 400), (784, 128, 400), (1003, 310, 77)] {
        assert!(
            Rectangles::new::<f32>([m, k, n], false, 2).count() > 1,
            "{m} x {k} x {n} stays whole"
        );
        all_layouts::<f32>(m, k, n, f32::EPSILON as f64);
    }
    all_layouts::<f64>(77, 310, 1003, f64::EPSILON);
    // A tall one in double precision, with several blocks of K.
    assert_eq!(Rectangles::new::<f64>([300, 1100, 203], false, 2).has_strips(), WIDE);
    all_layouts::<f64>(300, 1100, 203, f64::EPSILON);
}

#[test]
fn a_batch_is_each_of_its_products() {
    // Products that are cut, into strips as well, products of which a task takes up several, and tiny ones; B is used again along the first dimension.
    assert_eq!(Rectangles::new::<f32>([300, 400, 300], true, 2).has_strips(), WIDE);
    for (sizes, m, k, n) in [
        ([2, 2], 300, 400, 300),
        ([1, 2], 200, 400, 300),
        ([3, 5], 64, 50, 70),
        ([3, 40], 2, 3, 4),
        ([0, 4], 2, 3, 4),
        ([2, 2], 2, 0, 3),
    ] {
        let (a, b) = (
            numbers::<f32>(sizes[0] * sizes[1] * m * k),
            numbers::<f32>(sizes[1] * k * n),
        );
        let (a_strides, b_strides) = ([sizes[1] * m * k, m * k], [0, k * n]);
        let a_batch = Batch {
            first: matrix(&a, m, k, false),
            strides: &a_strides,
        };
        let b_batch = Batch {
            first: matrix(&b, k, n, false),
            strides: &b_strides,
        };
        for accumulate in [false, true] {
            let c = same_on_any_pool(|| {
                let mut c = numbers::<f32>(sizes[0] * sizes[1] * m * n);
                matmul_batch(&sizes, [m, k, n], a_batch, b_batch, &mut c, Store::new(accumulate));
                c
            });
            let mut wanted = numbers::<f32>(c.len());
            for (i, c) in wanted.chunks_exact_mut(m * n).enumerate() {
                let (a, b) = (&a[i * m * k..], &b[i % sizes[1] * k * n..]);
                matmul(
                    m,
                    k,
                    n,
                    matrix(a, m, k, false),
                    matrix(b, k, n, false),
                    c,
                    Store::new(accumulate),
                );
            }
            assert!(c == wanted, "{sizes:?} of {m} x {k} x {n}");
        }
    }
}

#[test]
fn what_was_in_c_is_not_read() {
    let mut c = [f32::NAN; 4];
    matmul(
        2,
        2,
        2,
        matrix(&[1.0; 4], 2, 2, false),
        matrix(&[2.0; 4], 2, 2, false),
        &mut c,
        Store::new(false),
    );
    assert_eq!(c, [4.0; 4]);
}

/// Sums, bias and activation of a product that is cut into pieces, into blocks of K, and into tiles with edges.
#[test]
fn what_is_stored() {
    stored([110, 1100, 403], false);
    stored([110, 1100, 403], true);
    assert_eq!(Rectangles::new::<f32>([300, 600, 403], false, 2).has_strips(), WIDE);
    stored([300, 600, 403], false);
}

fn stored([m, k, n]: [usize; 3], transposed: bool) {
    assert!(Rectangles::new::<f32>([m, k, n], false, 2).count() > 1);
    let (a, b) = (numbers::<f32>(m * k), numbers::<f32>(k * n));
    let (a, b) = (Matrix::of_rows(&a, k), matrix(&b, k, n, transposed));
    let before: Vec<f32> = numbers(m * n);
    let bias: Vec<f32> = numbers(n);
    let mut sums = before.clone();
    matmul(m, k, n, a, b, &mut sums, Store::new(true));
    let leaky = |x: f64| if x > 0.0 { x } else { 0.1 * x };
    let activations: [(Activation, &dyn Fn(f64) -> f64); 5] = [
        (Activation::None, &|x| x),
        (Activation::Relu, &|x| x.max(0.0)),
        (Activation::LeakyRelu(0.1), &leaky),
        (Activation::Tanh, &f64::tanh),
        (Activation::Sigmoid, &|x| 1.0 / (1.0 + (-x).exp())),
    ];
    for (activation, f) in activations {
        for bias in [None, Some(&bias[..])] {
            let store = Store {
                accumulate: true,
                bias,
                activation,
            };
            let c = same_on_any_pool(|| {
                let mut c = before.clone();
                matmul(m, k, n, a, b, &mut c, store);
                c
            });
            for (at, (&c, &sum)) in c.iter().zip(&sums).enumerate() {
                let sum = sum as f64 + bias.map_or(0.0, |bias| bias[at % n] as f64);
                let error = (c as f64 - f(sum)).abs();
                assert!(error <= 1e-6 * sum.abs().max(1.0), "{activation:?} of {sum} is {c}");
            }
        }
    }
    // Sums of no terms have a bias, too.
    let mut c = [f32::NAN; 4];
    let store = Store {
        bias: Some(&[1.0, -2.0]),
        activation: Activation::Relu,
        ..Store::new(false)
    };
    matmul(2, 0, 2, Matrix::of_rows(&[], 0), Matrix::of_rows(&[], 2), &mut c, store);
    assert_eq!(c, [1.0, 0.0, 1.0, 0.0]);
}

proptest! {
    #[test]
    fn any_strides(
        (m, k, n) in (1usize..12, 1usize..12, 1usize..12),
        a_strides in (0usize..20, 0usize..20),
        b_strides in (0usize..20, 0usize..20),
        accumulate: bool,
    ) {
        let (a, b) = (numbers::<f64>(441), numbers::<f64>(441));
        let a = Matrix { data: &a[..], row_stride: a_strides.0, column_stride: a_strides.1 };
        let b = Matrix { data: &b[3..], row_stride: b_strides.0, column_stride: b_strides.1 };
        check(m, k, n, a, b, accumulate, f64::EPSILON);
    }
}

fn far_apart<T: Float>(epsilon: f64) {
    // Neither operand's lines are near each other: whole pages apart, all in one place, or somewhere.
    let [m, k, n] = [37, 150, 65];
    let (a, b) = (numbers::<T>(k * 1024), numbers::<T>(k * 1024));
    for a_strides in [(1, 1024), (1, 0), (1024, 1), (0, 1), (3, 1024), (0, 0), (1, 38)] {
        for b_strides in [(1024, 1), (1, 1024), (66, 1), (1024, 2)] {
            let matrix = |data, (row_stride, column_stride)| Matrix {
                data,
                row_stride,
                column_stride,
            };
            check(m, k, n, matrix(&a, a_strides), matrix(&b, b_strides), false, epsilon);
        }
    }
}

#[test]
fn lines_far_apart_or_in_one_place() {
    far_apart::<f32>(f32::EPSILON.into());
    far_apart::<f64>(f64::EPSILON);
}

#[test]
#[should_panic(expected = "B: a matrix of 3 x 2")]
fn a_short_operand_is_refused() {
    matmul(
        2,
        3,
        2,
        matrix(&[1.0; 6], 2, 3, false),
        matrix(&[1.0; 5], 3, 2, false),
        &mut [0.0; 4],
        Store::new(false),
    );
}

#[test]
#[should_panic(expected = "B: a matrix of 3 x 4")]
fn a_packed_operand_must_be_whole() {
    Prepacked::new(Matrix::of_rows(&[0.0f32; 11], 4), 3, 4);
}
