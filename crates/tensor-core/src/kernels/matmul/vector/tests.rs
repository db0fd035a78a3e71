//! Products with a vector against sums in double precision, and against each other.

use super::super::super::parallel::CHUNK;
use super::super::super::parallel::testing::same_on_any_pool;
use super::super::super::simd::Lanes;
use super::super::operand::Piece;
use super::super::tests::{check, matrix, numbers};
use super::super::{Activation, Batch, WIDE, matmul, matmul_batch, parallel};
use super::*;

/// A matrix times a vector, in blocks of rows and with rows and numbers left over, with all that may be stored.
fn times_a_vector<T: Float>(sizes: [usize; 3], epsilon: f64) {
    let [m, k, n] = sizes;
    let (a, b) = (numbers::<T>(m * k), numbers::<T>(k * n));
    let (a, b) = (matrix(&a, m, k, false), matrix(&b, k, n, true));
    let is_long = WIDE && k >= <T::Lanes as Lanes>::WIDTH;
    assert_eq!(MatrixVector::of(sizes, a, b).is_some(), is_long, "{sizes:?}");
    check(m, k, n, a, b, false, epsilon);
    check(m, k, n, a, b, true, epsilon);
    let bias: Vec<T> = numbers(n);
    let (mut found, mut sums) = (numbers::<T>(m * n), numbers::<T>(m * n));
    let store = Store {
        accumulate: true,
        bias: Some(&bias),
        activation: Activation::LeakyRelu(0.25),
    };
    matmul(m, k, n, a, b, &mut found, store);
    matmul(m, k, n, a, b, &mut sums, Store::new(true));
    for (at, (&found, &sum)) in found.iter().zip(&sums).enumerate() {
        let y = sum + bias[at % n];
        let wanted = if y > T::ZERO { y } else { y * T::from_f64(0.25) };
        assert!(found == wanted, "{sizes:?} at {at}: {found} is not {wanted}");
    }
}

#[test]
fn vectors() {
    for sizes in [
        [64, 256, 1],
        [67, 261, 1],
        [1, 261, 67],
        [1, 300, 1],
        [3, 3, 1],
        [20_001, 40, 1],
        [1, 40, 20_001],
    ] {
        times_a_vector::<f32>(sizes, f32::EPSILON as f64);
        times_a_vector::<f64>(sizes, f64::EPSILON);
    }
    // A vector that does not lie in one piece goes the other way.
    let numbers = numbers::<f32>(64 * 64);
    let (a, b) = (Matrix::of_rows(&numbers, 64), Matrix::of_rows(&numbers, 3));
    assert!(MatrixVector::of([64, 64, 1], a, b).is_none());
    check(64, 64, 1, a, b, false, f32::EPSILON as f64);
}

#[test]
fn long_sums_of_one_sign_are_right() {
    if !WIDE {
        return; // `matrixmultiply` sums in its own way
    }
    // In one chain, 0.1 is rounded the same way again and again once the sum is large.
    let k = 1_000_003;
    let (a, b) = (vec![0.1f32; k], vec![1.0f32; k]);
    let mut c = [0.0];
    matmul(
        1,
        k,
        1,
        Matrix::of_rows(&a, k),
        Matrix::of_rows(&b, 1),
        &mut c,
        Store::new(false),
    );
    let error = (f64::from(c[0]) / (k as f64 * f64::from(0.1f32)) - 1.0).abs();
    assert!(error < 2e-5, "{error:e}");
}

#[test]
fn a_batch_of_vectors_is_each_of_its_products() {
    let (count, m, k) = (40, 30, 50);
    let (a, b) = (numbers::<f32>(count * m * k), numbers::<f32>(count * k));
    let a_batch = Batch {
        first: Matrix::of_rows(&a, k),
        strides: &[m * k],
    };
    let b_batch = Batch {
        first: Matrix::of_rows(&b, 1),
        strides: &[k],
    };
    let mut found = vec![0.0; count * m];
    matmul_batch(&[count], [m, k, 1], a_batch, b_batch, &mut found, Store::new(false));
    for (i, found) in found.chunks(m).enumerate() {
        let mut wanted = vec![0.0; m];
        let (a, b) = (Matrix::of_rows(&a[i * m * k..], k), Matrix::of_rows(&b[i * k..], 1));
        matmul(m, k, 1, a, b, &mut wanted, Store::new(false));
        assert_eq!(found, wanted, "product {i}");
    }
}

#[test]
fn the_rung_has_the_bits_of_what_the_engine_uses() {
    for [m, k, n] in [[67, 261, 1], [1, 261, 67], [30, 1, 50], [9, 20, 30]] {
        let (a, b) = (numbers::<f32>(m * k), numbers::<f32>(k * n));
        let (a, b) = (matrix(&a, m, k, false), matrix(&b, k, n, k > 1));
        let [mut found, mut wanted] = [vec![f32::NAN; m * n], vec![f32::NAN; m * n]];
        Vector.run([m, k, n], a, b, &mut found);
        matmul(m, k, n, a, b, &mut wanted, Store::new(false));
        assert!(found == wanted || !WIDE, "{m} x {k} x {n}");
    }
}

/// A column times a row, beside the microkernel.
fn outer_product<T: Float>([m, n]: [usize; 2]) {
    let (a, b, bias, before) = (
        numbers::<T>(3 * m),
        numbers::<T>(n),
        numbers::<T>(n),
        numbers::<T>(m * n),
    );
    // A column of a wider matrix.
    let (a, b) = (Matrix::of_rows(&a, 3), Matrix::of_rows(&b, n));
    assert_eq!(
        Outer::of([m, 1, n], a, b).is_some(),
        WIDE && n <= CHUNK,
        "{m} x 1 x {n}"
    );
    for accumulate in [false, true] {
        let store = Store {
            accumulate,
            bias: Some(&bias),
            activation: Activation::Relu,
        };
        let found = same_on_any_pool(|| {
            let mut found = before.clone();
            matmul(m, 1, n, a, b, &mut found, store);
            found
        });
        let mut wanted = before.clone();
        parallel::piece([m, 1, n], a, b, &mut Piece::whole(&mut wanted, n), store);
        assert!(found == wanted, "{m} x 1 x {n}");
    }
}

#[test]
fn outer_products_have_the_bits_of_other_products() {
    for sizes in [
        [64, 6272],
        [900, 3000],
        [7, 37],
        [1, 50],
        [5, 1],
        [1, 1],
        [2, CHUNK + 1],
    ] {
        outer_product::<f32>(sizes);
        outer_product::<f64>(sizes);
    }
}
