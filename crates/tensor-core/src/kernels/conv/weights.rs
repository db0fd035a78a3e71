//! A pass's weights in panels, in the order in which the microkernel reads them.

use super::super::matmul::column_blocks;
use super::super::parallel::{self, CHUNK};
use super::super::simd::Float;
use super::super::transpose::transpose;
use super::microkernel::{filled, panels_of};
use super::walk::Pass;
use crate::storage::Storage;
use std::ops::Range;

/// Weights as a pass takes them: that of source channel c, kernel place t and destination channel j of group g is
/// `numbers[g · group + c · from + j · to + t]`.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) group: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<T> Weights<'_, T> {
    /// Where the weight of each tap of a pass lies, for so many source channels.
    pub(super) fn steps(&self, pass: &Pass, kernel_width: usize, channels: usize) -> Vec<usize> {
        let taps = places_of_taps(pass, kernel_width);
        let of_channel = |channel: usize| taps.iter().map(move |tap| channel * self.from + tap);
        (0..channels).flat_map(of_channel).collect()
    }
}

/// Which places of the kernel the taps are.
fn places_of_taps(pass: &Pass, kernel_width: usize) -> Vec<usize> {
    let pairs = pass.pairs_of_taps();
    pairs
        .map(|(row, column)| row.index * kernel_width + column.index)
        .collect()
}

/// How the weights of a product are cut: for each group and each block of source channels a matrix [channels · taps, destination channels].
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) groups: usize,
    /// Groups that are parts of one.
    pub(super) parts: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Source channels in a block, the last of which may have fewer.
    pub(super) block: usize,
}

impl Cut {
    pub(super) fn blocks(&self) -> usize {
        self.from.div_ceil(self.block)
    }

    pub(super) fn channels(&self, block: usize) -> Range<usize> {
        block * self.block..self.from.min((block + 1) * self.block)
    }

    /// Where the weights of a block begin.
    pub(super) fn first<T>(&self, weights: &Weights<'_, T>, group: usize, block: usize) -> usize {
        let (group, part) = (group / self.parts, group % self.parts);
        group * weights.group + part * self.to * weights.to + block * self.block * weights.from
    }

    /// Room for the matrix of a block.
    fn room<T: Float>(&self, taps: usize) -> usize {
        self.block * taps * filled::<T>(self.to)
    }

    /// The panels of all weights of a pass.
    pub(super) fn pack<T: Float>(&self, weights: Weights<'_, T>, kernel_width: usize, pass: &Pass) -> Packed {
        let taps = places_of_taps(pass, kernel_width);
        let room = self.room::<T>(taps.len());
        let mut packed = Storage::for_overwrite(self.groups * self.blocks() * room, T::DTYPE);
        if room > 0 {
            let blocks = CHUNK.div_ceil(room);
            parallel::for_each_chunk(packed.as_mut_slice(), blocks * room, |start, packed| {
                for (i, packed) in (start / room..).zip(packed.chunks_exact_mut(room)) {
                    let (group, channels) = (i / self.blocks(), self.channels(i % self.blocks()));
                    let first = self.first(&weights, group, i % self.blocks());
                    let weights = Weights {
                        numbers: &weights.numbers[first..],
                        ..weights
                    };
                    self.pack_block(weights, channels.len(), &taps, packed);
                }
            });
        }
        Packed { numbers: packed, room }
    }

    fn pack_block<T: Float>(&self, weights: Weights<'_, T>, channels: usize, taps: &[usize], packed: &mut [T]) {
        let depth = channels * taps.len();
        let is_dense = weights.from == taps.len() && taps.iter().enumerate().all(|(i, &tap)| i == tap);
        for columns in column_blocks::<T>(self.to).flat_map(panels_of::<T>) {
            let width = filled::<T>(columns.len());
            let panel = &mut packed[columns.start * depth..][..width * depth];
            if columns.len() < width {
                panel.fill(T::ZERO);
            }
            let numbers = &weights.numbers[columns.start * weights.to..];
            if is_dense {
                // The convolution's own: each destination channel's weights lie side by side.
                transpose(numbers, weights.to, [columns.len(), depth], panel, width);
                continue;
            }
            for (channel, panel) in panel.chunks_exact_mut(taps.len() * width).enumerate() {
                for (&tap, panel) in taps.iter().zip(panel.chunks_exact_mut(width)) {
                    let numbers = numbers[channel * weights.from + tap..].iter().step_by(weights.to);
                    let panel = panel[..columns.len()].iter_mut();
                    panel.zip(numbers).for_each(|(packed, &number)| *packed = number);
                }
            }
        }
    }
}

/// The panels of a pass's weights.
pub(super) struct Packed {
    numbers: Storage,
    room: usize,
}

impl Packed {
    /// The panels of a block of source channels.
    pub(super) fn block<T: Float>(&self, cut: &Cut, group: usize, block: usize) -> &[T] {
        &self.numbers.as_slice()[(group * cut.blocks() + block) * self.room..][..self.room]
    }
}
