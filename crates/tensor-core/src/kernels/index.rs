//! Elements picked by integers, and added up by them. x is `[outer, size, inner]`; an index is a place in its middle dimension.
//!
//! The caller has checked the integers by [`first_outside`]; one that is too large panics here.

use super::parallel::{self, CHUNK};
use super::simd::Float;
use crate::dtype::Element;

/// Where the first integer stands that is not below `size`.
pub fn first_outside(index: &[u32], size: usize) -> Option<usize> {
    // The largest is found eight at a time: a million integers take 34 µs, and a search that may stop at each of them 266 µs.
    let largest = index.iter().fold(0, |largest, &i| i.max(largest));
    if (largest as usize) < size {
        return None;
    }
    index.iter().position(|&i| i as usize >= size)
}

/// `y_k = x_index[k]`: whole rows of `inner` numbers. y is `[outer, index.len(), inner]`.
pub fn select<T: Element>(x: &[T], index: &[u32], [outer, size, inner]: [usize; 3], y: &mut [T]) {
    check(x.len(), [outer, size, inner]);
    check(y.len(), [outer, index.len(), inner]);
    if y.is_empty() {
        return;
    }
    let rows = (CHUNK / inner).max(1);
    parallel::for_each_chunk(y, rows * inner, |start, y| {
        for (row, y) in (start / inner..).zip(y.chunks_exact_mut(inner)) {
            let from = row / index.len() * size + index[row % index.len()] as usize;
            y.copy_from_slice(&x[from * inner..][..inner]);
        }
    });
}

/// `y_index[k] += x_k`, in the order of k: whole rows of `inner` numbers. y is `[outer, size, inner]`, x is `[outer, index.len(), inner]`.
pub fn add_rows<T: Float>(x: &[T], index: &[u32], [outer, size, inner]: [usize; 3], y: &mut [T]) {
    check(x.len(), [outer, index.len(), inner]);
    check(y.len(), [outer, size, inner]);
    let (from, to) = (index.len() * inner, size * inner);
    if outer == 1 {
        return add_to_one_block(x, index, [size, inner], y);
    }
    for_each_block(y, to, from, |o, y| {
        let rows = x[o * from..][..from].chunks_exact(inner);
        for (x, &i) in rows.zip(index) {
            add_row(x, &mut y[i as usize * inner..][..inner]);
        }
    });
}

fn add_row<T: Float>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = *y + x;
    }
}

/// [`add_rows`] for one block, such as the table of an embedding. It is cut into parts of its rows, and each thread looks in all integers for the
/// rows of its part: so each row is summed in the same order as without threads.
///
/// Parts of columns, which would share the work also where most integers name one row, were tried. On two threads, with 60 % of the integers naming
/// one row, they take from half as long to six times as long, depending on the sizes.
fn add_to_one_block<T: Float>(x: &[T], index: &[u32], [size, inner]: [usize; 2], y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    // Looking at an integer takes about as long as adding 4 numbers: parts are few enough that the looking is the smaller share.
    let parts = (x.len() / (4 * CHUNK)).min(inner / 8).clamp(1, 16);
    let rows = size.div_ceil(parts);
    parallel::for_each_part(y, rows * inner, x.len(), |start, y| {
        let first = start / inner;
        let own = first..first + y.len() / inner;
        for (x, &i) in x.chunks_exact(inner).zip(index) {
            if own.contains(&(i as usize)) {
                add_row(x, &mut y[(i as usize - first) * inner..][..inner]);
            }
        }
    });
}

/// y[o, k, i] = x[o, index[o, k, i], i]; index and y are `[outer, picked, inner]`.
pub fn gather<T: Element>(x: &[T], index: &[u32], [outer, size, inner]: [usize; 3], y: &mut [T]) {
    check(x.len(), [outer, size, inner]);
    assert_eq!(index.len(), y.len(), "an integer for each element of the output");
    if y.is_empty() {
        return;
    }
    let picked = y.len() / (outer * inner);
    let rows = (CHUNK / inner).max(1);
    parallel::for_each_chunk(y, rows * inner, |start, y| {
        let index = index[start..].chunks_exact(inner);
        for ((row, y), index) in (start / inner..).zip(y.chunks_exact_mut(inner)).zip(index) {
            let block = &x[row / picked * size * inner..][..size * inner];
            for (i, (y, &place)) in y.iter_mut().zip(index).enumerate() {
                *y = block[place as usize * inner + i];
            }
        }
    });
}

/// y[o, index[o, k, i], i] += x[o, k, i], in the order of k; index and x are `[outer, picked, inner]`.
pub fn scatter_add<T: Float>(x: &[T], index: &[u32], [outer, size, inner]: [usize; 3], y: &mut [T]) {
    check(y.len(), [outer, size, inner]);
    assert_eq!(index.len(), x.len(), "an integer for each element to add");
    if x.is_empty() {
        return;
    }
    let from = x.len() / outer;
    for_each_block(y, size * inner, from, |o, y| {
        let (x, index) = (&x[o * from..][..from], &index[o * from..][..from]);
        for (x, index) in x.chunks_exact(inner).zip(index.chunks_exact(inner)) {
            for (i, (&x, &place)) in x.iter().zip(index).enumerate() {
                let y = &mut y[place as usize * inner + i];
                *y = *y + x;
            }
        }
    });
}

