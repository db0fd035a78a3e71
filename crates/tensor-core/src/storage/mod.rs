//! The memory behind tensors: aligned buffers from a recycling pool.

pub mod pool;

use crate::dtype::{DType, Element};
use pool::Buffer;
use std::sync::Arc;

/// A flat, 64-byte aligned buffer of elements of one type. Clones share it, and only who holds it alone can write to it; it goes back to
/// the [`pool`] with the last of them.
#[derive(Clone)]
pub(crate) struct Storage {
    /// Always there until it is dropped. The count of holders waits in the pool together with the memory, which spares an allocation.
    buffer: Option<Arc<Buffer>>,
    len: usize,
    dtype: DType,
}

impl Storage {
    /// A buffer with room for `len` elements. What it holds is left over from its last user: the caller writes every element.
    pub(crate) fn for_overwrite(len: usize, dtype: DType) -> Storage {
        let storage = Storage {
            buffer: Some(pool::take(len * dtype.size())),
            len,
            dtype,
        };
        #[cfg(test)]
        let storage = storage.full_of_nan();
        storage
    }

    /// The same buffer, full of NaN (or the largest U32): what a kernel forgets to write then shows in the unit tests of this crate, whatever was there before.
    #[cfg(test)]
    fn full_of_nan(mut self) -> Storage {
        let buffer = Arc::get_mut(self.buffer.as_mut().expect(THERE)).expect("a new buffer");
        bytemuck::cast_slice_mut::<_, u8>(buffer.lines_mut()).fill(u8::MAX);
        self
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
        &bytemuck::cast_slice(self.buffer().lines())[..self.len]
    }

    fn buffer(&self) -> &Arc<Buffer> {
        self.buffer.as_ref().expect(THERE)
    }

    /// Whether nobody else holds the buffer.
    pub(crate) fn is_unique(&mut self) -> bool {
        self.buffer.as_mut().is_none_or(|buffer| Arc::get_mut(buffer).is_some())
    }

    /// A number that no other buffer has as long as this one is held.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(self.buffer()).addr()
    }

    /// Whether both are the same buffer.
    pub(crate) fn is(&self, other: &Storage) -> bool {
        Arc::ptr_eq(self.buffer(), other.buffer())
    }

    /// The elements, to write.
    ///
    /// # Panics
    /// As [`Storage::as_slice`], and if somebody else holds the buffer.
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        assert_eq!(
            T::DTYPE,
            self.dtype,
            "a buffer of {} was written as {}",
            self.dtype,
            T::DTYPE
        );
        let buffer = Arc::get_mut(self.buffer.as_mut().expect(THERE)).expect("a buffer that others hold was written");
        &mut bytemuck::cast_slice_mut(buffer.lines_mut())[..self.len]
    }
}

/// Why there is a buffer.
const THERE: &str = "a buffer is there until it is dropped";

impl Drop for Storage {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else { return };
        if Arc::strong_count(&buffer) == 1 {
            pool::give_back(buffer);
        } else if let Some(buffer) = Arc::into_inner(buffer) {
            // Another thread dropped the last clone but this one just now.
            pool::give_back(Arc::new(buffer));
        }
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
    fn what_is_not_yet_written_is_no_number() {
        let [single, double] = [DType::F32, DType::F64].map(|dtype| Storage::for_overwrite(3, dtype));
        assert!(single.as_slice::<f32>().iter().all(|x| x.is_nan()));
        assert!(double.as_slice::<f64>().iter().all(|x| x.is_nan()));
    }

    #[test]
    fn clones_share_and_only_a_sole_holder_writes() {
        let mut storage = Storage::from_slice(&[1.0f32, 2.0]);
        let address = storage.as_slice::<f32>().as_ptr();
        let clone = storage.clone();
        assert!(storage.is(&clone) && !storage.is_unique());
        drop(clone);
        assert!(storage.is_unique());
        storage.as_mut_slice::<f32>()[0] = 5.0;
        assert_eq!(storage.as_slice::<f32>(), [5.0, 2.0]);
        assert_eq!(storage.as_slice::<f32>().as_ptr(), address);
        assert!(!storage.is(&Storage::from_slice(&[5.0f32, 2.0])));
    }

    #[test]
    #[should_panic(expected = "a buffer that others hold was written")]
    fn a_shared_buffer_is_not_written() {
        let mut storage = Storage::from_slice(&[1.0f32]);
        let _other = storage.clone();
        storage.as_mut_slice::<f32>();
    }

    #[test]
    #[should_panic(expected = "a buffer of F32 was read as F64")]
    fn the_element_type_is_checked() {
        Storage::from_slice(&[1.0f32]).as_slice::<f64>();
    }
}
