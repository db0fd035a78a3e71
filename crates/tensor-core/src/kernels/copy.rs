//! Data moved without being changed: views made contiguous, numbers repeated, element types converted.

use super::parallel::{self, CHUNK};
use super::simd::Float;
use super::transpose::transpose;
use crate::dtype::Element;

/// One dimension of a copy: its length, and the distance between neighbours in the source and in the destination.
#[derive(Clone, Copy)]
struct Dim {
    len: usize,
    x: isize,
    y: usize,
}

/// Copies a view of `x` to `y`, where its elements then lie one after the other.
///
/// Element (i, j, …) of the view is `x[offset + i * strides[0] + j * strides[1] + …]`. A stride may be 0 (the dimension repeats
/// what it holds) or negative (the dimension is flipped).
pub fn copy_strided<T: Element>(x: &[T], offset: usize, shape: &[usize], strides: &[isize], y: &mut [T]) {
    assert_eq!(shape.len(), strides.len(), "a stride for each dimension");
    assert_eq!(
        shape.iter().product::<usize>(),
        y.len(),
        "the output does not hold {shape:?}"
    );
    if y.is_empty() {
        return;
    }
    check_bounds(x.len(), offset, shape, strides);
    let dims = merge(shape, strides);
    let Some((&outermost, inner)) = dims.split_first() else {
        y[0] = x[offset];
        return;
    };
    let rows = (CHUNK / outermost.y).max(1);
    parallel::for_each_chunk(y, rows * outermost.y, |start, y| {
        let row = start / outermost.y;
        let mut dims = vec![Dim {
            len: y.len() / outermost.y,
            ..outermost
        }];
        dims.extend_from_slice(inner);
        copy_block(x, offset as isize + row as isize * outermost.x, dims, y);
    });
}

fn check_bounds(len: usize, offset: usize, shape: &[usize], strides: &[isize]) {
    // 128 bits, since a length times a stride may overflow what indexes memory.
    let (mut low, mut high) = (offset as i128, offset as i128);
    for (&n, &stride) in shape.iter().zip(strides) {
        let reach = (n as i128 - 1) * stride as i128;
        low += reach.min(0);
        high += reach.max(0);
    }
    assert!(
        low >= 0 && high < len as i128,
        "a view of shape {shape:?}, strides {strides:?} and offset {offset} leaves a buffer of {len} elements"
    );
}

/// Leaves out dimensions of length 1, and joins neighbours that the source holds as one.
fn merge(shape: &[usize], strides: &[isize]) -> Vec<Dim> {
    let mut dims: Vec<Dim> = Vec::with_capacity(shape.len());
    for (&len, &x) in shape.iter().zip(strides).filter(|&(&len, _)| len != 1) {
        match dims.last_mut() {
            Some(before) if before.x == len as isize * x => {
                *before = Dim {
                    len: before.len * len,
                    x,
                    y: 0,
                }
            }
            _ => dims.push(Dim { len, x, y: 0 }),
        }
    }
    let mut y = 1;
    for dim in dims.iter_mut().rev() {
        dim.y = y;
        y *= dim.len;
    }
    dims
}

/// Calls `f` with the source's and the destination's position of each index.
fn walk(dims: &[Dim], x: isize, y: usize, f: &mut impl FnMut(usize, usize)) {
    match dims.split_first() {
        None => f(x as usize, y),
        Some((dim, inner)) => {
            for i in 0..dim.len {
                walk(inner, x + i as isize * dim.x, y + i * dim.y, f);
            }
        }
    }
}

/// The copy on one thread; the best way depends on how the last dimension lies in the source.
fn copy_block<T: Element>(x: &[T], offset: isize, mut dims: Vec<Dim>, y: &mut [T]) {
    let Some(last) = dims.pop() else { return };
    match last.x {
        1 => walk(&dims, offset, 0, &mut |from, to| {
            y[to..to + last.len].copy_from_slice(&x[from..from + last.len]);
        }),
        0 => walk(&dims, offset, 0, &mut |from, to| y[to..to + last.len].fill(x[from])),
        _ => {
            // Another dimension may lie closer together in the source than the last one does: a transposed matrix.
            let closest = (0..dims.len())
                .filter(|&d| dims[d].x != 0)
                .min_by_key(|&d| dims[d].x.unsigned_abs());
            let across = match closest.filter(|&d| dims[d].x.unsigned_abs() < last.x.unsigned_abs()) {
                Some(d) => dims.remove(d),
                None => Dim { len: 1, x: 0, y: 0 },
            };
            walk(&dims, offset, 0, &mut |from, to| {
                copy_tiles(x, from, across, last, &mut y[to..])
            });
        }
    }
}

