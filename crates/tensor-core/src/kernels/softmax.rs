//! Softmax and what is computed with it, along the middle dimension of `[outer, size, inner]`.
//!
//! Each line of `size` numbers is walked through two or three times while it is in the cache: its maximum is found first, so that no exponential
//! overflows. Where `inner` is 1 a vector holds neighbours of one line, else one number each of neighbouring lines. A [`Bundle`] hides the difference.
//! Short lines are transposed first, so that they lie side by side: ten numbers would leave most of a vector empty.

use super::parallel::{self, CHUNK};
use super::simd::{Float, Lanes};
use super::transpose::transpose;

/// Numbers in a piece of work: each costs an exponential, several times the work of a simple element.
const PIECE: usize = CHUNK / 4;

/// Vectors that are added up at least before their sum joins the others'.
const RUN: usize = 32;

/// Vectors that are reduced together: all of one line, or `lanes` lines side by side.
#[derive(Clone, Copy)]
enum Bundle {
    /// One line of `len` neighbours.
    Line { len: usize },
    /// Lines `first..first + lanes` of `inner` side by side: vector i has number i of each.
    Lines {
        first: usize,
        lanes: usize,
        inner: usize,
        len: usize,
    },
}

impl Bundle {
    /// The number of vectors.
    #[inline(always)]
    fn vectors<L: Lanes>(self) -> usize {
        match self {
            Bundle::Line { len } => len.div_ceil(L::WIDTH),
            Bundle::Lines { len, .. } => len,
        }
    }

    /// Where vector `i` lies in the block.
    #[inline(always)]
    fn place<L: Lanes>(self, i: usize) -> std::ops::Range<usize> {
        match self {
            Bundle::Line { len } => i * L::WIDTH..len.min((i + 1) * L::WIDTH),
            Bundle::Lines {
                first, lanes, inner, ..
            } => i * inner + first..i * inner + first + lanes,
        }
    }

    /// Where the lines' results lie in a row of `inner` numbers.
    fn results(self) -> std::ops::Range<usize> {
        match self {
            Bundle::Line { .. } => 0..1,
            Bundle::Lines { first, lanes, .. } => first..first + lanes,
        }
    }

    #[inline(always)]
    fn load<L: Lanes>(self, x: &[L::Scalar], i: usize, padding: L::Scalar) -> L {
        let place = self.place::<L>(i);
        if place.len() == L::WIDTH {
            return L::load(&x[place]);
        }
        L::load_first(&x[place.start..], place.len()).keep_first(place.len(), padding)
    }

    #[inline(always)]
    fn store<L: Lanes>(self, vector: L, y: &mut [L::Scalar], i: usize) {
        match &mut y[self.place::<L>(i)] {
            whole if whole.len() == L::WIDTH => vector.store(whole),
            part => vector.store_padded(part),
        }
    }

    #[inline(always)]
    fn store_results<L: Lanes>(self, vector: L, y: &mut [L::Scalar]) {
        vector.store_padded(&mut y[self.results()]);
    }

    /// The numbers of the lines' results: one for all lanes of a line, or a lane for each line.
    #[inline(always)]
    fn load_results<L: Lanes>(self, x: &[L::Scalar]) -> L {
        match self {
            Bundle::Line { .. } => L::splat(x[0]),
            Bundle::Lines { .. } => L::load_some(&x[self.results()], L::Scalar::ZERO),
        }
    }

    /// The largest number of each line, in each lane of that line.
    #[inline(always)]
    fn max<L: Lanes>(self, x: &[L::Scalar]) -> L {
        let lowest = L::Scalar::NEG_INFINITY;
        let max = (0..self.vectors::<L>()).fold(L::splat(lowest), |max, i| max.max(self.load(x, i, lowest)));
        match self {
            Bundle::Line { .. } => L::splat(max.max_lane()),
            Bundle::Lines { .. } => max,
        }
    }

    /// The sum over each line of what `term` gives for vector i, in each lane of that line.
    #[inline(always)]
    fn sum<L: Lanes>(self, mut term: impl FnMut(usize) -> L) -> L {
        let vectors = self.vectors::<L>();
        // As many runs as there are vectors in one: rounding errors grow with the root of their number.
        let length = RUN.max(vectors.isqrt());
        let mut sum = L::zero();
        for start in (0..vectors).step_by(length) {
            sum = sum + (start..vectors.min(start + length)).fold(L::zero(), |run, i| run + term(i));
        }
        match self {
            Bundle::Line { .. } => L::splat(sum.sum()),
            Bundle::Lines { .. } => sum,
        }
    }

