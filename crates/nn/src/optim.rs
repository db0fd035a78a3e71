//! Optimisers: what turns gradients into steps.

mod adam;
mod fused;
mod sgd;

pub use adam::{Adam, AdamConfig};
pub use sgd::{Sgd, SgdConfig};

use crate::cell::Param;
use std::collections::{BTreeMap, HashSet};
use tensor_core::{Gradients, Tensor};

/// Something that moves parameters along their gradients.
pub trait Optimiser: Send {
    /// The parameters that it holds, in the order of its state.
    fn params(&self) -> &[Param];

    /// One step. The gradients are those of this optimiser's parameters.
    ///
    /// # Panics
    /// If a parameter that the optimiser holds has no gradient among them: the message has its name.
    fn step(&mut self, gradients: &Gradients);

    /// The factor of the next step.
    fn learning_rate(&self) -> f64;

    /// Changes the factor, as a schedule does.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// The moments and counters by name, to save them.
    fn state(&self) -> BTreeMap<String, Tensor>;

    /// Puts back what [`Optimiser::state`] gave.
    ///
    /// # Errors
    /// If a name is missing or a shape differs; nothing has changed then.
    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), String>;
}

/// The parameters that an optimiser holds: each cell once, also where two modules share it.
fn distinct(params: impl IntoIterator<Item = Param>) -> Vec<Param> {
    let mut seen = HashSet::new();
    params.into_iter().filter(|param| seen.insert(param.id())).collect()
}

/// One tensor of zeros for each parameter.
fn zeros(params: &[Param]) -> Vec<Tensor> {
    params.iter().map(|param| param.tensor().zeros_like()).collect()
}

/// Adds the tensors of one kind of moment to a state, under `parameter.kind`.
///
/// # Panics
/// If two parameters have the same name, so that one's moments would be lost.
fn put(state: &mut BTreeMap<String, Tensor>, kind: &str, params: &[Param], moments: &[Tensor]) {
    for (param, moment) in params.iter().zip(moments) {
        let other = state.insert(format!("{}.{kind}", param.name()), moment.clone());
        assert!(
            other.is_none(),
            "state: two parameters are called `{}`; module::name gives each its own",
            param.name()
        );
    }
}

/// Reads the tensors of one kind of moment from a state.
fn get(state: &BTreeMap<String, Tensor>, kind: &str, params: &[Param]) -> Result<Vec<Tensor>, String> {
    let moment = |param: &Param| {
        let name = format!("{}.{kind}", param.name());
        let moment = state.get(&name).ok_or_else(|| format!("`{name}` is missing"))?;
        if moment.shape() != param.shape() {
            return Err(format!(
                "`{name}` has shape {}, the parameter has {}",
                moment.shape(),
                param.shape()
            ));
        }
        Ok(moment.to_dtype(param.dtype()))
    };
    params.iter().map(moment).collect()
}

/// Refuses a state with entries beside the expected number of them: it belongs to another optimiser.
fn only(state: &BTreeMap<String, Tensor>, expected: usize) -> Result<(), String> {
    if state.len() == expected {
        return Ok(());
    }
    Err(format!(
        "there are {} entries, the optimiser has {expected}",
        state.len()
    ))
}
