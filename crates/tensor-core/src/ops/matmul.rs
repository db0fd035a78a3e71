//! The product of matrices and vectors, and of batches of them.

use super::elementwise::same_float_type;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use super::{operation, with_float};
use crate::dtype::DType;
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::matmul::{self, Activation, Batch, Matrix, Store};
use crate::kernels::simd::Float;
use crate::shape::{Layout, Shape};
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
        let (rows, columns) = (as_rows(a), as_columns(b));
        let ([a_batch @ .., m, k], [b_batch @ .., l, n]) = (rows.sizes(), columns.sizes()) else {
            let problem = format!("needs vectors or matrices: lhs has shape {a}, rhs has shape {b}");
            return Err(ShapeError::new("matmul", problem).hint("* multiplies by a single number"));
        };
        if k != l {
            return Err(inner_dimensions_differ(a, b));
        }
        let refused = |problem: String| ShapeError::new("matmul", problem);
        let batch = Shape::new(a_batch)
            .try_broadcast(&Shape::new(b_batch))
            .ok_or_else(|| batches_differ(a, b))?;
        let mut sizes = batch.map_err(refused)?.to_vec();
        sizes.extend((a.rank() > 1).then_some(*m));
        sizes.extend((b.rank() > 1).then_some(*n));
        Shape::try_new(&sizes).map_err(refused)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let mut out = Storage::for_overwrite(shape.count(), inputs[0].dtype());
        product(inputs[0], inputs[1], None, Activation::None, &mut out);
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        // Vectors count as matrices of one row or column; their gradients lose that dimension again.
        let (rows, columns) = (as_rows(saved.shape(0)), as_columns(saved.shape(1)));
        let (m, n) = (rows[rows.rank() - 2], columns[columns.rank() - 1]);
        let vectors = [0, 1].into_iter().filter(|&i| saved.shape(i).rank() == 1).count();
        let batch = Shape::new(&gy.shape()[..gy.rank() + vectors - 2]);
        let gy = in_shape(gy, with_matrix(batch, [m, n]));
        let a = || in_shape(saved.input(0), rows);
        let b = || in_shape(saved.input(1), columns);
        let ga = || match saved.shape(0).sizes() {
            [k] => in_shape(&gy.matmul(&b().transpose(-2, -1)), with_vector(batch, *k)),
            _ => gy.matmul(&b().transpose(-2, -1)),
        };
        // One matrix or vector for the whole batch: the sum over the batch is part of the product.
        let gb = match saved.shape(1).rank() {
            1 => {
                let gb = || in_shape(&all_rows(&a()).t().matmul(&all_rows(&gy)), saved.shape(1));
                saved.wants(1).then(gb).into()
            }
            2 => saved.product(1, || (all_rows(&a()).t(), all_rows(&gy))),
            _ => saved.wants(1).then(|| a().transpose(-2, -1).matmul(&gy)).into(),
        };
        grads![saved.wants(0).then(ga), gb]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 2.0 * shape.count() as f64 * inputs[0].size(-1) as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

/// The shape of the left operand as that of matrices: a vector is one row.
fn as_rows(a: Shape) -> Shape {
    match a.sizes() {
        [k] => Shape::from([1, *k]),
        _ => a,
    }
}

/// The shape of the right operand as that of matrices: a vector is one column.
fn as_columns(b: Shape) -> Shape {
    match b.sizes() {
        [k] => Shape::from([*k, 1]),
        _ => b,
    }
}

fn with_matrix(batch: Shape, matrix: [usize; 2]) -> Shape {
    Shape::new(&[&batch[..], &matrix].concat())
}

fn with_vector(batch: Shape, size: usize) -> Shape {
    Shape::new(&[&batch[..], &[size]].concat())
}

/// `x` in this shape, without an operation where it has it already.
fn in_shape(x: &Tensor, shape: Shape) -> Tensor {
    if x.shape() == shape {
        x.clone()
    } else {
        x.reshape(shape)
    }
}

