//! The product of two matrices.

use super::elementwise::same_float_type;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::operation;
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::matmul::{self, Matrix};
use crate::kernels::simd::Float;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

struct Matmul;

impl Op for Matmul {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "matmul",
            formula: "Y = A B",
            rule: "gA = gY Bᵀ, gB = Aᵀ gY",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("matmul", inputs)?;
        let (a, b) = (inputs[0].shape(), inputs[1].shape());
        let ([m, k], [l, n]) = (a.sizes(), b.sizes()) else {
            let problem = format!("needs two matrices: lhs has shape {a}, rhs has shape {b}");
            return Err(
                ShapeError::new("matmul", problem).hint("reshape gives a vector or a batch of images two dimensions")
            );
        };
        if k == l {
            return Ok(Shape::from([*m, *n]));
        }
        let problem = format!("inner dimensions differ: lhs {a} has {k} columns, rhs {b} has {l} rows");
        let error = ShapeError::new("matmul", problem);
        Err(match (k == n, m == l) {
            (true, _) => error.hint("is rhs transposed? rhs.t() fits"),
            (_, true) => error.hint("is lhs transposed? lhs.t() fits"),
            _ => error,
        })
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let mut out = Storage::for_overwrite(shape.count(), inputs[0].dtype());
        product(inputs[0], inputs[1], &mut out, false);
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![
            saved.wants(0).then(|| gy.matmul(&saved.input(1).t())),
            saved.wants(1).then(|| saved.input(0).t().matmul(gy)),
        ]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 2.0 * shape.count() as f64 * inputs[0].size(1) as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

/// out = a b, or out += a b. The operands may be any views of matrices; transposed ones are read where they lie.
pub(super) fn product(a: &Tensor, b: &Tensor, out: &mut Storage, accumulate: bool) {
    fn run<T: Float>(a: &Tensor, b: &Tensor, out: &mut Storage, accumulate: bool) {
        let (m, k, n) = (a.shape()[0], a.shape()[1], b.shape()[1]);
        matmul::matmul::<T>(m, k, n, matrix(a), matrix(b), out.as_mut_slice(), accumulate);
    }
    let (a, b) = (with_forward_strides(a), with_forward_strides(b));
    match a.dtype() {
        DType::F32 => run::<f32>(&a, &b, out, accumulate),
        _ => run::<f64>(&a, &b, out, accumulate),
    }
}

/// The kernel walks forward only; a flipped view is copied.
fn with_forward_strides(x: &Tensor) -> Tensor {
    if x.layout().strides[..2].iter().all(|&stride| stride >= 0) {
        x.clone()
    } else {
        x.dense()
    }
}

fn matrix<T: Float>(x: &Tensor) -> Matrix<'_, T> {
    let layout = x.layout();
    Matrix {
        // A view of nothing may begin anywhere.
        data: if x.count() == 0 { &[] } else { &x.raw()[layout.offset..] },
        row_stride: layout.strides[0] as usize,
        column_stride: layout.strides[1] as usize,
    }
}

impl Tensor {
    operation! {
        /// The product of two matrices: [M, K] times [K, N] gives [M, N]. Transposed views are not copied.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let b = Tensor::from([[1.0], [10.0]]);
        /// assert_eq!(a.matmul(&b).to_vec::<f32>(), [21.0, 43.0]);
        /// assert_eq!(a.matmul(&b).sum(..).grad(&[&a])[0].to_vec::<f32>(), [1.0, 10.0, 1.0, 10.0]);
        /// ```
        ///
        /// # Panics
        /// If an input is not a matrix, or the inner dimensions differ.
        pub fn matmul / try_matmul(&self, other: &Tensor) = Matmul, |this| [this, other]
    }
}
