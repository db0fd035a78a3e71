//! State dictionaries: a module's parameters and buffers as a safetensors file, under PyTorch's names and in its layouts.
//!
//! `load_state_dict(safetensors.torch.load_file(path))` opens such a file in PyTorch, and the other way round.

use crate::module::{self, Entry, Module};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tensor_core::{DType, Shape, Tensor};

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
        changes.push((entry, value.to_dtype(present.dtype())));
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

/// The tensors of a safetensors file by name. F16 and BF16 become F32; I64, I32, U8 and BOOL become U32.
///
/// ```
/// use nn::state;
/// // A file is the length of its header in 8 bytes, the header, and the numbers. Two of F16 are here: 1.5 and -2.
/// let header = r#"{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
/// let length = (header.len() as u64).to_le_bytes();
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("x.safetensors");
/// std::fs::write(&path, [&length[..], header.as_bytes(), &[0x00, 0x3e, 0x00, 0xc0]].concat())?;
/// let tensors = state::load_tensors(&path)?;
/// assert_eq!(tensors["x"].to_vec::<f32>(), [1.5, -2.0]);
///
/// std::fs::write(&path, "hello")?;
/// assert!(matches!(state::load_tensors(&path), Err(nn::StateError::Format { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is not sound, or holds a type or a number that has no place here.
pub fn load_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>, StateError> {
    let format = |reason: String| StateError::Format {
        path: path.to_owned(),
        reason,
    };
    let file = fs::read(path).map_err(|source| StateError::Io {
        path: path.to_owned(),
        source,
    })?;
    let tensors = SafeTensors::deserialize(&file).map_err(|error| format(error.to_string()))?;
    let convert = |(name, view): (&str, TensorView<'_>)| {
        let tensor = tensor_of(&view).map_err(|reason| format(format!("`{name}`: {reason}")))?;
        Ok((name.to_owned(), tensor))
    };
    tensors.iter().map(convert).collect()
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

fn tensor_of(view: &TensorView<'_>) -> Result<Tensor, String> {
    let shape = Shape::try_new(view.shape())?;
    let bytes = view.data();
    let small = |x: i64| u32::try_from(x).map_err(|_| format!("{x} does not fit into 32 bits without a sign"));
    let integers = |values: Vec<i64>| values.into_iter().map(small).collect::<Result<Vec<u32>, _>>();
    Ok(match view.dtype() {
        Dtype::F32 => Tensor::from_slice(&elements(bytes, f32::from_le_bytes), shape),
        Dtype::F64 => Tensor::from_slice(&elements(bytes, f64::from_le_bytes), shape),
        Dtype::BF16 => Tensor::from_slice(&elements(bytes, bf16_to_f32), shape),
        Dtype::F16 => Tensor::from_slice(&elements(bytes, f16_to_f32), shape),
        Dtype::U32 => Tensor::from_slice(&elements(bytes, u32::from_le_bytes), shape),
        Dtype::I64 => Tensor::from_slice(&integers(elements(bytes, i64::from_le_bytes))?, shape),
        Dtype::I32 => Tensor::from_slice(&integers(elements(bytes, |b| i32::from_le_bytes(b).into()))?, shape),
        Dtype::U8 | Dtype::BOOL => Tensor::from_slice(&elements(bytes, |[b]| u32::from(b)), shape),
        other => return Err(format!("type {other:?} is not supported")),
    })
}

fn elements<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|bytes| from(*bytes)).collect()
}

/// BF16 is the upper half of an F32.
fn bf16_to_f32(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}

/// IEEE 754 half precision: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction.
fn f16_to_f32(bytes: [u8; 2]) -> f32 {
    let bits = u16::from_le_bytes(bytes);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Linear, Sequential, Tanh};
    use tensor_core::Random;

    fn mlp(inputs: usize, seed: u64) -> Sequential {
        let mut random = Random::new(seed);
        Sequential::new()
            .with(Linear::new(inputs, 3, &mut random))
            .with(Tanh)
            .with(Linear::new(3, 2, &mut random))
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let (saved, loaded) = (mlp(4, 1), mlp(4, 2));
        assert_ne!(state_dict(&saved), state_dict(&loaded));
        save(&saved, &path).unwrap();
        load(&loaded, &path).unwrap();
        assert_eq!(state_dict(&saved), state_dict(&loaded));
        let names: Vec<String> = state_dict(&saved).into_keys().collect();
        assert_eq!(names, ["0.bias", "0.weight", "2.bias", "2.weight"]);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "no partial file is left");
    }

    #[test]
    fn integers_are_written_in_pytorchs_type_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.safetensors");
        let tensors = BTreeMap::from([
            ("batches".to_owned(), Tensor::from_slice(&[7u32], ())),
            ("largest".to_owned(), Tensor::from_slice(&[0, u32::MAX], [2])),
        ]);
        save_tensors(&tensors, &path).unwrap();
        let file = fs::read(&path).unwrap();
        let batches = SafeTensors::deserialize(&file).unwrap().tensor("batches").unwrap();
        assert_eq!((batches.dtype(), batches.data()), (Dtype::I64, &7i64.to_le_bytes()[..]));
        assert_eq!(load_tensors(&path).unwrap(), tensors);
    }

    #[test]
    fn a_file_that_does_not_fit_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        save(&mlp(5, 1), &path).unwrap();
        let model = mlp(4, 2);
        let before = state_dict(&model);
        let message = load(&model, &path).unwrap_err().to_string();
        assert!(
            message.ends_with("does not fit the model: `0.weight` has shape [3, 5], the model's has [3, 4]"),
            "{message}"
        );
        assert_eq!(state_dict(&model), before);

        fs::write(&path, b"hello").unwrap();
        assert!(matches!(load(&model, &path), Err(StateError::Format { .. })));
        assert!(matches!(
            load(&model, &folder.path().join("none")),
            Err(StateError::Io { .. })
        ));
    }

    #[test]
    fn other_types_are_converted_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.safetensors");
        let write = |dtype: Dtype, bytes: &[u8]| {
            let count = bytes.len() * 8 / dtype.bitsize();
            let view = TensorView::new(dtype, vec![count], bytes).unwrap();
            fs::write(&path, serialize([("x", view)], None).unwrap()).unwrap();
            load_tensors(&path).map(|mut tensors| tensors.remove("x").unwrap())
        };
        // 1.5, -2, the smallest subnormal and infinity.
        let halves = [0x3E00u16, 0xC000, 0x0001, 0x7C00].map(u16::to_le_bytes).concat();
        let wanted = [1.5, -2.0, 2f32.powi(-24), f32::INFINITY];
        assert_eq!(write(Dtype::F16, &halves).unwrap().to_vec::<f32>(), wanted);
        let brains = [0x3FC0u16, 0xC000].map(u16::to_le_bytes).concat();
        assert_eq!(write(Dtype::BF16, &brains).unwrap().to_vec::<f32>(), [1.5, -2.0]);
        assert_eq!(write(Dtype::U32, &7u32.to_le_bytes()).unwrap().to_vec::<u32>(), [7]);
        assert_eq!(write(Dtype::I64, &7i64.to_le_bytes()).unwrap().to_vec::<u32>(), [7]);
        let message = write(Dtype::I64, &(-1i64).to_le_bytes()).unwrap_err().to_string();
        assert!(
            message.ends_with("`x`: -1 does not fit into 32 bits without a sign"),
            "{message}"
        );
    }
}
