//! Comparisons, which give masks of 0 and 1, and choices by a mask. Plain loops over blocks: the compiler makes vectors of them.

use super::elementwise::{BLOCK, Operand};
use super::parallel::{self, CHUNK};
use crate::dtype::Element;

/// y = 1 where `holds(a, b)`, else 0.
pub fn compare<T: Element>(a: Operand<'_, T>, b: Operand<'_, T>, y: &mut [u32], holds: impl Fn(T, T) -> bool + Sync) {
    for_blocks(a, b, y, &|a, b, y| {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = u32::from(holds(a, b));
        }
    });
}

/// A loop over slices of two inputs and of the output.
type OnSlices<'a, T> = dyn Fn(&[T], &[T], &mut [u32]) + Sync + 'a;

/// Calls `f` with blocks of two inputs and of the output. Its own code is the same for every comparison.
fn for_blocks<T: Element>(a: Operand<'_, T>, b: Operand<'_, T>, y: &mut [u32], f: &OnSlices<'_, T>) {
    a.check(y.len());
    b.check(y.len());
    parallel::for_each_chunk(y, CHUNK, |start, y| {
        let (mut a_scratch, mut b_scratch) = (a.scratch(), b.scratch());
        for (i, y) in y.chunks_mut(BLOCK).enumerate() {
            let a = a.block(start + i * BLOCK, y.len(), &mut a_scratch);
            let b = b.block(start + i * BLOCK, y.len(), &mut b_scratch);
            f(a, b, y);
        }
    });
}

/// y = a where the mask is not 0, else b. The other one is not looked at: it may be infinite, or not a number.
pub fn select<T: Element>(mask: Operand<'_, u32>, a: Operand<'_, T>, b: Operand<'_, T>, y: &mut [T]) {
    mask.check(y.len());
    a.check(y.len());
    b.check(y.len());
    parallel::for_each_chunk(y, CHUNK, |start, y| {
        let mut mask_scratch = mask.scratch();
        let (mut a_scratch, mut b_scratch) = (a.scratch(), b.scratch());
        for (i, y) in y.chunks_mut(BLOCK).enumerate() {
            let mask = mask.block(start + i * BLOCK, y.len(), &mut mask_scratch);
            let a = a.block(start + i * BLOCK, y.len(), &mut a_scratch);
            let b = b.block(start + i * BLOCK, y.len(), &mut b_scratch);
            for (((y, &mask), &a), &b) in y.iter_mut().zip(mask).zip(a).zip(b) {
                *y = if mask != 0 { a } else { b };
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;

    /// Widths below and above a block, and a number of elements above a chunk.
    const SIZES: [(usize, usize); 6] = [(0, 5), (1, 1), (9, 17), (50, 3001), (30_001, 3), (40_000, 1)];

    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i * 7919 % 2003) as f32 / 100.0 - 10.0).collect()
    }

    #[test]
    fn comparisons_are_those_of_each_pair() {
        for (rows, width) in SIZES {
            let (x, row) = (numbers(rows * width), numbers(width));
            let y = same_on_any_pool(|| {
                let mut y = vec![7; rows * width];
                compare(Operand::Full(&x), Operand::Row(&row), &mut y, |a, b| a < b);
                y
            });
            assert!((0..y.len()).all(|i| y[i] == u32::from(x[i] < row[i % width])));
        }
    }

    #[test]
    fn choices_follow_the_mask() {
        for (rows, width) in SIZES {
            let (x, column) = (numbers(rows * width), numbers(rows));
            let mask: Vec<u32> = (0..width as u32).map(|i| i % 3).collect();
            let y = same_on_any_pool(|| {
                let mut y = vec![f32::NAN; rows * width];
                let column = Operand::Column(&column, width);
                select(Operand::Row(&mask), Operand::Full(&x), column, &mut y);
                y
            });
            assert!((0..y.len()).all(|i| y[i] == if i % width % 3 > 0 { x[i] } else { column[i / width] }));
        }
    }
}
