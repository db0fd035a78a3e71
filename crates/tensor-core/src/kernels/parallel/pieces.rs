//! A slice whose pieces go to different threads.

use std::marker::PhantomData;

/// A slice, cut into pieces of equal length, the last one perhaps shorter.
pub(super) struct Pieces<'a, T> {
    first: *mut T,
    len: usize,
    piece: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: all that a shared `Pieces` gives out are `&mut [T]` that do not overlap (see `take`), and these may be sent where a `T` may.
#[allow(unsafe_code, reason = "threads take disjoint pieces of one slice by their numbers")]
unsafe impl<T: Send> Sync for Pieces<'_, T> {}

impl<'a, T> Pieces<'a, T> {
    pub(super) fn new(slice: &'a mut [T], piece: usize) -> Pieces<'a, T> {
        assert!(piece > 0, "pieces without elements");
        Pieces {
            first: slice.as_mut_ptr(),
            len: slice.len(),
            piece,
            slice: PhantomData,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.len.div_ceil(self.piece)
    }

    /// Piece number `i`, and where it begins.
    ///
    /// # Safety
    /// Each number is taken once.
    #[allow(
        unsafe_code,
        reason = "what slices cannot say: the pieces of different numbers are disjoint"
    )]
    #[allow(clippy::mut_from_ref, reason = "each number is taken once")]
    pub(super) unsafe fn take(&self, i: usize) -> (usize, &mut [T]) {
        assert!(i < self.count(), "there is no piece {i}");
        let start = i * self.piece;
        let len = self.piece.min(self.len - start);
        // SAFETY: `start + len` is at most the length of the slice that is borrowed as long as `self` is. No other piece overlaps this one, and the
        // caller takes it once.
        (start, unsafe {
            std::slice::from_raw_parts_mut(self.first.add(start), len)
        })
    }
}
