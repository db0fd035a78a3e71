//! Training runs: from the same weights, with the same batches and the same noise, every loss of every step is PyTorch's.

mod dcgan;
mod models;
mod text_vae;
mod vq_vae;
mod wgan_gp;

use crate::files::{assert_close, json, tensors};
use nn::{Module, module, state};
use std::collections::BTreeMap;
use tensor_core::{DType, Tensor};

/// The arrays of one run, in one type.
struct Run {
    name: &'static str,
    arrays: BTreeMap<String, Tensor>,
    dtype: DType,
}

impl Run {
    /// Calls `repeat` with the run of this name, once in F64 and once in F32.
    fn in_both_types(name: &'static str, repeat: impl Fn(&Run)) {
        for dtype in [DType::F64, DType::F32] {
            let arrays = tensors(&format!("{name}.safetensors"));
            repeat(&Run { name, arrays, dtype });
        }
    }

    /// The network's width.
    fn width() -> usize {
        json("train.json")["width"].as_u64().expect("train.json has the width") as usize
    }

    fn array(&self, name: &str) -> &Tensor {
        self.arrays
            .get(name)
            .unwrap_or_else(|| panic!("{}: no array `{name}`", self.name))
    }

    /// How many entries an array has.
    fn count(&self, name: &str) -> usize {
        self.array(name).size(0)
    }

    /// Entry [i, j, …] of an array, without those dimensions. Integers stay integers.
    fn at(&self, name: &str, index: &[usize]) -> Tensor {
        let whole = self.array(name);
        let entry = (0..index.len()).fold(whole.clone(), |x, dim| x.narrow(dim as isize, index[dim], 1));
        let entry = entry.reshape(&whole.shape()[index.len()..]);
        if entry.dtype().is_float() {
            entry.to_dtype(self.dtype)
        } else {
            entry
        }
    }

    /// Turns the model to the run's type and gives it the run's initial weights.
    fn begin(&self, model: &(impl Module + ?Sized)) {
        module::to_dtype(model, self.dtype);
        for (name, entry) in module::entries(model) {
            let value = || self.array(&format!("init.{name}"));
            match entry {
                module::Entry::Param(param) => param.set(&value().to_dtype(param.dtype())),
                module::Entry::Buffer(buffer) if buffer.tensor().dtype().is_float() => {
                    buffer.set(&value().to_dtype(buffer.tensor().dtype()));
                }
                // How many batches a norm has seen: the reference does not say.
                module::Entry::Buffer(_) => {}
            }
        }
    }

    /// Compares one loss at every step.
    fn compare_losses(&self, name: &str, found: &[f64]) {
        let tolerance = if self.dtype == DType::F64 { 1e-9 } else { 1e-5 };
        let found = Tensor::from_slice(found, [found.len()]);
        let what = format!("{} {}: {name} by step", self.name, self.dtype);
        assert_close(&what, &found, self.array(&format!("loss.{name}")), tolerance);
    }

    /// Compares the weights and running statistics after the last step.
    fn compare_weights(&self, model: &(impl Module + ?Sized)) {
        let tolerance = if self.dtype == DType::F64 { 1e-6 } else { 1e-3 };
        let state = state::state_dict(model);
        for (name, found) in state.iter().filter(|(_, found)| found.dtype().is_float()) {
            let reference = self.array(&format!("final.{name}")).to_dtype(DType::F64);
            let difference = (found.to_dtype(DType::F64) - reference).to_vec::<f64>();
            let off = difference.into_iter().fold(0.0f64, |m, d| m.max(d.abs()));
            assert!(
                off <= tolerance,
                "{} {}: `{name}` is off by {off:e} after the last step",
                self.name,
                self.dtype
            );
        }
    }
}
