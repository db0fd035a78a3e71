//! Softmax and what is computed with it, along the middle dimension of `[outer, size, inner]`.
//!
//! Each line of `size` numbers is walked through two or three times while it is in the cache: its maximum is found first, so that no exponential
//! overflows. Where `inner` is 1 a vector holds neighbours of one line, else one number each of neighbouring lines. A `Bundle` hides the difference.
//! Short lines are transposed first, so that they lie side by side: ten numbers would leave most of a vector empty. And long ones that are not whole vectors are
//! copied and filled up: loops that asked before each vector whether it is whole, and looked for one maximum after the other, took a fifth longer.

use super::parallel::{self, CHUNK};
use super::simd::{Float, Lanes};
use super::transpose::transpose;
use crate::storage::Storage;

/// Numbers in a piece of work: each costs an exponential, several times the work of a simple element.
const PIECE: usize = CHUNK / 4;

/// Vectors that are added up at least before their sum joins the others'.
const RUN: usize = 32;

/// Maxima that are looked for side by side: each comparison waits for the one before it.
const CHAINS: usize = 4;

/// Vectors that are reduced together: all of one line, or `lanes` lines side by side.
#[derive(Clone, Copy)]
struct Bundle {
    /// Where the first vector begins in the block, and from one to the next.
    first: usize,
    stride: usize,
    /// How many there are.
    vectors: usize,
    /// Numbers in each vector: all lanes, except where there are fewer lines side by side.
    lanes: usize,
    /// Whether each lane is a line of its own.
    side_by_side: bool,
}

impl Bundle {
    /// One line of neighbours, in whole vectors.
    fn line<L: Lanes>(size: usize) -> Self {
        debug_assert!(size.is_multiple_of(L::WIDTH));
        Bundle {
            first: 0,
            stride: L::WIDTH,
            vectors: size / L::WIDTH,
            lanes: L::WIDTH,
            side_by_side: false,
        }
    }

    /// Where the lines' results lie in a row of a number for each.
    fn results(self) -> std::ops::Range<usize> {
        match self.side_by_side {
            false => 0..1,
            true => self.first..self.first + self.lanes,
        }
    }

    #[inline(always)]
    fn load<L: Lanes>(self, x: &[L::Scalar], i: usize) -> L {
        let x = &x[self.first + i * self.stride..];
        match self.lanes == L::WIDTH {
            true => L::load(&x[..L::WIDTH]),
            false => L::load_padded(&x[..self.lanes], L::Scalar::ZERO),
        }
    }

    #[inline(always)]
    fn store<L: Lanes>(self, vector: L, y: &mut [L::Scalar], i: usize) {
        let y = &mut y[self.first + i * self.stride..];
        match self.lanes == L::WIDTH {
            true => vector.store(&mut y[..L::WIDTH]),
            false => vector.store_padded(&mut y[..self.lanes]),
        }
    }

    #[inline(always)]
    fn store_results<L: Lanes>(self, vector: L, y: &mut [L::Scalar]) {
        vector.store_padded(&mut y[self.results()]);
    }

    /// The numbers of the lines' results: one for all lanes of a line, or a lane for each line.
    #[inline(always)]
    fn load_results<L: Lanes>(self, x: &[L::Scalar]) -> L {
        match self.side_by_side {
            false => L::splat(x[0]),
            true => L::load_some(&x[self.results()], L::Scalar::ZERO),
        }
    }

    /// The largest number of each line, in each lane of that line.
    #[inline(always)]
    fn max<L: Lanes>(self, x: &[L::Scalar]) -> L {
        let mut chains = [L::splat(L::Scalar::NEG_INFINITY); CHAINS];
        let whole = self.vectors / CHAINS * CHAINS;
        for start in (0..whole).step_by(CHAINS) {
            for (j, max) in chains.iter_mut().enumerate() {
                *max = max.max(self.load(x, start + j));
            }
        }
        let mut max = chains[0].max(chains[1]).max(chains[2].max(chains[3]));
        for i in whole..self.vectors {
            max = max.max(self.load(x, i));
        }
        match self.side_by_side {
            false => L::splat(max.max_lane()),
            true => max,
        }
    }

