//! gWᵀ = columns(x) · gYᵀ, summed over all positions.
//!
//! The rows of the product are taps and its steps positions: the same image of x as for the convolution, with the two tables exchanged. gY
//! is packed tile by tile.

use super::super::copy::copy_strided;
use super::super::matmul::{Matrix, column_blocks, pack};
use super::super::parallel;
use super::super::reduce;
use super::super::simd::Float;
use super::image::{Frame, Room, Tile, Tiling, positions_in};
use super::microkernel::{Indirect, filled, panels_of, product};
use super::walk::{Pass, Walk};
use super::{Geometry, PER_ELEMENT, multiplications};
use std::ops::Range;

/// Into how many tasks a weight gradient is cut, by samples where it is small, else by channels of x; and multiplications of each, at least.
const TASKS: usize = 8;
const PIECE: usize = 2_000_000;
/// Numbers in all partial sums, at most (more if a single one has more).
const PARTIAL_SUMS: usize = 1 << 20;

/// What a weight gradient is computed from.
pub(super) struct WeightGradient<'a, T> {
    geometry: &'a Geometry,
    pass: Pass,
    tiling: Tiling,
    tasks: usize,
    /// In simple elements.
    work: usize,
    x: &'a [T],
    gy: &'a [T],
}

impl<'a, T: Float> WeightGradient<'a, T> {
    pub(super) fn new(geometry: &'a Geometry, x: &'a [T], gy: &'a [T]) -> Self {
        let [rows, columns] = geometry.axes.map(Walk::forward);
        let pass = Pass { rows, columns };
        let in_sample = multiplications([
            pass.positions() * geometry.inputs,
            pass.taps(),
            geometry.outputs * geometry.groups,
        ]);
        let all = in_sample.saturating_mul(geometry.samples);
        WeightGradient {
            tiling: Tiling::new(geometry.samples, [pass.rows.count, pass.columns.count], in_sample),
            tasks: (all / PIECE).clamp(1, TASKS),
            work: all / PER_ELEMENT,
            geometry,
            pass,
            x,
            gy,
        }
    }

    /// The sum is made of parts that the sizes decide, and the parts are added up in their order.
    pub(super) fn run(&self, gw: &mut [T]) {
        let &Geometry {
            groups,
            inputs,
            outputs,
            ..
        } = self.geometry;
        let tiles = self.tiling.count();
        if gw.is_empty() || tiles == 0 || self.gy.is_empty() {
            return gw.fill(T::ZERO);
        }
        let parts = self.tasks.min(PARTIAL_SUMS / gw.len()).clamp(1, tiles);
        let tiles_in_part = tiles.div_ceil(parts);
        let parts = tiles.div_ceil(tiles_in_part);
        let block = inputs.div_ceil(self.tasks.div_ceil(parts * groups));
        let blocks = inputs.div_ceil(block);
        // Of each part, group and block of channels: [channels · taps, outputs], with rows of whole vectors.
        let width = filled::<T>(outputs);
        let task = block * self.pass.taps() * width;
        let frame = Frame::new::<T>(std::slice::from_ref(&self.pass), self.tiling.tile_rows, block);
        let mut partial = Room::of::<T>(parts * groups * blocks * task);
        let partial = partial.numbers::<T>();
        parallel::for_each_part(partial, task, self.work, |start, sums| {
            let i = start / task;
            let (part, group, first) = (i / blocks / groups, i / blocks % groups, i % blocks * block);
            let tiles = part * tiles_in_part..tiles.min((part + 1) * tiles_in_part);
            self.run_task(&frame, tiles, group, first..inputs.min(first + block), sums);
        });
        let mut sum = Room::of::<T>(groups * blocks * task);
        let sum = if parts > 1 {
            reduce::sum(partial, 1, parts, groups * blocks * task, sum.numbers::<T>());
            sum.numbers::<T>()
        } else {
            partial
        };
        let strides = [blocks * task, 1, width].map(|stride| stride as isize);
        copy_strided(sum, 0, &[groups, outputs, inputs * self.pass.taps()], &strides, gw);
    }

    /// The sum over these tiles for some channels of a group of x.
    fn run_task(&self, frame: &Frame, tiles: Range<usize>, group: usize, channels: Range<usize>, sums: &mut [T]) {
        let &Geometry {
            groups,
            inputs,
            outputs,
            ..
        } = self.geometry;
        let width = filled::<T>(outputs);
        let mut image = Room::of::<T>(frame.room::<T>(self.tiling.tile_samples));
        let image = image.numbers::<T>();
        let positions = frame.positions(&self.pass, &self.tiling.tile(0));
        let mut given = Room::of::<T>(positions.len() * width);
        let taken = group * inputs + channels.start..group * inputs + channels.end;
        let taps = frame.taps(&self.pass, channels.len());
        let places: Vec<usize> = (0..taps.len()).map(|i| i * width).collect();
        for (i, tile) in tiles.map(|i| self.tiling.tile(i)).enumerate() {
            frame.fill(self.x, groups * inputs, taken.clone(), &tile, image);
            let positions = &positions[..positions_in(&self.pass, &tile)];
            let given = &mut given.numbers::<T>()[..positions.len() * width];
            self.pack(&tile, group, positions.len(), given);
            let columns = Indirect {
                numbers: image,
                rows: &taps,
                steps: positions,
            };
            product(columns, given, outputs, sums, &places, i > 0);
        }
    }

    /// gYᵀ for a tile of so many positions, in panels.
    fn pack(&self, tile: &Tile, group: usize, positions: usize, packed: &mut [T]) {
        let &Geometry { groups, outputs, .. } = self.geometry;
        let plane = self.pass.destination_plane();
        let in_sample = positions / tile.samples.len();
        for columns in column_blocks::<T>(outputs).flat_map(panels_of::<T>) {
            let width = filled::<T>(columns.len());
            let panel = &mut packed[columns.start * positions..][..width * positions];
            for (sample, panel) in tile.samples.clone().zip(panel.chunks_exact_mut(in_sample * width)) {
                let channel = (sample * groups + group) * outputs + columns.start;
                let gy = Matrix {
                    data: &self.gy[channel * plane + tile.rows.start * self.pass.columns.count..],
                    row_stride: 1,
                    column_stride: plane,
                };
                pack(gy, in_sample, columns.len(), width, panel);
            }
        }
    }
}
