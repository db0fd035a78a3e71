//! Where the largest numbers are, along the middle dimension of `[outer, size, inner]`.

use super::parallel::{self, CHUNK};
use super::simd::Float;
use std::cmp::Ordering;

/// The first place in the middle dimension that holds the number of its line in `extremes`, or NaN: after a maximum or a minimum, where it is.
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
pub fn place_of<T: Float>(x: &[T], [outer, size, inner]: [usize; 3], extremes: &[T], y: &mut [u32]) {
    assert_eq!(x.len(), outer * size * inner, "x is not [{outer}, {size}, {inner}]");
    assert_eq!(extremes.len(), y.len(), "a place for each extreme");
    assert!(size > 0 || y.is_empty(), "nothing has no place");
    if y.is_empty() {
        return;
    }
    let blocks = (CHUNK / (size * inner)).max(1);
    parallel::for_each_chunk(y, blocks * inner, |start, y| {
        let blocks = x[start * size..].chunks_exact(size * inner);
        let extremes = extremes[start..].chunks_exact(inner);
        for ((x, extremes), y) in blocks.zip(extremes).zip(y.chunks_exact_mut(inner)) {
            if inner == 1 {
                let place = x.iter().position(|&x| x == extremes[0] || x != x);
                y[0] = place.expect("the extreme is one of the numbers") as u32;
                continue;
            }
            // From the last row to the first, so that the first place is what stays.
            for (k, row) in x.chunks_exact(inner).enumerate().rev() {
                for ((y, &x), &extreme) in y.iter_mut().zip(row).zip(extremes) {
                    *y = if x == extreme || x != x { k as u32 } else { *y };
                }
            }
        }
    });
}

/// The places of the `k` largest numbers of each row of `size`, from the largest down. Equal numbers stay in order; NaN counts as the largest.
pub fn topk<T: Float>(x: &[T], size: usize, k: usize, y: &mut [u32]) {
    assert!(k <= size, "{k} of {size} numbers");
    if y.is_empty() {
        return;
    }
    assert_eq!(
        x.len() * k,
        y.len() * size,
        "a row of {k} places for each of {size} numbers"
    );
    let rows = (CHUNK / 8 / size).max(1);
    parallel::for_each_chunk(y, rows * k, |start, y| {
        let mut order = Vec::with_capacity(size);
        for (x, y) in x[start / k * size..].chunks_exact(size).zip(y.chunks_exact_mut(k)) {
            order.clear();
            order.extend(0..size as u32);
            let falling = |&a: &u32, &b: &u32| falling(x[a as usize], x[b as usize]).then(a.cmp(&b));
            if k < size {
                order.select_nth_unstable_by(k, falling);
            }
            order[..k].sort_unstable_by(falling);
            y.copy_from_slice(&order[..k]);
        }
    });
}

/// The larger first, and NaN before all.
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn falling<T: Float>(a: T, b: T) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| (b != b).cmp(&(a != a)))
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::super::reduce;
    use super::*;

    const SIZES: [[usize; 3]; 7] = [
        [0, 3, 2],
        [1, 1, 1],
        [5, 40, 1],
        [2, 7, 3],
        [3, 20, 33],
        [20_000, 9, 1],
        [500, 9, 40],
    ];

    /// Few different numbers, so that many are equal.
    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i * 7919 % 2003 % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn the_first_of_equal_numbers_is_found() {
        for sizes @ [outer, size, inner] in SIZES {
            let x = numbers(outer * size * inner);
            let mut largest = vec![0.0; outer * inner];
            reduce::max(&x, outer, size, inner, &mut largest);
            let y = same_on_any_pool(|| {
                let mut y = vec![u32::MAX; outer * inner];
                place_of(&x, sizes, &largest, &mut y);
                y
            });
            for (at, y) in y.into_iter().enumerate() {
                let x = |k: usize| x[(at / inner * size + k) * inner + at % inner];
                let want = (0..size).find(|&k| x(k) == largest[at]).unwrap();
                assert_eq!(y as usize, want, "{sizes:?}");
            }
        }
    }

    #[test]
    fn nan_is_the_extreme() {
        let x = [1.0, f32::NAN, 3.0, f32::NAN, 9.0, 2.0];
        let mut y = [9];
        place_of(&x, [1, 6, 1], &[f32::NAN], &mut y);
        assert_eq!(y, [1]);
        let mut y = [9; 2];
        place_of(&x, [1, 3, 2], &[9.0, f32::NAN], &mut y);
        assert_eq!(y, [2, 0]);
        let mut y = [9; 4];
        topk(&x, 6, 4, &mut y);
        assert_eq!(y, [1, 3, 4, 2]);
    }

    #[test]
    fn the_largest_come_first_and_equal_ones_in_order() {
        for [outer, size, inner] in SIZES {
            let (rows, x) = (outer * inner, numbers(outer * size * inner));
            for k in [0, 1, size / 2, size] {
                let y = same_on_any_pool(|| {
                    let mut y = vec![u32::MAX; rows * k];
                    topk(&x, size, k, &mut y);
                    y
                });
                for row in 0..rows {
                    let mut order: Vec<usize> = (0..size).collect();
                    order.sort_by(|&a, &b| x[row * size + b].total_cmp(&x[row * size + a]));
                    let found: Vec<usize> = y[row * k..(row + 1) * k].iter().map(|&place| place as usize).collect();
                    assert_eq!(found, order[..k]);
                }
            }
        }
    }
}
