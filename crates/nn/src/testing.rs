//! Helpers of the tests of this crate.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static LAST_PANIC: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// The message with which `f` panics, and the file and line that the panic names.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> (String, (String, u32)) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let location = info.location().map(|at| (at.file().to_owned(), at.line()));
            LAST_PANIC.set(location);
            before(info);
        }));
    });
    let payload = match panic::catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    };
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().expect("a panic has a text").to_string(),
    };
    (message, LAST_PANIC.take().expect("a panic has a location"))
}
