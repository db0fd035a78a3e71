//! What a training run needs of a model.

use crate::losses::Losses;
use nn::{Context, Module, Optimiser};
use tensor_core::Tensor;

/// An optimiser with the name under which its state is saved.
pub struct NamedOptimiser {
    /// The name: `adam`, or the network that it trains.
    pub name: &'static str,
    /// The optimiser.
    pub optimiser: Box<dyn Optimiser>,
}

impl NamedOptimiser {
    /// An optimiser under a name.
    pub fn new(name: &'static str, optimiser: impl Optimiser + 'static) -> NamedOptimiser {
        let optimiser = Box::new(optimiser);
        NamedOptimiser { name, optimiser }
    }
}

/// A generative model that can be trained, judged, and sampled from. Samples are rows: a batch is \[B, D\].
pub trait Model: Module + Send + Sync {
    /// What the model is called on the command line.
    fn name(&self) -> &'static str;

    /// New optimisers, in the order in which [`Model::train_step`] takes them. Together they hold every parameter.
    fn optimisers(&self) -> Vec<NamedOptimiser>;

    /// Names of parameters that are not trained on purpose.
    fn frozen(&self) -> &[&str] {
        &[]
    }

    /// One training step on a batch \[B, D\]: losses, gradients, optimiser steps.
    fn train_step(&self, x: &Tensor, optimisers: &mut [NamedOptimiser], cx: &mut Context) -> Losses;

    /// What the model says of a batch \[B, D\] that it does not train on, if it can say something.
    fn evaluate(&self, x: &Tensor, cx: &mut Context) -> Option<Losses>;

    /// The loss of [`Model::evaluate`] that says which of two states of the model is the better one: that with the greater value.
    fn judged_by(&self) -> Option<&'static str> {
        None
    }

    /// `n` new samples, \[n, D\], in [`Model::value_range`].
    fn sample(&self, n: usize, cx: &mut Context) -> Tensor;

    /// The batch as the model gives it back, \[B, D\], if it can.
    fn reconstruct(&self, x: &Tensor, cx: &mut Context) -> Option<Tensor>;

    /// The values of black and white.
    fn value_range(&self) -> (f64, f64);

    /// Whether no sample can leave [`Model::value_range`]. Then points of the plane, which lie anywhere, cannot be modelled.
    fn is_bounded(&self) -> bool;
}
