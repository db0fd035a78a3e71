//! Slices in, slices out: the loops that do the work. Nothing here knows a tensor.
//!
//! | file            | what it is about                                                                  |
//! |-----------------|-----------------------------------------------------------------------------------|
//! | [`simd`]        | [`Float`] and its vector, [`Lanes`]: the only types that the other kernels compute with |
//! | [`functions`]   | eˣ, ln, tanh and their relatives, as short polynomials over the lanes              |
//! | [`elementwise`] | y = f(a, b, …) for each element, with rows, columns and scalars repeated           |
//! | [`reduce`]      | sums and maxima along one dimension                                               |
//! | [`copy`]        | any view made contiguous; filling; conversion between element types               |
//! | [`matmul`]      | C = A B, for operands with any strides                                            |
//! | [`random`]      | random bits, uniform and normal numbers from a counter                             |
//! | [`parallel`]    | the one file that knows how work reaches the threads                              |
//!
//! Two rules hold for all of them. An argument that does not fit (lengths, strides out of bounds) panics before anything is
//! read. And the result depends on the arguments alone: work is cut into pieces by sizes, never by the number of threads,
//! so that one thread and twenty give the same bits.

pub mod copy;
pub mod elementwise;
pub mod functions;
pub mod matmul;
pub mod parallel;
pub mod random;
pub mod reduce;
pub mod simd;

pub use elementwise::Operand;
pub use matmul::Matrix;
pub use simd::{Float, Lanes};
