//! Windows of a single place, one for each place of the source: the columns are the source itself, and the general product reads and writes
//! all operands where they lie.

use super::super::matmul::{Batch, Matrix, Store, matmul_batch};
use super::super::parallel::{self, CHUNK};
use super::super::simd::Float;
use super::product::Product;
use super::walk::{Pass, Tap, Walk};

/// Whether the passes are one such.
pub(super) fn fits(passes: &[Pass]) -> bool {
    let is_still = |walk: &Walk| {
        walk.step == 1
            && walk.apart == 1
            && walk.count == walk.source
            && matches!(walk.taps[..], [Tap { offset: 0, .. }])
    };
    matches!(passes, [pass] if is_still(&pass.rows) && is_still(&pass.columns))
}

/// Y = W · X for each sample and group, and the bias.
pub(super) fn run<T: Float>(product: &Product<'_, T>, destination: &mut [T]) {
    let &Product {
        samples,
        groups,
        from,
        to,
        weights,
        ..
    } = product;
    let plane = product.passes[0].positions();
    let weights_of_groups = Batch {
        first: Matrix {
            data: weights.numbers,
            row_stride: weights.to,
            column_stride: weights.from,
        },
        strides: &[0, weights.group],
    };
    let source = Batch {
        first: Matrix::of_rows(product.source, plane),
        strides: &[groups * from * plane, from * plane],
    };
    let sizes = [to, from, plane];
    matmul_batch(
        &[samples, groups],
        sizes,
        weights_of_groups,
        source,
        destination,
        Store::new(false),
    );
    if let Some(bias) = product.bias {
        parallel::for_each_chunk(destination, CHUNK.div_ceil(plane) * plane, |start, y| {
            for (i, y) in (start / plane..).zip(y.chunks_exact_mut(plane)) {
                let bias = bias[i % (groups * to)];
                y.iter_mut().for_each(|y| *y = *y + bias);
            }
        });
    }
}
