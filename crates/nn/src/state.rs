//! State dictionaries: a module's parameters and buffers as a safetensors file, under PyTorch's names and in its layouts.
//!
//! `load_state_dict(safetensors.torch.load_file(path))` opens such a file in PyTorch, and the other way round.

use crate::module::{self, Entry, Module};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tensor_core::{DType, Tensor};

mod read;

pub use read::{FormatError, load_tensors, read_tensors};

/// Why a state dictionary could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The bytes are not a safetensors file.
    #[error("{path}: not a sound safetensors file: {reason}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file does not belong to this module.
    #[error("{path}: does not fit the model: {reason}", path = path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Which name, and what is wrong with it.
        reason: String,
    },
}

/// The parameters and buffers of a module by name.
///
/// ```
/// let linear = nn::Linear::new(3, 2, &mut tensor_core::Random::new(0));
/// let state = nn::state::state_dict(&linear);
/// assert_eq!(state["weight"], linear.weight.tensor().detach());
/// assert_eq!(state.into_keys().collect::<Vec<_>>(), ["bias", "weight"]);
/// ```
pub fn state_dict(module: &(impl Module + ?Sized)) -> BTreeMap<String, Tensor> {
    let entries = module::entries(module).into_iter();
    entries.map(|(name, entry)| (name, entry.tensor())).collect()
}

/// Saves a module's parameters and buffers. The file is complete or not there: it is written under another name first.
///
/// ```
/// use nn::{Linear, state};
/// use tensor_core::Random;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// let (trained, fresh) = (Linear::new(3, 2, &mut Random::new(0)), Linear::new(3, 2, &mut Random::new(1)));
/// state::save(&trained, &path)?;
/// state::load(&fresh, &path)?;
/// assert_eq!(state::state_dict(&fresh), state::state_dict(&trained));
/// let other = Linear::new(4, 2, &mut Random::new(0));
/// let message = state::load(&other, &path).unwrap_err().to_string();
/// assert!(message.ends_with("does not fit the model: `weight` has shape [2, 3], the model's has [2, 4]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written.
pub fn save(module: &(impl Module + ?Sized), path: &Path) -> Result<(), StateError> {
    save_tensors(&state_dict(module), path)
}

/// Loads a module's parameters and buffers. Nothing changes unless everything fits.
///
/// ```
/// use nn::{Linear, state};
/// use std::collections::BTreeMap;
/// use tensor_core::{Random, Tensor};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// let weight = ("weight".to_owned(), Tensor::from([[1.0, 2.0]]));
/// let bias = ("bias".to_owned(), Tensor::from([3.0]));
/// state::save_tensors(&BTreeMap::from([weight.clone(), bias]), &path)?;
/// let linear = Linear::new(2, 1, &mut Random::new(0));
/// state::load(&linear, &path)?;
/// assert_eq!(linear.weight.tensor().to_vec::<f32>(), [1.0, 2.0]);
/// assert_eq!(linear.bias.as_ref().unwrap().tensor().item(), 3.0);
///
/// state::save_tensors(&BTreeMap::from([weight]), &path)?;
/// let message = state::load(&linear, &path).unwrap_err().to_string();
/// assert!(message.ends_with("does not fit the model: `bias` is missing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is not sound, or names or shapes differ from the module's.
pub fn load(module: &(impl Module + ?Sized), path: &Path) -> Result<(), StateError> {
    load_entries(module::entries(module), load_tensors(path)?, path)
}

fn load_entries(
    entries: Vec<(String, Entry)>,
    mut tensors: BTreeMap<String, Tensor>,
    path: &Path,
) -> Result<(), StateError> {
    let mismatch = |reason| StateError::Mismatch {
        path: path.to_owned(),
        reason,
    };
    let mut changes = Vec::new();
    for (name, entry) in entries {
        let Some(value) = tensors.remove(&name) else {
            return Err(mismatch(format!("`{name}` is missing")));
        };
        let present = entry.tensor();
        let shape = present.shape();
        if value.shape() != shape {
            return Err(mismatch(format!(
                "`{name}` has shape {}, the model's has {shape}",
                value.shape()
            )));
        }
        // Numbers with a fraction do not fit where the model counts.
        let value = value.try_to_dtype(present.dtype());
        let value = value.map_err(|error| mismatch(format!("`{name}`: {}", error.problem())))?;
        changes.push((entry, value));
    }
    if let Some(name) = tensors.keys().next() {
        return Err(mismatch(format!("the model has no `{name}`")));
    }
    for (entry, value) in changes {
        entry.set(&value);
    }
    Ok(())
}

/// Saves named tensors as a safetensors file, complete or not at all. U32 is written as I64, PyTorch's type of integers.
///
/// ```
/// use nn::state;
/// use std::collections::BTreeMap;
/// use tensor_core::Tensor;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("counts.safetensors");
/// state::save_tensors(&BTreeMap::from([("seen".to_owned(), Tensor::from_slice(&[3u32, 5], [2]))]), &path)?;
/// let file = std::fs::read(&path)?;
/// // Numbers are little-endian, and those of this one tensor are the last 16 bytes.
/// assert!(file.ends_with(&[3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]));
/// assert!(state::save_tensors(&BTreeMap::new(), &folder.path().join("no/such/folder")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be written.
pub fn save_tensors(tensors: &BTreeMap<String, Tensor>, path: &Path) -> Result<(), StateError> {
    let bytes: Vec<(&String, Dtype, &Tensor, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| (name, dtype_of(tensor), tensor, bytes_of(tensor)))
        .collect();
    let views = bytes.iter().map(|(name, dtype, tensor, bytes)| {
        let view = TensorView::new(*dtype, tensor.shape().to_vec(), bytes);
        (*name, view.expect("the bytes are those of the shape and type"))
    });
    let file = serialize(views, None).expect("tensors of known types can be written");
    write_whole(path, &file).map_err(|source| StateError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file completely or not at all: under another name, to the disk, and then renamed.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    // What is left of a failed attempt is of no use to anybody.
    write().inspect_err(|_| drop(fs::remove_file(&temporary)))
}

fn dtype_of(tensor: &Tensor) -> Dtype {
    match tensor.dtype() {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        // PyTorch can hardly compute with U32: it adds 1 to `num_batches_tracked`, which is I64 there.
        _ => Dtype::I64,
    }
}

/// The elements, little-endian.
fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    match tensor.dtype() {
        DType::F32 => tensor.to_vec::<f32>().into_iter().flat_map(f32::to_le_bytes).collect(),
        DType::F64 => tensor.to_vec::<f64>().into_iter().flat_map(f64::to_le_bytes).collect(),
        _ => {
            let numbers = tensor.to_vec::<u32>().into_iter();
            numbers.flat_map(|x| i64::from(x).to_le_bytes()).collect()
        }
    }
}

#[cfg(test)]
mod tests;
