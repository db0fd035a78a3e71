//! The matrix of columns: what a window sees, gathered tile by tile.

use super::super::matmul::Matrix;
use super::super::simd::Float;
use super::super::window::{Axis, positions_inside};
use crate::storage::Storage;
use std::ops::Range;

/// How a pass reads and writes along one axis. Position u, below `count`, reads the source's place `u · step + offset` for each tap, and its result
/// belongs to the destination's place `first + u · apart`.
pub(super) struct Walk {
    count: usize,
    source: usize,
    step: usize,
    taps: Vec<Tap>,
    pub(super) destination: usize,
    first: usize,
    pub(super) apart: usize,
}

/// One of the places that a window sees.
struct Tap {
    /// Which place of the kernel this is.
    index: usize,
    offset: isize,
    /// The positions at which the tap reads inside the source. It sees 0 at the others.
    inside: Range<usize>,
}

impl Walk {
    /// From the input to the output.
    pub(super) fn forward(axis: Axis) -> Walk {
        let offset = |i: usize| (i * axis.dilation) as isize - axis.padding as isize;
        let taps = (0..axis.kernel).map(|i| Tap {
            index: i,
            offset: offset(i),
            inside: positions_inside(axis.output, axis.stride, offset(i), axis.input),
        });
        Walk {
            count: axis.output,
            source: axis.input,
            step: axis.stride,
            taps: taps.collect(),
            destination: axis.output,
            first: 0,
            apart: 1,
        }
    }

    /// From the output back to every `stride`-th place of the input, beginning with `first`: those that the same taps have seen. Place h was seen
    /// by tap i at position (h + padding - i · dilation) / stride, if that is a whole number.
    pub(super) fn backward(axis: Axis, first: usize) -> Walk {
        let count = (axis.input - first).div_ceil(axis.stride);
        let distance = |i: usize| (first + axis.padding) as isize - (i * axis.dilation) as isize;
        let reaching = (0..axis.kernel).filter(|&i| distance(i) % axis.stride as isize == 0);
        let taps = reaching.map(|i| {
            let offset = distance(i) / axis.stride as isize;
            Tap {
                index: i,
                offset,
                inside: positions_inside(count, 1, offset, axis.output),
            }
        });
        Walk {
            count,
            source: axis.output,
            step: 1,
            taps: taps.collect(),
            destination: axis.input,
            first,
            apart: axis.stride,
        }
    }

    /// Each place of the output, as it is.
    pub(super) fn still(axis: Axis) -> Walk {
        Walk::forward(Axis {
            input: axis.output,
            output: axis.output,
            ..Axis::ABSENT
        })
    }

    /// Where the result of position `u` belongs.
    pub(super) fn place(&self, u: usize) -> usize {
        self.first + u * self.apart
    }

    /// The source's place that a tap reads at position `u`, which must be one inside.
    fn seen_from(&self, u: usize, tap: &Tap) -> usize {
        (u * self.step).wrapping_add_signed(tap.offset)
    }

    fn is_still(&self) -> bool {
        self.step == 1 && self.count == self.source && matches!(self.taps[..], [Tap { offset: 0, .. }])
    }
}

/// A convolution at some positions with some taps.
pub(super) struct Pass {
    pub(super) rows: Walk,
    pub(super) columns: Walk,
}

impl Pass {
    /// Positions in one sample.
    pub(super) fn positions(&self) -> usize {
        self.rows.count * self.columns.count
    }

    pub(super) fn taps(&self) -> usize {
        self.rows.taps.len() * self.columns.taps.len()
    }

    /// The places of the kernel that the taps are, in the order in which a column holds them.
    pub(super) fn places_of_taps(&self) -> impl Iterator<Item = (usize, usize)> {
        self.pairs_of_taps().map(|(row, column)| (row.index, column.index))
    }

    pub(super) fn source_plane(&self) -> usize {
        self.rows.source * self.columns.source
    }

    pub(super) fn destination_plane(&self) -> usize {
        self.rows.destination * self.columns.destination
    }