    /// The sum over each line of what `term` gives for vector i, in each lane of that line.
    #[inline(always)]
    fn sum<L: Lanes>(self, mut term: impl FnMut(usize) -> L) -> L {
        // As many runs as there are vectors in one: rounding errors grow with the root of their number.
        let length = RUN.max(self.vectors.isqrt());
        let mut sum = L::zero();
        for start in (0..self.vectors).step_by(length) {
            let mut run = L::zero();
            for i in start..self.vectors.min(start + length) {
                run = run + term(i);
            }
            sum = sum + run;
        }
        match self.side_by_side {
            false => L::splat(sum.sum()),
            true => sum,
        }
    }

    /// y = term(i) for each vector i.
    #[inline(always)]
    fn map<L: Lanes>(self, y: &mut [L::Scalar], mut term: impl FnMut(&[L::Scalar], usize) -> L) {
        for i in 0..self.vectors {
            let vector = term(y, i);
            self.store(vector, y, i);
        }
    }

    /// y = e^(x - max). Returns the sums.
    #[inline(always)]
    fn exponentials<L: Lanes>(self, x: &[L::Scalar], max: L, y: &mut [L::Scalar]) -> L {
        self.sum(|i| {
            let e = (self.load::<L>(x, i) - max).exp_below_zero();
            self.store(e, y, i);
            e
        })
    }
}

/// What many vectors are divided by, and its reciprocal.
#[derive(Clone, Copy)]
struct Divisor<L> {
    by: L,
    reciprocal: L,
}

impl<L: Lanes> Divisor<L> {
    fn new(by: L) -> Self {
        let reciprocal = by.recip();
        Divisor { by, reciprocal }
    }

    /// x / by, correctly rounded where the processor multiplies and adds in one step and the quotient is above 2⁻¹⁰⁰ (P. Markstein, *Computation of
    /// elementary functions on the IBM RISC System/6000 processor*, 1990); for smaller ones the last digit may be another. These three steps take a tenth less
    /// time of a softmax of 1024 x 1024 than a division of each vector, which occupies a processor for 16 cycles.
    #[inline(always)]
    fn divide(self, x: L) -> L {
        let quotient = x * self.reciprocal;
        let rest = (-quotient).mul_add(self.by, x);
        rest.mul_add(self.reciprocal, quotient)
    }
}

/// Lines of so many numbers, or fewer, are transposed. At 10 numbers this takes a fifth of the time.
const SHORT: usize = 32;

/// Lines of `size` numbers side by side: number k of line i is at `k * lines + i`.
#[derive(Clone, Copy)]
struct Block {
    /// How many lines come before those of this block.
    first: usize,
    lines: usize,
    size: usize,
}

impl Block {
    /// Calls `f` with each bundle of the lines. Some lines may be in two bundles.
    fn for_each_bundle<L: Lanes>(self, mut f: impl FnMut(Bundle)) {
        let Block { lines, size, .. } = self;
        if lines == 1 && size > SHORT {
            return f(Bundle::line::<L>(size));
        }
        for first in (0..lines).step_by(L::WIDTH) {
            // The last bundle is a whole one, if there are lines enough: some are then computed twice, which gives the same and takes
            // less time than copying parts of vectors.
            f(Bundle {
                first: first.min(lines.saturating_sub(L::WIDTH)),
                stride: lines,
                vectors: size,
                lanes: L::WIDTH.min(lines),
                side_by_side: true,
            });
        }
    }
}

