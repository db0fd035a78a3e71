//! Convolution, its input gradient and its weight gradient. Each is linear in both of its arguments, and the derivatives of each are the other two:
//! together they close convolution under differentiation. The input gradient is known by itself as transposed convolution.

use super::super::elementwise::same_float_type;
use super::super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::super::sliding::Sliding;
use super::super::{apply, with_float};
use super::shapes::check_bias;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::conv::{self, Geometry};
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

const CHECKED: &str = "infer checked the shapes";

/// y = w ∗ x (+ b)
pub(super) struct Conv {
    pub(super) sliding: Sliding,
}

/// y = wᵀ ∗ x (+ b), the gradient of a convolution by its input.
pub(super) struct ConvTranspose {
    pub(super) sliding: Sliding,
    pub(super) output_padding: [usize; 2],
}

/// gw from x and gy, the gradient of a convolution by its weight.
struct ConvWeightGradient {
    sliding: Sliding,
    kernel: [usize; 2],
}

impl Sliding {
    /// The operation x -> y, without a bias.
    fn forwards(self) -> Conv {
        Conv { sliding: self }
    }

    /// The operation y -> x for an x and a weight of these shapes.
    fn backwards(self, x: Shape, weight: Shape) -> ConvTranspose {
        ConvTranspose {
            sliding: self,
            output_padding: self.output_padding(self.plane(x), self.plane(weight)),
        }
    }

    /// The operation (x, y) -> w for a weight of this shape.
    fn by_weight(self, weight: Shape) -> ConvWeightGradient {
        ConvWeightGradient {
            sliding: self,
            kernel: self.plane(weight),
        }
    }

    /// The gradients of an operation with a weight, and of its bias if it has one.
    fn gradients(self, saved: &Saved<'_>, gy: &Tensor, [gx, gw]: [Option<Tensor>; 2]) -> Grads {
        let mut grads = grads![gx, gw];
        if saved.count() == 3 {
            grads.push(saved.wants(2).then(|| self.by_bias(gy)).into());
        }
        grads
    }

    /// The gradient of a bias that was added to each plane: the sum over the batch and the plane. In two steps, which need no copy.
    fn by_bias(self, gy: &Tensor) -> Tensor {
        match self.dims {
            1 => gy.sum(2).sum(0),
            _ => gy.sum([2, 3]).sum(0),
        }
    }

    /// The shape of an output with a weight, whose bias, if there is one, has a number for each of these channels.
    fn output_shape(
        self,
        name: &'static str,
        inputs: &[&Tensor],
        [samples, channels]: [usize; 2],
        plane: [usize; 2],
    ) -> Result<Shape, ShapeError> {
        check_bias(name, inputs.get(2), channels)?;
        self.shape(name, samples, channels, plane)
    }
}

/// The inputs as slices can be had of them: two and perhaps a bias.
fn dense(inputs: &[&Tensor]) -> (Tensor, Tensor, Option<Tensor>) {
    let bias = inputs.get(2).map(|bias| bias.dense());
    (inputs[0].dense(), inputs[1].dense(), bias)
}

/// Each position of each output channel takes a multiplication and an addition for each tap of each input channel.
fn cost(geometry: &Geometry, inputs: &[&Tensor], shape: Shape) -> Cost {
    let size = |count: [usize; 2]| count.iter().product::<usize>() as f64;
    let positions = geometry.samples as f64 * size(geometry.axes.map(|axis| axis.output));
    let taps = size(geometry.axes.map(|axis| axis.kernel));
    let pairs = (geometry.groups * geometry.inputs * geometry.outputs) as f64;
    Cost {
        flop: 2.0 * positions * taps * pairs,
        bytes: bytes_moved(inputs, shape),
    }
}

impl Conv {
    fn name(&self) -> &'static str {
        if self.sliding.dims == 1 { "conv1d" } else { "conv2d" }
    }

    fn geometry(&self, inputs: &[&Tensor]) -> Result<Geometry, ShapeError> {
        self.sliding
            .convolution(self.name(), inputs[0].shape(), inputs[1].shape())
    }
}

