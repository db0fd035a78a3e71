//! Which places of its source a convolution reads, and where its results belong.

use super::super::window::Axis;

/// How a pass reads and writes along one axis. Position u, below `count`, reads the source's place `u · step + offset` for each tap, and its result
/// belongs to the destination's place `first + u · apart`.
pub(super) struct Walk {
    pub(super) count: usize,
    pub(super) step: usize,
    pub(super) source: usize,
    pub(super) taps: Vec<Tap>,
    pub(super) destination: usize,
    pub(super) first: usize,
    pub(super) apart: usize,
}

/// One of the places that a window sees.
pub(super) struct Tap {
    /// Which place of the kernel this is.
    pub(super) index: usize,
    pub(super) offset: isize,
}

impl Walk {
    /// From the input to the output.
    pub(super) fn forward(axis: Axis) -> Walk {
        let taps = (0..axis.kernel).map(|index| Tap {
            index,
            offset: (index * axis.dilation) as isize - axis.padding as isize,
        });
        Walk {
            count: axis.output,
            step: axis.stride,
            source: axis.input,
            taps: taps.collect(),
            destination: axis.output,
            first: 0,
            apart: 1,
        }
    }

    /// From the output back to every `stride`-th place of the input, beginning with `first`: those that the same taps have seen. Place h was seen
    /// by tap i at position (h + padding - i · dilation) / stride, if that is a whole number.
    pub(super) fn backward(axis: Axis, first: usize) -> Walk {
        let stride = axis.stride as isize;
        let distance = |i: usize| (first + axis.padding) as isize - (i * axis.dilation) as isize;
        let reaching = (0..axis.kernel).filter(|&i| distance(i) % stride == 0);
        let taps = reaching.map(|index| Tap {
            index,
            offset: distance(index) / stride,
        });
        Walk {
            count: (axis.input - first).div_ceil(axis.stride),
            step: 1,
            source: axis.output,
            taps: taps.collect(),
            destination: axis.input,
            first,
            apart: axis.stride,
        }
    }

    /// Where the result of position `u` belongs.
    pub(super) fn place(&self, u: usize) -> usize {
        self.first + u * self.apart
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

    /// Taps of one channel.
    pub(super) fn taps(&self) -> usize {
        self.rows.taps.len() * self.columns.taps.len()
    }

    /// The taps by row and column, in the order in which a column holds them.
    pub(super) fn pairs_of_taps(&self) -> impl Iterator<Item = (&Tap, &Tap)> {
        let rows = self.rows.taps.iter();
        rows.flat_map(|row| self.columns.taps.iter().map(move |column| (row, column)))
    }

    /// Numbers in a channel of the destination.
    pub(super) fn destination_plane(&self) -> usize {
        self.rows.destination * self.columns.destination
    }
}