/// Calls `f` with each block, what the inputs hold of it, and its part of `y`, on several threads where there is enough to do. `y` has `size` numbers for
/// each line, or one.
///
/// Lines that lie by themselves and are not whole vectors are copied first, each followed by the input's `padding`: its numbers must change no result.
fn for_each_block<T: Float, const N: usize>(
    inputs: [&[T]; N],
    padding: [T; N],
    [outer, size, inner]: [usize; 3],
    y: &mut [T],
    f: impl Fn(Block, [&[T]; N], &mut [T]) + Sync,
) {
    for input in inputs {
        assert_eq!(
            input.len(),
            outer * size * inner,
            "an array is not [{outer}, {size}, {inner}]"
        );
    }
    if y.is_empty() {
        return;
    }
    let results = y.len() / (outer * inner);
    assert_eq!(
        y.len(),
        results * outer * inner,
        "y does not fit [{outer}, {size}, {inner}]"
    );
    let is_short = inner == 1 && size <= SHORT;
    let lines = if is_short { T::Lanes::WIDTH } else { inner };
    let padded = match inner == 1 && !is_short {
        true => size.next_multiple_of(T::Lanes::WIDTH),
        false => size,
    };
    let blocks = (PIECE / (size * lines).max(1)).max(1);
    parallel::for_each_chunk(y, blocks * lines * results, |start, y| {
        let firsts = (start / results..).step_by(lines);
        let parts = y.chunks_mut(lines * results);
        if lines == inner && padded == size {
            for (first, y) in firsts.zip(parts) {
                let inputs = inputs.map(|x| &x[first * size..][..lines * size]);
                f(Block { first, lines, size }, inputs, y);
            }
            return;
        }
        // These begin with lines of the caches: lines of 1,000 take 5 % less time for it.
        let room = |len| Storage::for_overwrite(len, T::DTYPE);
        let mut rooms = padding.map(|_| room(lines * padded));
        let mut room_of_y = room(lines * if results == size { padded } else { results });
        let mut scratch = rooms.each_mut().map(Storage::as_mut_slice);
        scratch
            .iter_mut()
            .zip(padding)
            .for_each(|(scratch, padding)| scratch.fill(padding));
        let scratch_y = room_of_y.as_mut_slice();
        for (first, y) in firsts.zip(parts) {
            let lines = y.len() / results;
            for (scratch, x) in scratch.iter_mut().zip(inputs) {
                match is_short {
                    true => transpose(&x[first * size..], size, [lines, size], scratch, lines),
                    false => scratch[..size].copy_from_slice(&x[first * size..][..size]),
                }
            }
            let inputs = scratch.each_ref().map(|scratch| &scratch[..lines * padded]);
            let size = padded;
            match is_short {
                true => {
                    let scratch_y = &mut scratch_y[..y.len()];
                    f(Block { first, lines, size }, inputs, scratch_y);
                    transpose(scratch_y, lines, [results, lines], y, results);
                }
                false => {
                    f(Block { first, lines, size }, inputs, scratch_y);
                    y.copy_from_slice(&scratch_y[..results]);
                }
            }
        }
    });
}

/// y = e^x / Σ e^x. Where all of a line is -∞ it is not a number.
pub fn softmax<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    for_each_block([x], [T::NEG_INFINITY], sizes, y, |block, [x], y| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let sum = Divisor::<T::Lanes>::new(bundle.exponentials(x, bundle.max(x), y));
            bundle.map(y, |y, i| sum.divide(bundle.load(y, i)));
        });
    });
}

/// y = e^x / Σ e^x as the slope of ln Σ e^x: 0 where e^x is 0 beside the largest, also if all of a line is -∞.
pub fn shares<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    let zero = T::Lanes::zero();
    for_each_block([x], [T::NEG_INFINITY], sizes, y, |block, [x], y| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let max: T::Lanes = bundle.max(x);
            let max = T::Lanes::select_eq(max, T::Lanes::splat(T::NEG_INFINITY), zero, max);
            let sum = Divisor::new(bundle.exponentials(x, max, y));
            bundle.map(y, |y, i| {
                let e = bundle.load::<T::Lanes>(y, i);
                T::Lanes::select_eq(e, zero, zero, sum.divide(e))
            });
        });
    });
}

/// y = ln Σ e^x: -∞ if all of a line is -∞, or there is nothing in it; ∞ if one number is.
pub fn logsumexp<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    let (zero, infinity) = (T::Lanes::zero(), T::Lanes::splat(-T::NEG_INFINITY));
    for_each_block([x], [T::NEG_INFINITY], sizes, y, |block, [x], y| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let largest: T::Lanes = bundle.max(x);
            // From an infinite maximum nothing can be taken off. With 0 in its place the sum is 0, as it should be, if the maximum is -∞.
            let max = T::Lanes::select_eq(largest.abs(), infinity, zero, largest);
            let sum = bundle.sum(|i| (bundle.load::<T::Lanes>(x, i) - max).exp_below_zero());
            bundle.store_results(T::Lanes::select_eq(largest, infinity, infinity, max + sum.ln()), y);
        });
    });
}