/// Copies a matrix block by block, so that each cache line of the source is used up while it is at hand.
fn copy_tiles<T: Element>(x: &[T], offset: usize, rows: Dim, columns: Dim, y: &mut [T]) {
    const BLOCK: usize = 16;
    let transposed = rows.x == 1 && columns.x > 0;
    for i0 in (0..rows.len).step_by(BLOCK) {
        let height = BLOCK.min(rows.len - i0);
        for j0 in (0..columns.len).step_by(BLOCK) {
            let width = BLOCK.min(columns.len - j0);
            let from = offset as isize + i0 as isize * rows.x + j0 as isize * columns.x;
            let y = &mut y[i0 * rows.y + j0..];
            if transposed {
                transpose(&x[from as usize..], columns.x as usize, [width, height], y, rows.y);
                continue;
            }
            for i in 0..height {
                let mut from = from + i as isize * rows.x;
                for y in &mut y[i * rows.y..][..width] {
                    *y = x[from as usize];
                    from += columns.x;
                }
            }
        }
    }
}

/// Copies `x`, whose elements lie one after the other, to a part of `y`: element (i, j, …) goes to `y[offset + i * strides[0] + j * strides[1] + …]`.
pub fn copy_into_part<T: Element>(x: &[T], shape: &[usize], y: &mut [T], offset: usize, strides: &[isize]) {
    assert_eq!(shape.len(), strides.len(), "a stride for each dimension");
    assert_eq!(
        x.len(),
        shape.iter().product::<usize>(),
        "the input does not hold {shape:?}"
    );
    if x.is_empty() {
        return;
    }
    check_bounds(y.len(), offset, shape, strides);
    // `merge` and `walk` call the strided side x.
    let mut dims = merge(shape, strides);
    let row = dims.pop_if(|last| last.x == 1).map_or(1, |last| last.len);
    walk(&dims, offset as isize, 0, &mut |to, from| {
        y[to..to + row].copy_from_slice(&x[from..from + row])
    });
}

/// Puts arrays side by side: `parts` are arrays of as many rows each, with the length of their rows. Row i of `y` is all rows i in order.
pub fn join<T: Element>(parts: &[(&[T], usize)], y: &mut [T]) {
    let width: usize = parts.iter().map(|(_, width)| width).sum();
    if y.is_empty() {
        return;
    }
    let rows = y.len() / width;
    for &(part, width) in parts {
        assert_eq!(part.len(), rows * width, "a part does not have {rows} rows of {width}");
    }
    let rows = (CHUNK / width).max(1);
    parallel::for_each_chunk(y, rows * width, |start, y| {
        for (row, mut y) in (start / width..).zip(y.chunks_exact_mut(width)) {
            for &(part, width) in parts {
                let place;
                (place, y) = y.split_at_mut(width);
                place.copy_from_slice(&part[row * width..][..width]);
            }
        }
    });
}

/// Sets every element of `y` to `value`.
pub fn fill<T: Element>(y: &mut [T], value: T) {
    parallel::for_each_chunk(y, CHUNK, |_, y| y.fill(value));
}

/// A conversion between element types, with the meaning of Rust's `as`: floats round to the nearest float; on the way to an
/// integer they are cut off towards zero, what lies outside becomes the nearest integer that exists, and NaN becomes 0.
pub trait CastTo<B>: Element {
    /// The converted number.
    fn cast(self) -> B;
}

macro_rules! cast_to {
    ($($a:ident => $($b:ident)*),*) => {
        $($(impl CastTo<$b> for $a {
            #[inline(always)]
            fn cast(self) -> $b {
                self as $b
            }
        })*)*
    };
}

cast_to!(f32 => f32 f64 u32, f64 => f32 f64 u32, u32 => f32 f64 u32);

/// The first number that is not a whole number of 32 bits without a sign once its fraction is cut off: negative, too large, or not a number.
pub fn first_not_u32<T: Float>(x: &[T]) -> Option<usize> {
    let fits = |x: &T| x.to_f64() > -1.0 && x.to_f64() < 4_294_967_296.0;
    x.iter().position(|x| !fits(x))
}