/// The rows of all matrices as one matrix.
pub(super) fn all_rows(x: &Tensor) -> Tensor {
    let columns = x.size(-1);
    let rows = x.shape()[..x.rank() - 1].iter().product();
    in_shape(x, Shape::from([rows, columns]))
}

fn inner_dimensions_differ(a: Shape, b: Shape) -> ShapeError {
    let (rows, columns) = (as_rows(a), as_columns(b));
    let (m, k) = (rows[rows.rank() - 2], rows[rows.rank() - 1]);
    let (l, n) = (columns[columns.rank() - 2], columns[columns.rank() - 1]);
    let columns_of_a = if a.rank() == 1 { "elements" } else { "columns" };
    let rows_of_b = if b.rank() == 1 { "elements" } else { "rows" };
    let problem = format!("inner dimensions differ: lhs {a} has {k} {columns_of_a}, rhs {b} has {l} {rows_of_b}");
    let error = ShapeError::new("matmul", problem);
    let turned = |name: &str, shape: Shape| match shape.rank() {
        2 => format!("is {name} transposed? {name}.t() fits"),
        _ => format!("is {name} transposed? {name}.transpose(-2, -1) fits"),
    };
    if b.rank() > 1 && k == n {
        error.hint(turned("rhs", b))
    } else if a.rank() > 1 && m == l {
        error.hint(turned("lhs", a))
    } else if a.rank() > 2 && a[1..].iter().product::<usize>() == l {
        error.hint(format!("images have to be flattened: reshape lhs to [{}, {l}]", a[0]))
    } else {
        error
    }
}

fn batches_differ(a: Shape, b: Shape) -> ShapeError {
    let (a_batch, b_batch) = (&a[..a.rank() - 2], &b[..b.rank() - 2]);
    let problem = format!("batch dimensions do not broadcast: lhs {a} has {a_batch:?}, rhs {b} has {b_batch:?}");
    let error = ShapeError::new("matmul", problem);
    let hint = |name: &str, shape: Shape, batch: &[usize], other: &[usize]| {
        let ones = vec![1; other.len() - batch.len()];
        let fitting = Shape::new(&[batch, &ones, &shape[batch.len()..]].concat());
        format!("is a batch dimension missing? reshape {name} to {fitting}")
    };
    if a_batch.starts_with(b_batch) {
        error.hint(hint("rhs", b, b_batch, a_batch))
    } else if b_batch.starts_with(a_batch) {
        error.hint(hint("lhs", a, a_batch, b_batch))
    } else {
        error
    }
}

/// out = a b, with a bias added to each row if there is one, and an activation applied after it, by the rules of [`Tensor::matmul`]. The operands may be any views; transposed
/// and repeated ones are read where they lie.
pub(super) fn product(a: &Tensor, b: &Tensor, bias: Option<&Tensor>, activation: Activation, out: &mut Storage) {
    let (a, b) = with_one_batch(
        as_matrices(a, as_rows(a.shape())),
        as_matrices(b, as_columns(b.shape())),
    );
    let bias = bias.map(Tensor::dense);
    with_float!(a.dtype(), T => {
        let store = Store {
            bias: bias.as_ref().map(Tensor::as_slice),
            activation,
            ..Store::new(false)
        };
        run::<T>(&a, &b, out.as_mut_slice(), store);
    });
}

/// Two matrices, [M, K] and [K, N], whose product is added to a gradient [M, N] of their type.
#[derive(Clone, Debug)]
pub struct Factors {
    a: Tensor,
    b: Tensor,
}

impl Factors {
    /// Those that can be added to such a gradient as they are multiplied, with the bits of a product that is added afterwards.
    pub(super) fn of(a: &Tensor, b: &Tensor, gradient: Shape, dtype: DType) -> Option<Factors> {
        let shapes = [a.shape(), b.shape()];
        let ([m, k], [l, n]) = (shapes[0].sizes(), shapes[1].sizes()) else {
            return None;
        };
        let fits = k == l && *gradient.sizes() == [*m, *n] && [a.dtype(), b.dtype()] == [dtype; 2];
        (fits && matmul::is_added_once(*k)).then(|| Factors {
            a: a.clone(),
            b: b.clone(),
        })
    }

