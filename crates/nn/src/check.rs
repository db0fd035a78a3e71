//! Checks of whole modules: of their gradients, and of their [`Module::visit`].

mod gradient;

pub use gradient::{gradcheck, gradcheck_with, gradgradcheck, gradgradcheck_with};

use crate::module::{self, Entry, Module};
use std::collections::BTreeMap;
use std::panic::Location;
use tensor_core::Shape;
use tensor_core::autograd::NodeId;
use tensor_core::autograd::observe::{Observer, Step, observe};

/// [`Module::visit`] and what is computed with the module do not agree about its parameters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VisitError {
    /// A parameter that is not shown is neither trained nor saved.
    #[error("`visit` does not show a parameter of shape {shape}, which {operation} reads at {location}")]
    NotShown {
        /// The shape of the parameter.
        shape: Shape,
        /// The first operation that reads it.
        operation: &'static str,
        /// The line of that operation.
        location: &'static Location<'static>,
    },
    /// A parameter that nothing reads gets no gradient.
    #[error("`visit` shows `{name}`, which nothing reads")]
    NotRead {
        /// The parameter's name.
        name: String,
    },
}

/// Checks that [`Module::visit`] shows each parameter that `run` reads, and no other. What it forgets is neither trained nor saved nor converted, and
/// nothing else would tell.
///
/// `run` uses all of the module: a forward pass, or for a model of several networks a whole training step. It runs twice. Parameters are known as what is
/// tracked and is there both times, so an input that is tracked is to be made inside `run`. Forgotten buffers are not found: an operation sees no
/// difference between a buffer and a constant.
///
/// ```
/// use nn::{Context, Layer, Linear, Module, Visitor, check};
/// use tensor_core::{Random, Tensor};
/// struct Net { encoder: Linear, head: Linear }
/// impl Module for Net {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.module("encoder", &self.encoder); // and the head?
///     }
/// }
/// let random = Random::new(0);
/// let init = &mut random.stream("init");
/// let net = Net { encoder: Linear::new(3, 5, init), head: Linear::new(5, 1, init) };
/// let mut cx = Context::training(&random);
/// let x = Tensor::zeros([2, 3]);
/// let error = check::visits_everything(&net, || net.head.forward(&net.encoder.forward(&x, &mut cx), &mut cx)).unwrap_err();
/// assert!(error.to_string().starts_with("`visit` does not show a parameter of shape [1, 5], which linear reads at"));
/// ```
///
/// # Errors
/// The first parameter that is read and not shown, or else the first one that is shown and not read.
pub fn visits_everything<R>(module: &(impl Module + ?Sized), mut run: impl FnMut() -> R) -> Result<(), VisitError> {
    let first = observe(Reads::default(), &mut run).1.0;
    let second = observe(Reads::default(), &mut run).1.0;
    let shown = module::entries(module)
        .into_iter()
        .filter_map(|(name, entry)| match entry {
            Entry::Param(param) => Some((param.id(), name)),
            Entry::Buffer(_) => None,
        });
    let shown: Vec<(NodeId, String)> = shown.collect();
    let is_shown = |id: &NodeId| shown.iter().any(|(shown, _)| shown == id);
    for (id, (shape, operation, location)) in first {
        // What an operation made has another id in each run.
        if second.contains_key(&id) && !is_shown(&id) {
            return Err(VisitError::NotShown {
                shape,
                operation,
                location,
            });
        }
    }
    match shown.into_iter().find(|(id, _)| !second.contains_key(id)) {
        Some((_, name)) => Err(VisitError::NotRead { name }),
        None => Ok(()),
    }
}

/// The tracked inputs of all operations, with the operation that read each first.
#[derive(Default)]
struct Reads(BTreeMap<NodeId, (Shape, &'static str, &'static Location<'static>)>);

impl Observer for Reads {
    fn before(&mut self, step: &Step<'_>) {
        for input in step.inputs {
            if let Some(id) = input.id() {
                let read = (input.shape(), step.name(), step.location);
                self.0.entry(id).or_insert(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, Context, Layer, Linear, Param, Visitor};
    use tensor_core::{Random, Tensor, no_grad};

    struct Net {
        hidden: Linear,
        scale: Param,
        statistics: Buffer,
        shows_scale: bool,
    }

    impl Module for Net {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.module("hidden", &self.hidden);
            if self.shows_scale {
                v.param("scale", &self.scale);
            }
            v.buffer("statistics", &self.statistics);
        }
    }

    fn net(shows_scale: bool) -> Net {
        Net {
            hidden: Linear::new(2, 3, &mut Random::new(0)),
            scale: Param::new(Tensor::ones([3])),
            statistics: Buffer::new(Tensor::ones([3])),
            shows_scale,
        }
    }

    impl Net {
        /// With an input that is tracked, as for a gradient penalty.
        fn forward(&self) -> Tensor {
            let x = Tensor::ones([4, 2]).requires_grad();
            let h = self.hidden.forward(&x, &mut Context::training(&Random::new(0)));
            h * self.scale.tensor() + self.statistics.tensor()
        }
    }

    #[test]
    fn a_module_that_shows_all_that_it_reads_passes() {
        let net = net(true);
        assert_eq!(visits_everything(&net, || net.forward()), Ok(()));
        let gradients = || net.forward().sum(..).value_and_grad(module::params(&net)).1;
        assert_eq!(visits_everything(&net, gradients), Ok(()));
    }

    #[test]
    fn a_forgotten_parameter_is_found_under_no_grad_too() {
        let net = net(false);
        for run in [|net: &Net| net.forward(), |net: &Net| no_grad(|| net.forward())] {
            let error = visits_everything(&net, || run(&net)).unwrap_err().to_string();
            let wanted = "`visit` does not show a parameter of shape [3], which mul reads at crates/nn/src/check.rs:";
            assert!(error.starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn a_parameter_that_nothing_reads_is_found() {
        let net = net(true);
        let run = || net.hidden.weight.tensor().sum(..) * net.hidden.bias.as_ref().unwrap().tensor().sum(..);
        let error = visits_everything(&net, run).unwrap_err();
        assert_eq!(error.to_string(), "`visit` shows `scale`, which nothing reads");
    }
}