    /// y = term(i) for each vector i.
    #[inline(always)]
    fn map<L: Lanes>(self, y: &mut [L::Scalar], mut term: impl FnMut(&[L::Scalar], usize) -> L) {
        for i in 0..self.vectors::<L>() {
            let vector = term(y, i);
            self.store(vector, y, i);
        }
    }

    /// y = e^(x - max). Returns the sums.
    #[inline(always)]
    fn exponentials<L: Lanes>(self, x: &[L::Scalar], max: L, y: &mut [L::Scalar]) -> L {
        self.sum(|i| {
            // Lanes beyond the end hold e^-∞ = 0.
            let e = (self.load::<L>(x, i, L::Scalar::NEG_INFINITY) - max).exp_below_zero();
            self.store(e, y, i);
            e
        })
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
    /// Calls `f` with each bundle of the lines, of at most `width` lines. Some lines may be in two bundles.
    fn for_each_bundle(self, width: usize, mut f: impl FnMut(Bundle)) {
        let Block { lines, size, .. } = self;
        if lines == 1 && size > SHORT {
            return f(Bundle::Line { len: size });
        }
        for first in (0..lines).step_by(width) {
            // The last bundle is a whole one, if there are lines enough: some are then computed twice, which gives the same and takes
            // less time than copying parts of vectors.
            f(Bundle::Lines {
                first: first.min(lines.saturating_sub(width)),
                lanes: width.min(lines),
                inner: lines,
                len: size,
            });
        }
    }
}

/// Calls `f` with each block, what the inputs hold of it, and its part of `y`, on several threads where there is enough to do. `y` has `size` numbers for
/// each line, or one.
fn for_each_block<T: Float, const N: usize>(
    inputs: [&[T]; N],
    [outer, size, inner]: [usize; 3],
    y: &mut [T],
    f: impl Fn(Block, [&[T]; N], &mut [T]) + Sync + Send,
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
    let lines = if inner == 1 && size <= SHORT {
        T::Lanes::WIDTH
    } else {
        inner
    };
    let blocks = (PIECE / (size * lines).max(1)).max(1);
    parallel::for_each_chunk(y, blocks * lines * results, |start, y| {
        let firsts = (start / results..).step_by(lines);
        let parts = y.chunks_mut(lines * results);
        if lines == inner {
            for (first, y) in firsts.zip(parts) {
                let inputs = inputs.map(|x| &x[first * size..][..lines * size]);
                f(Block { first, lines, size }, inputs, y);
            }
            return;
        }
        let mut scratch = inputs.map(|_| vec![T::ZERO; lines * size]);
        let mut scratch_y = vec![T::ZERO; lines * results];
        for (first, y) in firsts.zip(parts) {
            let lines = y.len() / results;
            for (scratch, x) in scratch.iter_mut().zip(inputs) {
                transpose(&x[first * size..], size, [lines, size], scratch, lines);
            }
            let scratch_y = &mut scratch_y[..y.len()];
            let inputs = scratch.each_ref().map(|scratch| &scratch[..lines * size]);
            f(Block { first, lines, size }, inputs, scratch_y);
            transpose(scratch_y, lines, [results, lines], y, results);
        }
    });
}

/// y = e^x / Σ e^x. Where all of a line is -∞ it is not a number.
pub fn softmax<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    for_each_block([x], sizes, y, |block, [x], y| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let sum: T::Lanes = bundle.exponentials(x, bundle.max(x), y);
            bundle.map(y, |y, i| bundle.load::<T::Lanes>(y, i, T::ZERO) / sum);
        });
    });
}

