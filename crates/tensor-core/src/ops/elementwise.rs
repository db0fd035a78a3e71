//! What all operations on single elements share: broadcasting, the choice of the loop, and the record.

use super::op::{Grads, Keeps, Op, OpInfo, Saved};
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::kernels::elementwise::{OnSlices, Operand, map_blocks, on_slices};
use crate::kernels::simd::{Float, Lanes};
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::borrow::Cow;

/// An operation that computes each element of its output from the elements of its N inputs at the same place. Inputs are broadcast.
pub(crate) trait Elementwise<const N: usize>: Send + Sync + 'static {
    const INFO: OpInfo;
    const KEEPS: Keeps;

    /// The value, for a vector of elements at a time. Always inlined: see [`Function`](super::function::Function).
    fn value<L: Lanes>(&self, inputs: [L; N]) -> L;

    /// The rule; see [`Op::vjp`].
    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads;

    /// A fused operation's first-order rule; see [`Op::vjp_fast`].
    fn vjp_fast(&self, _saved: &Saved<'_>, _gy: &Tensor) -> Option<Grads> {
        None
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Makes an [`Op`] of an [`Elementwise`] operation.
pub(crate) struct Map<E, const N: usize>(pub(crate) E);

impl<E: Elementwise<N>, const N: usize> Op for Map<E, N> {
    fn info(&self) -> OpInfo {
        E::INFO
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        self.0.attributes()
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        infer(E::INFO.name, inputs)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let inputs: [&Tensor; N] = inputs.try_into().expect("the operation's methods give it N inputs");
        evaluate(inputs, shape, &self.0)
    }

    fn keeps(&self) -> Keeps {
        E::KEEPS
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        self.0.vjp(saved, gy)
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        self.0.vjp_fast(saved, gy)
    }
}

fn evaluate<E: Elementwise<N>, const N: usize>(inputs: [&Tensor; N], shape: Shape, op: &E) -> Tensor {
    // The loops alone are compiled for each operation, everything around them once: that and the shape
    // rule took 0.3 of the engine's 2.2 MB of code.
    let single = on_slices::<f32, N>(|x| op.value(x));
    let double = on_slices::<f64, N>(|x| op.value(x));
    run_loop(inputs, shape, &single, &double)
}

fn run_loop<const N: usize>(
    inputs: [&Tensor; N],
    shape: Shape,
    single: &OnSlices<'_, f32, N>,
    double: &OnSlices<'_, f64, N>,
) -> Tensor {
    let mut out = Storage::for_overwrite(shape.count(), inputs[0].dtype());
    match out.dtype() {
        DType::F32 => fill(inputs, shape, out.as_mut_slice(), single),
        _ => fill(inputs, shape, out.as_mut_slice(), double),
    }
    Tensor::from_storage(out, shape)
}

fn fill<T: Float, const N: usize>(inputs: [&Tensor; N], shape: Shape, y: &mut [T], f: &OnSlices<'_, T, N>) {
    // Most often nothing is repeated and nothing strided: that needs no further look.
    if inputs.iter().all(|x| x.is_contiguous() && x.has_shape(&shape)) {
        map_blocks(&inputs.map(|x| Operand::Full(x.as_slice::<T>())), y, f);
    } else {
        let fitted = inputs.map(|x| Fitted::new(x, shape));
        map_blocks(&fitted.each_ref().map(Fitted::operand), y, f);
    }
}

/// An input in one of the forms that the loops take without a copy, or else copied into the first.
pub(super) struct Fitted<'a> {
    tensor: Cow<'a, Tensor>,
    form: Form,
}

enum Form {
    Full,
    Scalar,
    Row,
    Column { width: usize },
    Channel { width: usize },
}

impl Fitted<'_> {
    pub(super) fn new(input: &Tensor, shape: Shape) -> Fitted<'_> {
        if input.is_contiguous()
            && let Some(form) = Form::of(input.shape(), shape)
        {
            let tensor = Cow::Borrowed(input);
            return Fitted { tensor, form };
        }
        // The gradient of a sum, say, is one number a row, which a stride of 0 repeats: that is a simple form, too.
        let layout = input.layout().without_repeats();
        let (layout, form) = match Form::of(layout.shape, shape) {
            Some(form) => (layout, form),
            None => (layout.expand(shape), Form::Full),
        };
        let tensor = Cow::Owned(input.view(layout).dense());
        Fitted { tensor, form }
    }

    pub(super) fn operand<T: Element>(&self) -> Operand<'_, T> {
        let values = self.tensor.as_slice::<T>();
        match self.form {
            Form::Full => Operand::Full(values),
            Form::Scalar => Operand::Scalar(values[0]),
            Form::Row => Operand::Row(values),
            Form::Column { width } => Operand::Column(values, width),
            Form::Channel { width } => Operand::Channel(values, width),
        }
    }
}

impl Form {
    /// How `small` is repeated to fill `large`, if it is in a simple way.
    fn of(small: Shape, large: Shape) -> Option<Form> {
        if small == large || small.count() == large.count() {
            return Some(Form::Full);
        }
        if small.count() == 1 {
            return Some(Form::Scalar);
        }
        let missing = large.rank() - small.rank();
        let same = |dim: usize| small[dim] == large[missing + dim];
        let rows_from = (0..small.rank()).position(|dim| small[dim] != 1).unwrap_or(0);
        if (rows_from..small.rank()).all(same) {
            return Some(Form::Row);
        }
        let columns_to = (0..small.rank()).rposition(|dim| small[dim] != 1).unwrap_or(0) + 1;
        let width = large[missing + columns_to..].iter().product();
        if missing == 0 && (0..columns_to).all(same) {
            return Some(Form::Column { width });
        }
        (rows_from..columns_to).all(same).then_some(Form::Channel { width })
    }
}

