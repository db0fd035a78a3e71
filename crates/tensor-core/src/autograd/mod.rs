//! Automatic differentiation: the graph of what was computed, and the walk back through it.

pub mod check;
pub(crate) mod graph;
pub(crate) mod mode;
pub mod observe;
pub mod scope;

mod backward;
mod gradients;

pub use backward::Target;
pub(crate) use backward::differentiate_composition;
pub use gradients::{Gradients, Leaf};
pub use graph::NodeId;
pub use mode::{is_recording, no_grad};
