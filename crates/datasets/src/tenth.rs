//! How samples of a user's own are divided: every tenth is one to test on.
//!
//! It follows from the order alone, so that it is the same in every run and on every machine.

/// Samples that are needed, so that there is one to test on.
pub(crate) const LEAST: usize = 10;

/// Whether sample `index`, from 0, is one to test on.
pub(crate) fn is_test(index: usize) -> bool {
    index % LEAST == LEAST - 1
}