/// Rows of `classes` numbers, 0 but for `one` at the integer's place.
pub fn one_hot<T: Element>(index: &[u32], classes: usize, one: T, y: &mut [T]) {
    check(y.len(), [index.len(), classes, 1]);
    if y.is_empty() {
        return;
    }
    let rows = (CHUNK / classes).max(1);
    parallel::for_each_chunk(y, rows * classes, |start, y| {
        y.fill(T::zeroed());
        for (y, &place) in y.chunks_exact_mut(classes).zip(&index[start / classes..]) {
            y[place as usize] = one;
        }
    });
}

/// Calls `f` with the number of each block and the block of `y`. Sums may run into any place of a block, so a block stays on one thread.
fn for_each_block<T: Send>(y: &mut [T], block: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if block == 0 {
        return;
    }
    let blocks = (CHUNK / block.max(work)).max(1);
    parallel::for_each_chunk(y, blocks * block, |start, y| {
        for (i, y) in y.chunks_exact_mut(block).enumerate() {
            f(start / block + i, y);
        }
    });
}

fn check(length: usize, sizes: [usize; 3]) {
    assert_eq!(
        length,
        sizes.iter().product::<usize>(),
        "an array does not have the elements of {sizes:?}"
    );
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;

    /// Sizes of x, and how many places are picked.
    const CASES: [([usize; 3], usize); 9] = [
        ([0, 3, 2], 4),
        ([2, 3, 0], 4),
        ([2, 3, 2], 0),
        ([1, 5, 1], 9),
        ([3, 4, 5], 6),
        ([1, 100, 64], 3000),
        ([1, 37, 128], 9000),
        ([700, 10, 16], 7),
        ([30_000, 10, 1], 3),
    ];

    fn numbers(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i * 37 % 101) as f64).collect()
    }

    fn places(n: usize, size: usize) -> Vec<u32> {
        (0..n).map(|i| (i * 7919 % 1009 % size) as u32).collect()
    }

    fn run(n: usize, first: f64, kernel: impl Fn(&mut [f64]) + Sync) -> Vec<f64> {
        same_on_any_pool(|| {
            let mut y = vec![first; n];
            kernel(&mut y);
            y
        })
    }

    #[test]
    fn rows_are_picked_and_added() {
        for (sizes @ [outer, size, inner], picked) in CASES {
            let (x, index) = (numbers(outer * size * inner), places(picked, size));
            let y = run(outer * picked * inner, f64::NAN, |y| select(&x, &index, sizes, y));
            let mut sums = vec![1.0; x.len()];
            for (at, &y) in y.iter().enumerate() {
                let (o, k, i) = (at / inner / picked, at / inner % picked, at % inner);
                let place = (o * size + index[k] as usize) * inner + i;
                assert_eq!(y, x[place], "{sizes:?}");
                sums[place] += y;
            }
            assert_eq!(
                run(x.len(), 1.0, |sums| add_rows(&y, &index, sizes, sums)),
                sums,
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn a_row_that_most_integers_name_is_added_up_in_order() {
        let (sizes, picked) = ([1, 40, 100], 9000usize);
        let x: Vec<f32> = (0..picked * 100).map(|i| (i * 7919 % 2003) as f32 / 7.0).collect();
        let index: Vec<u32> = (0..picked)
            .map(|k| if k % 5 == 0 { k as u32 % 40 } else { 7 })
            .collect();
        let y = same_on_any_pool(|| {
            let mut y = vec![0.5; 4000];
            add_rows(&x, &index, sizes, &mut y);
            y
        });
        let mut sums = vec![0.5f32; 4000];
        for (at, x) in x.iter().enumerate() {
            sums[index[at / 100] as usize * 100 + at % 100] += x;
        }
        assert!(y == sums);
    }

    #[test]
    fn elements_are_picked_and_added() {
        for (sizes @ [outer, size, inner], picked) in CASES {
            let (x, index) = (numbers(outer * size * inner), places(outer * picked * inner, size));
            let y = run(index.len(), f64::NAN, |y| gather(&x, &index, sizes, y));
            let mut sums = vec![1.0; x.len()];
            for (at, &y) in y.iter().enumerate() {
                let (o, i) = (at / inner / picked, at % inner);
                let place = (o * size + index[at] as usize) * inner + i;
                assert_eq!(y, x[place], "{sizes:?}");
                sums[place] += y;
            }
            assert_eq!(
                run(x.len(), 1.0, |sums| scatter_add(&y, &index, sizes, sums)),
                sums,
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn one_is_where_the_integer_says() {
        for (n, classes) in [(0, 3), (3, 4), (20_000, 11)] {
            let index = places(n, classes);
            let y = run(n * classes, f64::NAN, |y| one_hot(&index, classes, 1.0, y));
            assert!(
                y.iter()
                    .enumerate()
                    .all(|(at, &y)| (y == 1.0) == (at % classes == index[at / classes] as usize))
            );
            assert_eq!(y.iter().sum::<f64>(), n as f64);
        }
    }

    #[test]
    fn integers_outside_are_found() {
        assert_eq!(first_outside(&[0, 4, 2], 5), None);
        assert_eq!(first_outside(&[0, 4, 5, 9], 5), Some(2));
        assert_eq!(first_outside(&[0], 0), Some(0));
        assert_eq!(first_outside(&[], 0), None);
    }
}