/// y = e^x / Σ e^x as the slope of ln Σ e^x: 0 where e^x is 0 beside the largest, also if all of a line is -∞.
pub fn shares<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    let zero = T::Lanes::zero();
    for_each_block([x], sizes, y, |block, [x], y| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let max: T::Lanes = bundle.max(x);
            let max = T::Lanes::select_eq(max, T::Lanes::splat(T::NEG_INFINITY), zero, max);
            let sum = bundle.exponentials(x, max, y);
            bundle.map(y, |y, i| {
                let e = bundle.load::<T::Lanes>(y, i, T::ZERO);
                T::Lanes::select_eq(e, zero, zero, e / sum)
            });
        });
    });
}

/// y = ln Σ e^x: -∞ if all of a line is -∞, or there is nothing in it; ∞ if one number is.
pub fn logsumexp<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    let (zero, infinity) = (T::Lanes::zero(), T::Lanes::splat(-T::NEG_INFINITY));
    for_each_block([x], sizes, y, |block, [x], y| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let largest: T::Lanes = bundle.max(x);
            // From an infinite maximum nothing can be taken off. With 0 in its place the sum is 0, as it should be, if the maximum is -∞.
            let max = T::Lanes::select_eq(largest.abs(), infinity, zero, largest);
            let sum = bundle.sum(|i| (bundle.load::<T::Lanes>(x, i, T::NEG_INFINITY) - max).exp_below_zero());
            bundle.store_results(T::Lanes::select_eq(largest, infinity, infinity, max + sum.ln()), y);
        });
    });
}

/// y = x - ln Σ e^x
pub fn log_softmax<T: Float>(x: &[T], sizes: [usize; 3], y: &mut [T]) {
    for_each_block([x], sizes, y, |block, [x], y| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let max: T::Lanes = bundle.max(x);
            let ln_sum = bundle.exponentials(x, max, y).ln();
            bundle.map(y, |_, i| (bundle.load::<T::Lanes>(x, i, T::ZERO) - max) - ln_sum);
        });
    });
}

/// gx = y (gy - Σ gy y), from the softmax y.
pub fn softmax_slope<T: Float>(y: &[T], gy: &[T], sizes: [usize; 3], gx: &mut [T]) {
    for_each_block([y, gy], sizes, gx, |block, [y, gy], gx| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let load = |x, i| bundle.load::<T::Lanes>(x, i, T::ZERO);
            let dot = bundle.sum(|i| load(gy, i) * load(y, i));
            bundle.map(gx, |_, i| load(y, i) * (load(gy, i) - dot));
        });
    });
}

/// gx = gy - e^y Σ gy, from the logarithm y of the softmax.
pub fn log_softmax_slope<T: Float>(y: &[T], gy: &[T], sizes: [usize; 3], gx: &mut [T]) {
    for_each_block([y, gy], sizes, gx, |block, [y, gy], gx| {
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let load = |x, i| bundle.load::<T::Lanes>(x, i, T::ZERO);
            let total = bundle.sum(|i| load(gy, i));
            bundle.map(gx, |_, i| load(gy, i) - load(y, i).exp() * total);
        });
    });
}

/// y = ln Σ e^x - x_t, where `targets` (of y's size) has the t of each line.
pub fn cross_entropy<T: Float>(x: &[T], targets: &[u32], sizes: [usize; 3], y: &mut [T]) {
    assert_eq!(targets.len(), y.len(), "a target for each loss");
    for_each_block([x], sizes, y, |block, [x], y| {
        let targets = &targets[block.first..][..block.lines];
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let max: T::Lanes = bundle.max(x);
            let sum = bundle.sum(|i| (bundle.load::<T::Lanes>(x, i, T::NEG_INFINITY) - max).exp_below_zero());
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
    for_each_block([x], sizes, gx, |block, [x], gx| {
        let (targets, gy) = (
            &targets[block.first..][..block.lines],
            &gy[block.first..][..block.lines],
        );
        block.for_each_bundle(T::Lanes::WIDTH, |bundle| {
            let sum: T::Lanes = bundle.exponentials(x, bundle.max(x), gx);
            let scale = bundle.load_results::<T::Lanes>(gy) / sum;
            bundle.map(gx, |gx, i| bundle.load::<T::Lanes>(gx, i, T::ZERO) * scale);
        });
        for (line, (&target, &gy)) in targets.iter().zip(gy).enumerate() {
            let gx = &mut gx[target as usize * block.lines + line];
            *gx = *gx - gy;
        }
    });
}

#[cfg(test)]
mod tests;
