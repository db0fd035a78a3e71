//! Windows over planes: the place of the largest number, the sum, and the way back from each.
//!
//! The input is planes `[planes, H, W]`; the output, or what is spread, is `[planes, H', W']`, where H' and W' are the positions of the window. A
//! plane is computed by one thread.

use super::parallel::{self, CHUNK};
use super::simd::Float;
use super::window::{Axis, positions_inside};
use std::ops::Range;

/// The sizes of a plane of the input and of one of the output.
fn planes(axes: &[Axis; 2]) -> [usize; 2] {
    let [rows, columns] = axes;
    [rows.input * columns.input, rows.output * columns.output]
}

/// Plane `i` of x.
fn plane<T>(x: &[T], len: usize, i: usize) -> &[T] {
    &x[i * len..(i + 1) * len]
}

/// Calls `f` with the number of each plane of `y` and the plane itself. `other` is the size of the planes on the other side.
fn for_each_plane<T: Send>(y: &mut [T], len: usize, other: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    for_several_planes(y, len, other, |first, y| {
        for (i, y) in y.chunks_exact_mut(len).enumerate() {
            f(first + i, y);
        }
    });
}

/// Calls `f` with as many planes of `y` as one thread takes at once, and the number of the first of them.
fn for_several_planes<T: Send>(y: &mut [T], len: usize, other: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if y.is_empty() {
        return;
    }
    let several = (CHUNK / len.max(other)).max(1);
    parallel::for_each_chunk(y, several * len, |start, y| f(start / len, y));
}

/// Where each window's largest number is: its index in the plane. Padding is smaller than every number, and of equal numbers the first is taken. NaN
/// counts as larger than every number, and the last one is taken: all as in PyTorch. Each window must see a number.
///
/// Windows of a line are compared together if there are enough of them, and close enough for vectors. Beside one window after the other, with 14
/// windows of 2 in a line that takes half of the time, and with 28 of 3 and stride 1 a quarter; but a single window of 28 takes ten times as long
/// that way, and 4 of 7 with stride 7 three times.
pub fn max_indices<T: Float>(axes: [Axis; 2], x: &[T], indices: &mut [u32]) {
    let [_, columns] = axes;
    if columns.output >= 10 && columns.stride <= 3 {
        max_indices_by_lines(axes, x, indices);
    } else {
        max_indices_by_windows(axes, x, indices);
    }
}

fn max_indices_by_windows<T: Float>(axes: [Axis; 2], x: &[T], indices: &mut [u32]) {
    let ([rows, columns], [input, output]) = (axes, planes(&axes));
    for_each_plane(indices, output, input, |i, indices| {
        let x = plane(x, input, i);
        for (u, indices) in indices.chunks_exact_mut(columns.output).enumerate() {
            for (v, index) in indices.iter_mut().enumerate() {
                *index = max_index(x, columns.input, rows.places(u), columns.places(v));
            }
        }
    });
}

/// Where the largest number of these rows and columns is, in a plane of this width.
fn max_index<T: Float>(x: &[T], width: usize, rows: Range<usize>, columns: Range<usize>) -> u32 {
    let mut index = (rows.start * width + columns.start) as u32;
    let mut largest = x[index as usize];
    for row in rows {
        let first = row * width + columns.start;
        for (place, &number) in (first as u32..).zip(&x[first..][..columns.len()]) {
            // A jump that is nearly always foreseen: without it each comparison waits for the one before, which takes up to seven times as long.
            if number <= largest {
                continue;
            }
            (largest, index) = larger(number, place, largest, index);
        }
    }
    index
}

fn max_indices_by_lines<T: Float>(axes: [Axis; 2], x: &[T], indices: &mut [u32]) {
    let ([rows, columns], [input, output]) = (axes, planes(&axes));
    let firsts: Vec<u32> = (0..columns.output).map(|v| columns.places(v).start as u32).collect();
    let taps: Vec<Tap> = (0..columns.kernel).filter_map(|tap| Tap::new(columns, tap)).collect();
    for_several_planes(indices, output, input, |first_plane, indices| {
        let mut largest = vec![T::ZERO; columns.output];
        for (line, indices) in indices.chunks_exact_mut(columns.output).enumerate() {
            let x = plane(x, input, first_plane + line / rows.output);
            let rows = rows.places(line % rows.output);
            largest.fill(T::NEG_INFINITY);
            let first_row = (rows.start * columns.input) as u32;
            indices
                .iter_mut()
                .zip(&firsts)
                .for_each(|(index, first)| *index = first_row + first);
            for row in rows {
                let line = plane(x, columns.input, row);
                for tap in &taps {
                    tap.compare(line, row * columns.input, columns.stride, &mut largest, indices);
                }
            }
        }
    });
}

