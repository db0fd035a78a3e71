//! Rows of numbers that lie side by side, each normalised by itself.
//!
//! Row r of x gives y = (x - mean) · w / √(var + eps) + b. The weights and biases are those of channels: along a row, one channel follows
//! the other, with `inner` numbers each, and the next row goes on where the last one stopped.

use super::{corrected, inverse_deviation, sums};
use crate::kernels::arrays::array_of;
use crate::kernels::elementwise::map_slices;
use crate::kernels::parallel::{self, CHUNK};
use crate::kernels::reduce;
use crate::kernels::simd::{Float, Lanes};
use std::ops::Range;

/// How a contiguous array is cut into rows, and rows into channels.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// The numbers in a row.
    pub width: usize,
    /// The numbers of one channel that lie side by side. It divides the width.
    pub inner: usize,
    /// How many channels there are, after which the first one follows.
    pub channels: usize,
}

impl Rows {
    fn check(&self, len: usize) {
        let Rows { width, inner, channels } = *self;
        let fits = width > 0 && inner > 0 && width.is_multiple_of(inner) && len.is_multiple_of(width);
        assert!(
            fits && len.is_multiple_of(channels * inner) && (channels * inner).is_multiple_of(width),
            "{len} numbers are not rows of {width} with {channels} channels of {inner}"
        );
    }

    /// The channels in a row.
    fn channels(&self, row: usize) -> Range<usize> {
        let first = row * self.width / self.inner % self.channels;
        first..first + self.width / self.inner
    }

    /// Rows that are handled as one piece of work.
    fn piece(&self) -> usize {
        (CHUNK / self.width).max(1)
    }
}

/// The normalised rows. `stats` becomes mean and 1 / √(var + eps) of each, in turn.
pub fn normalise<T: Float>(x: &[T], rows: Rows, eps: f64, weight: &[T], bias: &[T], y: &mut [T], stats: &mut [T]) {
    if x.is_empty() {
        return;
    }
    rows.check(x.len());
    assert_eq!(x.len(), y.len(), "the output has another length than the input");
    assert_eq!(stats.len(), x.len() / rows.width * 2, "two statistics a row");
    assert_eq!(
        [weight.len(), bias.len()],
        [rows.channels; 2],
        "a weight and a bias for each channel"
    );
    let Rows { width, inner, .. } = rows;
    let piece = rows.piece();
    parallel::for_each_pair(
        (y, piece * width),
        (stats, piece * 2),
        piece * width,
        |start, y, stats| {
            let each = y.chunks_exact_mut(width).zip(stats.chunks_exact_mut(2));
            for (row, (y, stats)) in (start / width..).zip(each) {
                let x = &x[row * width..][..width];
                let (mean, variance) = moments(x);
                let scale = inverse_deviation(variance, eps);
                stats.copy_from_slice(&[mean, scale]);
                let (mean, scale) = (T::Lanes::splat(mean), T::Lanes::splat(scale));
                let channels = rows.channels(row);
                if inner == 1 {
                    let operands = [x, &weight[channels.clone()], &bias[channels]];
                    map_slices(operands, y, &|[x, w, b]: [T::Lanes; 3]| (x - mean) * scale * w + b);
                    continue;
                }
                for (channel, (x, y)) in channels.zip(x.chunks_exact(inner).zip(y.chunks_exact_mut(inner))) {
                    let scale = scale * T::Lanes::splat(weight[channel]);
                    let bias = T::Lanes::splat(bias[channel]);
                    map_slices([x], y, &|[x]: [T::Lanes; 1]| (x - mean) * scale + bias);
                }
            }
        },
    );
}

/// Mean and variance.
fn moments<T: Float>(x: &[T]) -> (T, T) {
    let n = T::from_f64(x.len() as f64);
    let [sum] = sums([x], x.len(), [T::ZERO], |[x]| [x]);
    let mean = sum.sum() / n;
    let center = T::Lanes::splat(mean);
    let [distances, squares] = sums([x], x.len(), [mean], |[x]| {
        let distance = x - center;
        [distance, distance * distance]
    });
    corrected(mean, distances.sum(), squares.sum(), n)
}

