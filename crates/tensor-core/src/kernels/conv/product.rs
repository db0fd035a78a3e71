//! Y = columns(x)ᵀ · Wᵀ, tile by tile: what the convolution and its input gradient share.
//!
//! The rows of the product are positions and its columns destination channels, since the microkernel reads the rows' operand number by number,
//! from wherever it lies, and the columns' by vectors. So what is packed are the weights, once; and each tile's result, which lies channel by
//! channel for each place, is turned as it is stored.

use super::super::matmul::{Piece, Shared, TILE, block_len};
use super::super::parallel;
use super::super::simd::Float;
use super::super::transpose::transpose;
use super::image::{Frame, Room, Tile, Tiling, rows_of};
use super::microkernel::{Indirect, filled, product};
use super::walk::Pass;
use super::weights::{Cut, Packed, Weights};
use super::{PER_ELEMENT, multiplications};

/// Destination channels that are turned together.
const TURNED: usize = 8;

/// Convolutions with the same source and destination, which together write each place of the destination.
pub(super) struct Product<'a, T> {
    pub(super) samples: usize,
    pub(super) groups: usize,
    /// Channels of the source in a group.
    pub(super) from: usize,
    /// Channels of the destination in a group.
    pub(super) to: usize,
    pub(super) source: &'a [T],
    pub(super) weights: Weights<'a, T>,
    /// Columns of the kernel.
    pub(super) kernel_width: usize,
    pub(super) passes: &'a [&'a Pass],
    /// For each channel of the destination.
    pub(super) bias: Option<&'a [T]>,
}

/// What is made of a product once for all of its tiles.
struct Plan {
    tiling: Tiling,
    cut: Cut,
    frame: Frame,
    packed: Vec<Packed>,
}

impl<T: Float> Product<'_, T> {
    pub(super) fn run(&self, destination: &mut [T]) {
        let Some(&largest) = self.passes.first() else { return };
        if destination.is_empty() {
            return;
        }
        let taps = self.passes.iter().map(|pass| pass.taps()).max().unwrap_or(0);
        let cut = Cut {
            groups: self.groups,
            from: self.from,
            to: self.to,
            block: block_len(self.from.max(1), (TILE.depth / taps.max(1)).max(1), 1),
        };
        let in_pass =
            |pass: &&Pass| multiplications([pass.positions(), self.groups * self.from * pass.taps(), self.to]);
        let in_sample = self.passes.iter().map(in_pass).sum();
        let tiling = Tiling::new(self.samples, [largest.rows.count, largest.columns.count], in_sample);
        let plan = Plan {
            frame: Frame::new::<T>(self.passes, tiling.tile_rows, cut.block),
            packed: self
                .passes
                .iter()
                .map(|pass| cut.pack(self.weights, self.kernel_width, pass))
                .collect(),
            tiling,
            cut,
        };
        let plane = largest.destination_plane();
        let destination = Shared::new(Piece::whole(destination, plane));
        let work = in_sample.saturating_mul(self.samples) / PER_ELEMENT;
        parallel::for_each_task_of(work, plan.tiling.count(), |i| {
            let tile = plan.tiling.tile(i);
            let channels = self.groups * self.to;
            let (width, apart) = (largest.columns.destination, largest.rows.apart);
            let rows = tile.rows.start * apart..largest.rows.destination.min(tile.rows.end * apart);
            // SAFETY: tiles are different samples, or different rows of them; so what they write does not overlap, and each is done once.
            #[allow(unsafe_code, reason = "rows of all channels of a sample are not one slice")]
            let mut destination = unsafe {
                destination.part(
                    tile.samples.start * channels..tile.samples.end * channels,
                    rows.start * width..rows.end * width,
                )
            };
            self.run_tile(&plan, &tile, rows.len() * width, &mut destination);
        });
    }

    /// Computes a tile, which has so many places in a sample of the destination.
    fn run_tile(&self, plan: &Plan, tile: &Tile, places: usize, destination: &mut Piece<'_, T>) {
        let Plan { cut, frame, packed, .. } = plan;
        let samples = tile.samples.len();
        let width = filled::<T>(self.to);
        let (mut image, mut sums) = (
            Room::of::<T>(frame.room::<T>(samples)),
            Room::of::<T>(samples * places * width),
        );
        let (image, sums) = (image.numbers::<T>(), sums.numbers::<T>());
        let mut turned = Room::of::<T>(TURNED * places);
        let tables = |&pass: &&Pass| (frame.positions(pass, tile), places_of(pass, tile, places, width));
        let tables: Vec<_> = self.passes.iter().map(tables).collect();
        for group in 0..self.groups {
            if self.from == 0 {
                sums.fill(T::ZERO);
            }
            for block in 0..cut.blocks() {
                let channels = cut.channels(block);
                let taken = group * self.from + channels.start..group * self.from + channels.end;
                frame.fill(self.source, self.groups * self.from, taken, tile, image);
                for ((pass, packed), (positions, places)) in self.passes.iter().zip(packed).zip(&tables) {
                    let columns = Indirect {
                        numbers: image,
                        rows: positions,
                        steps: &frame.taps(pass, channels.len()),
                    };
                    let weights = packed.block(cut, group, block);
                    product(columns, weights, self.to, sums, places, block > 0);
                }
            }
            for sample in 0..samples {
                let first = (sample * self.groups + group) * self.to;
                let sums = &sums[sample * places * width..][..places * width];
                self.store(group, sums, first, turned.numbers(), destination);
            }
        }
    }

    /// Puts the sums of a sample, channel by channel for each place, to their rows of the destination, the first of which is given.
    fn store(&self, group: usize, sums: &[T], first: usize, turned: &mut [T], destination: &mut Piece<'_, T>) {
        let (width, places) = (filled::<T>(self.to), turned.len() / TURNED);
        for start in (0..self.to).step_by(TURNED) {
            let channels = start..self.to.min(start + TURNED);
            transpose(&sums[start..], width, [places, channels.len()], turned, places);
            for (channel, turned) in channels.zip(turned.chunks_exact(places)) {
                let y = destination.row(first + channel);
                match self.bias {
                    Some(bias) => {
                        let bias = bias[group * self.to + channel];
                        y.iter_mut().zip(turned).for_each(|(y, &x)| *y = x + bias);
                    }
                    None => y.copy_from_slice(turned),
                }
            }
        }
    }
}

/// Where the sums of each position begin: those of the destination's places follow each other.
fn places_of(pass: &Pass, tile: &Tile, places: usize, width: usize) -> Vec<usize> {
    let (rows, columns) = (&pass.rows, &pass.columns);
    let in_sample = |sample: usize| {
        rows_of(pass, tile).flat_map(move |row| {
            let row = (row - tile.rows.start) * rows.apart + rows.first;
            let first = sample * places + row * columns.destination + columns.first;
            (0..columns.count).map(move |column| (first + column * columns.apart) * width)
        })
    };
    (0..tile.samples.len()).flat_map(in_sample).collect()
}