    /// sum += A B, in place where nobody else can see the elements of `sum`.
    pub(crate) fn add_to(&self, sum: &mut Tensor) {
        let [a, b] = [&self.a, &self.b].map(|x| as_matrices(x, x.shape()));
        with_float!(sum.dtype(), T => run::<T>(&a, &b, sum.as_mut_slice(), Store::new(true)));
    }
}

fn run<T: Float>(a: &Tensor, b: &Tensor, out: &mut [T], store: Store<'_, T>) {
    let (batch, [m, k]) = sizes(a);
    let (_, [_, n]) = sizes(b);
    let batch_strides = |x: &Tensor| -> Vec<usize> {
        let strides = &x.layout().strides[..x.rank() - 2];
        strides.iter().map(|&stride| stride as usize).collect()
    };
    let (a_strides, b_strides) = (batch_strides(a), batch_strides(b));
    let a = Batch {
        first: first_matrix(a),
        strides: &a_strides,
    };
    let b = Batch {
        first: first_matrix(b),
        strides: &b_strides,
    };
    matmul::matmul_batch::<T>(&batch, [m, k, n], a, b, out, store);
}

/// The sizes of the batch, and rows and columns of its matrices.
fn sizes(x: &Tensor) -> (Shape, [usize; 2]) {
    let shape = x.shape();
    let batch = shape.rank() - 2;
    (Shape::new(&shape[..batch]), [shape[batch], shape[batch + 1]])
}

/// The view in this shape of matrices, with strides that walk forward only, as the kernel does: a flipped view is copied.
fn as_matrices(x: &Tensor, shape: Shape) -> Tensor {
    let forward = x.layout().strides[..x.rank()].iter().all(|&stride| stride >= 0);
    let x = if forward { x.clone() } else { x.dense() };
    let mut layout = x.layout();
    if x.rank() == 1 {
        // One of the two sizes is 1, and has no stride that matters.
        layout.strides[1] = layout.strides[0];
    }
    x.view(Layout { shape, ..layout })
}

/// Both operands repeated to the batch that they have together. Where all of it shares one right operand, the rows on the left
/// are those of one large matrix, if they lie evenly: one product then does the work of many small ones.
fn with_one_batch(a: Tensor, b: Tensor) -> (Tensor, Tensor) {
    let ((a_batch, a_matrix), (b_batch, b_matrix)) = (sizes(&a), sizes(&b));
    let batch = a_batch
        .broadcast(&b_batch)
        .expect("the shape rule compared the batches");
    let a = a.view(a.layout().expand(with_matrix(batch, a_matrix)));
    let b = b.view(b.layout().expand(with_matrix(batch, b_matrix)));
    let used_again = |dim: usize| batch[dim] == 1 || b.layout().strides[dim] == 0;
    match rows_as_one_matrix(&a) {
        Some(rows) if (0..batch.rank()).all(used_again) => (rows, without_batch(&b)),
        _ => (a, b),
    }
}

/// The rows of all matrices as those of one, if each begins as far after the last as all others do.
fn rows_as_one_matrix(x: &Tensor) -> Option<Tensor> {
    let Layout { shape, strides, .. } = x.layout();
    let columns = shape.rank() - 1;
    let (mut rows, mut step) = (1, 0);
    for dim in (0..columns).rev().filter(|&dim| shape[dim] != 1) {
        match rows {
            1 => step = strides[dim],
            _ if strides[dim] == rows as isize * step => {}
            _ => return None,
        }
        rows *= shape[dim];
    }
    let mut layout = x.layout();
    layout.shape = Shape::from([rows, shape[columns]]);
    (layout.strides[0], layout.strides[1]) = (step, strides[columns]);
    Some(x.view(layout))
}

/// The first matrix of a batch.
fn without_batch(x: &Tensor) -> Tensor {
    let (batch, matrix) = sizes(x);
    let mut layout = x.layout();
    layout.strides.copy_within(batch.rank()..batch.rank() + 2, 0);
    x.view(Layout {
        shape: Shape::from(matrix),
        ..layout
    })
}

