//! Y = columns(x)ᵀ · Wᵀ, tile by tile: what the convolution and its input gradient share.
//!
//! The rows of the product are positions and its columns destination channels, since the microkernel reads the rows' operand number by number,
//! from wherever it lies, and the columns' by vectors. So what is packed are the weights, once; and each tile's result, which lies channel by
//! channel for each place, is turned as it is stored.

use super::super::matmul::{Piece, Shared, TILE, block_len};
use super::super::parallel;
use super::super::simd::{Float, Lanes};
use super::image::{Frame, Room, Tile, Tiling, positions_in, rows_of};
use super::microkernel::{Indirect, filled, product};
use super::walk::Pass;
use super::weights::{Cut, Packed, Weights};
use super::{PER_ELEMENT, few, multiplications, pointwise};
use std::ops::Range;

/// Side of the squares in which a result is turned.
const SQUARE: usize = 8;
/// Tasks that are enough to keep threads busy: fewer tiles are shared by channels as well.
const TASKS: usize = 8;
/// Taps in a block of channels of the source, at most, unless one channel has more. (With 256 in place of 512, a step of the DCGAN is 3 % slower.)
const TAPS: usize = if TILE.vectors == 3 { 512 } else { 256 };
/// Destination channels of a task, and its multiplications, at least: it makes an image of its own.
const CHANNELS: usize = 32;
const PIECE: usize = 4_000_000;

/// Convolutions with the same source and destination, which together write each place of the destination.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub(super) samples: usize,
    pub(super) groups: usize,
    /// Groups that see the same channels of the source: 1, until a group is cut in parts.
    pub(super) parts: usize,
    /// Channels of the source in a group.
    pub(super) from: usize,
    /// Channels of the destination in a group.
    pub(super) to: usize,
    pub(super) source: &'a [T],
    pub(super) weights: Weights<'a, T>,
    /// Columns of the kernel.
    pub(super) kernel_width: usize,
    pub(super) passes: &'a [Pass],
    /// For each channel of the destination.
    pub(super) bias: Option<&'a [T]>,
}

/// How a product is cut.
pub(super) struct Plan {
    pub(super) tiling: Tiling,
    pub(super) cut: Cut,
    pub(super) frame: Frame,
}

/// What tiles need of a pass.
struct Prepared {
    weights: Packed,
    /// Tables of a first tile, and of a block of channels: where positions lie in the image, where their sums begin, and how far taps are from there.
    positions: Vec<usize>,
    places: Vec<usize>,
    taps: Vec<usize>,
}

