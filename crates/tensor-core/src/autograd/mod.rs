//! Automatic differentiation: the graph of what was computed, and the walk back through it.

pub mod check;
pub mod export;
pub(crate) mod graph;
pub(crate) mod mode;
pub mod observe;
pub mod scope;

mod backward;
mod contribution;
mod gradients;

pub use backward::Target;
pub(crate) use backward::differentiate_composition;
pub use gradients::{Gradients, Leaf};
pub use graph::NodeId;
pub use mode::{RecordingGuard, is_recording, no_grad, pause_recording};

use std::panic::Location;
use std::path::Path;

/// `main.rs:12`: a place for readers, without folders and column.
fn file_and_line(location: &Location<'_>) -> String {
    let file = Path::new(location.file()).file_name().unwrap_or_default();
    format!("{}:{}", file.to_string_lossy(), location.line())
}
