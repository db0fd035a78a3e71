//! Where in a model an operation ran: `encoder.0`, say. Layers open scopes; the graph, errors and observers report them.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// The innermost scope that is open on this thread.
pub fn current() -> Option<Arc<str>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Opens a scope by its full name, until the guard is dropped.
///
/// ```
/// use tensor_core::autograd::scope;
/// let guard = scope::enter("encoder.0".into());
/// assert_eq!(scope::current().as_deref(), Some("encoder.0"));
/// drop(guard);
/// assert_eq!(scope::current(), None);
/// ```
pub fn enter(name: Arc<str>) -> ScopeGuard {
    ScopeGuard {
        outer: CURRENT.replace(Some(name)),
        _not_send: PhantomData,
    }
}

/// Closes its scope when it is dropped.
#[must_use = "the scope closes when the guard is dropped"]
pub struct ScopeGuard {
    outer: Option<Arc<str>>,
    /// A scope belongs to its thread, and so does its guard.
    _not_send: PhantomData<*const ()>,
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        CURRENT.set(self.outer.take());
    }
}
