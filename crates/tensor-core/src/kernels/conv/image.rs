//! The part of the source that a tile of positions sees, with its padding around it.
//!
//! In such an image every tap of every position has a number: that of position q and tap t lies at `position(q) + tap(t)`. So columns need
//! not be gathered at all. They are read where they are, by two tables of offsets.

use super::super::simd::{Float, Lanes};
use super::walk::{Pass, Tap, Walk};
use crate::storage::Storage;
use std::ops::Range;

/// What the walks of all passes see along one axis.
#[derive(Clone, Copy)]
struct Span {
    source: usize,
    step: usize,
    /// The smallest and the largest offset of a tap.
    lowest: isize,
    highest: isize,
}

impl Span {
    fn over<'a>(walks: impl Iterator<Item = &'a Walk> + Clone) -> Span {
        let offsets = walks.clone().flat_map(|walk| walk.taps.iter().map(|tap| tap.offset));
        let any = |size: fn(&Walk) -> usize| walks.clone().map(size).max().unwrap_or(0);
        Span {
            source: any(|walk| walk.source),
            step: any(|walk| walk.step),
            lowest: offsets.clone().min().unwrap_or(0),
            highest: offsets.max().unwrap_or(0),
        }
    }

    /// Places that so many neighbouring positions see.
    fn len(&self, positions: usize) -> usize {
        positions.saturating_sub(1) * self.step + (self.highest - self.lowest) as usize + 1
    }

    /// Where in an image a tap reads at the image's first position.
    fn offset(&self, tap: &Tap) -> usize {
        (tap.offset - self.lowest) as usize
    }

    /// Which places of an image of this length, from this position on, lie in the source; and where in the source.
    fn inside(&self, position: usize, len: usize) -> (Range<usize>, usize) {
        let first = (position * self.step) as isize + self.lowest;
        let place = |at: isize| (at - first).clamp(0, len as isize) as usize;
        let inside = place(0)..place(self.source as isize);
        let start = first.wrapping_add_unsigned(inside.start);
        (inside, usize::try_from(start).unwrap_or(0))
    }
}

/// Some positions that are computed together: whole samples, or some rows of one.
#[derive(Clone)]
pub(super) struct Tile {
    pub(super) samples: Range<usize>,
    pub(super) rows: Range<usize>,
}

/// How an image of a tile is laid out: samples, in them channels, in them rows.
pub(super) struct Frame {
    rows: Span,
    columns: Span,
    /// From one row to the next.
    pub(super) width: usize,
    height: usize,
    /// From one channel to the next.
    plane: usize,
    /// From one sample to the next.
    pub(super) sample: usize,
}

impl Frame {
    /// For tiles of so many rows of positions, and so many channels.
    pub(super) fn new<T: Float>(passes: &[Pass], rows: usize, channels: usize) -> Frame {
        let row_span = Span::over(passes.iter().map(|pass| &pass.rows));
        let column_span = Span::over(passes.iter().map(|pass| &pass.columns));
        let columns = passes.iter().map(|pass| pass.columns.count).max().unwrap_or(0);
        let (height, width) = (row_span.len(rows), column_span.len(columns));
        // An odd number of cache lines: the same place of all channels would otherwise share a few places of the cache.
        let plane = ((height * width).div_ceil(T::Lanes::WIDTH) | 1) * T::Lanes::WIDTH;
        Frame {
            rows: row_span,
            columns: column_span,
            width,
            height,
            plane,
            sample: channels * plane,
        }
    }

    /// Numbers of an image of so many samples: a vector more than it has, so that the last row may be written by whole vectors.
    pub(super) fn room<T: Float>(&self, samples: usize) -> usize {
        samples * self.sample + T::Lanes::WIDTH
    }

    /// Copies what a tile sees of these channels of the source, each sample of which has `all` of them.
    pub(super) fn fill<T: Float>(
        &self,
        source: &[T],
        all: usize,
        channels: Range<usize>,
        tile: &Tile,
        image: &mut [T],
    ) {
        let (rows, first_row) = self.rows.inside(tile.rows.start, self.height);
        let (columns, first_column) = self.columns.inside(0, self.width);
        let is_padded = rows.len() < self.height || columns.len() < self.width;
        let (width, plane) = (self.columns.source, self.rows.source * self.columns.source);
        for (i, sample) in tile.samples.clone().enumerate() {
            for (j, channel) in channels.clone().enumerate() {
                let image = &mut image[i * self.sample + j * self.plane..];
                if is_padded {
                    image[..self.height * self.width].fill(T::ZERO);
                }
                if columns.is_empty() {
                    continue;
                }
                let source = &source[(sample * all + channel) * plane..];
                for (k, row) in rows.clone().enumerate() {
                    let source = &source[(first_row + k) * width + first_column..];
                    copy_row(source, columns.len(), &mut image[row * self.width + columns.start..]);
                }
            }
        }
    }

