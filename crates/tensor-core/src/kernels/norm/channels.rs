//! Channels of x [samples, channels, inner], each normalised over all samples.

use super::{add, corrected, inverse_deviation, sums};
use crate::kernels::elementwise::{Operand, map_n};
use crate::kernels::parallel::{self, CHUNK};
use crate::kernels::simd::{Float, Lanes};
use std::ops::Range;

/// Mean and variance of each channel.
pub fn moments<T: Float>(x: &[T], sizes: [usize; 3], mean: &mut [T], variance: &mut [T]) {
    let [samples, channels, inner] = sizes;
    let n = T::from_f64((samples * inner) as f64);
    let zeros = vec![T::ZERO; channels];
    // The second sum of this pass is not used: `variance` is only lent as its place.
    channel_sums([x], sizes, &zeros, |[x], _| [x, T::Lanes::zero()], mean, variance);
    mean.iter_mut().for_each(|mean| *mean = *mean / n);
    let (mut distances, mut squares) = (vec![T::ZERO; channels], vec![T::ZERO; channels]);
    let term = |[x]: [T::Lanes; 1], mean| {
        let distance = x - mean;
        [distance, distance * distance]
    };
    channel_sums([x], sizes, mean, term, &mut distances, &mut squares);
    for c in 0..channels {
        (mean[c], variance[c]) = corrected(mean[c], distances[c], squares[c], n);
    }
}

/// y = (x - mean) · w / √(var + eps) + b, with one number a channel of all but x.
#[expect(clippy::too_many_arguments, reason = "the formula has six letters")]
pub fn normalise<T: Float>(
    x: &[T],
    [_, _, inner]: [usize; 3],
    mean: &[T],
    variance: &[T],
    eps: f64,
    weight: &[T],
    bias: &[T],
    y: &mut [T],
) {
    let value = |x: T::Lanes, [mean, scale, bias]: [T::Lanes; 3]| (x - mean) * scale + bias;
    let scaled = weight.iter().zip(variance);
    let scale: Vec<T> = scaled
        .map(|(&w, &variance)| w * inverse_deviation(variance, eps))
        .collect();
    let numbers = [mean, &scale, bias];
    if has_vectors::<T>(inner) {
        return map_planes([x], inner, numbers, y, |[x], of_channel| value(x, of_channel));
    }
    let [mean, scale, bias] = numbers.map(|values| by_channel(values, inner));
    map_n([Operand::Full(x), mean, scale, bias], y, |[x, mean, scale, bias]| {
        value(x, [mean, scale, bias])
    });
}

/// The gradients of [`normalise`] where mean and variance are those of x: gx from gy, and those of the weights and the biases.
///
/// With s = 1 / √(var + eps) and d = x - mean: gw = Σ gy d s, gb = Σ gy, gx = w s (gy - gb / n - d s gw / n).
#[expect(clippy::too_many_arguments, reason = "the gradient of three inputs, from six")]
pub fn backward<T: Float>(
    gy: &[T],
    x: &[T],
    sizes: [usize; 3],
    mean: &[T],
    variance: &[T],
    eps: f64,
    weight: &[T],
    (gx, gw, gb): (&mut [T], &mut [T], &mut [T]),
) {
    let [samples, channels, inner] = sizes;
    if x.is_empty() {
        gw.fill(T::ZERO);
        return gb.fill(T::ZERO);
    }
    channel_sums([gy, x], sizes, mean, |[gy, x], mean| [gy, gy * (x - mean)], gb, gw);
    let n = T::from_f64((samples * inner) as f64);
    let [mut outer, mut shift, mut slope] = [(); 3].map(|()| vec![T::ZERO; channels]);
    for c in 0..channels {
        let scale = inverse_deviation(variance[c], eps);
        gw[c] = gw[c] * scale;
        (outer[c], shift[c], slope[c]) = (weight[c] * scale, gb[c] / n, scale * gw[c] / n);
    }
    let value =
        |[gy, x]: [T::Lanes; 2], [mean, outer, shift, slope]: [T::Lanes; 4]| (gy - shift - (x - mean) * slope) * outer;
    let numbers = [mean, &outer, &shift, &slope];
    if has_vectors::<T>(inner) {
        return map_planes([gy, x], inner, numbers, gx, value);
    }
    let [mean, outer, shift, slope] = numbers.map(|values| by_channel(values, inner));
    let operands = [Operand::Full(gy), Operand::Full(x), mean, outer, shift, slope];
    map_n(operands, gx, |[gy, x, mean, outer, shift, slope]| {
        value([gy, x], [mean, outer, shift, slope])
    });
}

/// Whether the numbers of a channel that lie side by side fill vectors, and are not too many for one piece of work.
fn has_vectors<T: Float>(inner: usize) -> bool {
    (T::Lanes::WIDTH..=CHUNK).contains(&inner)
}

