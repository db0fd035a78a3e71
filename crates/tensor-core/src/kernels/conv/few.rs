//! The product where the destination has few channels, such as the images of a generator.
//!
//! There vectors of channels would be mostly empty. But where neighbouring positions see neighbouring places, a whole vector of positions lies
//! side by side in the image, for each tap; so here the vectors are positions, and the weights are read number by number. Positions are counted through
//! the rows of the image: between the last of a row and the first of the next there are some of which nobody asks the result.

use super::super::arrays::array_of;
use super::super::matmul::{CHAIN, Piece, TILE};
use super::super::simd::{Float, Lanes};
use super::image::{Room, Tile, rows_of};
use super::microkernel::filled;
use super::product::{Plan, Product};
use super::walk::Pass;
use std::ops::Range;

/// Channels of the destination, at most: with twice as many, a vector of channels is used in full.
const FEW: usize = 8;
/// Vectors in a tile of one or two rows, and of more: as many sums as keep the processor busy.
const WIDE: usize = 2 * TILE.vectors;
const NARROW: usize = TILE.vectors;

/// Whether vectors of positions can be read, and are better than vectors of channels: those of nobody's results count.
pub(super) fn fits<T: Float>(product: &Product<'_, T>, plan: &Plan) -> bool {
    let is_dense = |pass: &Pass| pass.rows.step == 1 && pass.columns.step == 1;
    let rows = plan.tiling.tile_rows;
    let positions = rows * product.passes[0].columns.count;
    product.to <= FEW
        && product.passes.iter().all(is_dense)
        && row_of::<T>(plan, rows) * product.to < positions * filled::<T>(product.to)
}

/// Sums of so many rows of positions: those of whole tiles, though the last reads what is behind the image.
fn row_of<T: Float>(plan: &Plan, rows: usize) -> usize {
    (plan.frame.width * rows).next_multiple_of(WIDE * T::Lanes::WIDTH)
}

/// How far each tap of a pass is from the first place of a window, and where its weight lies.
pub(super) struct Taps {
    image: Vec<usize>,
    weights: Vec<usize>,
}

/// Of a block of channels, for each pass.
pub(super) fn tables<T: Float>(product: &Product<'_, T>, plan: &Plan) -> Vec<Taps> {
    let of_pass = |pass: &Pass| Taps {
        image: plan.frame.taps(pass, plan.cut.block),
        weights: product.weights.steps(pass, product.kernel_width, plan.cut.block),
    };
    product.passes.iter().map(of_pass).collect()
}

/// Computes a tile.
pub(super) fn run_tile<T: Float>(
    product: &Product<'_, T>,
    plan: &Plan,
    tables: &[Taps],
    tile: &Tile,
    groups: Range<usize>,
    destination: &mut Piece<'_, T>,
) {
    let Plan { cut, frame, .. } = plan;
    let (samples, to) = (tile.samples.len(), product.to);
    let row = row_of::<T>(plan, tile.rows.len());
    let in_pass = samples * to * row;
    let mut image = Room::of::<T>(frame.room::<T>(samples) + row);
    let mut sums = Room::of::<T>(product.passes.len() * in_pass);
    let (image, sums) = (image.numbers::<T>(), sums.numbers::<T>());
    for (number, group) in groups.clone().enumerate() {
        if product.from == 0 {
            sums.fill(T::ZERO);
        }
        for block in 0..cut.blocks() {
            let channels = cut.channels(block);
            let taken = product.taken(group, &channels);
            frame.fill(product.source, product.all(), taken, tile, image);
            let first = cut.first(&product.weights, group, block);
            let weights = &product.weights.numbers[first..];
            for ((pass, taps), sums) in product.passes.iter().zip(tables).zip(sums.chunks_exact_mut(in_pass)) {
                let taken = channels.len() * pass.taps();
                let taps = [&taps.weights[..taken], &taps.image[..taken]];
                for (sample, sums) in sums.chunks_exact_mut(to * row).enumerate() {
                    let image = &image[sample * frame.sample..];
                    rows_of_sums([weights, image], product.weights.to, taps, sums, row, block > 0);
                }
            }
        }
        for (pass, sums) in product.passes.iter().zip(sums.chunks_exact(in_pass)) {
            for (i, sums) in sums.chunks_exact(row).enumerate() {
                let (sample, channel) = (i / to, i % to);
                let y = destination.row((sample * groups.len() + number) * to + channel);
                let bias = product.bias.map_or(T::ZERO, |bias| bias[group * to + channel]);
                store(pass, tile, sums, frame.width, bias, y);
            }
        }
    }
}

