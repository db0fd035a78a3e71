//! The memory behind tensors: aligned buffers from a recycling pool.

pub mod pool;

use crate::dtype::{DType, Element};
use pool::CacheLine;

/// A flat, 64-byte aligned buffer of elements of one type. It goes back to the [`pool`] when the last tensor on it is dropped.
pub(crate) struct Storage {
    lines: Vec<CacheLine>,
    len: usize,
    dtype: DType,
}

impl Storage {
    /// A buffer with room for `len` elements. What it holds is left over from its last user: the caller writes every element.
    pub(crate) fn for_overwrite(len: usize, dtype: DType) -> Storage {
        Storage {
            lines: pool::take(len * dtype.size()),
            len,
            dtype,
        }
    }

    /// A buffer with these elements.
    pub(crate) fn from_slice<T: Element>(values: &[T]) -> Storage {
        let mut storage = Storage::for_overwrite(values.len(), T::DTYPE);
        storage.as_mut_slice::<T>().copy_from_slice(values);
        storage
    }

    /// The type of the elements.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The elements.
    ///
    /// # Panics
    /// If `T` is not the type that the buffer holds: a mistake inside the engine.
    pub(crate) fn as_slice<T: Element>(&self) -> &[T] {
        assert_eq!(
            T::DTYPE,
            self.dtype,
            "a buffer of {} was read as {}",
            self.dtype,
            T::DTYPE
        );
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The elements, to write.
    ///
    /// # Panics
    /// As [`Storage::as_slice`].
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(
            T::DTYPE,
            self.dtype,
            "a buffer of {} was written as {}",
            self.dtype,
            T::DTYPE
        );
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        pool::give_back(std::mem::take(&mut self.lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_hold_what_was_written() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let values: Vec<f64> = (0..len).map(f64::from).collect();
            let storage = Storage::from_slice(&values);
            assert_eq!(storage.as_slice::<f64>(), values);
            assert_eq!(storage.as_slice::<f64>().as_ptr().addr() % 64, 0);
        }
    }

    #[test]
    #[should_panic(expected = "a buffer of F32 was read as F64")]
    fn the_element_type_is_checked() {
        Storage::from_slice(&[1.0f32]).as_slice::<f64>();
    }
}