/// The shape rule of all of them.
#[inline(never)]
fn infer(name: &'static str, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
    same_float_type(name, inputs)?;
    broadcast_shape(name, inputs)
}

/// Checks that all inputs hold the same floating-point type.
pub(crate) fn same_float_type(name: &'static str, inputs: &[&Tensor]) -> Result<(), ShapeError> {
    if let Some(input) = inputs.iter().find(|input| !input.dtype().is_float()) {
        let problem = format!(
            "needs floating-point numbers, an input of shape {} holds {}",
            input.shape(),
            input.dtype()
        );
        return Err(ShapeError::new(name, problem).hint("to_dtype(DType::F32) converts"));
    }
    same_type(name, inputs)
}

/// Checks that all inputs hold the same type, whichever it is.
pub(super) fn same_type(name: &'static str, inputs: &[&Tensor]) -> Result<(), ShapeError> {
    let (first, rest) = inputs.split_first().expect("an operation has an input");
    match rest.iter().find(|input| input.dtype() != first.dtype()) {
        None => Ok(()),
        Some(other) => Err(ShapeError::new(
            name,
            format!(
                "types differ: {} {} and {} {}",
                first.dtype(),
                first.shape(),
                other.dtype(),
                other.shape()
            ),
        )
        .hint("types are never mixed silently: to_dtype converts one of them")),
    }
}

/// The shape that all inputs are broadcast to.
pub(super) fn broadcast_shape(name: &'static str, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
    let shape = inputs[0].shape();
    if inputs[1..].iter().all(|input| input.has_shape(&shape)) {
        return Ok(shape);
    }
    inputs[1..].iter().try_fold(shape, |shape, input| {
        let fitting = shape
            .try_broadcast(&input.shape())
            .ok_or_else(|| cannot_broadcast(name, inputs))?;
        fitting.map_err(|problem| ShapeError::new(name, problem))
    })
}

fn cannot_broadcast(name: &'static str, inputs: &[&Tensor]) -> ShapeError {
    // Scalars go with everything.
    let inputs: Vec<Shape> = inputs
        .iter()
        .map(|x| x.shape())
        .filter(|shape| shape.rank() > 0)
        .collect();
    let shapes: Vec<String> = inputs.iter().map(Shape::to_string).collect();
    let error = ShapeError::new(name, format!("shapes do not broadcast: {}", shapes.join(" and ")));
    match broadcast_hint(&inputs) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The two mistakes that are made most: a vector for each row that should be a column, and a transposed operand.
fn broadcast_hint(inputs: &[Shape]) -> Option<String> {
    let [a, b] = inputs else { return None };
    let (long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
    match (long.sizes(), short.sizes()) {
        ([rows, _], [n]) if rows == n => Some(format!("for one number a row, reshape [{n}] to [{n}, 1]")),
        ([m, n], [p, q]) if (m, n) == (q, p) => Some("is one of them transposed? .t() turns it".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_elements_need_no_copy() {
        let rows = Tensor::from([1.0f32, 2.0]).reshape([2, 1]).expand([2, 3]);
        let fitted = Fitted::new(&rows, Shape::from([2, 3]));
        assert!(matches!(fitted.form, Form::Column { width: 3 }));
        assert!(fitted.tensor.shares_buffer_with(&rows));
        let scalar = Tensor::full([], 2.0).expand([2, 3]);
        assert!(matches!(Fitted::new(&scalar, Shape::from([2, 3])).form, Form::Scalar));
        let turned = Tensor::from([[1.0f32, 2.0], [3.0, 4.0]]).t();
        let fitted = Fitted::new(&turned, Shape::from([2, 2]));
        assert!(matches!(fitted.form, Form::Full));
        assert_eq!(fitted.tensor.to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
    }

    #[test]
    fn simple_broadcasts_need_no_copy() {
        let form = |small: &[usize], large: &[usize]| match Form::of(Shape::new(small), Shape::new(large)) {
            Some(Form::Full) => "full",
            Some(Form::Scalar) => "scalar",
            Some(Form::Row) => "row",
            Some(Form::Column { width: 3 }) => "column of 3",
            Some(Form::Column { .. }) => "column",
            Some(Form::Channel { width: 3 }) => "channels of 3",
            Some(Form::Channel { .. }) => "channels",
            None => "copy",
        };
        assert_eq!(form(&[2, 3], &[2, 3]), "full");
        assert_eq!(form(&[1, 1], &[2, 3]), "scalar");
        assert_eq!(form(&[3], &[2, 3]), "row");
        assert_eq!(form(&[1, 5, 3], &[2, 5, 3]), "row");
        assert_eq!(form(&[2, 1], &[2, 3]), "column of 3");
        assert_eq!(form(&[2, 5, 1], &[2, 5, 3]), "column of 3");
        assert_eq!(form(&[5, 1], &[2, 5, 3]), "channels of 3");
        assert_eq!(form(&[1, 5, 1, 1], &[2, 5, 4, 3]), "channels");
        assert_eq!(form(&[2, 1, 3], &[2, 5, 3]), "copy");
        assert_eq!(form(&[2, 1, 3, 1], &[2, 5, 3, 3]), "copy");
    }
}
