//! Where the reference values are, and how far from them a result may be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tensor_core::{DType, Tensor};

pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("GOLDEN_DIR") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden"),
    }
}

pub(crate) fn json(name: &str) -> serde_json::Value {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn tensors(name: &str) -> BTreeMap<String, Tensor> {
    nn::state::load_tensors(&folder().join(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// A reference whose numbers are all smaller is zero, but for its own rounding.
const ROUNDING: f64 = 1e-12;

/// Asserts that every element is within `tolerance` times the largest magnitude of the reference, or within `tolerance` of 0 if that is all it is.
#[track_caller]
pub(crate) fn assert_close(what: &str, found: &Tensor, reference: &Tensor, tolerance: f64) {
    // The reference writes a single number as an array of one.
    let same_shape = found.shape() == reference.shape() || found.count() == 1 && reference.count() == 1;
    assert!(
        same_shape,
        "{what}: shape {}, the reference has {}",
        found.shape(),
        reference.shape()
    );
    let values = |x: &Tensor| x.detach().to_dtype(DType::F64).to_vec::<f64>();
    let (found, reference) = (values(found), values(reference));
    let largest = reference.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let scale = if largest < ROUNDING { 1.0 } else { largest };
    for (i, (a, b)) in found.iter().zip(&reference).enumerate() {
        let close = (a - b).abs() <= tolerance * scale;
        assert!(
            close,
            "{what}: element {i} is {a:e}, the reference is {b:e}, of at most {largest:e}"
        );
    }
}