fn first_matrix<T: Float>(x: &Tensor) -> Matrix<'_, T> {
    let layout = x.layout();
    let rows = x.rank() - 2;
    Matrix {
        // A view of nothing may begin anywhere.
        data: if x.count() == 0 { &[] } else { &x.raw()[layout.offset..] },
        row_stride: layout.strides[rows] as usize,
        column_stride: layout.strides[rows + 1] as usize,
    }
}

impl Tensor {
    operation! {
        /// The product of two matrices: [M, K] times [K, N] gives [M, N]. The rules are PyTorch's:
        ///
        /// - with more dimensions, the last two are those of matrices, and those before them a batch, which is broadcast: [B, M, K] times [K, N]
        ///   gives [B, M, N];
        /// - a vector on the left is a row, one on the right a column, and its dimension is not in the result: [M, K] times \[K\] gives \[M\], and two
        ///   vectors give a single number.
        ///
        /// Transposed and repeated views are read where they lie. An element is summed in an order of its own where the result is a single row or column: so a row by
        /// itself may differ in its last bits from the same row among others. The rule is gA = gY Bᵀ, gB = Aᵀ gY.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let b = Tensor::from([[1.0], [10.0]]);
        /// assert_eq!(a.matmul(&b).to_vec::<f32>(), [21.0, 43.0]);
        /// assert_eq!(a.matmul(&b).sum(..).grad(&[&a])[0].to_vec::<f32>(), [1.0, 10.0, 1.0, 10.0]);
        /// let v = Tensor::from([1.0, 10.0]).requires_grad();
        /// assert_eq!(v.matmul(&a).to_vec::<f32>(), [31.0, 42.0]);
        /// assert_eq!(v.matmul(&v).item(), 101.0);
        /// assert_eq!(v.matmul(&v).grad(&[&v])[0].to_vec::<f32>(), [2.0, 20.0]);
        /// let batch = Tensor::ones([3, 4, 2]);
        /// assert_eq!(batch.matmul(&a).shape(), [3, 4, 2]);
        /// ```
        ///
        /// # Panics
        /// If an input is a single number, the inner dimensions differ, or the batches do not broadcast.
        pub fn matmul / try_matmul(&self, other: &Tensor) = Matmul, |this| [this, other]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::{Observer, Step, observe};

    /// Whether the rows of all matrices of such a view are taken as those of one.
    fn merges(x: &Tensor) -> bool {
        rows_as_one_matrix(x).is_some()
    }

    #[test]
    fn rows_that_lie_evenly_are_one_matrix() {
        let x = Tensor::zeros([2, 3, 4, 5]);
        assert!(merges(&x) && merges(&x.transpose(-2, -1).transpose(-2, -1)));
        assert!(merges(&x.narrow(3, 1, 2)), "a gap between all rows is the same");
        assert!(
            merges(&x.permute(&[3, 0, 1, 2]).narrow(0, 2, 1)),
            "a size of 1 does not matter"
        );
        assert!(!merges(&x.narrow(2, 0, 3)), "gaps between the matrices only");
        assert!(!merges(&x.transpose(-2, -1)));
        assert!(!merges(&Tensor::zeros([1, 4, 5]).expand([2, 4, 5])));
    }

    #[derive(Default)]
    struct Shapes(Vec<String>);

    impl Observer for Shapes {
        fn after(&mut self, step: &Step<'_>, output: &Tensor) {
            if step.rule_of().is_some() {
                self.0.push(format!("{} {}", step.name(), output.shape()));
            }
        }
    }

    #[test]
    fn a_weight_that_the_batch_shares_gets_its_gradient_by_one_product() {
        let x = Tensor::ones([6, 5, 4]);
        let w = Tensor::ones([4, 3]).requires_grad();
        let loss = x.matmul(&w).sum(..);
        let (_, Shapes(shapes)) = observe(Shapes::default(), || loss.grad(&[&w]));
        let products: Vec<&String> = shapes.iter().filter(|step| step.starts_with("matmul")).collect();
        assert_eq!(products, ["matmul [4, 3]"], "nothing of size [6, 4, 3], nothing for x");
    }
}
