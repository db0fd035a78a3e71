//! Reading safetensors files. They may come from anywhere, so nothing is believed that a header claims.

use super::StateError;
use safetensors::tensor::{Dtype, SafeTensors, TensorInfo, TensorView};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::path::Path;
use tensor_core::{Shape, Tensor};

/// Why bytes are not those of a safetensors file, or hold what has no place here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sound safetensors file: {reason}")]
pub struct FormatError {
    /// What is wrong.
    pub reason: String,
}

/// The tensors of a safetensors file by name: [`read_tensors`] of its bytes.
///
/// ```
/// use nn::state;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("x.safetensors");
/// std::fs::write(&path, "hello")?;
/// assert!(matches!(state::load_tensors(&path), Err(nn::StateError::Format { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is not sound, or holds a type or a number that has no place here.
pub fn load_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>, StateError> {
    let file = fs::read(path).map_err(|source| StateError::Io {
        path: path.to_owned(),
        source,
    })?;
    read_tensors(&file).map_err(|FormatError { reason }| StateError::Format {
        path: path.to_owned(),
        reason,
    })
}

/// The tensors in the bytes of a safetensors file by name. F16 and BF16 become F32; I64, I32, U8 and BOOL become U32.
///
/// ```
/// use nn::state;
/// // A file is the length of its header in 8 bytes, the header, and the numbers. Two of F16 are here: 1.5 and -2.
/// let header = r#"{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
/// let length = (header.len() as u64).to_le_bytes();
/// let tensors = state::read_tensors(&[&length[..], header.as_bytes(), &[0x00, 0x3e, 0x00, 0xc0]].concat())?;
/// assert_eq!(tensors["x"].to_vec::<f32>(), [1.5, -2.0]);
/// assert!(state::read_tensors(b"hello").is_err());
/// # Ok::<(), nn::state::FormatError>(())
/// ```
///
/// # Errors
/// If they are not sound, or hold a type or a number that has no place here.
pub fn read_tensors(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, FormatError> {
    let unsound = |reason: String| FormatError { reason };
    check_header(bytes).map_err(unsound)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| unsound(error.to_string()))?;
    let convert = |(name, view): (&str, TensorView<'_>)| {
        let tensor = tensor_of(&view).map_err(|reason| unsound(format!("`{}`: {reason}", name.escape_debug())))?;
        Ok((name.to_owned(), tensor))
    };
    tensors.iter().map(convert).collect()
}

/// Refuses what the crate `safetensors` 0.8 lets through: of two tensors with one name it keeps either, and offsets near
/// the greatest number overflow in its sum of lengths, so that it panics. A length that is wrong is left to it.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Ok(());
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((header, data)) = rest.split_at_checked(length) else {
        return Ok(());
    };
    let Header(names) = serde_json::from_slice(header).map_err(|error| format!("invalid header: {error}"))?;
    let mut seen = HashSet::new();
    for (name, end) in names {
        if end > data.len() {
            let (name, there) = (name.escape_debug(), data.len());
            return Err(format!("`{name}` ends at byte {end} of {there}"));
        }
        if !seen.insert(name.clone()) {
            return Err(format!("there are two tensors called `{}`", name.escape_debug()));
        }
    }
    Ok(())
}

/// The tensors of a header as they stand there, repeated names too: each with the place where its bytes end.
struct Header(Vec<(String, usize)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(Tensors)
    }
}

struct Tensors;

impl<'de> Visitor<'de> for Tensors {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
            } else {
                let info: TensorInfo = map.next_value()?;
                tensors.push((name, info.data_offsets.1));
            }
        }
        Ok(Header(tensors))
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