/// y = f(x, numbers of the channel), vector by vector: spreading the numbers out first, as `map_n` does, takes longer than the rest.
fn map_planes<T: Float, const N: usize, const M: usize>(
    x: [&[T]; N],
    inner: usize,
    numbers: [&[T]; M],
    y: &mut [T],
    f: impl Fn([T::Lanes; N], [T::Lanes; M]) -> T::Lanes + Sync,
) {
    let channels = numbers[0].len();
    let width = T::Lanes::WIDTH;
    x.iter()
        .for_each(|x| assert_eq!(x.len(), y.len(), "x and y differ in length"));
    assert!(
        numbers.iter().all(|values| values.len() == channels) && y.len().is_multiple_of(inner * channels.max(1)),
        "planes of {inner} do not belong to {:?} channels",
        numbers.map(<[T]>::len)
    );
    parallel::for_each_chunk(y, CHUNK / inner * inner, |start, y| {
        for (plane, y) in (start / inner..).zip(y.chunks_exact_mut(inner)) {
            let of_channel = numbers.map(|values| T::Lanes::splat(values[plane % channels]));
            let x = x.map(|x| &x[plane * inner..][..inner]);
            for at in (0..inner).step_by(width) {
                // The last vector begins earlier instead of being shorter: some numbers are computed twice.
                let place = at.min(inner - width)..at.min(inner - width) + width;
                let x = x.map(|x| T::Lanes::load(&x[place.clone()]));
                f(x, of_channel).store(&mut y[place]);
            }
        }
    });
}

fn by_channel<T>(values: &[T], inner: usize) -> Operand<'_, T> {
    match inner {
        1 => Operand::Row(values),
        _ => Operand::Channel(values, inner),
    }
}

/// Two sums for each channel, of what `term` makes of the numbers and of the channel's center. The last slice is filled up with the center
/// where it does not fill a vector, the others with 0: `term` must make 0 of that.
fn channel_sums<T: Float, const N: usize>(
    x: [&[T]; N],
    sizes: [usize; 3],
    center: &[T],
    term: impl Fn([T::Lanes; N], T::Lanes) -> [T::Lanes; 2] + Sync,
    first: &mut [T],
    second: &mut [T],
) {
    let [samples, channels, inner] = sizes;
    x.iter()
        .for_each(|x| assert_eq!(x.len(), samples * channels * inner, "not {sizes:?}"));
    assert_eq!(
        [center.len(), first.len(), second.len()],
        [channels; 3],
        "one number a channel"
    );
    let per_channel = samples * inner;
    // With one number for each channel, a vector holds channels; their sums have the same bits in whatever vector they are.
    let block = if inner == 1 { T::Lanes::WIDTH } else { 1 };
    let chunk = (CHUNK / per_channel.max(1)).max(1).next_multiple_of(block);
    parallel::for_each_pair(
        (first, chunk),
        (second, chunk),
        chunk * per_channel,
        |start, first, second| {
            if inner != 1 {
                let channels = start..start + first.len();
                return plane_sums(x, sizes, channels, center, &term, first, second);
            }
            let blocks = first.chunks_mut(block).zip(second.chunks_mut(block));
            for (channel, (first, second)) in (start..).step_by(block).zip(blocks) {
                let rows = x.map(|x| Columns {
                    x,
                    width: channels,
                    first: channel,
                    count: first.len(),
                });
                let [a, b] = column_sums(rows, samples, &center[channel..], &term);
                a.store_padded(first);
                b.store_padded(second);
            }
        },
    );
}

/// The sums of some channels. Those of a sample lie side by side, and are read one after the other.
fn plane_sums<T: Float, const N: usize>(
    x: [&[T]; N],
    [samples, all, inner]: [usize; 3],
    channels: Range<usize>,
    center: &[T],
    term: impl Fn([T::Lanes; N], T::Lanes) -> [T::Lanes; 2],
    first: &mut [T],
    second: &mut [T],
) {
    let mut totals = vec![[T::Lanes::zero(); 2]; channels.len()];
    for sample in 0..samples {
        for (channel, total) in channels.clone().zip(&mut totals) {
            let mut padding = [T::ZERO; N];
            padding[N - 1] = center[channel];
            let center = T::Lanes::splat(center[channel]);
            let slices = x.map(|x| &x[(sample * all + channel) * inner..]);
            add(total, sums(slices, inner, padding, |x| term(x, center)));
        }
    }
    for ((first, second), total) in first.iter_mut().zip(second).zip(totals) {
        (*first, *second) = (total[0].sum(), total[1].sum());
    }
}

/// At most as many neighbouring columns of a matrix as a vector has lanes.
#[derive(Clone, Copy)]
struct Columns<'a, T> {
    x: &'a [T],
    width: usize,
    first: usize,
    count: usize,
}

impl<T: Float> Columns<'_, T> {
    #[inline(always)]
    fn row(&self, row: usize) -> T::Lanes {
        load(&self.x[row * self.width + self.first..][..self.count])
    }
}

/// Some numbers, at most a vector of them.
#[inline(always)]
fn load<L: Lanes>(x: &[L::Scalar]) -> L {
    if x.len() == L::WIDTH {
        L::load(x)
    } else {
        L::load_padded(x, L::Scalar::ZERO)
    }
}

fn column_sums<T: Float, const N: usize>(
    columns: [Columns<'_, T>; N],
    rows: usize,
    center: &[T],
    term: impl Fn([T::Lanes; N], T::Lanes) -> [T::Lanes; 2],
) -> [T::Lanes; 2] {
    let center = load(&center[..columns[0].count]);
    let mut total = [T::Lanes::zero(); 2];
    for start in (0..rows).step_by(super::RUN) {
        let mut run = [T::Lanes::zero(); 2];
        for row in start..rows.min(start + super::RUN) {
            add(&mut run, term(columns.map(|columns| columns.row(row)), center));
        }
        add(&mut total, run);
    }
    total
}
