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
mod compare;
mod conv;
mod convert;
mod cross_entropy;
mod cumsum;
mod einsum;
mod elementary;
mod elementwise;
mod extremes;
mod function;
mod gather;
mod hook;
mod index;
mod join;
mod linear;
mod linear_activation;
mod logsumexp;
mod loss;
mod matmul;
mod movement;
mod narrow;
mod norm;
mod op;
mod pad;
mod piecewise;
mod pool;
mod powers;
mod rectifier;
mod recurrent;
mod reduce;
mod select;
mod sliding;
mod softmax;
mod variance;
mod vector_norm;
mod views;

pub use compare::Comparand;
pub use conv::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, ConvTransposeOptions,
    Padding, PerDim,
};
pub(crate) use convert::check_number;
pub use matmul::Factors;
pub use norm::Moments;
pub use op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved};
pub use pool::{Pool1dOptions, Pool2dOptions, PoolOptions};

use crate::autograd::graph::{Node, NodeId};
use crate::autograd::mode::RecordingGuard;
use crate::autograd::observe;
use crate::error::ShapeError;
use crate::tensor::Tensor;
use std::panic::Location;

/// Runs an operation: checks the inputs, computes, and records it if an input is tracked.
///
/// ```
/// use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
/// use tensor_core::{Shape, ShapeError, Tensor, grads};
///
/// struct Triple;
///
/// impl Op for Triple {
///     fn info(&self) -> OpInfo {
///         OpInfo { name: "triple", formula: "y = 3 x", rule: "gx = 3 gy" }
///     }
///     fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
///         Ok(x[0].shape())
///     }
///     fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
///         x[0] * 3.0
///     }
///     fn keeps(&self) -> Keeps {
///         Keeps::nothing()
///     }
///     fn vjp(&self, _: &Saved<'_>, gy: &Tensor) -> Grads {
///         grads![gy * 3.0]
///     }
/// }
///
/// let (constant, x) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 2.0]).requires_grad());
/// assert!(!apply(Triple, &[&constant]).is_tracked()); // nothing to record
/// let y = apply(Triple, &[&x]);
/// assert_eq!(y.to_vec::<f32>(), [3.0, 6.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [3.0, 3.0]);
/// ```
///
/// # Panics
/// With the operation's [`ShapeError`], at the caller's line, if the inputs do not fit.
#[track_caller]
pub fn apply(op: impl Op, inputs: &[&Tensor]) -> Tensor {
    match run(Box::new(op), inputs, Location::caller()) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}

/// As [`apply`], but returns the error. The panicking and the `try_` form of an operation come from it:
///
/// ```
/// use tensor_core::Tensor;
/// let error = Tensor::zeros([2, 3]).try_matmul(&Tensor::zeros([2, 3])).unwrap_err();
/// assert_eq!(error.operation(), "matmul");
/// ```
///
/// # Errors
/// The operation's [`ShapeError`] if the inputs do not fit.
#[track_caller]
pub fn try_apply(op: impl Op, inputs: &[&Tensor]) -> Result<Tensor, ShapeError> {
    run(Box::new(op), inputs, Location::caller())
}

/// The same code for every operation: compiled for each, it was no faster. (Most operations have no attributes, and then their box takes no memory.)
fn run(op: Box<dyn Op>, inputs: &[&Tensor], location: &'static Location<'static>) -> Result<Tensor, ShapeError> {
    let shape = op.infer(inputs).map_err(|error| error.at(location))?;
    let step = observe::begin(&*op, inputs, &shape, location);
    let output = {
        let _guard = RecordingGuard::set(false);
        op.forward(inputs, shape)
    };
    assert!(
        output.has_shape(&shape),
        "{}: forward gave the shape {}, the shape rule {shape}",
        op.info().name,
        output.shape()
    );
    let id = (Tensor::must_record(inputs) && output.dtype().is_float()).then(NodeId::next);
    if let Some(step) = &step {
        observe::end(step, &output, id);
    }
    // A forward that returns its input returns a tracked one: the place in the graph is always given anew.
    let node = id.map(|id| Node::record(id, op, inputs, &output, location));
    Ok(output.with_node(node))
}

