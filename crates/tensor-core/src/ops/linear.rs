//! The affine map of a fully connected layer, as one operation.

use super::composition;
use super::elementwise::same_float_type;
use super::matmul::{all_rows, product};
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::matmul::Activation;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Y = X Wᵀ + b. Fused: the product adds the bias as it stores, which saves a pass over Y.
pub(super) struct Linear;

impl Op for Linear {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "linear",
            formula: "Y = X Wᵀ + b",
            rule: "gX = gY W, gW = gYᵀ X, gb = Σ gY over all rows",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("linear", inputs)?;
        let (x, w) = (inputs[0].shape(), inputs[1].shape());
        let bias = inputs.get(2).map(|bias| bias.shape());
        let takes = |bias: Shape| format!("needs a weight [out, in] and a bias [out], got {w} and {bias}");
        let [outputs, features] = *w.sizes() else {
            let problem = bias.map_or_else(|| format!("needs a weight [out, in], got {w}"), takes);
            return Err(ShapeError::new("linear", problem));
        };
        match bias {
            Some(bias) if bias.rank() != 1 => return Err(ShapeError::new("linear", takes(bias))),
            Some(bias) if bias[0] != outputs => {
                let problem = format!("weight {w} has {outputs} outputs, bias {bias} has {}", bias[0]);
                return Err(ShapeError::new("linear", problem));
            }
            _ => {}
        }
        match x.sizes() {
            [rows @ .., last] if *last == features => {
                let sizes = [rows, &[outputs]].concat();
                Shape::try_new(&sizes).map_err(|problem| ShapeError::new("linear", problem))
            }
            _ => Err(features_differ(x, w)),
        }
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        map_rows(inputs, Activation::None, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, weight) = (saved.input(0), saved.input(1));
        let mut grads = grads![
            saved.wants(0).then(|| gy.matmul(weight)),
            saved.product(1, || (all_rows(gy).t(), all_rows(x))),
        ];
        if saved.count() == 3 {
            grads.push(saved.wants(2).then(|| all_rows(gy).sum(0)).into());
        }
        grads
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 2.0 * shape.count() as f64 * inputs[0].size(-1) as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

/// Y = σ(X Wᵀ + b), of inputs X, W and perhaps b.
pub(super) fn map_rows(inputs: &[&Tensor], activation: Activation, shape: Shape) -> Tensor {
    let (x, weight) = (inputs[0], inputs[1]);
    let mut out = Storage::for_overwrite(shape.count(), x.dtype());
    product(
        x,
        &weight.permuted(&[1, 0]),
        inputs.get(2).copied(),
        activation,
        &mut out,
    );
    Tensor::from_storage(out, shape)
}

fn features_differ(x: Shape, w: Shape) -> ShapeError {
    let (outputs, inputs) = (w[0], w[1]);
    let Some(features) = x.last() else {
        let problem = format!("needs an input […, {inputs}], got a single number");
        return ShapeError::new("linear", problem);
    };
    let problem = format!("input {x} has {features} features, weight {w} takes {inputs}");
    let error = ShapeError::new("linear", problem);
    let per_sample: usize = x.iter().skip(1).product();
    if x.rank() > 2 && per_sample == inputs {
        error.hint(format!("images have to be flattened: reshape to [{}, {inputs}]", x[0]))
    } else if *features == outputs {
        error.hint(format!(
            "should the layer before give {inputs} features, or is the weight transposed? it is [out, in]"
        ))
    } else {
        error
    }
}

impl Tensor {
    composition! {
        /// The affine map of a fully connected layer: Y = X Wᵀ + b, with X […, in] of any rank from 1 on, `weight` [out, in], `bias` \[out\], and
        /// Y […, out]. Without a bias, Y = X Wᵀ. The rule: gX = gY W, gW = gYᵀ X, gb = Σ gY, over all rows.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0]]);
        /// let w = Tensor::from([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]).requires_grad();
        /// let y = x.linear(&w, Some(&Tensor::from([0.5, 0.5, 0.5])));
        /// assert_eq!(y.to_vec::<f32>(), [11.5, 17.5, 23.5]);
        /// assert_eq!(y.sum(..).grad(&[&w])[0].to_vec::<f32>(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        /// assert_eq!(Tensor::ones([4, 5, 2]).linear(&w, None).shape(), [4, 5, 3]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit.
        pub fn linear / try_linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Tensor = |x| {
            let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
            super::try_apply(Linear, &inputs)
        }
    }
}
