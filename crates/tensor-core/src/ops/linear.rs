//! The affine map of a fully connected layer, as one operation.

use super::elementwise::same_float_type;
use super::matmul::product;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::operation;
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::copy::copy_strided;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Y = X Wᵀ + b. Fused: the product accumulates onto the bias, which saves a pass over Y.
struct Linear;

impl Op for Linear {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "linear",
            formula: "Y = X Wᵀ + b",
            rule: "gX = gY W, gW = gYᵀ X, gb = Σ gY over the batch",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("linear", inputs)?;
        let [x, w, b] = [0, 1, 2].map(|i: usize| inputs[i].shape());
        let ([outputs, inputs], [biases]) = (w.sizes(), b.sizes()) else {
            let problem = format!("needs a weight [out, in] and a bias [out], got {w} and {b}");
            return Err(ShapeError::new("linear", problem));
        };
        if outputs != biases {
            let problem = format!("weight {w} has {outputs} outputs, bias {b} has {biases}");
            return Err(ShapeError::new("linear", problem));
        }
        match x.sizes() {
            [batch, features] if features == inputs => Ok(Shape::from([*batch, *outputs])),
            [_, features] => {
                let problem = format!("input {x} has {features} features, weight {w} takes {inputs}");
                let error = ShapeError::new("linear", problem);
                Err(if features == outputs {
                    error.hint("is the weight transposed? it is [out, in]")
                } else {
                    error
                })
            }
            _ => {
                let error = ShapeError::new("linear", format!("needs an input [batch, {inputs}], got {x}"));
                let per_sample: usize = x.iter().skip(1).product();
                Err(match x.rank() {
                    1 if x[0] == *inputs => {
                        error.hint(format!("the batch dimension is missing: reshape to [1, {inputs}]"))
                    }
                    rank if rank > 2 && per_sample == *inputs => {
                        error.hint(format!("images have to be flattened: reshape to [{}, {inputs}]", x[0]))
                    }
                    _ => error,
                })
            }
        }
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let (x, weight, bias) = (inputs[0], inputs[1], inputs[2].dense());
        let mut out = Storage::for_overwrite(shape.count(), x.dtype());
        match x.dtype() {
            DType::F32 => repeat_rows::<f32>(&bias, [shape[0], shape[1]], &mut out),
            _ => repeat_rows::<f64>(&bias, [shape[0], shape[1]], &mut out),
        }
        product(x, &weight.permuted(&[1, 0]), &mut out, true);
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, weight) = (saved.input(0), saved.input(1));
        grads![
            saved.wants(0).then(|| gy.matmul(weight)),
            saved.wants(1).then(|| gy.t().matmul(x)),
            saved.wants(2).then(|| gy.sum(0)),
        ]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 2.0 * shape.count() as f64 * inputs[0].size(1) as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

fn repeat_rows<T: Element>(row: &Tensor, [rows, columns]: [usize; 2], out: &mut Storage) {
    copy_strided(row.as_slice::<T>(), 0, &[rows, columns], &[0, 1], out.as_mut_slice());
}

impl Tensor {
    operation! {
        /// The affine map of a fully connected layer: Y = X Wᵀ + b, with X [batch, in], `weight` [out, in], `bias` [out], Y [batch, out].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 2.0]]);
        /// let w = Tensor::from([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]).requires_grad();
        /// let y = x.linear(&w, &Tensor::from([0.5, 0.5, 0.5]));
        /// assert_eq!(y.to_vec::<f32>(), [11.5, 17.5, 23.5]);
        /// assert_eq!(y.sum(..).grad(&[&w])[0].to_vec::<f32>(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit.
        pub fn linear / try_linear(&self, weight: &Tensor, bias: &Tensor) = Linear, |this| [this, weight, bias]
    }
}