/// What one tap of the windows along a line sees: number `place + v · stride` of the line in window `windows.start + v`.
struct Tap {
    windows: Range<usize>,
    place: usize,
}

impl Tap {
    /// Nothing if the tap sees nothing but padding.
    fn new(axis: Axis, tap: usize) -> Option<Tap> {
        let offset = tap as isize - axis.padding as isize;
        let windows = positions_inside(axis.output, axis.stride, offset, axis.input);
        let place = (windows.start * axis.stride).checked_add_signed(offset)?;
        (!windows.is_empty()).then_some(Tap { windows, place })
    }

    /// Compares what the tap sees with the largest number of each window so far. `first` is the index of the line's first number. The compiler
    /// knows the stride, so it makes vectors of the windows.
    fn compare<T: Float>(&self, line: &[T], first: usize, stride: usize, largest: &mut [T], indices: &mut [u32]) {
        let line = &line[self.place..];
        let windows = Windows {
            first: (first + self.place) as u32,
            largest: &mut largest[self.windows.clone()],
            indices: &mut indices[self.windows.clone()],
        };
        match stride {
            1 => windows.compare(line),
            2 => windows.compare_every::<2>(line),
            3 => windows.compare_every::<3>(line),
            _ => unreachable!("windows further apart are compared one after the other"),
        }
    }
}

/// Neighbouring windows, and the index of what the first of them sees.
struct Windows<'a, T> {
    first: u32,
    largest: &'a mut [T],
    indices: &'a mut [u32],
}

impl<T: Float> Windows<'_, T> {
    #[inline(always)]
    fn compare(self, line: &[T]) {
        let windows = self.largest.iter_mut().zip(self.indices);
        for (v, ((largest, index), &number)) in windows.zip(line).enumerate() {
            (*largest, *index) = larger(number, self.first + v as u32, *largest, *index);
        }
    }

    /// Each window sees the first number of a chunk; the last chunk may be short.
    fn compare_every<const STRIDE: usize>(self, line: &[T]) {
        let (chunks, rest) = line.as_chunks::<STRIDE>();
        let whole = chunks.len().min(self.largest.len());
        let (largest, last) = self.largest.split_at_mut(whole);
        let (indices, last_index) = self.indices.split_at_mut(whole);
        for (v, ((chunk, largest), index)) in chunks.iter().zip(largest).zip(indices).enumerate() {
            (*largest, *index) = larger(chunk[0], self.first + (v * STRIDE) as u32, *largest, *index);
        }
        let last = Windows {
            first: self.first + (whole * STRIDE) as u32,
            largest: last,
            indices: last_index,
        };
        last.compare(rest); // one window at most
    }
}

/// The larger of two numbers, with its index: the second if they are equal, the first if it is not a number.
#[inline(always)]
#[expect(clippy::eq_op, reason = "only NaN differs from itself")]
fn larger<T: Float>(number: T, place: u32, largest: T, index: u32) -> (T, u32) {
    // Not `||`, which would be a jump.
    if (number > largest) | (number != number) {
        (number, place)
    } else {
        (largest, index)
    }
}

/// y = factor · Σ x over each window
pub fn sum_windows<T: Float>(axes: [Axis; 2], factor: T, x: &[T], y: &mut [T]) {
    let ([rows, columns], [input, output]) = (axes, planes(&axes));
    for_each_plane(y, output, input, |i, y| {
        let x = plane(x, input, i);
        for (u, y) in y.chunks_exact_mut(columns.output).enumerate() {
            y.fill(T::ZERO);
            for row in rows.places(u) {
                let x = plane(x, columns.input, row);
                for (v, y) in y.iter_mut().enumerate() {
                    *y = x[columns.places(v)].iter().fold(*y, |sum, &x| sum + x);
                }
            }
            y.iter_mut().for_each(|y| *y = *y * factor);
        }
    });
}