/// Puts the sums of a channel to their places and adds the bias.
fn store<T: Float>(pass: &Pass, tile: &Tile, sums: &[T], width: usize, bias: T, y: &mut [T]) {
    let (rows, columns) = (&pass.rows, &pass.columns);
    for (row, sums) in (0..rows_of(pass, tile).len()).zip(sums.chunks(width)) {
        let first = rows.place(row) * columns.destination + columns.first;
        let y = y[first..].iter_mut().step_by(columns.apart);
        y.zip(&sums[..columns.count]).for_each(|(y, &x)| *y = x + bias);
    }
}

/// The sums of a sample, a row for each channel, whose weights are `apart`.
fn rows_of_sums<T: Float>(
    [weights, image]: [&[T]; 2],
    apart: usize,
    taps: [&[usize]; 2],
    sums: &mut [T],
    row: usize,
    accumulate: bool,
) {
    let channels = sums.len() / row;
    let mut channel = 0;
    while channel < channels {
        let (kernel, rows) = match channels - channel {
            1 => (tiles::<T, 1, WIDE> as Tiles<T>, 1),
            2..4 => (tiles::<T, 2, WIDE> as Tiles<T>, 2),
            4..8 => (tiles::<T, 4, NARROW> as Tiles<T>, 4),
            _ => (tiles::<T, 8, NARROW> as Tiles<T>, 8),
        };
        let sums = &mut sums[channel * row..(channel + rows) * row];
        let operands = [&weights[channel * apart..], image];
        // The first chain may be empty: of places that no tap reaches the sums are 0.
        let [first, rest] = split(taps);
        kernel(operands, apart, first, sums, accumulate);
        let [weight_taps, image_taps] = rest.map(|taps| taps.chunks(CHAIN));
        weight_taps
            .zip(image_taps)
            .for_each(|(weights, image)| kernel(operands, apart, [weights, image], sums, true));
        channel += rows;
    }
}

/// The first chain of taps, and all others.
fn split(taps: [&[usize]; 2]) -> [[&[usize]; 2]; 2] {
    let chain = taps[0].len().min(CHAIN);
    [taps.map(|taps| &taps[..chain]), taps.map(|taps| &taps[chain..])]
}

type Tiles<T> = fn([&[T]; 2], usize, [&[usize]; 2], &mut [T], bool);

/// Rows of sums, tile by tile: the microkernel, with the image in the place of a panel.
#[inline(never)]
fn tiles<T: Float, const ROWS: usize, const VECTORS: usize>(
    [weights, image]: [&[T]; 2],
    apart: usize,
    [weight_taps, image_taps]: [&[usize]; 2],
    sums: &mut [T],
    accumulate: bool,
) {
    let width = VECTORS * T::Lanes::WIDTH;
    let row = sums.len() / ROWS;
    // All rows have one length, so that one comparison serves for the numbers of all of them.
    let reach = weight_taps.iter().max().map_or(0, |last| last + 1);
    let weights: [&[T]; ROWS] = array_of(|i| &weights[i * apart..][..reach]);
    for start in (0..row).step_by(width) {
        let image = &image[start..];
        let mut tile = [[T::Lanes::zero(); VECTORS]; ROWS];
        for (&weight, &tap) in weight_taps.iter().zip(image_taps) {
            let (x, _) = T::Lanes::chunks(&image[tap..][..width]);
            let x: [T::Lanes; VECTORS] = array_of(|j| T::Lanes::from_array(x[j]));
            for i in 0..ROWS {
                let weight = T::Lanes::splat(weights[i][weight]);
                for j in 0..VECTORS {
                    tile[i][j] = weight.mul_add(x[j], tile[i][j]);
                }
            }
        }
        for i in 0..ROWS {
            let (sums, _) = T::Lanes::chunks_mut(&mut sums[i * row + start..][..width]);
            for j in 0..VECTORS {
                let sum = if accumulate {
                    T::Lanes::from_array(sums[j]) + tile[i][j]
                } else {
                    tile[i][j]
                };
                sums[j] = sum.to_array();
            }
        }
    }
}
