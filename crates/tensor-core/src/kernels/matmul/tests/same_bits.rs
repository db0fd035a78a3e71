//! What changes no bit of a product: which operand is packed, and when; and whether the product is added as it is computed.

use super::*;

/// C += A B, and C + A B with the product computed before.
fn added<T: Float>([m, k, n]: [usize; 3]) {
    let (a, b, before) = (numbers::<T>(m * k), numbers::<T>(k * n), numbers::<T>(m * n));
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let (a, b) = (matrix(&a, m, k, ta), matrix(&b, k, n, tb));
        let mut product = vec![T::ZERO; m * n];
        matmul(m, k, n, a, b, &mut product, Store::new(false));
        let mut sum = before.clone();
        matmul(m, k, n, a, b, &mut sum, Store::new(true));
        let later: Vec<T> = before.iter().zip(&product).map(|(&c, &p)| c + p).collect();
        assert!(sum == later, "{m} x {k} x {n}, transposed: {ta}, {tb}");
    }
}

#[test]
fn what_is_added_once_has_the_bits_of_a_sum() {
    let once = [0, 1, CHAIN, CHAIN + 1].map(is_added_once);
    assert_eq!(once, [false, WIDE, WIDE, false]);
    if !WIDE {
        return; // `matrixmultiply` adds in its own way
    }
    for sizes in [
        [1, 1, 1],
        [13, 64, 37],
        [20, 200, 784],
        [256, 64, 784],
        [300, CHAIN, 70],
        [70, CHAIN, 300],
    ] {
        added::<f32>(sizes);
        added::<f64>(sizes);
    }
}

/// A product of which A is packed and not B, by the rung before.
fn flipped_or_not<T: Float>([m, k, n]: [usize; 3]) {
    let (a, b, bias) = (numbers::<T>(m * k), numbers::<T>(k * n), numbers::<T>(n));
    let (a, b) = (Matrix::of_rows(&a, k), matrix(&b, k, n, true));
    assert!(!WIDE || flipped::pays([m, k, n], &b), "{m} x {k} x {n} is not flipped");
    for accumulate in [false, true] {
        let store = Store {
            accumulate,
            bias: Some(&bias),
            activation: Activation::Tanh,
        };
        let before = numbers::<T>(m * n);
        let found = same_on_any_pool(|| {
            let mut found = before.clone();
            matmul(m, k, n, a, b, &mut found, store);
            found
        });
        let mut wanted = before.clone();
        parallel::piece([m, k, n], a, b, &mut Piece::whole(&mut wanted, n), store);
        assert!(found == wanted, "{m} x {k} x {n} differs where A is packed");
    }
}

#[test]
fn which_operand_is_packed_changes_no_bit() {
    for sizes in [[110, 1100, 403], [2, 300, 77], [9, 30, 200], [64, 600, 640]] {
        flipped_or_not::<f32>(sizes);
        flipped_or_not::<f64>(sizes);
    }
}

fn prepacked<T: Float>(sizes: [usize; 3]) {
    let [m, k, n] = sizes;
    let (a, b, bias) = (numbers::<T>(m * k), numbers::<T>(k * n), numbers::<T>(n));
    for (transposed, accumulate) in [(false, false), (true, true)] {
        let (a, b) = (matrix(&a, m, k, transposed), matrix(&b, k, n, transposed));
        let store = Store {
            bias: Some(&bias),
            ..Store::new(accumulate)
        };
        let [mut found, mut wanted] = [(); 2].map(|()| numbers::<T>(m * n));
        Prepacked::new(b, k, n).product(m, a, &mut found, store);
        matmul(m, k, n, a, b, &mut wanted, store);
        assert!(found == wanted, "{m} x {k} x {n} differs where B was packed before");
    }
}

#[test]
fn an_operand_that_was_packed_before_changes_no_bit() {
    // Several blocks of K and of columns, and edges of all kinds.
    for sizes in [
        [8, 256, 1024],
        [1, 1, 1],
        [5, 1100, 200],
        [17, 30, 50],
        [3, 0, 4],
        [0, 3, 4],
        [3, 4, 0],
    ] {
        prepacked::<f32>(sizes);
        prepacked::<f64>(sizes);
    }
}
