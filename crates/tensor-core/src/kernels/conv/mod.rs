//! Convolution of planes, its input gradient and its weight gradient, as products with the matrix of columns.
//!
//! A column holds what the window sees at one position: of each channel, each tap. With W as a matrix [outputs, channels · taps],
//!
//! - the convolution is Y = W · columns(x);
//! - its weight gradient is gW = gY · columns(x)ᵀ;
//! - its input gradient is a convolution of gY. Neighbouring places of x were seen by other taps, but those at a distance of the stride by the same ones.
//!   So it takes a pass for each of the stride² grids of such places, with the part of W that belongs to the grid's taps. Each place is
//!   computed once, and nothing has to be added up in memory.
//!
//! The columns never exist as a whole: a tile of them at a time is gathered into a buffer that stays in the cache ([`columns`]).

mod columns;
mod product;
#[cfg(test)]
mod tests;

use super::copy::copy_strided;
use super::matmul::{Matrix, Store, matmul};
use super::parallel::{self, CHUNK};
use super::reduce;
use super::simd::Float;
use super::window::Axis;
use crate::storage::Storage;
use columns::{Channels, Pass, Scratch, Tile, Walk};
use product::{PIECES, Product, channel_blocks, tiles};
use std::ops::Range;

/// The sizes of a convolution: x is `[samples, groups · inputs, H, W]`, the weight `[groups · outputs, inputs, kernel…]` and y
/// `[samples, groups · outputs, H', W']`, all contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Images in the batch.
    pub samples: usize,
    /// Convolutions side by side, each on channels of its own.
    pub groups: usize,
    /// Channels of x in a group.
    pub inputs: usize,
    /// Channels of y in a group.
    pub outputs: usize,
    /// Height and width.
    pub axes: [Axis; 2],
}

/// Numbers in all partial sums of a weight gradient, at most (more if a single one has more).
const PARTIAL_SUMS: usize = 1 << 22;

impl Geometry {
    fn plane(&self, size: impl Fn(&Axis) -> usize) -> usize {
        self.axes.iter().map(size).product()
    }

    /// Panics unless the slices have these sizes.
    fn check(&self, x: usize, weight: usize, y: usize) {
        let channels = |of_group: usize| self.samples * self.groups * of_group;
        assert_eq!(x, channels(self.inputs) * self.plane(|axis| axis.input), "x: {self:?}");
        assert_eq!(
            y,
            channels(self.outputs) * self.plane(|axis| axis.output),
            "y: {self:?}"
        );
        let kernel = self.plane(|axis| axis.kernel);
        assert_eq!(
            weight,
            self.groups * self.outputs * self.inputs * kernel,
            "weight: {self:?}"
        );
    }
}

/// y = w ∗ x, plus `bias[o]` in each plane of channel o.
pub fn convolution<T: Float>(geometry: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>, y: &mut [T]) {
    geometry.check(x.len(), weight.len(), y.len());
    let [rows, columns] = geometry.axes.map(Walk::forward);
    let pass = Pass { rows, columns };
    let product = Product {
        groups: geometry.groups,
        from: geometry.inputs,
        to: geometry.outputs,
        source: x,
        passes: vec![(&pass, weight)],
        bias,
    };
    product.run(y);
}

/// The gradient of the convolution by its input: gx from gy. As an operation of its own it is the transposed convolution, to which a
/// bias (one number for each channel of gx) may be added.
pub fn input_gradient<T: Float>(geometry: &Geometry, gy: &[T], weight: &[T], bias: Option<&[T]>, gx: &mut [T]) {
    geometry.check(gx.len(), weight.len(), gy.len());
    let [rows, columns] = geometry.axes;
    let grids = |axis: Axis| 0..axis.stride.min(axis.input);
    let passes: Vec<(Pass, Storage)> = grids(rows)
        .flat_map(|row| grids(columns).map(move |column| (row, column)))
        .map(|(row, column)| {
            let (rows, columns) = (Walk::backward(rows, row), Walk::backward(columns, column));
            let pass = Pass { rows, columns };
            let weight = transposed_part(geometry, weight, &pass);
            (pass, weight)
        })
        .collect();
    let product = Product {
        groups: geometry.groups,
        from: geometry.outputs,
        to: geometry.inputs,
        source: gy,
        passes: passes.iter().map(|(pass, weight)| (pass, weight.as_slice())).collect(),
        bias,
    };
    product.run(gx);
}