/// The gradients of [`normalise`]: gx from gy, and the sums over all rows that are the gradients of the weights and then of the biases.
///
/// With g = gy · w, s = 1 / √(var + eps) and d = x - mean: gx = s (g - Σ g / n - d s² Σ (g d) / n), gw = Σ gy d s, gb = Σ gy.
pub fn backward<T: Float>(
    gy: &[T],
    x: &[T],
    rows: Rows,
    stats: &[T],
    weight: &[T],
    gx: &mut [T],
    weights_and_biases: &mut [T],
) {
    let channels = rows.channels;
    assert_eq!(
        weights_and_biases.len(),
        2 * channels,
        "a weight and a bias for each channel"
    );
    if x.is_empty() {
        return weights_and_biases.fill(T::ZERO);
    }
    rows.check(x.len());
    assert_eq!(
        [gy.len(), gx.len()],
        [x.len(); 2],
        "the gradients have another length than the input"
    );
    assert_eq!(stats.len(), x.len() / rows.width * 2, "two statistics a row");
    let (width, piece) = (rows.width, rows.piece());
    let pieces = (x.len() / width).div_ceil(piece);
    // Each piece adds up for itself, and then the pieces are added up, in an order that does not depend on threads.
    let mut partial = vec![T::ZERO; pieces * 2 * channels];
    let (gx, sums) = ((gx, piece * width), (&mut partial[..], 2 * channels));
    parallel::for_each_pair(gx, sums, piece * width, |start, gx, sums| {
        let (gw, gb) = sums.split_at_mut(channels);
        for (row, gx) in (start / width..).zip(gx.chunks_exact_mut(width)) {
            let place = row * width..(row + 1) * width;
            let (gy, x, of_row) = (&gy[place.clone()], &x[place], rows.channels(row));
            let (weight, gw, gb) = (&weight[of_row.clone()], &mut gw[of_row.clone()], &mut gb[of_row]);
            let stats = [stats[2 * row], stats[2 * row + 1]];
            if rows.inner == 1 {
                row_of_elements(gy, x, stats, weight, gx, gw, gb);
            } else {
                row_of_channels(gy, x, rows.inner, stats, weight, gx, gw, gb);
            }
        }
    });
    reduce::sum(&partial, 1, pieces, 2 * channels, weights_and_biases);
}

/// A number of gx, but for a factor: g - a - d b, with `a` and `b` from the sums Σ g and Σ (g d) of the row.
fn slope<T: Float>([mean, scale]: [T; 2], [sum, product]: [T; 2], n: usize) -> impl Fn(T::Lanes, T::Lanes) -> T::Lanes {
    let n = T::from_f64(n as f64);
    let [mean, s] = [mean, scale].map(T::Lanes::splat);
    let a = T::Lanes::splat(sum / n);
    let b = T::Lanes::splat(product / n * scale * scale);
    move |g, x| (g - a - (x - mean) * b) * s
}

/// A row with a channel for each number.
fn row_of_elements<T: Float>(gy: &[T], x: &[T], stats: [T; 2], weight: &[T], gx: &mut [T], gw: &mut [T], gb: &mut [T]) {
    let [mean, scale] = stats.map(T::Lanes::splat);
    let of_row = sums([gy, x, weight], x.len(), [T::ZERO; 3], |[gy, x, w]| {
        let g = gy * w;
        [g, g * (x - mean)]
    });
    accumulate([gy, x], gw, |[gy, x]| gy * (x - mean) * scale);
    accumulate([gy], gb, |[gy]| gy);
    let slope = slope(stats, of_row.map(Lanes::sum), x.len());
    map_slices([gy, x, weight], gx, &|[gy, x, w]: [T::Lanes; 3]| slope(gy * w, x));
}

/// A row with a weight for `inner` numbers each.
#[expect(clippy::too_many_arguments, reason = "the gradient of three inputs, from five")]
fn row_of_channels<T: Float>(
    gy: &[T],
    x: &[T],
    inner: usize,
    stats: [T; 2],
    weight: &[T],
    gx: &mut [T],
    gw: &mut [T],
    gb: &mut [T],
) {
    let mean = T::Lanes::splat(stats[0]);
    let mut of_row = [T::ZERO; 2];
    let slices = gy.chunks_exact(inner).zip(x.chunks_exact(inner));
    for (channel, (gy, x)) in slices.clone().enumerate() {
        let of_channel = sums([gy, x], inner, [T::ZERO; 2], |[gy, x]| [gy, gy * (x - mean)]);
        let [sum, product] = of_channel.map(Lanes::sum);
        gb[channel] = gb[channel] + sum;
        gw[channel] = gw[channel] + product * stats[1];
        of_row[0] = of_row[0] + sum * weight[channel];
        of_row[1] = of_row[1] + product * weight[channel];
    }
    let slope = slope(stats, of_row, x.len());
    for ((gy, x), (gx, &w)) in slices.zip(gx.chunks_exact_mut(inner).zip(weight)) {
        let w = T::Lanes::splat(w);
        map_slices([gy, x], gx, &|[gy, x]: [T::Lanes; 2]| slope(gy * w, x));
    }
}

/// y += f(x), on slices of one length.
#[inline(always)]
fn accumulate<T: Float, const N: usize>(x: [&[T]; N], y: &mut [T], f: impl Fn([T::Lanes; N]) -> T::Lanes) {
    let (y, y_rest) = T::Lanes::chunks_mut(y);
    let x_rest: [&[T]; N] = array_of(|k| T::Lanes::chunks(x[k]).1);
    let x: [_; N] = array_of(|k| &T::Lanes::chunks(x[k]).0[..y.len()]);
    for (i, y) in y.iter_mut().enumerate() {
        *y = (T::Lanes::from_array(*y) + f(array_of(|k| T::Lanes::from_array(x[k][i])))).to_array();
    }
    if !y_rest.is_empty() {
        let before = T::Lanes::load_padded(y_rest, T::ZERO);
        (before + f(array_of(|k| T::Lanes::load_padded(x_rest[k], T::ZERO)))).store_padded(y_rest);
    }
}