/// Computes with `$T` as f32 or f64, whichever the type of the elements is; integers were refused before.
macro_rules! with_float {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            _ => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use with_float;

/// Computes with `$T` as the Rust type of the elements.
macro_rules! with_element {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            crate::dtype::DType::F64 => {
                type $T = f64;
                $body
            }
            crate::dtype::DType::U32 => {
                type $T = u32;
                $body
            }
        }
    };
}
pub(crate) use with_element;

/// Makes a function that panics and its `try_` twin, which returns the error, from one operation and its inputs. Errors get the name of this
/// function: several may run the same operation.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        pub fn $name:ident / $try_name:ident (&self $(, $arg:ident : $type:ty)*) = $op:expr, |$this:ident| [$($input:expr),+]
    ) => {
        crate::ops::twins! {
            $(#[$doc])*
            fn $name / $try_name [self] ($($arg: $type),*) -> Tensor {
                let $this = self;
                crate::ops::try_apply($op, &[$($input),+]).map_err(|error| error.of(stringify!($name)))
            }
        }
    };
    (
        $(#[$doc:meta])*
        pub fn $name:ident / $try_name:ident ($($arg:ident : $type:ty),*) = $op:expr, $inputs:expr
    ) => {
        crate::ops::twins! {
            $(#[$doc])*
            fn $name / $try_name [] ($($arg: $type),*) -> Tensor {
                crate::ops::try_apply($op, $inputs).map_err(|error| error.of(stringify!($name)))
            }
        }
    };
}
pub(crate) use operation;

/// Makes a function and its `try_` twin from a composition of other operations: a block that ends with a `Result` and may use `?`. Errors,
/// those of the operations and its own, get the name of this function and the user's line.
macro_rules! composition {
    (
        $(#[$doc:meta])*
        pub fn $name:ident / $try_name:ident (&self $(, $arg:ident : $type:ty)*) -> $output:ty = |$this:ident| $body:block
    ) => {
        crate::ops::twins! {
            $(#[$doc])*
            fn $name / $try_name [self] ($($arg: $type),*) -> $output {
                #[track_caller]
                fn compose($this: &Tensor $(, $arg: $type)*) -> Result<$output, crate::error::ShapeError> $body
                let location = std::panic::Location::caller();
                compose(self $(, $arg)*).map_err(|error| error.of(stringify!($name)).at(location))
            }
        }
    };
    (
        $(#[$doc:meta])*
        pub fn $name:ident / $try_name:ident ($($arg:ident : $type:ty),*) -> $output:ty = $body:block
    ) => {
        crate::ops::twins! {
            $(#[$doc])*
            fn $name / $try_name [] ($($arg: $type),*) -> $output {
                #[track_caller]
                fn compose($($arg: $type),*) -> Result<$output, crate::error::ShapeError> $body
                let location = std::panic::Location::caller();
                compose($($arg),*).map_err(|error| error.of(stringify!($name)).at(location))
            }
        }
    };
}
pub(crate) use composition;

/// The two public functions of [`operation!`] and [`composition!`]; the block is the body of the one that returns the error.
macro_rules! twins {
    (
        $(#[$doc:meta])*
        fn $name:ident / $try_name:ident [$($this:ident)?] ($($arg:ident : $type:ty),*) -> $output:ty $body:block
    ) => {
        $(#[$doc])*
        #[track_caller]
        pub fn $name($(&$this,)? $($arg: $type),*) -> $output {
            match Tensor::$try_name($($this,)? $($arg),*) {
                Ok(output) => output,
                Err(error) => panic!("{error}"),
            }
        }

        #[doc = concat!("[`Tensor::", stringify!($name), "`], or the error instead of a panic.")]
        #[doc = ""]
        #[doc = "# Errors"]
        #[doc = "If the inputs do not fit."]
        #[track_caller]
        pub fn $try_name($(&$this,)? $($arg: $type),*) -> Result<$output, crate::error::ShapeError> $body
    };
}
pub(crate) use twins;
