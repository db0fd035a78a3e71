//! Slices in, slices out: the loops that do the work. Nothing here knows a tensor.

pub mod random;