/// y = x - ln Σ e^x
pub fn log_softmax<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    for_each_block([x], [T::NEG_INFINITY], sizes, y, |block, [x], y| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let max: T::Lanes = bundle.max(x);
            let ln_sum = bundle.exponentials(x, max, y).ln();
            bundle.map(y, |_, i| (bundle.load::<T::Lanes>(x, i) - max) - ln_sum);
        });
    });
}

/// gx = y (gy - Σ gy y), from the softmax y.
pub fn softmax_slope<T: Float>(y: &[T], gy: &[T], sizes: [usize; 3], gx: &mut [T]) {
    for_each_block([y, gy], [T::ZERO; 2], sizes, gx, |block, [y, gy], gx| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let load = |x, i| bundle.load::<T::Lanes>(x, i);
            let dot = bundle.sum(|i| load(gy, i) * load(y, i));
            bundle.map(gx, |_, i| load(y, i) * (load(gy, i) - dot));
        });
    });
}

/// gx = gy - e^y Σ gy, from the logarithm y of the softmax.
pub fn log_softmax_slope<T: Float>(y: &[T], gy: &[T], sizes: [usize; 3], gx: &mut [T]) {
    for_each_block([y, gy], [T::ZERO; 2], sizes, gx, |block, [y, gy], gx| {
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let load = |x, i| bundle.load::<T::Lanes>(x, i);
            let total = bundle.sum(|i| load(gy, i));
            bundle.map(gx, |_, i| load(gy, i) - load(y, i).exp() * total);
        });
    });
}

/// A line may be followed by padding, in which no target is to be looked for.
fn check_targets(targets: &[u32], [_, size, _]: [usize; 3]) {
    assert!(
        targets.iter().all(|&target| (target as usize) < size),
        "a target is none of {size} classes"
    );
}

/// y = ln Σ e^x - x_t, where `targets` (of y's size) has the t of each line.
pub fn cross_entropy<T: Float>(x: &[T], targets: &[u32], sizes: [usize; 3], y: &mut [T]) {
    assert_eq!(targets.len(), y.len(), "a target for each loss");
    check_targets(targets, sizes);
    for_each_block([x], [T::NEG_INFINITY], sizes, y, |block, [x], y| {
        let targets = &targets[block.first..][..block.lines];
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let max: T::Lanes = bundle.max(x);
            let sum = bundle.sum(|i| (bundle.load::<T::Lanes>(x, i) - max).exp_below_zero());
            let (max, ln_sum) = (max.to_array(), sum.ln().to_array());
            for (lane, line) in bundle.results().enumerate() {
                let target = x[targets[line] as usize * block.lines + line];
                y[line] = ln_sum.as_ref()[lane] - (target - max.as_ref()[lane]);
            }
        });
    });
}

/// gx = gy (softmax(x) - [the class is the target])
pub fn cross_entropy_slope<T: Float>(x: &[T], targets: &[u32], gy: &[T], sizes: [usize; 3], gx: &mut [T]) {
    assert_eq!(targets.len(), gy.len(), "a target for each loss");
    check_targets(targets, sizes);
    for_each_block([x], [T::NEG_INFINITY], sizes, gx, |block, [x], gx| {
        let (targets, gy) = (
            &targets[block.first..][..block.lines],
            &gy[block.first..][..block.lines],
        );
        block.for_each_bundle::<T::Lanes>(|bundle| {
            let sum: T::Lanes = bundle.exponentials(x, bundle.max(x), gx);
            let scale = bundle.load_results::<T::Lanes>(gy) / sum;
            bundle.map(gx, |gx, i| bundle.load::<T::Lanes>(gx, i) * scale);
        });
        for (line, (&target, &gy)) in targets.iter().zip(gy).enumerate() {
            let gx = &mut gx[target as usize * block.lines + line];
            *gx = *gx - gy;
        }
    });
}

#[cfg(test)]
mod tests;