    /// Where the first tap of each position lies in the image of a first tile, sample by sample. Later tiles have as many positions, or fewer.
    pub(super) fn positions(&self, pass: &Pass, tile: &Tile) -> Vec<usize> {
        let row_step = self.rows.step * self.width;
        let in_sample = |sample: usize| {
            rows_of(pass, tile).flat_map(move |row| {
                let first = sample * self.sample + row * row_step;
                (0..pass.columns.count).map(move |column| first + column * self.columns.step)
            })
        };
        (0..tile.samples.len()).flat_map(in_sample).collect()
    }

    /// How far from there each tap of so many channels lies.
    pub(super) fn taps(&self, pass: &Pass, channels: usize) -> Vec<usize> {
        let of_channel = |channel: usize| {
            pass.pairs_of_taps().map(move |(row, column)| {
                channel * self.plane + self.rows.offset(row) * self.width + self.columns.offset(column)
            })
        };
        (0..channels).flat_map(of_channel).collect()
    }
}

/// Positions of a pass in a tile.
pub(super) fn positions_in(pass: &Pass, tile: &Tile) -> usize {
    tile.samples.len() * rows_of(pass, tile).len() * pass.columns.count
}

/// The rows of a tile that a pass has: of several passes, one may have a row less than the others.
pub(super) fn rows_of(pass: &Pass, tile: &Tile) -> Range<usize> {
    let count = pass.rows.count;
    tile.rows.start.min(count)..tile.rows.end.min(count)
}

/// Copies `n` numbers by whole vectors, with zeros behind them: there is padding, or a row that is written next. (`memcpy` takes longer to begin
/// than such rows take, and was a tenth of a DCGAN's step.)
#[inline(always)]
fn copy_row<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    for start in (0..n).step_by(T::Lanes::WIDTH) {
        let left = n - start;
        let mut vector = T::Lanes::load_first(&x[start..], left.min(T::Lanes::WIDTH));
        if left < T::Lanes::WIDTH {
            vector = vector.keep_first(left, T::ZERO);
        }
        vector.store(&mut y[start..start + T::Lanes::WIDTH]);
    }
}

/// How positions are cut into tiles, by the sizes alone.
pub(super) struct Tiling {
    samples: usize,
    rows: usize,
    pub(super) tile_samples: usize,
    pub(super) tile_rows: usize,
}

/// Positions in a tile, at most (more if a single row has more).
const TILE: usize = 400;
/// Into how many tiles a batch is cut, if each has [`PIECE`] multiplications: as many as keep threads equally busy.
const TILES: usize = 16;
/// Multiplications of a tile: about 30 µs, beside which its tables cost little.
const PIECE: usize = 2_000_000;

impl Tiling {
    /// For samples that have so many rows and columns of positions, and so many multiplications each.
    pub(super) fn new(samples: usize, [rows, columns]: [usize; 2], multiplications: usize) -> Tiling {
        let positions = (rows * columns).max(1);
        let tile_rows = rows.div_ceil(positions.div_ceil(TILE)).max(1);
        // The tables of the first tile serve the others, which have a part of it from its beginning on: so only whole samples are taken together.
        let most = match tile_rows < rows {
            true => 1,
            false => (TILE / positions).max(PIECE / multiplications.max(1)),
        };
        Tiling {
            samples,
            rows,
            tile_samples: most.min(samples.div_ceil(TILES)).max(1),
            tile_rows,
        }
    }

    fn bands(&self) -> usize {
        self.rows.div_ceil(self.tile_rows)
    }

    pub(super) fn count(&self) -> usize {
        self.samples.div_ceil(self.tile_samples) * self.bands()
    }

    pub(super) fn tile(&self, i: usize) -> Tile {
        let part = |i: usize, len: usize, all: usize| i * len..all.min((i + 1) * len);
        Tile {
            samples: part(i / self.bands(), self.tile_samples, self.samples),
            rows: part(i % self.bands(), self.tile_rows, self.rows),
        }
    }
}

/// A buffer from the pool.
pub(super) struct Room(Storage);

impl Room {
    /// Room for this many numbers, which the caller writes.
    pub(super) fn of<T: Float>(len: usize) -> Room {
        Room(Storage::for_overwrite(len, T::DTYPE))
    }

    pub(super) fn numbers<T: Float>(&mut self) -> &mut [T] {
        self.0.as_mut_slice()
    }
}
