//! The operations: one family a file, and for each operation, together, what it computes, its shape rule and its derivative.
//!
//! An operation is a type that implements [`Op`]. [`apply`] runs it: it checks the inputs, computes the output, and records the
//! operation in the graph if any input is tracked. That is all there is to it, also for an operation that you define yourself:
//!
//! ```
//! use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
//! use tensor_core::{Shape, ShapeError, Tensor, grads};
//!
//! /// y = x³
//! struct Cube;
//!
//! impl Op for Cube {
//!     fn info(&self) -> OpInfo {
//!         OpInfo { name: "cube", formula: "y = x³", rule: "gx = gy · 3 x²" }
//!     }
//!     fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
//!         Ok(x[0].shape())
//!     }
//!     fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
//!         x[0] * x[0] * x[0]
//!     }
//!     fn keeps(&self) -> Keeps {
//!         Keeps::inputs(&[0])
//!     }
//!     fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
//!         grads![gy * 3.0 * saved.input(0).sqr()]
//!     }
//! }
//!
//! let x = Tensor::from([2.0]).requires_grad();
//! let y = apply(Cube, &[&x]);
//! let slope = &y.grad_graph(&[&x])[0];
//! assert_eq!((y.item(), slope.item()), (8.0, 12.0));
//! assert_eq!(slope.grad(&[&x])[0].item(), 12.0); // the second derivative, 6 x
//! ```

mod activation;
mod arithmetic;
mod convert;
mod elementary;
mod elementwise;
mod linear;
mod loss;
mod matmul;
mod movement;
mod narrow;
mod op;
mod reduce;

pub use op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved};

use crate::autograd::graph::Node;
use crate::autograd::mode::RecordingGuard;
use crate::autograd::observe::{self, Step};
use crate::error::ShapeError;
use crate::tensor::Tensor;
use std::panic::Location;

/// Runs an operation: checks the inputs, computes, and records it if an input is tracked.
///
/// # Panics
/// With the operation's [`ShapeError`], at the caller's line, if the inputs do not fit.
#[track_caller]
pub fn apply(op: impl Op, inputs: &[&Tensor]) -> Tensor {
    match run(op, inputs, Location::caller()) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}

/// As [`apply`], but returns the error.
///
/// # Errors
/// The operation's [`ShapeError`] if the inputs do not fit.
#[track_caller]
pub fn try_apply(op: impl Op, inputs: &[&Tensor]) -> Result<Tensor, ShapeError> {
    run(op, inputs, Location::caller())
}

fn run(op: impl Op, inputs: &[&Tensor], location: &'static Location<'static>) -> Result<Tensor, ShapeError> {
    let shape = op.infer(inputs).map_err(|error| error.at(location))?;
    let step = Step::new(&op, inputs, shape, location);
    observe::before(&step);
    let output = {
        let _guard = RecordingGuard::set(false);
        op.forward(inputs, shape)
    };
    observe::after(&step, &output);
    assert_eq!(
        output.shape(),
        shape,
        "{}: forward does not agree with the shape rule",
        op.info().name
    );
    if !Tensor::must_record(inputs) || !output.dtype().is_float() {
        return Ok(output);
    }
    let node = Node::record(Box::new(op), inputs, &output, location);
    Ok(output.with_node(Some(node)))
}

/// Makes a method and its `try_` twin from one operation and its inputs.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        pub fn $name:ident / $try_name:ident (&self $(, $arg:ident : $type:ty)*) = $op:expr, |$this:ident| [$($input:expr),+]
    ) => {
        $(#[$doc])*
        #[track_caller]
        pub fn $name(&self $(, $arg: $type)*) -> Tensor {
            let $this = self;
            crate::ops::apply($op, &[$($input),+])
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`], or the error instead of a panic.")]
        #[doc = ""]
        #[doc = "# Errors"]
        #[doc = "If the inputs do not fit."]
        #[track_caller]
        pub fn $try_name(&self $(, $arg: $type)*) -> Result<Tensor, crate::error::ShapeError> {
            let $this = self;
            crate::ops::try_apply($op, &[$($input),+])
        }
    };
}
pub(crate) use operation;
