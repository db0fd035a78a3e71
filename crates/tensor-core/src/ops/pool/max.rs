//! The largest number of each window.

use super::super::elementwise::same_float_type;
use super::super::index::check_places_have_names;
use super::super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved};
use super::super::{try_apply, with_float};
use super::{CHECKED, Window};
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::pool;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Where the largest number that each window sees is: its index in the plane, of type U32.
struct MaxIndices {
    window: Window,
    name: &'static str,
}

impl Op for MaxIndices {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "max_pool_indices",
            formula: "y = the index in the plane of the largest x in each window",
            rule: "gx = 0: an index does not move with x, almost everywhere",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.window.attributes()
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.name, x)?;
        let shape = x[0].shape();
        let axes = self.window.axes(self.name, shape)?;
        if axes.iter().any(|axis| axis.input == 0) {
            let problem = format!("the input {shape} has no places: a window would see nothing but padding");
            return Err(ShapeError::new(self.name, problem));
        }
        let [rows, columns] = axes.map(|axis| axis.input);
        check_places_have_names(self.name, rows * columns, || format!("a plane of the input {shape}"))?;
        let output = axes.map(|axis| axis.output);
        self.window.sliding.shape(self.name, shape[0], shape[1], output)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let axes = self.window.axes(self.name, x[0].shape()).expect(CHECKED);
        let x = x[0].dense();
        let mut out = Storage::for_overwrite(shape.count(), DType::U32);
        with_float!(x.dtype(), T => pool::max_indices::<T>(axes, x.as_slice(), out.as_mut_slice()));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        self.window.cost(shape.count(), x, shape)
    }
}

/// The numbers at these places. The planes become lines, from which they are gathered.
#[track_caller]
pub(super) fn max_pool(x: &Tensor, window: Window, name: &'static str) -> Result<Tensor, ShapeError> {
    let indices = try_apply(MaxIndices { window, name }, &[x])?;
    lines(x)?.try_gather(2, &lines(&indices)?)?.try_reshape(indices.shape())
}

/// Planes [N, C, …] as lines.
#[track_caller]
fn lines(x: &Tensor) -> Result<Tensor, ShapeError> {
    x.try_reshape([x.size(0), x.size(1), x.shape()[2..].iter().product()])
}
