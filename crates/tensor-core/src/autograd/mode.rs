//! Whether operations are recorded in the graph: one switch for each thread.

use std::cell::Cell;

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
    let _guard = RecordingGuard::set(false);
    f()
}

/// Sets the switch until it is dropped, also when that is by a panic.
pub(crate) struct RecordingGuard {
    before: bool,
}

impl RecordingGuard {
    pub(crate) fn set(recording: bool) -> RecordingGuard {
        RecordingGuard {
            before: RECORDING.replace(recording),
        }
    }
}

impl Drop for RecordingGuard {
    fn drop(&mut self) {
        RECORDING.set(self.before);
    }
}
