//! Comparisons, element by element: masks of 0 and 1.

use super::elementwise::{Fitted, broadcast_shape, same_type};
use super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved, bytes_moved_to};
use super::{composition, with_element};
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::select::compare;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// What is asked of two elements. As in IEEE 754: what is not a number is unequal to everything, and neither larger nor smaller.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

struct Compare(Relation);

impl Op for Compare {
    fn info(&self) -> OpInfo {
        let (name, formula) = match self.0 {
            Relation::Eq => ("eq", "y = 1 where a = b, else 0"),
            Relation::Ne => ("ne", "y = 1 where a ≠ b, else 0"),
            Relation::Lt => ("lt", "y = 1 where a < b, else 0"),
            Relation::Le => ("le", "y = 1 where a <= b, else 0"),
            Relation::Gt => ("gt", "y = 1 where a > b, else 0"),
            Relation::Ge => ("ge", "y = 1 where a >= b, else 0"),
        };
        OpInfo {
            name,
            formula,
            rule: "ga = gb = 0: integers have no gradient",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_type(self.info().name, inputs)?;
        broadcast_shape(self.info().name, inputs)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let (a, b) = (Fitted::new(inputs[0], shape), Fitted::new(inputs[1], shape));
        let mut out = Storage::for_overwrite(shape.count(), DType::U32);
        with_element!(inputs[0].dtype(), T => self.0.mask::<T>(&a, &b, out.as_mut_slice()));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, _: &Saved<'_>, _: &Tensor) -> Grads {
        grads![Grad::Zero, Grad::Zero]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: shape.count() as f64,
            bytes: bytes_moved_to(DType::U32, inputs, shape),
        }
    }
}

impl Relation {
    /// One loop for each relation, so that none is chosen inside a loop.
    fn mask<T: Element>(self, a: &Fitted<'_>, b: &Fitted<'_>, y: &mut [u32]) {
        let (a, b) = (a.operand::<T>(), b.operand::<T>());
        match self {
            Relation::Eq => compare(a, b, y, |a, b| a == b),
            Relation::Ne => compare(a, b, y, |a, b| a != b),
            Relation::Lt => compare(a, b, y, |a, b| a < b),
            Relation::Le => compare(a, b, y, |a, b| a <= b),
            Relation::Gt => compare(a, b, y, |a, b| a > b),
            Relation::Ge => compare(a, b, y, |a, b| a >= b),
        }
    }
}

/// What a tensor can be compared with: a tensor of its type, or a number. A mask is made of integers and has no gradient.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::ops::Comparand;
/// fn share_above(x: &Tensor, limit: impl Comparand) -> f64 {
///     x.gt(limit).to_vec::<u32>().iter().sum::<u32>() as f64 / x.count() as f64
/// }
/// let x = Tensor::from([0.1, 0.5, 0.9, 0.7]);
/// assert_eq!(share_above(&x, 0.6), 0.5);
/// assert_eq!(share_above(&x, &Tensor::from([0.0, 0.6, 0.6, 0.6])), 0.75);
/// ```
pub trait Comparand {
    /// The mask of x against this.
    #[doc(hidden)]
    fn compared_to(self, x: &Tensor, relation: Relation) -> Result<Tensor, ShapeError>;
}

impl Comparand for &Tensor {
    #[track_caller]
    fn compared_to(self, x: &Tensor, relation: Relation) -> Result<Tensor, ShapeError> {
        super::try_apply(Compare(relation), &[x, self])
    }
}

/// The number is rounded to the type of the tensor's elements first, so that 0.1 is equal to 0.1 in F32; integers are compared as they are.
impl Comparand for f64 {
    #[track_caller]
    fn compared_to(self, x: &Tensor, relation: Relation) -> Result<Tensor, ShapeError> {
        let x = if x.dtype().is_float() {
            x.clone()
        } else {
            x.to_dtype(DType::F64)
        };
        let number = Tensor::full_of([], self, x.dtype());
        super::try_apply(Compare(relation), &[&x, &number])
    }
}

macro_rules! comparison {
    ($name:ident, $try_name:ident, $relation:ident, $doc:literal, $mask:literal) => {
        composition! {
            #[doc = $doc]
            ///
            /// ```
            /// use tensor_core::Tensor;
            /// let x = Tensor::from([1.0, 2.0, 3.0]);
            #[doc = concat!("let mask = x.", stringify!($name), "(2.0);")]
            #[doc = concat!("assert_eq!(mask.to_vec::<u32>(), ", $mask, ");")]
            #[doc = concat!("assert_eq!(x.", stringify!($name), "(&Tensor::from([2.0])), mask);")]
            /// ```
            ///
            /// # Panics
            /// If the shapes do not broadcast or the types differ.
            pub fn $name / $try_name(&self, other: impl Comparand) -> Tensor = |x| {
                other.compared_to(x, Relation::$relation)
            }
        }
    };
}

/// Comparisons, element by element, of any type, with a tensor (shapes are broadcast) or a number. They give masks: U32, 1 where it is so, else 0.
/// A mask has no gradient. What is not a number is unequal to everything, and neither larger nor smaller.
impl Tensor {
    comparison!(
        eq,
        try_eq,
        Eq,
        "1 where this is equal to the other, else 0. (`==` asks whether two tensors hold the same values in all places.)",
        "[0, 1, 0]"
    );
    comparison!(
        ne,
        try_ne,
        Ne,
        "1 where this differs from the other, else 0.",
        "[1, 0, 1]"
    );
    comparison!(
        lt,
        try_lt,
        Lt,
        "1 where this is less than the other, else 0.",
        "[1, 0, 0]"
    );
    comparison!(
        le,
        try_le,
        Le,
        "1 where this is less than the other or equal, else 0.",
        "[1, 1, 0]"
    );
    comparison!(
        gt,
        try_gt,
        Gt,
        "1 where this is greater than the other, else 0.",
        "[0, 0, 1]"
    );
    comparison!(
        ge,
        try_ge,
        Ge,
        "1 where this is greater than the other or equal, else 0.",
        "[0, 1, 1]"
    );
}
