//! All rungs against sums in double precision.

use super::*;

/// Sizes that fill a tile of some rung or miss it by one, and any others.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        0usize..20,
        Just(32),
        47usize..=50,
        Just(63),
        95usize..=98,
        Just(129),
        255usize..=258
    ]
}

/// Strides of a matrix in rows, with a gap between them, transposed, or anyhow.
fn strides(rows: usize, columns: usize, kind: usize) -> [usize; 2] {
    match kind {
        0 => [columns, 1],
        1 => [columns + 5, 1],
        2 => [1, rows],
        3 => [1, rows + 3],
        4 => [0, 1],
        5 => [1, 1],
        _ => [2, 3],
    }
}

fn in_strides(data: &[f32], [row_stride, column_stride]: [usize; 2]) -> Matrix<'_, f32> {
    Matrix {
        data,
        row_stride,
        column_stride,
    }
}

/// Each element is within 2 √K ε (|A| |B|) of the sum in double precision.
fn check_rung(rung: &dyn Rung, [m, k, n]: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>) {
    let mut c = vec![f32::NAN; m * n];
    product(rung, [m, k, n], a, b, &mut c);
    for i in 0..m {
        for j in 0..n {
            let terms = (0..k).map(|p| a.at(i, p) as f64 * b.at(p, j) as f64);
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            let error = (c[i * n + j] as f64 - sum).abs();
            let limit = 2.0 * (k as f64).sqrt() * f32::EPSILON as f64 * size;
            assert!(
                error <= limit,
                "{}: {m} x {k} x {n} at ({i}, {j}) is {error:e} off, of {limit:e}",
                rung.name()
            );
        }
    }
}

/// All roundings of a sum of equal terms may go the same way: the worst case, for the rungs whose chains of additions are short. (The first three add K
/// numbers in one chain: their error grows with K, where it is to grow with its root.)
#[test]
fn sums_of_one_sign_are_right() {
    let rungs = RUNGS.iter().skip_while(|rung| rung.name() != "cache_blocks");
    assert!(
        rungs.clone().any(|rung| rung.name() == "parallel"),
        "the rungs were renamed"
    );
    for k in [200, 256, 257, 300, 384, 448, 512, 513, 800, 1024, 2000] {
        for term in [0.972, 0.1, 0.7, 0.3333, 0.61, 0.92785] {
            let (a, b) = (vec![1.0; 9 * k], vec![term; k * 50]);
            for [m, n] in [[9, 50], [9, 1], [1, 50]] {
                for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
                    let (a, b) = (matrix(&a, m, k, ta), matrix(&b, k, n, tb));
                    rungs.clone().for_each(|&rung| check_rung(rung, [m, k, n], a, b));
                }
            }
        }
    }
    // Cut into strips, and added to what is there.
    let [m, k, n] = [300, 800, 403];
    assert_eq!(Rectangles::new::<f32>([m, k, n], false, 2).has_strips(), WIDE);
    let (a, b) = (vec![1.0f32; m * k], vec![0.972f32; k * n]);
    check(
        m,
        k,
        n,
        Matrix::of_rows(&a, k),
        Matrix::of_rows(&b, n),
        true,
        f32::EPSILON.into(),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_rung_is_right(m in size(), k in size(), n in size(), a_kind in 0usize..7, b_kind in 0usize..7) {
        let data = numbers::<f32>(300 * 300);
        let a = in_strides(&data, strides(m, k, a_kind));
        let b = in_strides(&data[7..], strides(k, n, b_kind));
        for &rung in RUNGS {
            check_rung(rung, [m, k, n], a, b);
        }
    }
}

#[test]
fn long_sums_are_right() {
    // Several blocks of K, in each layout.
    let [m, k, n] = [19, 2000, 70];
    let data = numbers::<f32>(k * n);
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for &rung in RUNGS {
            check_rung(rung, [m, k, n], matrix(&data, m, k, ta), matrix(&data, k, n, tb));
        }
    }
    all_layouts::<f64>(m, 1100, n, f64::EPSILON);
}
