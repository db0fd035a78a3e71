//! Dictionaries of named tensors, as optimisers and averages are saved: counters, and the checks of what is read back.

use std::collections::BTreeMap;
use tensor_core::{DType, Shape, Tensor};

/// Tensors by name.
pub(crate) type Dictionary = BTreeMap<String, Tensor>;

/// A count as an entry.
pub(crate) fn counter(count: u32) -> Tensor {
    Tensor::from_slice(&[count], [1])
}

/// The count under this name.
pub(crate) fn get_counter(state: &Dictionary, name: &str) -> Result<u32, String> {
    let count = entry(state, name)?;
    if (count.dtype(), count.count()) != (DType::U32, 1) {
        return Err(format!(
            "`{name}` is {} {}, not one number of U32",
            count.dtype(),
            count.shape()
        ));
    }
    Ok(count.item() as u32)
}

/// The tensor under this name, which belongs to a `what` of this shape and type.
pub(crate) fn get_tensor(
    state: &Dictionary,
    name: &str,
    what: &str,
    shape: Shape,
    dtype: DType,
) -> Result<Tensor, String> {
    let tensor = entry(state, name)?;
    if tensor.shape() != shape {
        return Err(format!("`{name}` has shape {}, the {what} has {shape}", tensor.shape()));
    }
    let converted = tensor.try_to_dtype(dtype);
    converted.map_err(|error| format!("`{name}`: {}", error.problem()))
}

/// Refuses a dictionary with entries beside the expected number of them: it belongs to another `what`.
pub(crate) fn only(state: &Dictionary, expected: usize, what: &str) -> Result<(), String> {
    if state.len() == expected {
        return Ok(());
    }
    Err(format!("there are {} entries, the {what} has {expected}", state.len()))
}

fn entry<'a>(state: &'a Dictionary, name: &str) -> Result<&'a Tensor, String> {
    state.get(name).ok_or_else(|| format!("`{name}` is missing"))
}
