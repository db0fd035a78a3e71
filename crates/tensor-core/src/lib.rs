//! Tensors, operations, automatic differentiation of any order, and the kernels below them.
//!
//! | module | what it answers |
//! |---|---|
//! | [`dtype`], [`shape`], [`storage`] | what a number is, how a flat buffer is seen as an array, where the memory comes from |
//! | [`Tensor`] | the handle that users hold; its methods are the operations |
//! | [`ops`] | one family of operations a file: what each computes, its shape rule, its derivative |
//! | [`autograd`] | the graph, the walk back through it, gradient checks, observers, pictures of the graph |
//! | [`kernels`] | slices in, slices out: the loops that do the work |
//! | [`micro`] | the same idea for single numbers, in one short file: read this first |
//! | [`rng`] | random numbers in named streams |
//! | [`error`] | what an operation says when its inputs do not fit |
//!
//! ```
//! use tensor_core::Tensor;
//! let w = Tensor::from([[0.5, -1.0]]).named("w");
//! let x = Tensor::from([[1.0], [2.0]]);
//! let loss = (w.matmul(&x) - 3.0).sqr().sum(..); // (0.5 · 1 - 1 · 2 - 3)²
//! let (value, gradients) = loss.value_and_grad([&w]);
//! assert_eq!(value, 20.25);
//! assert_eq!(gradients.get(&w).unwrap().to_vec::<f32>(), [-9.0, -18.0]); // 2 · -4.5 · x
//! ```
//!
//! Kernels share their work among the threads of the current rayon pool, and give the same bits for any number of them. [`parallel_region`] around a
//! training step keeps these threads awake from one kernel to the next.

// What needs `unsafe` lies in `kernels`, and nothing else may have it.
#[forbid(unsafe_code)]
pub mod autograd;
#[forbid(unsafe_code)]
pub mod dtype;
#[forbid(unsafe_code)]
pub mod error;
pub mod kernels;
#[forbid(unsafe_code)]
pub mod micro;
#[forbid(unsafe_code)]
pub mod ops;
#[forbid(unsafe_code)]
pub mod rng;
#[forbid(unsafe_code)]
pub mod shape;
#[forbid(unsafe_code)]
pub mod storage;
#[forbid(unsafe_code)]
mod tensor;

pub use autograd::{Gradients, no_grad};
pub use dtype::{DType, Element};
pub use error::ShapeError;
pub use kernels::parallel::parallel_region;
pub use rng::Random;
pub use shape::{Shape, Strides};
pub use tensor::Tensor;
