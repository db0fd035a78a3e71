//! Rung 11: a product with a vector has a kernel of its own.
//!
//! The last rung used one lane of each vector of C where C is a single column. Here the lanes go along K (`matrix_vector.rs`): 64 x 256 x 1, the last layer of a
//! discriminator, takes an eighth of the time, and 1 x 784 x 400 with weights as they lie, a layer for a single sample, a seventh. And a column times a row, for
//! which a tile has a single step, has no sums at all (`outer.rs`).
//!
//! What limits it: with a vector, reading the matrix, each number of which is used once; elsewhere, one core.

#[cfg(test)]
mod tests;

use super::super::simd::Float;
use super::flipped::Flipped;
use super::matrix_vector::MatrixVector;
use super::microkernel::TILE;
use super::operand::Matrix;
use super::outer::Outer;
use super::rung::Rung;
use super::store::Store;

/// Rung 11.
pub(super) struct Vector;

impl Rung for Vector {
    fn name(&self) -> &'static str {
        "vector"
    }

    fn idea(&self) -> &'static str {
        "products with a vector have kernels of their own"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        match WithVector::of(sizes, a, b) {
            Some(operands) => operands.on_this_thread(c, Store::new(false)),
            None => Flipped.run(sizes, a, b, c),
        }
    }
}

/// The operands of a product with a vector.
pub(super) enum WithVector<'a, T> {
    MatrixVector(MatrixVector<'a, T>),
    Outer(Outer<'a, T>),
}

impl<'a, T: Float> WithVector<'a, T> {
    /// The operands, where these kernels are for them.
    pub(super) fn of(sizes: [usize; 3], a: Matrix<'a, T>, b: Matrix<'a, T>) -> Option<Self> {
        MatrixVector::of(sizes, a, b)
            .map(WithVector::MatrixVector)
            .or_else(|| Outer::of(sizes, a, b).map(WithVector::Outer))
    }

    /// C, on this thread.
    pub(super) fn on_this_thread(&self, c: &mut [T], store: Store<'_, T>) {
        match self {
            WithVector::MatrixVector(operands) => operands.part(0, c, store),
            WithVector::Outer(operands) => operands.part(0, c, store),
        }
    }

    /// C, on all threads.
    pub(super) fn product(&self, c: &mut [T], store: Store<'_, T>) {
        match self {
            WithVector::MatrixVector(operands) => operands.product(c, store),
            WithVector::Outer(operands) => operands.product(c, store),
        }
    }
}