    /// The columns of a tile as a matrix [channels · taps, positions]. Where the source holds just that, as for a window of one place, it is
    /// read where it lies; otherwise it is gathered in `scratch`.
    pub(super) fn columns<'a, T: Float>(
        &self,
        source: &'a [T],
        channels: Channels,
        tile: &Tile,
        scratch: &'a mut Scratch,
    ) -> Matrix<'a, T> {
        let plane = self.source_plane();
        let sample = tile.segments[0].sample;
        let in_one_sample = tile.segments.iter().all(|segment| segment.sample == sample);
        if self.rows.is_still() && self.columns.is_still() && in_one_sample {
            let start = (sample * channels.all + channels.taken.start) * plane + tile.start % plane;
            return Matrix {
                data: &source[start..],
                row_stride: plane,
                column_stride: 1,
            };
        }
        let scratch = scratch.of_len(channels.taken.len() * self.taps() * tile.len);
        self.gather(source, channels, tile, scratch);
        Matrix {
            data: scratch,
            row_stride: tile.len,
            column_stride: 1,
        }
    }

    fn gather<T: Float>(&self, source: &[T], channels: Channels, tile: &Tile, out: &mut [T]) {
        let taps = self.taps();
        for (number, (row_tap, column_tap)) in self.pairs_of_taps().enumerate() {
            let runs = self.runs(row_tap, column_tap, channels.all, tile);
            let all_inside = runs.iter().map(|run| run.len).sum::<usize>() == tile.len;
            let rows = out.chunks_exact_mut(tile.len).skip(number).step_by(taps);
            for (channel, out) in channels.taken.clone().zip(rows) {
                if !all_inside {
                    out.fill(T::ZERO);
                }
                let source = &source[channel * self.source_plane()..];
                for run in &runs {
                    copy_every(
                        self.columns.step,
                        &source[run.from..],
                        &mut out[run.to..run.to + run.len],
                    );
                }
            }
        }
    }

    /// What a tap sees inside the source's channel 0. It is the same in each channel.
    fn runs(&self, row_tap: &Tap, column_tap: &Tap, channels: usize, tile: &Tile) -> Vec<Run> {
        let (rows, columns) = (&self.rows, &self.columns);
        let mut runs: Vec<Run> = Vec::with_capacity(tile.segments.len());
        for segment in &tile.segments {
            let start = column_tap.inside.start.max(segment.columns.start);
            let end = column_tap.inside.end.min(segment.columns.end);
            if start >= end || !row_tap.inside.contains(&segment.row) {
                continue;
            }
            let line = segment.sample * channels * rows.source + rows.seen_from(segment.row, row_tap);
            let run = Run {
                to: segment.at + start - segment.columns.start,
                from: line * columns.source + columns.seen_from(start, column_tap),
                len: end - start,
            };
            match runs.last_mut() {
                Some(last) if columns.step == 1 && last.is_followed_by(&run) => last.len += run.len,
                _ => runs.push(run),
            }
        }
        runs
    }

    fn pairs_of_taps(&self) -> impl Iterator<Item = (&Tap, &Tap)> {
        let rows = self.rows.taps.iter();
        rows.flat_map(|row| self.columns.taps.iter().map(move |column| (row, column)))
    }
}

/// Positions of a tile at which a tap sees places of the source that follow each other at the distance of the step.
struct Run {
    to: usize,
    from: usize,
    len: usize,
}

impl Run {
    fn is_followed_by(&self, next: &Run) -> bool {
        self.to + self.len == next.to && self.from + self.len == next.from
    }
}

/// y = every `step`-th number of x
fn copy_every<T: Float>(step: usize, x: &[T], y: &mut [T]) {
    if step == 1 {
        y.copy_from_slice(&x[..y.len()]);
    } else {
        y.iter_mut().zip(x.chunks(step)).for_each(|(y, x)| *y = x[0]);
    }
}

/// Positions (sample, row, column), counted through, that are computed together.
pub(super) struct Tile {
    start: usize,
    pub(super) len: usize,
    pub(super) segments: Vec<Segment>,
}

/// The part of a tile that lies in one row of one sample.
pub(super) struct Segment {
    /// Where it begins in the tile.
    pub(super) at: usize,
    pub(super) sample: usize,
    pub(super) row: usize,
    pub(super) columns: Range<usize>,
}

impl Tile {
    pub(super) fn new(pass: &Pass, positions: Range<usize>) -> Tile {
        let (rows, width) = (pass.rows.count, pass.columns.count);
        let mut segments = Vec::new();
        let mut at = positions.start;
        while at < positions.end {
            let (line, column) = (at / width, at % width);
            let len = (width - column).min(positions.end - at);
            segments.push(Segment {
                at: at - positions.start,
                sample: line / rows,
                row: line % rows,
                columns: column..column + len,
            });
            at += len;
        }
        Tile {
            start: positions.start,
            len: positions.len(),
            segments,
        }
    }
}

/// The channels of the source that a product takes.
pub(super) struct Channels {
    /// All channels of a sample.
    all: usize,
    taken: Range<usize>,
}

impl Channels {
    /// These channels of one of the groups, of which each has `of_group`.
    pub(super) fn new(groups: usize, of_group: usize, group: usize, channels: Range<usize>) -> Channels {
        Channels {
            all: groups * of_group,
            taken: group * of_group + channels.start..group * of_group + channels.end,
        }
    }
}

/// A buffer from the pool for one tile after the other.
#[derive(Default)]
pub(super) struct Scratch(Option<Storage>);

impl Scratch {
    /// Room for this many numbers, which the caller writes.
    pub(super) fn of_len<T: Float>(&mut self, len: usize) -> &mut [T] {
        self.0 = None; // first, so that the pool can hand out the same buffer again
        self.0.insert(Storage::for_overwrite(len, T::DTYPE)).as_mut_slice()
    }
}
