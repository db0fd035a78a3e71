//! Counting: which operations ran, and which leaves got a gradient.

use super::{GradientStep, Observer, Step};
use crate::tensor::Tensor;

/// Counts operations by name, and remembers which leaves got a gradient.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Counter, observe};
/// let w = Tensor::from([2.0]).requires_grad().named("w");
/// let (_, counter) = observe(Counter::default(), || w.exp().sqr().grad(&[&w]));
/// assert_eq!(counter.names()[..2], ["exp", "sqr"]); // those of the rules follow
/// assert_eq!((counter.count("exp"), counter.count("tanh")), (1, 0));
/// assert_eq!(counter.leaves(), ["w"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counter {
    names: Vec<&'static str>,
    leaves: Vec<String>,
}

impl Counter {
    /// How often the operation ran, forward and backward.
    pub fn count(&self, name: &str) -> usize {
        self.names.iter().filter(|&&ran| ran == name).count()
    }

    /// The names of all operations in the order in which they ran.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The names of the leaves that got a gradient, in the order in which those were complete.
    pub fn leaves(&self) -> &[String] {
        &self.leaves
    }
}

impl Observer for Counter {
    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        self.names.push(step.name());
    }

    fn gradient(&mut self, step: &GradientStep<'_>) {
        if step.is_leaf() {
            self.leaves.push(step.name().as_deref().unwrap_or("unnamed").to_owned());
        }
    }
}