impl Op for Conv {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name(),
            formula: "y[o] = Σ over c, i of w[o, c, i] · x[c] moved to tap i, + b[o]",
            rule: "gx = conv_transpose(gy, w), gw = conv_weight_gradient(x, gy), gb = Σ gy over the batch and the planes",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.sliding.attributes()
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.name(), inputs)?;
        let geometry = self.geometry(inputs)?;
        let sizes = [geometry.samples, geometry.groups * geometry.outputs];
        let plane = geometry.axes.map(|axis| axis.output);
        self.sliding.output_shape(self.name(), inputs, sizes, plane)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let geometry = self.geometry(inputs).expect(CHECKED);
        let (x, weight, bias) = dense(inputs);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            let bias = bias.as_ref().map(Tensor::as_slice::<T>);
            conv::convolution(&geometry, x.as_slice(), weight.as_slice(), bias, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, w) = (saved.input(0), saved.input(1));
        let backwards = self.sliding.backwards(x.shape(), w.shape());
        let gx = saved.wants(0).then(|| apply(backwards, &[gy, w]));
        let gw = saved
            .wants(1)
            .then(|| apply(self.sliding.by_weight(w.shape()), &[x, gy]));
        self.sliding.gradients(saved, gy, [gx, gw])
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        cost(&self.geometry(inputs).expect(CHECKED), inputs, shape)
    }
}

impl ConvTranspose {
    fn name(&self) -> &'static str {
        if self.sliding.dims == 1 {
            "conv_transpose1d"
        } else {
            "conv_transpose2d"
        }
    }

    fn geometry(&self, inputs: &[&Tensor]) -> Result<Geometry, ShapeError> {
        let (x, weight) = (inputs[0].shape(), inputs[1].shape());
        self.sliding.transposed(self.name(), x, weight, self.output_padding)
    }
}

impl Op for ConvTranspose {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name(),
            formula: "y = gx of a convolution whose gy is x, + b",
            rule: "gx = conv(gy, w), gw = conv_weight_gradient(gy, x), gb = Σ gy over the batch and the planes",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = self.sliding.attributes();
        if self.output_padding != [0, 0] {
            let output_padding = &self.output_padding[2 - self.sliding.dims..];
            attributes.push(("output_padding", format!("{output_padding:?}")));
        }
        attributes
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.name(), inputs)?;
        let geometry = self.geometry(inputs)?;
        let sizes = [geometry.samples, geometry.groups * geometry.inputs];
        let plane = geometry.axes.map(|axis| axis.input);
        self.sliding.output_shape(self.name(), inputs, sizes, plane)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let geometry = self.geometry(inputs).expect(CHECKED);
        let (x, weight, bias) = dense(inputs);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            let bias = bias.as_ref().map(Tensor::as_slice::<T>);
            conv::input_gradient(&geometry, x.as_slice(), weight.as_slice(), bias, out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, w) = (saved.input(0), saved.input(1));
        let gx = saved.wants(0).then(|| apply(self.sliding.forwards(), &[gy, w]));
        let gw = saved
            .wants(1)
            .then(|| apply(self.sliding.by_weight(w.shape()), &[gy, x]));
        self.sliding.gradients(saved, gy, [gx, gw])
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        cost(&self.geometry(inputs).expect(CHECKED), inputs, shape)
    }
}

impl ConvWeightGradient {
    fn name(&self) -> &'static str {
        if self.sliding.dims == 1 {
            "conv1d_weight_gradient"
        } else {
            "conv2d_weight_gradient"
        }
    }

    fn weight(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let channels = inputs[0].size(1) / self.sliding.options.groups;
        self.sliding
            .shape(self.name(), inputs[1].size(1), channels, self.kernel)
    }

    fn geometry(&self, inputs: &[&Tensor]) -> Result<Geometry, ShapeError> {
        self.sliding
            .convolution(self.name(), inputs[0].shape(), self.weight(inputs)?)
    }
}

impl Op for ConvWeightGradient {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name(),
            formula: "gw[o, c, i] = Σ over the batch and the positions of gy[o] · x[c] moved to tap i",
            rule: "with v the gradient of gw: gx = conv_transpose(gy, v), ggy = conv(x, v)",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.sliding.attributes()
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.name(), inputs)?;
        self.weight(inputs)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let geometry = self.geometry(inputs).expect(CHECKED);
        let (x, gy, _) = dense(inputs);
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        with_float!(x.dtype(), T => {
            conv::weight_gradient::<T>(&geometry, x.as_slice(), gy.as_slice(), out.as_mut_slice());
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gw: &Tensor) -> Grads {
        let (x, gy) = (saved.input(0), saved.input(1));
        grads![
            saved
                .wants(0)
                .then(|| apply(self.sliding.backwards(x.shape(), gw.shape()), &[gy, gw])),
            saved.wants(1).then(|| apply(self.sliding.forwards(), &[x, gw])),
        ]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        cost(&self.geometry(inputs).expect(CHECKED), inputs, shape)
    }
}
