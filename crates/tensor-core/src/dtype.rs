//! The element types of tensors.

use bytemuck::Pod;
use std::fmt::{self, Debug, Display};

/// The type of a tensor's elements, known when the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit floating point: the type that models are trained in.
    F32,
    /// 64-bit floating point: for gradient checks and references, written for clarity before speed.
    F64,
    /// 32-bit unsigned integers: indices, labels and 0/1 masks.
    U32,
}

impl DType {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F32 | DType::U32 => 4,
            DType::F64 => 8,
        }
    }

    /// Whether the type holds real numbers, so that a gradient makes sense.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }
}

impl Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F32 => "F32",
            DType::F64 => "F64",
            DType::U32 => "U32",
        })
    }
}

/// A Rust type that a tensor can hold.
pub trait Element: Pod + Debug + Display + PartialEq + PartialOrd + Send + Sync {
    /// The run-time name of this type.
    const DTYPE: DType;
}

impl Element for f32 {
    const DTYPE: DType = DType::F32;
}

impl Element for f64 {
    const DTYPE: DType = DType::F64;
}

impl Element for u32 {
    const DTYPE: DType = DType::U32;
}
