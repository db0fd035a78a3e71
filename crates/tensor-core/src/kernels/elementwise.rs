//! y = f(a, b, …), element by element.

use super::arrays::{Lines, array_of};
use super::parallel::{self, CHUNK};
use super::simd::{Float, Lanes};
use crate::dtype::Element;
use std::array;

/// An input of an elementwise function: as many elements as the output has, some of them given only once.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// Each element.
    Full(&'a [T]),
    /// One number for all.
    Scalar(T),
    /// One row, repeated: element i is `row[i % row.len()]`.
    Row(&'a [T]),
    /// One number for each row of the given width: element i is `column[i / width]`.
    Column(&'a [T], usize),
    /// One number for each channel of images, which have `width` pixels in a channel: element i is `channels[i / width % channels.len()]`.
    Channel(&'a [T], usize),
}

/// Elements that are handled at a time where an operand has to be spread out first: it stays in the fastest cache.
pub(super) const BLOCK: usize = 1024;

impl<'a, T: Element> Operand<'a, T> {
    pub(super) fn check(&self, len: usize) {
        match *self {
            Operand::Full(x) => {
                assert_eq!(x.len(), len, "an input has another length than the output")
            }
            Operand::Scalar(_) => {}
            Operand::Row(row) => assert!(
                len == 0 || !row.is_empty() && len.is_multiple_of(row.len()),
                "rows of {} do not make up {len} elements",
                row.len()
            ),
            Operand::Column(column, width) => assert_eq!(
                column.len().checked_mul(width),
                Some(len),
                "a column of {} and a width of {width} do not make up the output",
                column.len()
            ),
            Operand::Channel(channels, width) => assert!(
                len == 0 || len.is_multiple_of((channels.len() * width).max(1)),
                "{} channels of {width} do not make up {len} elements",
                channels.len()
            ),
        }
    }

    /// Room to spread out a block, which holds a scalar already.
    pub(super) fn scratch(&self) -> Lines<T, BLOCK> {
        Lines(match *self {
            Operand::Scalar(x) => [x; BLOCK],
            _ => [T::zeroed(); BLOCK],
        })
    }

    /// The elements from `start` on: where they lie together, else spread out in `scratch` (from [`Operand::scratch`]).
    #[inline(always)]
    pub(super) fn block<'s>(&self, start: usize, len: usize, scratch: &'s mut Lines<T, BLOCK>) -> &'s [T]
    where
        'a: 's,
    {
        let scratch = &mut scratch.0;
        match *self {
            Operand::Full(x) => return &x[start..start + len],
            Operand::Scalar(_) => {}
            Operand::Row(row) => {
                let first = start % row.len();
                if first + len <= row.len() {
                    return &row[first..first + len];
                }
                repeat_row(row, first, &mut scratch[..len]);
            }
            Operand::Column(values, width) | Operand::Channel(values, width) => {
                let (mut i, mut at) = (start / width, 0);
                while at < len {
                    let end = len.min((i + 1) * width - start);
                    scratch[at..end].fill(values[i % values.len()]);
                    (i, at) = (i + 1, end);
                }
            }
        }
        &scratch[..len]
    }
}

/// Fills `y` with a row, over and over, beginning with the row's element `first`.
fn repeat_row<T: Copy>(row: &[T], first: usize, y: &mut [T]) {
    let end = (row.len() - first).min(y.len());
    y[..end].copy_from_slice(&row[first..first + end]);
    let period = row.len().min(y.len());
    y[end..period].copy_from_slice(&row[..period - end]);
    // What is there so far is a whole number of periods: doubling it keeps short rows from costing a copy each.
    let mut done = period;
    while done < y.len() {
        let more = done.min(y.len() - done);
        y.copy_within(..more, done);
        done += more;
    }
}

/// y = f(inputs), element by element, on vectors.
///
/// `f` must act on each lane by itself; what it returns for the lanes beyond the end is not used.
pub fn map_n<T: Float, const N: usize>(
    inputs: [Operand<'_, T>; N],
    y: &mut [T],
    f: impl Fn([T::Lanes; N]) -> T::Lanes + Sync,
) {
    map_blocks(&inputs, y, &on_slices(f));
}

/// A loop over slices of N inputs and of the output.
pub(crate) type OnSlices<'a, T, const N: usize> = dyn Fn([&[T]; N], &mut [T]) + Sync + 'a;

/// The loop over a function of vectors.
pub(crate) fn on_slices<T: Float, const N: usize>(
    f: impl Fn([T::Lanes; N]) -> T::Lanes + Sync,
) -> impl Fn([&[T]; N], &mut [T]) + Sync {
    move |x, y| map_slices(x, y, &f)
}

/// Calls `f` with blocks of the inputs and of the output. Its own code is the same for every function of N inputs.
pub(crate) fn map_blocks<T: Float, const N: usize>(inputs: &[Operand<'_, T>; N], y: &mut [T], f: &OnSlices<'_, T, N>) {
    inputs.iter().for_each(|input| input.check(y.len()));
    parallel::for_each_chunk(y, CHUNK, |start, y| map_chunk(inputs, start, y, f));
}

/// y = f(x)
pub fn map<T: Float>(x: &[T], y: &mut [T], f: impl Fn(T::Lanes) -> T::Lanes + Sync) {
    map_n([Operand::Full(x)], y, |[x]| f(x));
}

/// y = f(y)
pub fn map_in_place<T: Float>(y: &mut [T], f: impl Fn(T::Lanes) -> T::Lanes + Sync) {
    parallel::for_each_chunk(y, CHUNK, |_, y| {
        let (vectors, rest) = T::Lanes::chunks_mut(y);
        for y in vectors {
            *y = f(T::Lanes::from_array(*y)).to_array();
        }
        if !rest.is_empty() {
            f(T::Lanes::load_padded(rest, T::ONE)).store_padded(rest);
        }
    });
}

/// y = f(a, b)
pub fn zip<T: Float>(
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    y: &mut [T],
    f: impl Fn(T::Lanes, T::Lanes) -> T::Lanes + Sync,
) {
    map_n([a, b], y, |[a, b]| f(a, b));
}

/// y += x
pub fn add_assign<T: Float>(y: &mut [T], x: &[T]) {
    Operand::Full(x).check(y.len());
    parallel::for_each_chunk(y, CHUNK, |start, y| {
        for (y, &x) in y.iter_mut().zip(&x[start..]) {
            *y = *y + x;
        }
    });
}

/// The elements of `y` from `start` on.
fn map_chunk<T: Float, const N: usize>(
    inputs: &[Operand<'_, T>; N],
    start: usize,
    y: &mut [T],
    f: &OnSlices<'_, T, N>,
) {
    if inputs.iter().all(|input| matches!(input, Operand::Full(_))) {
        let full = inputs.map(|input| match input {
            Operand::Full(x) => &x[start..start + y.len()],
            _ => unreachable!("all inputs were just found to be full"),
        });
        return f(full, y);
    }
    let mut scratch: [Lines<T, BLOCK>; N] = array::from_fn(|k| inputs[k].scratch());
    for (i, y) in y.chunks_mut(BLOCK).enumerate() {
        let mut scratch = scratch.iter_mut();
        let blocks = array::from_fn(|k| match scratch.next() {
            Some(scratch) => inputs[k].block(start + i * BLOCK, y.len(), scratch),
            None => unreachable!("there is a scratch block for each input"),
        });
        f(blocks, y);
    }
}

/// The loop itself. What is left over at the end goes through a padded vector, so its bits are those of a full one.
#[inline(always)]
pub(super) fn map_slices<T: Float, const N: usize>(x: [&[T]; N], y: &mut [T], f: &impl Fn([T::Lanes; N]) -> T::Lanes) {
    let (y, y_rest) = T::Lanes::chunks_mut(y);
    // As many vectors as the output has, so that the compiler knows them to be in range.
    let vectors_of_x = array_of(|k| &T::Lanes::chunks(x[k]).0[..y.len()]);
    for (i, y) in y.iter_mut().enumerate() {
        *y = f(vectors::<T, N>(&vectors_of_x, i)).to_array();
    }
    if !y_rest.is_empty() {
        let rest = array_of(|k| T::Lanes::load_padded(T::Lanes::chunks(x[k]).1, T::ONE));
        f(rest).store_padded(y_rest);
    }
}

type VectorsOf<T> = [<<T as Float>::Lanes as Lanes>::Array];

#[inline(always)]
fn vectors<T: Float, const N: usize>(x: &[&VectorsOf<T>; N], i: usize) -> [T::Lanes; N] {
    array_of(|k| T::Lanes::from_array(x[k][i]))
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;

    const LENGTHS: [usize; 8] = [0, 1, 15, 16, 17, 1000, 100_003, 500_003];

    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i * 7919 % 2003) as f32 / 100.0 - 10.0).collect()
    }

    fn exp_of<T: Float>(x: &[T]) -> Vec<T> {
        let mut y = vec![T::ZERO; x.len()];
        map(x, &mut y, |x| x.exp());
        y
    }

    #[test]
    fn full_and_scalar_operands() {
        for n in LENGTHS {
            let (a, b) = (numbers(n), numbers(n + 1));
            let y = same_on_any_pool(|| {
                let mut y = vec![0.0; n];
                map_n(
                    [Operand::Full(&a), Operand::Full(&b[1..]), Operand::Scalar(3.0)],
                    &mut y,
                    |[a, b, c]| a * c - b,
                );
                y
            });
            for i in 0..n {
                assert_eq!(y[i], a[i] * 3.0 - b[i + 1], "element {i} of {n}");
            }
        }
    }

    #[test]
    fn rows_and_columns_are_repeated() {
        // Widths below and above a block, and a number of elements above a chunk.
        for (rows, width) in [
            (1, 1),
            (0, 5),
            (5, 0),
            (40_000, 1),
            (1, 40_000),
            (9, 17),
            (30_001, 3),
            (300, 784),
            (50, 3001),
        ] {
            let (x, row, column) = (numbers(rows * width), numbers(width), numbers(rows));
            let y = same_on_any_pool(|| {
                let mut y = vec![f32::NAN; rows * width];
                let operands = [Operand::Row(&row), Operand::Full(&x), Operand::Column(&column, width)];
                map_n(operands, &mut y, |[row, x, column]| row * x + column);
                y
            });
            // The vectors' products are rounded, as the scalars' are, before the sum is taken.
            for (i, &y) in y.iter().enumerate() {
                assert_eq!(
                    y,
                    row[i % width] * x[i] + column[i / width],
                    "element {i} of {rows} x {width}"
                );
            }
        }
    }

    #[test]
    fn channels_are_repeated() {
        for (samples, channels, width) in [(0, 3, 4), (2, 3, 1), (7, 3, 16), (40, 5, 700), (3, 1, 2000)] {
            let x = numbers(channels);
            let mut y = vec![f32::NAN; samples * channels * width];
            map_n([Operand::Channel(&x, width)], &mut y, |[x]| x);
            for (i, &y) in y.iter().enumerate() {
                assert_eq!(
                    y,
                    x[i / width % channels],
                    "element {i} of {samples} x {channels} x {width}"
                );
            }
        }
    }

    #[test]
    fn operands_of_different_periods() {
        let (row, column) = (numbers(6), numbers(5000));
        let mut y = vec![0.0; 15_000];
        zip(Operand::Row(&row), Operand::Column(&column, 3), &mut y, |a, b| a - b);
        for (i, y) in y.iter().enumerate() {
            assert_eq!(*y, row[i % 6] - column[i / 3]);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_neighbours() {
        let x = numbers(100_003);
        let whole = same_on_any_pool(|| exp_of(&x));
        for len in [1, 15, 16, 17, 1000] {
            for start in [0, 1, 77, 32_760, 99_003] {
                let part = exp_of(&x[start..start + len]);
                assert!(part == whole[start..start + len], "{len} from {start}");
            }
        }
    }

    #[test]
    fn double_precision_is_the_standard_library() {
        let x: Vec<f64> = numbers(1003).into_iter().map(f64::from).collect();
        assert_eq!(exp_of(&x), x.iter().map(|x| x.exp()).collect::<Vec<_>>());
    }

    #[test]
    fn maps_in_place() {
        for n in LENGTHS {
            let mut y = numbers(n);
            map_in_place(&mut y, Lanes::exp);
            assert!(y == exp_of(&numbers(n)), "{n} elements");
        }
    }

    #[test]
    fn sums_in_place() {
        for n in LENGTHS {
            let (x, before) = (numbers(n), numbers(n + 5));
            let y = same_on_any_pool(|| {
                let mut y = before[5..].to_vec();
                add_assign(&mut y, &x);
                y
            });
            assert!((0..n).all(|i| y[i] == before[i + 5] + x[i]));
        }
    }

    #[test]
    #[should_panic(expected = "another length")]
    fn a_wrong_length_is_refused() {
        add_assign(&mut [0.0; 3], &[1.0; 4]);
    }

    #[test]
    #[should_panic(expected = "rows of 4 do not make up 6")]
    fn a_wrong_row_is_refused() {
        zip(Operand::Scalar(1.0), Operand::Row(&[1.0; 4]), &mut [0.0; 6], |a, _| a);
    }

    #[test]
    #[should_panic(expected = "a column of 2 and a width of 4")]
    fn a_wrong_column_is_refused() {
        zip(
            Operand::Scalar(1.0),
            Operand::Column(&[1.0; 2], 4),
            &mut [0.0; 6],
            |a, _| a,
        );
    }
}