/// The weight's taps that take part in a pass, as `[groups, inputs, outputs · taps]`.
fn transposed_part<T: Float>(geometry: &Geometry, weight: &[T], pass: &Pass) -> Storage {
    let Geometry { inputs, outputs, .. } = *geometry;
    let [height, width] = geometry.axes.map(|axis| axis.kernel);
    let row = outputs * pass.taps();
    let mut part = Storage::for_overwrite(geometry.groups * inputs * row, T::DTYPE);
    if row == 0 {
        return part;
    }
    let rows = (CHUNK / row).max(1);
    parallel::for_each_chunk(part.as_mut_slice(), rows * row, |start, part| {
        let mut part = part.iter_mut();
        for channel in start / row..(start + part.len()) / row {
            let (group, input) = (channel / inputs, channel % inputs);
            for output in group * outputs..(group + 1) * outputs {
                let kernel = &weight[(output * inputs + input) * height * width..][..height * width];
                let taps = pass.places_of_taps().map(|(row, column)| kernel[row * width + column]);
                taps.zip(&mut part).for_each(|(tap, part)| *part = tap);
            }
        }
    });
    part
}

/// The gradient of the convolution by its weight: gw from x and gy, summed over all samples and positions. The sum is made of blocks that the
/// sizes decide, and the blocks are added up in their order.
pub fn weight_gradient<T: Float>(geometry: &Geometry, x: &[T], gy: &[T], gw: &mut [T]) {
    geometry.check(x.len(), gw.len(), gy.len());
    let Geometry {
        samples,
        groups,
        inputs,
        outputs,
        axes,
    } = *geometry;
    let [rows, columns] = axes.map(Walk::forward);
    let pass = Pass { rows, columns };
    let k = inputs * pass.taps();
    let tiles = tiles(samples, pass.positions());
    if gw.is_empty() || tiles.is_empty() {
        return gw.fill(T::ZERO);
    }
    let tiles_per_block = tiles.len().div_ceil(PIECES.min(PARTIAL_SUMS / gw.len()).max(1));
    let blocks: Vec<&[Range<usize>]> = tiles.chunks(tiles_per_block).collect();
    let mut partial = Storage::for_overwrite(blocks.len() * gw.len(), T::DTYPE);
    let partial = partial.as_mut_slice::<T>();
    parallel::for_each_part(partial, k * outputs, |start, partial| {
        let task = start / (k * outputs);
        block_of_weight_gradient(geometry, &pass, [x, gy], task % groups, blocks[task / groups], partial);
    });
    let mut transposed = Storage::for_overwrite(gw.len(), T::DTYPE);
    let transposed = transposed.as_mut_slice::<T>();
    reduce::sum(partial, 1, blocks.len(), gw.len(), transposed);
    let strides = [k * outputs, 1, outputs].map(|stride| stride as isize);
    copy_strided(transposed, 0, &[groups, outputs, k], &strides, gw);
}

/// The sum over the positions of these tiles for one group, transposed: gwᵀ = columns(x) · columns(gy)ᵀ, `[inputs · taps, outputs]`.
fn block_of_weight_gradient<T: Float>(
    geometry: &Geometry,
    pass: &Pass,
    [x, gy]: [&[T]; 2],
    group: usize,
    tiles: &[Range<usize>],
    sum: &mut [T],
) {
    let Geometry {
        groups,
        inputs,
        outputs,
        ..
    } = *geometry;
    let [rows, columns] = geometry.axes.map(Walk::still);
    let still = Pass { rows, columns };
    let mut seen = Scratch::default();
    let mut given = Scratch::default();
    for (i, positions) in tiles.iter().enumerate() {
        let tile = Tile::new(pass, positions.clone());
        let gy = still.columns(gy, Channels::new(groups, outputs, group, 0..outputs), &tile, &mut given);
        let gy = Matrix {
            row_stride: gy.column_stride,
            column_stride: gy.row_stride,
            ..gy
        };
        for channels in channel_blocks(inputs, pass.taps(), tile.len) {
            let sum = &mut sum[channels.start * pass.taps() * outputs..channels.end * pass.taps() * outputs];
            let rows = channels.len() * pass.taps();
            let x = pass.columns(x, Channels::new(groups, inputs, group, channels), &tile, &mut seen);
            matmul(rows, tile.len, outputs, x, gy, sum, Store::new(i > 0));
        }
    }
}
