//! `genlab data fetch` in a build without the feature `fetch`: nothing here knows the network.

use crate::cli::FetchArgs;
use crate::errors::Failure;

/// Says that this build cannot.
pub(crate) fn fetch(_: &FetchArgs) -> Result<(), Failure> {
    Err(Failure::input(
        "this build has no network support",
        "build it with its feature `fetch`, which is on by default: cargo build --release -p genlab",
    ))
}

/// None.
pub(crate) fn sets() -> Vec<(String, String)> {
    Vec::new()
}
