//! The steps of recurrent networks over a sequence, forward and back.
//!
//! Samples do not depend on each other. So a thread takes a few of them through all steps, and nobody waits for anybody before the last one: on a machine
//! where another program may take a core at any time, a meeting in each step would cost more than the work. In a step, the samples' states are multiplied by
//! the packed weights, which stay in the second-level cache; then one pass over the gates does all the rest.
//!
//! Everything that belongs to samples and steps is batch first, [batch, time, …]: then the samples of a thread are one piece of each array, and the
//! products over all steps, before and after these loops, find one matrix with a row for each step of each sample.
//!
//! What limits it: a batch of few samples is work for one thread.

pub mod gru;
pub mod lstm;
#[cfg(test)]
mod tests;

use super::arrays::array_of;
use super::matmul::{Matrix, Prepacked, ROWS_AT_A_TIME, Store};
use super::parallel;
use super::simd::{Float, Lanes};
use std::array;

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Sequences.
    pub batch: usize,
    /// Steps in each.
    pub time: usize,
    /// Hidden units.
    pub hidden: usize,
}

impl Sizes {
    /// Samples that one thread takes through all steps: few, so that there is work for four threads; but weights that a cache has no room for are
    /// read once for all of them.
    fn samples(&self) -> usize {
        let quarter = (self.batch / 4).next_multiple_of(ROWS_AT_A_TIME);
        quarter.clamp(ROWS_AT_A_TIME, 4 * ROWS_AT_A_TIME)
    }

    /// Asserts that the arrays of states, and those of steps with so many times the hidden units, have the lengths that they must have.
    fn check<'a, T: 'a>(&self, states: &[&[T]], steps: impl IntoIterator<Item = (&'a [T], usize)>) {
        let state = self.batch * self.hidden;
        assert!(self.time > 0, "no step to take the states through: {self:?}");
        assert!(states.iter().all(|x| x.len() == state), "a state is not {self:?}");
        let fits = |(x, times): (&[T], usize)| x.len() == state * self.time * times;
        assert!(steps.into_iter().all(fits), "an array of all steps is not {self:?}");
    }

    fn is_empty(&self) -> bool {
        self.batch * self.time * self.hidden == 0
    }
}

/// The rows of one step in an array [samples, time, width].
fn step<T>(x: &[T], at: usize, time: usize, width: usize) -> Matrix<'_, T> {
    Matrix {
        data: &x[at * width..],
        row_stride: time * width,
        column_stride: 1,
    }
}

/// Row `i` of rows of `width`.
fn row<T>(x: &[T], i: usize, width: usize) -> &[T] {
    &x[i * width..][..width]
}

/// Row `i`, to be written.
fn row_mut<T>(x: &mut [T], i: usize, width: usize) -> &mut [T] {
    &mut x[i * width..][..width]
}

/// Row `i`, to be written, and the one before it; of the first step of a sample, `first`.
fn row_and_last<'a, T>(x: &'a mut [T], i: usize, first: Option<&'a [T]>, width: usize) -> (&'a mut [T], &'a [T]) {
    let (before, now) = x.split_at_mut(i * width);
    let last = first.unwrap_or_else(|| &before[before.len() - width..]);
    (&mut now[..width], last)
}

/// A row of N gates, gate by gate.
fn gates<T, const N: usize>(row: &[T]) -> [&[T]; N] {
    let hidden = row.len() / N;
    array::from_fn(|i| &row[i * hidden..][..hidden])
}

/// The same, to be written.
fn gates_mut<T, const N: usize>(row: &mut [T]) -> [&mut [T]; N] {
    let hidden = row.len() / N;
    let mut parts = row.chunks_exact_mut(hidden);
    array::from_fn(|_| parts.next().expect("a row holds all gates"))
}

/// y = f(x, y) for slices of one length: N that are read, and M that are read and written.
#[inline(always)]
fn update<T: Float, const N: usize, const M: usize>(
    x: [&[T]; N],
    y: [&mut [T]; M],
    f: impl Fn([T::Lanes; N], [T::Lanes; M]) -> [T::Lanes; M],
) {
    let count = y[0].len() / T::Lanes::WIDTH;
    let x_rest: [&[T]; N] = array_of(|k| T::Lanes::chunks(x[k]).1);
    let x: [_; N] = array_of(|k| &T::Lanes::chunks(x[k]).0[..count]);
    let mut y = y.map(|y| {
        let (whole, rest) = T::Lanes::chunks_mut(y);
        (&mut whole[..count], rest)
    });
    for i in 0..count {
        let x = array_of(|k| T::Lanes::from_array(x[k][i]));
        let new = f(x, array_of(|k| T::Lanes::from_array(y[k].0[i])));
        for (y, new) in y.iter_mut().zip(new) {
            y.0[i] = new.to_array();
        }
    }
    if !y[0].1.is_empty() {
        let x = array_of(|k| T::Lanes::load_padded(x_rest[k], T::ZERO));
        let new = f(x, array_of(|k| T::Lanes::load_padded(y[k].1, T::ZERO)));
        for (y, new) in y.iter_mut().zip(new) {
            new.store_padded(y.1);
        }
    }
}
