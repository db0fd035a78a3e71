//! Slices in, slices out: the loops that do the work. Nothing here knows a tensor.
//!
//! | file            | what it is about                                                                  |
//! |-----------------|-----------------------------------------------------------------------------------|
//! | [`simd`]        | [`Float`] and its vector, [`Lanes`]: the only types that the other kernels compute with |
//! | `arrays`        | short arrays, number by number                                                     |
//! | [`functions`]   | eˣ, ln, tanh and their relatives, as short polynomials over the lanes              |
//! | [`erf`]           | the error function, likewise                                                      |
//! | [`elementwise`] | y = f(a, b, …) for each element, with rows, columns, channels and scalars repeated |
//! | [`reduce`]      | sums, maxima and minima along one dimension                                       |
//! | [`variance`]    | the variance along one dimension                                                  |
//! | [`softmax`]     | softmax, its logarithm, ln Σ eˣ, cross entropy, and their slopes                  |
//! | [`cumsum`]      | running sums                                                                      |
//! | [`order`]       | where the largest numbers are                                                     |
//! | [`index`]       | elements picked by integers, and added up by them                                 |
//! | [`select`]        | comparisons, which give masks, and choices by a mask                               |
//! | [`copy`]        | any view made contiguous; filling; conversion between element types               |
//! | `transpose`       | rows made columns, tile by tile                                                   |
//! | [`matmul`]      | C = A B, for operands with any strides, and for batches of them: a ladder of kernels |
//! | [`conv`]        | convolution and its two gradients, by products                                    |
//! | [`recurrent`]   | the steps of LSTM and GRU over a sequence, forward and back                       |
//! | [`pool`]        | maxima, sums and repetitions of windows                                           |
//! | [`window`]      | the geometry of a window that slides along an axis                                |
//! | [`norm`]        | numbers minus their mean, over their standard deviation: of rows, and of channels  |
//! | [`random`]      | random bits, uniform and normal numbers from a counter                             |
//! | [`summary`]     | the range of numbers, and which are not finite                                    |
//! | [`machine`]     | how fast this machine multiplies and reads at most: what kernels are measured against |
//! | [`parallel`]    | the one place that knows how work reaches the threads                             |
//!
//! Two rules hold for all of them. An argument that does not fit (lengths, strides out of bounds) panics before anything is
//! read. And the result depends on the arguments alone: work is cut into pieces by sizes, and by the number of threads only where the cut changes no
//! bit, so that one thread and twenty give the same ones.

#[forbid(unsafe_code)]
mod arrays;
pub mod conv;
#[forbid(unsafe_code)]
pub mod copy;
#[forbid(unsafe_code)]
pub mod cumsum;
#[forbid(unsafe_code)]
pub mod elementwise;
#[forbid(unsafe_code)]
pub mod erf;
#[forbid(unsafe_code)]
pub mod functions;
#[forbid(unsafe_code)]
pub mod index;
#[forbid(unsafe_code)]
pub mod machine;
pub mod matmul;
#[forbid(unsafe_code)]
pub mod norm;
#[forbid(unsafe_code)]
pub mod order;
pub mod parallel;
#[forbid(unsafe_code)]
pub mod pool;
#[forbid(unsafe_code)]
pub mod random;
#[forbid(unsafe_code)]
pub mod recurrent;
#[forbid(unsafe_code)]
pub mod reduce;
#[forbid(unsafe_code)]
pub mod select;
#[forbid(unsafe_code)]
pub mod simd;
#[forbid(unsafe_code)]
pub mod softmax;
#[forbid(unsafe_code)]
pub mod summary;
#[forbid(unsafe_code)]
mod transpose;
#[forbid(unsafe_code)]
pub mod variance;
#[forbid(unsafe_code)]
pub mod window;

pub use elementwise::Operand;
pub use matmul::{Batch, Matrix};
pub use simd::{Float, Lanes};
