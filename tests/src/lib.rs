//! Tests live in the files beside `src/`. The snippets of the book and of the README are the doc tests of this crate.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../CONTRIBUTING.md")]
mod contributing {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/introduction.md")]
mod introduction {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/gradient.md")]
mod gradient {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/watching.md")]
mod watching {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/threads.md")]
mod threads {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/vae.md")]
mod vae {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/src/gan.md")]
mod gan {}
