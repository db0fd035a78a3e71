//! Whether operations are recorded in the graph: one switch for each thread.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Whether operations on this thread are recorded at the moment.
pub fn is_recording() -> bool {
    RECORDING.get()
}

/// Runs `f` without recording: nothing that it computes can be differentiated, and nothing is kept for it.
///
/// ```
/// use tensor_core::{Tensor, no_grad};
/// let x = Tensor::from([3.0]).requires_grad();
/// let y = no_grad(|| x.sqr());
/// assert!(!y.is_tracked());
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    let _guard = pause_recording();
    f()
}

/// [`no_grad`] until the guard is dropped: for functions that pass their caller's line on, which a closure does not.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::pause_recording;
/// let x = Tensor::from([3.0]).requires_grad();
/// let guard = pause_recording();
/// assert!(!x.sqr().is_tracked());
/// drop(guard);
/// assert!(x.sqr().is_tracked());
/// ```
pub fn pause_recording() -> RecordingGuard {
    RecordingGuard::set(false)
}

/// Sets the switch until it is dropped, also when that is by a panic.
#[must_use = "the switch goes back when the guard is dropped"]
pub struct RecordingGuard {
    before: bool,
    /// The switch is this thread's, and so the guard stays on it.
    thread: PhantomData<*const ()>,
}

impl RecordingGuard {
    pub(crate) fn set(recording: bool) -> RecordingGuard {
        RecordingGuard {
            before: RECORDING.replace(recording),
            thread: PhantomData,
        }
    }
}

impl Drop for RecordingGuard {
    fn drop(&mut self) {
        RECORDING.set(self.before);
    }
}
