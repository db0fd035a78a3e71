//! Convolution of planes, its input gradient and its weight gradient, as products with the matrix of columns.
//!
//! A column holds what the window sees at one position: of each channel, each tap. With W as a matrix [outputs, channels · taps],
//!
//! - the convolution is Y = W · columns(x);
//! - its weight gradient is gW = gY · columns(x)ᵀ;
//! - its input gradient is a convolution of gY. Neighbouring places of x were seen by other taps, but those at a distance of the stride by the same ones.
//!   So it takes a pass for each of the stride² grids of such places, with the part of W that belongs to the grid's taps. Each place is
//!   computed once, and nothing has to be added up in memory.
//!
//! The columns never exist: what the microkernel multiplies is read where it lies in an image with its padding, which stays in the cache. (In builds for old processors
//! those of some rows at a time do.)
//!
//! | file                 | what it is about                                            |
//! |----------------------|-------------------------------------------------------------|
//! | `walk.rs`            | which places are read for a result, and where it belongs    |
//! | `image.rs`           | tiles of positions, and what they see, with its padding     |
//! | `weights.rs`         | the weights, packed                                         |
//! | `microkernel.rs`     | the product of a tile                                       |
//! | `narrow.rs`          | the same in builds for old processors                       |
//! | `product.rs`         | the convolution and its input gradient                      |
//! | `few.rs`             | the same where the result has few channels                  |
//! | `pointwise.rs`       | the same where the window is a single place                 |
//! | `weight_gradient.rs` | the weight gradient                                         |

mod few;
mod image;
mod microkernel;
mod narrow;
mod pointwise;
mod product;
#[cfg(test)]
mod tests;
mod walk;
mod weight_gradient;
mod weights;

use super::simd::Float;
use super::window::Axis;
use product::Product;
use walk::{Pass, Walk};
use weight_gradient::WeightGradient;
use weights::Weights;

/// The sizes of a convolution: x is `[samples, groups · inputs, H, W]`, the weight `[groups · outputs, inputs, kernel…]` and y
/// `[samples, groups · outputs, H', W']`, all contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Images in the batch.
    pub samples: usize,
    /// Convolutions side by side, each on channels of its own.
    pub groups: usize,
    /// Channels of x in a group.
    pub inputs: usize,
    /// Channels of y in a group.
    pub outputs: usize,
    /// Height and width.
    pub axes: [Axis; 2],
}

/// Multiplications that take as long as one of the simple elements by which [`super::parallel::for_each_task_of`] decides whether to wake threads.
const PER_ELEMENT: usize = 6;

/// In a product of these sizes.
fn multiplications(sizes: [usize; 3]) -> usize {
    sizes.into_iter().fold(1, usize::saturating_mul)
}

impl Geometry {
    fn plane(&self, size: impl Fn(&Axis) -> usize) -> usize {
        self.axes.iter().map(size).product()
    }

    /// Panics unless the slices have these sizes.
    fn check(&self, x: usize, weight: usize, y: usize) {
        let channels = |of_group: usize| self.samples * self.groups * of_group;
        assert_eq!(x, channels(self.inputs) * self.plane(|axis| axis.input), "x: {self:?}");
        assert_eq!(
            y,
            channels(self.outputs) * self.plane(|axis| axis.output),
            "y: {self:?}"
        );
        let kernel = self.plane(|axis| axis.kernel);
        assert_eq!(
            weight,
            self.groups * self.outputs * self.inputs * kernel,
            "weight: {self:?}"
        );
    }
}

/// y = w ∗ x, plus `bias[o]` in each plane of channel o.
pub fn convolution<T: Float>(geometry: &Geometry, x: &[T], weight: &[T], bias: Option<&[T]>, y: &mut [T]) {
    geometry.check(x.len(), weight.len(), y.len());
    let [rows, columns] = geometry.axes.map(Walk::forward);
    let kernel = geometry.plane(|axis| axis.kernel);
    let product = Product {
        samples: geometry.samples,
        groups: geometry.groups,
        parts: 1,
        from: geometry.inputs,
        to: geometry.outputs,
        source: x,
        weights: Weights {
            numbers: weight,
            group: geometry.outputs * geometry.inputs * kernel,
            from: kernel,
            to: geometry.inputs * kernel,
        },
        kernel_width: geometry.axes[1].kernel,
        passes: &[Pass { rows, columns }],
        bias,
    };
    product.run(y);
}

/// The gradient of the convolution by its input: gx from gy. As an operation of its own it is the transposed convolution, to which a
/// bias (one number for each channel of gx) may be added.
pub fn input_gradient<T: Float>(geometry: &Geometry, gy: &[T], weight: &[T], bias: Option<&[T]>, gx: &mut [T]) {
    geometry.check(gx.len(), weight.len(), gy.len());
    let [rows, columns] = geometry.axes;
    let kernel = geometry.plane(|axis| axis.kernel);
    let grids = |axis: Axis| 0..axis.stride.min(axis.input);
    let passes: Vec<Pass> = grids(rows)
        .flat_map(|row| grids(columns).map(move |column| (row, column)))
        .map(|(row, column)| Pass {
            rows: Walk::backward(rows, row),
            columns: Walk::backward(columns, column),
        })
        .collect();
    let product = Product {
        samples: geometry.samples,
        groups: geometry.groups,
        parts: 1,
        from: geometry.outputs,
        to: geometry.inputs,
        source: gy,
        weights: Weights {
            numbers: weight,
            group: geometry.outputs * geometry.inputs * kernel,
            from: geometry.inputs * kernel,
            to: kernel,
        },
        kernel_width: columns.kernel,
        passes: &passes,
        bias,
    };
    product.run(gx);
}

/// The gradient of the convolution by its weight: gw from x and gy, summed over all samples and positions.
pub fn weight_gradient<T: Float>(geometry: &Geometry, x: &[T], gy: &[T], gw: &mut [T]) {
    geometry.check(x.len(), gw.len(), gy.len());
    WeightGradient::new(geometry, x, gy).run(gw);
}
