//! Tensors, operations, automatic differentiation of any order, and the kernels below them.

pub mod dtype;
pub mod kernels;
pub mod rng;

pub use dtype::{DType, Element};
