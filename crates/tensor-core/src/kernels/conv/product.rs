//! y = W · columns(x), tile by tile: what the convolution and its input gradient share.

use super::super::matmul::{Matrix, Store, matmul};
use super::super::parallel;
use super::super::simd::Float;
use super::columns::{Channels, Pass, Scratch, Tile};
use std::ops::Range;

/// Positions in a tile, at most.
const TILE: usize = 512;
/// Numbers in the columns of a tile: 512 KiB of F32, so that they are still in the cache when they are multiplied. Where the taps of one channel are
/// more, it is one channel.
const COLUMNS: usize = 1 << 17;
/// Multiplications that are worth waking a thread for: about 50 µs.
const PIECE: usize = 2_000_000;
/// Into how many pieces a batch is cut, if each of them is at least a tile and [`PIECE`] multiplications.
pub(super) const PIECES: usize = 8;

/// Positions, counted through the samples, in tiles: parts of a sample or several whole ones, by the sizes alone.
pub(super) fn tiles(samples: usize, positions: usize) -> Vec<Range<usize>> {
    let all = samples * positions;
    if all == 0 {
        return Vec::new();
    }
    let (run, tile) = if positions > TILE {
        (positions, positions.div_ceil(positions.div_ceil(TILE)))
    } else {
        (all, TILE / positions * positions)
    };
    let in_run = |run_start: usize| {
        let end = run_start + run;
        (run_start..end)
            .step_by(tile)
            .map(move |start| start..end.min(start + tile))
    };
    (0..all).step_by(run).flat_map(in_run).collect()
}

/// The channels whose columns are gathered together.
pub(super) fn channel_blocks(channels: usize, taps: usize, tile: usize) -> impl Iterator<Item = Range<usize>> {
    let block = (COLUMNS / (taps * tile).max(1)).max(1);
    (0..channels)
        .step_by(block)
        .map(move |start| start..channels.min(start + block))
}

/// Convolutions with the same source and destination.
pub(super) struct Product<'a, T> {
    pub(super) groups: usize,
    /// Channels of the source in a group.
    pub(super) from: usize,
    /// Channels of the destination in a group.
    pub(super) to: usize,
    pub(super) source: &'a [T],
    /// Each with its weight [groups, to, from · taps].
    pub(super) passes: Vec<(&'a Pass, &'a [T])>,
    /// For each channel of the destination.
    pub(super) bias: Option<&'a [T]>,
}

impl<T: Float> Product<'_, T> {
    /// Computes all samples of the destination, several at a time.
    pub(super) fn run(&self, destination: &mut [T]) {
        let Some((pass, _)) = self.passes.first() else { return };
        let source_sample = self.groups * self.from * pass.source_plane();
        let sample = self.groups * self.to * pass.destination_plane();
        if destination.is_empty() {
            return;
        }
        let piece = self.samples_in_piece(destination.len() / sample);
        parallel::for_each_part(destination, piece * sample, |start, destination| {
            let first = start / sample;
            let samples = destination.len() / sample;
            let source = &self.source[first * source_sample..(first + samples) * source_sample];
            for &(pass, weight) in &self.passes {
                for group in 0..self.groups {
                    self.run_group(group, pass, weight, source, samples, destination);
                }
            }
        });
    }

    /// As many as fill a tile if that leaves [`PIECES`], and as are worth a thread.
    fn samples_in_piece(&self, samples: usize) -> usize {
        let positions = self.passes.iter().map(|(pass, _)| pass.positions()).max();
        let work = |(pass, weight): &(&Pass, &[T])| pass.positions() * weight.len();
        let multiplications: usize = self.passes.iter().map(work).sum();
        let for_tile = TILE
            .div_ceil(positions.unwrap_or(0).max(1))
            .min(samples.div_ceil(PIECES));
        PIECE.div_ceil(multiplications.max(1)).max(for_tile).min(samples)
    }

    fn run_group(&self, group: usize, pass: &Pass, weight: &[T], source: &[T], samples: usize, destination: &mut [T]) {
        let k = self.from * pass.taps();
        let weight = &weight[group * self.to * k..(group + 1) * self.to * k];
        let mut seen = Scratch::default();
        let mut product = Scratch::default();
        for positions in tiles(samples, pass.positions()) {
            let tile = Tile::new(pass, positions);
            let product = product.of_len(self.to * tile.len);
            if k == 0 {
                product.fill(T::ZERO);
            }
            for channels in channel_blocks(self.from, pass.taps(), tile.len) {
                let (first, taken) = (channels.start * pass.taps(), channels.len() * pass.taps());
                let weight = Matrix {
                    data: &weight[first..],
                    row_stride: k,
                    column_stride: 1,
                };
                let columns = pass.columns(
                    source,
                    Channels::new(self.groups, self.from, group, channels),
                    &tile,
                    &mut seen,
                );
                matmul(
                    self.to,
                    taken,
                    tile.len,
                    weight,
                    columns,
                    product,
                    Store::new(first > 0),
                );
            }
            self.store(group, pass, &tile, product, destination);
        }
    }

    /// Puts a tile's product to its places and adds the bias.
    fn store(&self, group: usize, pass: &Pass, tile: &Tile, product: &[T], destination: &mut [T]) {
        let (rows, columns) = (&pass.rows, &pass.columns);
        let channels = group * self.to..(group + 1) * self.to;
        for (channel, product) in channels.zip(product.chunks_exact(tile.len)) {
            let bias = self.bias.map_or(T::ZERO, |bias| bias[channel]);
            for segment in &tile.segments {
                let plane = segment.sample * self.groups * self.to + channel;
                let row = plane * rows.destination + rows.place(segment.row);
                let first = row * columns.destination + columns.place(segment.columns.start);
                let product = &product[segment.at..][..segment.columns.len()];
                let places = destination[first..].iter_mut().step_by(columns.apart);
                places.zip(product).for_each(|(y, &x)| *y = x + bias);
            }
        }
    }
}