/// The transpose of [`sum_windows`]: each number of y, times the factor, is added to all places of x that its window sees.
pub fn spread_windows<T: Float>(axes: [Axis; 2], factor: T, y: &[T], x: &mut [T]) {
    let ([rows, columns], [input, output]) = (axes, planes(&axes));
    for_each_plane(x, input, output, |i, x| {
        x.fill(T::ZERO);
        for u in 0..rows.output {
            let y = plane(plane(y, output, i), columns.output, u);
            for x in x
                .chunks_exact_mut(columns.input)
                .skip(rows.places(u).start)
                .take(rows.places(u).len())
            {
                for (v, &y) in y.iter().enumerate() {
                    let added = factor * y;
                    x[columns.places(v)].iter_mut().for_each(|x| *x = *x + added);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::parallel::testing::same_on_any_pool;
    use super::*;
    use proptest::prelude::*;

    fn axis((input, kernel, stride, padding): (usize, usize, usize, usize)) -> Axis {
        let padding = padding.min(kernel / 2);
        let input = input.max(kernel - 2 * padding);
        let output = (input + 2 * padding - kernel) / stride + 1;
        Axis {
            input,
            output,
            kernel,
            stride,
            padding,
            ..Axis::ABSENT
        }
    }

    /// The places of a plane that the window at output `p` sees, by the definition.
    fn seen(axes: [Axis; 2], p: usize) -> Vec<usize> {
        let [rows, columns] = axes;
        let place = |axis: Axis, u: usize, i: usize| {
            (u * axis.stride + i)
                .checked_sub(axis.padding)
                .filter(|&place| place < axis.input)
        };
        let (u, v) = (p / columns.output, p % columns.output);
        (0..rows.kernel * columns.kernel)
            .filter_map(|k| {
                let h = place(rows, u, k / columns.kernel)?;
                Some(h * columns.input + place(columns, v, k % columns.kernel)?)
            })
            .collect()
    }

    fn check(count: usize, axes: [Axis; 2]) {
        let [input, output] = planes(&axes);
        // Small whole numbers: sums are exact, and some numbers are equal.
        let x: Vec<f64> = (0..count * input).map(|i| (i * 7919 % 23) as f64 - 11.0).collect();
        let with_nan = |every: usize| -> Vec<f64> {
            let number = |(i, &x)| if i % every == 3 { f64::NAN } else { x };
            x.iter().enumerate().map(number).collect()
        };
        let y: Vec<f64> = (0..count * output).map(|i| (i * 31 % 17) as f64 - 8.0).collect();
        let run = |len: usize, f: &(dyn Fn(&mut [f64]) + Sync)| {
            same_on_any_pool(|| {
                let mut out = vec![1e9; len];
                f(&mut out);
                out
            })
        };
        let sums = run(y.len(), &|y| sum_windows(axes, 0.5, &x, y));
        let spread = run(x.len(), &|x| spread_windows(axes, 0.5, &y, x));
        let mut want_spread = vec![0.0; x.len()];
        for at in 0..y.len() {
            let (plane, places) = (at / output * input, seen(axes, at % output));
            assert_eq!(sums[at], 0.5 * places.iter().map(|place| x[plane + place]).sum::<f64>());
            places
                .iter()
                .for_each(|place| want_spread[plane + place] += 0.5 * y[at]);
        }
        assert_eq!(spread, want_spread);
        for x in [with_nan(7), with_nan(97), x] {
            check_max(count, axes, &x);
        }
    }

    fn check_max(count: usize, axes: [Axis; 2], x: &[f64]) {
        let [input, output] = planes(&axes);
        let indices = same_on_any_pool(|| {
            let mut indices = vec![u32::MAX; count * output];
            max_indices(axes, x, &mut indices);
            indices
        });
        for (at, &index) in indices.iter().enumerate() {
            let x = &x[at / output * input..];
            let largest = seen(axes, at % output)
                .into_iter()
                .reduce(|a, b| if x[b] > x[a] || x[b].is_nan() { b } else { a });
            assert_eq!(Some(index as usize), largest);
        }
    }

    proptest! {
        #[test]
        fn any_windows(
            count in 0usize..4,
            rows in (1usize..9, 1usize..5, 1usize..5, 0usize..3),
            columns in (1usize..9, 1usize..5, 1usize..5, 0usize..3),
        ) {
            check(count, [axis(rows), axis(columns)]);
        }

        #[test]
        fn large_windows_and_long_lines(
            rows in (1usize..20, 1usize..20, 1usize..8, 0usize..10),
            columns in (1usize..60, 1usize..20, 1usize..8, 0usize..10),
        ) {
            check(2, [axis(rows), axis(columns)]);
        }
    }

    #[test]
    fn enough_planes_for_several_threads() {
        check(90, [axis((64, 3, 2, 1)), axis((48, 2, 1, 0))]);
    }

    #[test]
    fn not_a_number_wins() {
        let line = |width| {
            [
                Axis::ABSENT,
                Axis {
                    input: width,
                    output: 1,
                    kernel: width,
                    ..Axis::ABSENT
                },
            ]
        };
        let index = |x: &[f32]| {
            let mut index = [9];
            max_indices(line(x.len()), x, &mut index);
            index[0]
        };
        assert_eq!(index(&[1.0, f32::NAN, f32::INFINITY, f32::NAN, 2.0]), 3);
        assert_eq!(index(&[f32::NEG_INFINITY, f32::NEG_INFINITY]), 0);
    }
}