/// y = x in another element type.
pub fn cast<A: CastTo<B>, B: Element>(x: &[A], y: &mut [B]) {
    assert_eq!(x.len(), y.len(), "the input has another length than the output");
    parallel::for_each_chunk(y, CHUNK, |start, y| {
        for (y, x) in y.iter_mut().zip(&x[start..]) {
            *y = x.cast();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;
    use proptest::prelude::*;

    /// The same by the definition.
    fn naive(x: &[u32], offset: usize, shape: &[usize], strides: &[isize]) -> Vec<u32> {
        let n: usize = shape.iter().product();
        let position = |mut i: usize| {
            let mut at = offset as isize;
            for (&len, &stride) in shape.iter().zip(strides).rev() {
                at += (i % len) as isize * stride;
                i /= len;
            }
            at as usize
        };
        (0..n).map(|i| x[position(i)]).collect()
    }

    fn check(x: &[u32], offset: usize, shape: &[usize], strides: &[isize]) {
        let y = same_on_any_pool(|| {
            let mut y = vec![u32::MAX; shape.iter().product()];
            copy_strided(x, offset, shape, strides, &mut y);
            y
        });
        assert!(
            y == naive(x, offset, shape, strides),
            "shape {shape:?}, strides {strides:?}, offset {offset}"
        );
    }

    #[test]
    fn views_of_every_kind() {
        let x: Vec<u32> = (0..600_000).collect();
        check(&x, 0, &[], &[]);
        check(&x, 5, &[1, 1], &[7, -3]);
        check(&x, 0, &[0, 4], &[4, 1]);
        check(&x, 0, &[600_000], &[1]);
        check(&x, 599_999, &[600_000], &[-1]);
        check(&x, 3, &[500, 300], &[0, 1]);
        check(&x, 3, &[500, 300], &[1, 0]);
        check(&x, 3, &[700, 300], &[0, 0]);
        check(&x, 0, &[784, 400], &[1, 784]);
        check(&x, 0, &[401, 787], &[1, 401]);
        check(&x, 400, &[401, 787], &[-1, 401]);
        check(&x, 0, &[16, 28, 28, 33], &[25_872, 28, 1, 784]);
        check(&x, 0, &[50, 60, 70], &[1, 50, 3000]);
        check(&x, 0, &[50, 60, 70], &[2, 201, 3]);
        check(&x, 11, &[2, 3, 5], &[100, -4, 0]);
    }

    proptest! {
        #[test]
        fn any_view(dims in prop::collection::vec((0usize..9, -40isize..40), 0..5), offset in 700usize..900) {
            let x: Vec<u32> = (0..2000).collect();
            let (shape, strides): (Vec<_>, Vec<_>) = dims.into_iter().unzip();
            let reach = |sign: isize| -> isize {
                shape.iter().zip(&strides).map(|(&n, &s)| ((n as isize - 1) * s * sign).max(0)).sum()
            };
            if !shape.contains(&0) && (reach(-1) > offset as isize || offset as isize + reach(1) >= 2000) {
                let refused = std::panic::catch_unwind(|| {
                    let mut y = vec![0; shape.iter().product()];
                    copy_strided(&x, offset, &shape, &strides, &mut y);
                });
                prop_assert!(refused.is_err());
            } else {
                let mut y = vec![u32::MAX; shape.iter().product()];
                copy_strided(&x, offset, &shape, &strides, &mut y);
                prop_assert_eq!(y, naive(&x, offset, &shape, &strides));
            }
        }
    }

    #[test]
    fn parts_are_copied_into() {
        let x: Vec<u32> = (1..=24).collect();
        for (shape, strides, offset) in [
            (&[2, 3, 4][..], &[40, 10, 1][..], 7),
            (&[24], &[1], 3),
            (&[4, 6], &[1, 5], 2),
            (&[24], &[-3], 75),
        ] {
            let mut y = vec![0; 100];
            copy_into_part(&x, shape, &mut y, offset, strides);
            assert_eq!(naive(&y, offset, shape, strides), x, "{shape:?}");
            assert_eq!(y.iter().filter(|&&y| y != 0).count(), 24);
        }
        let mut y = [0];
        copy_into_part(&[5], &[], &mut y, 0, &[]);
        assert_eq!(y, [5]);
    }

    #[test]
    fn rows_are_joined() {
        for (rows, widths) in [(3, &[2, 0, 1][..]), (0, &[4]), (40_000, &[1, 2, 3]), (1, &[5, 100_000])] {
            let parts: Vec<Vec<u32>> = (0..)
                .zip(widths)
                .map(|(k, width)| (0..rows * width).map(|i| k * 1_000_000 + i).collect())
                .collect();
            let width = widths.iter().sum::<u32>() as usize;
            let y = same_on_any_pool(|| {
                let mut y = vec![u32::MAX; rows as usize * width];
                let parts: Vec<(&[u32], usize)> = parts
                    .iter()
                    .zip(widths)
                    .map(|(part, &width)| (&part[..], width as usize))
                    .collect();
                join(&parts, &mut y);
                y
            });
            let row = |i: usize| {
                parts
                    .iter()
                    .zip(widths)
                    .flat_map(move |(p, &w)| p[i * w as usize..][..w as usize].to_vec())
            };
            assert_eq!(y, (0..rows as usize).flat_map(row).collect::<Vec<_>>());
        }
    }

    #[test]
    fn fills() {
        for n in [0, 1, 17, 200_003] {
            let mut y = vec![0u32; n];
            fill(&mut y, 7);
            assert!(y.iter().all(|&y| y == 7));
        }
    }

    #[test]
    fn converts() {
        let mut y = [0u32; 6];
        cast(&[0.9f32, 2.0, -1.0, f32::NAN, 1e20, 16_777_215.0], &mut y);
        assert_eq!(y, [0, 2, 0, 0, u32::MAX, 16_777_215]);
        let mut y = [0f32; 2];
        cast(&[0.1f64, 1e300], &mut y);
        assert_eq!(y, [0.1, f32::INFINITY]);
        let mut y = [0f64; 2];
        cast(&[0.5f32, -3.0], &mut y);
        assert_eq!(y, [0.5, -3.0]);
        let x: Vec<u32> = (0..200_003).collect();
        let mut y = vec![0f64; x.len()];
        cast(&x, &mut y);
        assert!(y.iter().enumerate().all(|(i, &y)| y == i as f64));
    }
}
