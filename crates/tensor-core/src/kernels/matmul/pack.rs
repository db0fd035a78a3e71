//! B in panels: the rows of one tile's columns one after the other, in the order in which the microkernel reads them.

use super::super::simd::{Float, Lanes};
use super::microkernel::Panel;
use super::operand::Matrix;
use super::tiles::panels;
use std::ops::Range;

/// Side of the squares in which a transposed operand is turned.
pub(super) const SQUARE: usize = 8;

/// A block of B, as the tiles read it.
pub(super) struct Block<'a, T> {
    b: Matrix<'a, T>,
    depth: usize,
    /// Whether all of it is packed. Otherwise whole vectors are read where they lie, and only a last panel that has others is packed.
    packs: bool,
    room: &'a [T],
}

impl<'a, T: Float> Block<'a, T> {
    /// How many numbers the packed panels of a block take.
    pub(super) fn room(depth: usize, columns: usize, packs: bool) -> usize {
        let packed = panels::<T>(columns).filter(|panel| packs || !is_whole::<T>(panel));
        packed.map(|panel| depth * filled::<T>(&panel)).sum()
    }

    /// Packs what has to be packed of the first `depth` rows and `columns` columns of B.
    pub(super) fn new(b: Matrix<'a, T>, depth: usize, columns: usize, packs: bool, room: &'a mut [T]) -> Self {
        let mut left = &mut *room;
        for panel in panels::<T>(columns).filter(|panel| packs || !is_whole::<T>(panel)) {
            let width = filled::<T>(&panel);
            let (out, rest) = left.split_at_mut(depth * width);
            pack(b.from(0, panel.start), depth, panel.len(), width, out);
            left = rest;
        }
        Block { b, depth, packs, room }
    }

    /// A block that was packed before.
    pub(super) fn packed(panels: &'a [T], depth: usize) -> Self {
        let b = Matrix::of_rows(panels, 0);
        Block {
            b,
            depth,
            packs: true,
            room: panels,
        }
    }

    /// The panel of these columns.
    pub(super) fn panel(&self, columns: &Range<usize>) -> Panel<'_, T> {
        if !self.packs && is_whole::<T>(columns) {
            return Panel {
                data: &self.b.data[columns.start..],
                stride: self.b.row_stride,
            };
        }
        // The panels before it are as deep; and where not all are packed, it is the only one.
        let start = if self.packs { columns.start * self.depth } else { 0 };
        let stride = filled::<T>(columns);
        Panel {
            data: &self.room[start..][..stride * self.depth],
            stride,
        }
    }
}

/// Whether these columns are whole vectors.
fn is_whole<T: Float>(columns: &Range<usize>) -> bool {
    columns.len().is_multiple_of(T::Lanes::WIDTH)
}

/// As many columns in whole vectors.
pub(super) fn filled<T: Float>(columns: &Range<usize>) -> usize {
    columns.len().next_multiple_of(T::Lanes::WIDTH)
}

/// Fills a panel with `k` rows of B, each followed by zeros up to `width`. (With Aᵀ as B, it is the rows of a tile, column after column.)
#[inline(never)]
pub(in super::super) fn pack<T: Float>(b: Matrix<'_, T>, k: usize, columns: usize, width: usize, out: &mut [T]) {
    debug_assert_eq!(out.len(), k * width);
    if columns < width {
        out.fill(T::ZERO);
    }
    if b.column_stride == 1 {
        rows(b, columns, width, out);
    } else if b.row_stride == 1 {
        turned(b, k, columns, width, out);
    } else {
        for (p, out) in out.chunks_exact_mut(width).enumerate() {
            for (j, out) in out[..columns].iter_mut().enumerate() {
                *out = b.at(p, j);
            }
        }
    }
}

/// Where B's rows are contiguous: they are copied.
fn rows<T: Float>(b: Matrix<'_, T>, columns: usize, width: usize, out: &mut [T]) {
    let is_whole = columns == width && width.is_multiple_of(T::Lanes::WIDTH);
    match is_whole.then_some(width / T::Lanes::WIDTH) {
        Some(1) => whole_rows::<T, 1>(b, out),
        Some(2) => whole_rows::<T, 2>(b, out),
        Some(3) => whole_rows::<T, 3>(b, out),
        _ => {
            for (p, out) in out.chunks_exact_mut(width).enumerate() {
                out[..columns].copy_from_slice(&b.data[p * b.row_stride..][..columns]);
            }
        }
    }
}

/// Rows of so many vectors. The compiler makes a call of each copy whose length it does not know: 1 or 2 % of the time of a product of 128 x 400 x 784.
fn whole_rows<T: Float, const VECTORS: usize>(b: Matrix<'_, T>, out: &mut [T]) {
    let (out, _) = T::Lanes::chunks_mut(out);
    for (p, out) in out.as_chunks_mut::<VECTORS>().0.iter_mut().enumerate() {
        let (row, _) = T::Lanes::chunks(&b.data[p * b.row_stride..]);
        *out = *row.first_chunk().expect("a row has all columns");
    }
}

/// Where B's columns are contiguous: squares of numbers are turned in registers.
fn turned<T: Float>(b: Matrix<'_, T>, k: usize, columns: usize, width: usize, out: &mut [T]) {
    let (whole_k, whole_columns) = (k / SQUARE * SQUARE, columns / SQUARE * SQUARE);
    for j in (0..whole_columns).step_by(SQUARE) {
        let lines: [&[[T; SQUARE]]; SQUARE] =
            std::array::from_fn(|i| b.data[(j + i) * b.column_stride..][..k].as_chunks().0);
        for p in 0..whole_k / SQUARE {
            let square = T::transpose(std::array::from_fn(|i| lines[i][p]));
            let out = &mut out[p * SQUARE * width + j..];
            for (row, out) in square.iter().zip(out.chunks_mut(width)) {
                out[..SQUARE].copy_from_slice(row);
            }
        }
    }
    for p in 0..k {
        let first = if p < whole_k { whole_columns } else { 0 };
        for j in first..columns {
            out[p * width + j] = b.at(p, j);
        }
    }
}