impl<T: Float> Product<'_, T> {
    pub(super) fn run(&self, destination: &mut [T]) {
        let Some(largest) = self.passes.first() else { return };
        if destination.is_empty() {
            return;
        }
        if pointwise::fits(self.passes) {
            return pointwise::run(self, destination);
        }
        let in_pass = |pass: &Pass| multiplications([pass.positions(), self.groups * self.from * pass.taps(), self.to]);
        let in_sample = self.passes.iter().map(in_pass).sum();
        let tiling = Tiling::new(self.samples, [largest.rows.count, largest.columns.count], in_sample);
        let work = in_sample.saturating_mul(self.samples);
        self.in_parts(tiling.count(), work)
            .run_tiles(tiling, work / PER_ELEMENT, destination);
    }

    /// The same with groups cut in equal parts, if there are too few tiles for all threads: a deep layer on a single image is one tile.
    fn in_parts(&self, tiles: usize, work: usize) -> Self {
        let mut product = *self;
        let tasks = |product: &Self| tiles * product.groups;
        while tasks(&product) < TASKS
            && work / tasks(&product) >= 2 * PIECE
            && product.to.is_multiple_of(2 * T::Lanes::WIDTH)
            && product.to >= 2 * CHANNELS
        {
            product.parts *= 2;
            product.groups *= 2;
            product.to /= 2;
        }
        product
    }

    fn run_tiles(&self, tiling: Tiling, work: usize, destination: &mut [T]) {
        let taps = self.passes.iter().map(Pass::taps).max().unwrap_or(0);
        let cut = Cut {
            groups: self.groups,
            parts: self.parts,
            from: self.from,
            to: self.to,
            block: block_len(self.from.max(1), (TAPS / taps.max(1)).max(1), 1),
        };
        let frame = Frame::new::<T>(self.passes, tiling.tile_rows, cut.block);
        let plan = Plan { tiling, cut, frame };
        if few::fits(self, &plan) {
            let tables = few::tables(self, &plan);
            return self.for_each_tile(&plan.tiling, work, destination, |tile, groups, destination| {
                few::run_tile(self, &plan, &tables, tile, groups, destination);
            });
        }
        let first = plan.tiling.tile(0);
        let places = self.places(&first);
        let prepared: Vec<Prepared> = self
            .passes
            .iter()
            .map(|pass| Prepared {
                weights: cut.pack(self.weights, self.kernel_width, pass),
                positions: plan.frame.positions(pass, &first),
                places: places_of(pass, &first, places, filled::<T>(self.to)),
                taps: plan.frame.taps(pass, cut.block),
            })
            .collect();
        self.for_each_tile(&plan.tiling, work, destination, |tile, groups, destination| {
            self.run_tile(&plan, &prepared, tile, groups, destination);
        });
    }

    /// The rows of the destination that a tile writes.
    fn rows(&self, tile: &Tile) -> Range<usize> {
        let rows = &self.passes[0].rows;
        tile.rows.start * rows.apart..rows.destination.min(tile.rows.end * rows.apart)
    }

    /// Places that a tile writes in a channel of a sample.
    fn places(&self, tile: &Tile) -> usize {
        self.rows(tile).len() * self.passes[0].columns.destination
    }

    /// The channels of the source that some channels of a group are.
    pub(super) fn taken(&self, group: usize, channels: &Range<usize>) -> Range<usize> {
        let first = group / self.parts * self.from;
        first + channels.start..first + channels.end
    }

    /// Channels of a sample of the source.
    pub(super) fn all(&self) -> usize {
        self.groups / self.parts * self.from
    }

    /// Calls `f` with tiles, groups, and the places that it writes: for each sample, a row for each channel of these groups.
    fn for_each_tile(
        &self,
        tiling: &Tiling,
        work: usize,
        destination: &mut [T],
        f: impl Fn(&Tile, Range<usize>, &mut Piece<'_, T>) + Sync,
    ) {
        let (plane, width) = (self.passes[0].destination_plane(), self.passes[0].columns.destination);
        // All groups, unless there are few tiles.
        let shares = match tiling.count() {
            tiles if tiling.tile_samples == 1 => TASKS.div_ceil(tiles),
            _ => 1,
        };
        let groups = self.groups.div_ceil(shares);
        let shares = self.groups.div_ceil(groups);
        let destination = Shared::new(Piece::whole(destination, plane));
        parallel::for_each_task_of(work, tiling.count() * shares, |i| {
            let (tile, share) = (tiling.tile(i / shares), i % shares);
            let groups = share * groups..self.groups.min((share + 1) * groups);
            let first = (tile.samples.start * self.groups + groups.start) * self.to;
            let rows = first..first + tile.samples.len() * groups.len() * self.to;
            let places = self.rows(&tile).start * width..self.rows(&tile).end * width;
            // SAFETY: tiles are different samples, or different rows of them; those of several samples have all groups, and the tasks of others have
            // different ones. So what they write does not overlap, and each is done once.
            #[allow(unsafe_code, reason = "rows of all channels of a sample are not one slice")]
            let mut destination = unsafe { destination.part(rows, places) };
            f(&tile, groups, &mut destination);
        });
    }

    fn run_tile(
        &self,
        plan: &Plan,
        passes: &[Prepared],
        tile: &Tile,
        groups: Range<usize>,
        destination: &mut Piece<'_, T>,
    ) {
        let Plan { cut, frame, .. } = plan;
        let (samples, places) = (tile.samples.len(), self.places(tile));
        let width = filled::<T>(self.to);
        let mut image = Room::of::<T>(frame.room::<T>(samples));
        let mut sums = Room::of::<T>(samples * places * width);
        let (image, sums) = (image.numbers::<T>(), sums.numbers::<T>());
        for (i, group) in groups.clone().enumerate() {
            if self.from == 0 {
                sums.fill(T::ZERO);
            }
            for block in 0..cut.blocks() {
                let channels = cut.channels(block);
                let taken = self.taken(group, &channels);
                frame.fill(self.source, self.all(), taken, tile, image);
                for (pass, prepared) in self.passes.iter().zip(passes) {
                    let positions = positions_in(pass, tile);
                    let columns = Indirect {
                        numbers: image,
                        rows: &prepared.positions[..positions],
                        steps: &prepared.taps[..channels.len() * pass.taps()],
                    };
                    let weights = prepared.weights.block(cut, group, block);
                    let places = &prepared.places[..positions];
                    product(columns, weights, self.to, sums, places, block > 0);
                }
            }
            for (sample, sums) in sums.chunks_exact(places * width).enumerate() {
                self.store(group, sums, (sample * groups.len() + i) * self.to, destination);
            }
        }
    }

    /// Puts the sums of a sample, channel by channel for each place, to their rows of the destination, the first of which is given.
    fn store(&self, group: usize, sums: &[T], first: usize, destination: &mut Piece<'_, T>) {
        let width = filled::<T>(self.to);
        let places = sums.len() / width;
        for start in (0..self.to).step_by(SQUARE) {
            let channels = start..self.to.min(start + SQUARE);
            let bias = |channel: usize| self.bias.map_or(T::ZERO, |bias| bias[group * self.to + channel]);
            if places < SQUARE {
                for channel in channels {
                    let sums = sums[channel..].iter().step_by(width);
                    let y = destination.row(first + channel).iter_mut();
                    y.zip(sums).for_each(|(y, &x)| *y = x + bias(channel));
                }
                continue;
            }
            for place in (0..places).step_by(SQUARE) {
                // The last square begins earlier instead of being smaller: some places are written twice, with the same numbers.
                let place = place.min(places - SQUARE);
                let rows = &sums[place * width + start..];
                let square = T::transpose(std::array::from_fn(|i| rows[i * width..].as_chunks().0[0]));
                for (channel, square) in channels.clone().zip(&square) {
                    let bias = bias(channel);
                    let y = &mut destination.row(first + channel)[place..place + SQUARE];
                    y.iter_mut().zip(square).for_each(|(y, &x)| *y = x + bias);
                }
            }
        }
    }
}

/// Where the sums of each position of a first tile begin: those of the destination's places follow each other.
fn places_of(pass: &Pass, tile: &Tile, places: usize, width: usize) -> Vec<usize> {
    let (rows, columns) = (&pass.rows, &pass.columns);
    let in_sample = |sample: usize| {
        rows_of(pass, tile).flat_map(move |row| {
            let first = sample * places + rows.place(row) * columns.destination;
            (0..columns.count).map(move |column| (first + columns.place(column)) * width)
        })
    };
    (0..tile.samples.len()).flat_map(in_sample).collect()
}
