//! What is written is read back; what is not sound is refused.

use super::*;
use crate::{Linear, Sequential, Tanh};
use safetensors::tensor::SafeTensors;
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

/// The bytes of a file with this header, and this many zeros behind it.
fn file(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; data]].concat()
}

#[track_caller]
fn refused(header: &str, data: usize, reason: &str) {
    let error = read_tensors(&file(header, data)).unwrap_err();
    assert!(error.reason.contains(reason), "{header}: {error}");
}

#[test]
fn what_a_header_claims_is_not_believed() {
    let tensor = |name: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"U8","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let one = |shape: &str, offsets: &str| format!("{{{}}}", tensor("x", shape, offsets));
    assert_eq!(read_tensors(&file(&one("[3]", "[0,3]"), 3)).unwrap()["x"].shape(), [3]);
    assert_eq!(
        read_tensors(&file(&one("[0,5]", "[0,0]"), 0)).unwrap()["x"].shape(),
        [0, 5]
    );

    refused(&one("[4]", "[0,4]"), 3, "`x` ends at byte 4 of 3");
    refused(&one("[4]", "[4,0]"), 4, "");
    refused(&one("[2]", "[1,3]"), 3, "");
    refused(&one("[2]", "[0,2]"), 3, "");
    refused(&one("[4294967296,4294967296,0]", "[0,0]"), 0, "");
    refused(
        &one("[0,4294967296,4294967296]", "[0,0]"),
        0,
        "more elements than can be counted",
    );
    refused(
        &one("[1,1,1,1,1,1,1,1,1]", "[0,1]"),
        1,
        "`x`: a tensor has at most 8 dimensions, not 9",
    );
    refused(&one("[-1]", "[0,1]"), 1, "invalid header");
    refused(&"[".repeat(100_000), 0, "invalid header");
    refused(r#"{"x":7}"#, 0, "invalid header");
    refused(&one("[2]", "[0,2]").replace("U8", "F4"), 2, "");

    for length in [0, 1 << 20, 1 << 40, u64::MAX - 7, u64::MAX] {
        let mut bytes = file("{}", 0);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        assert!(read_tensors(&bytes).is_err(), "{length}");
    }
    for cut in 0..8 {
        assert!(read_tensors(&file("{}", 0)[..cut]).is_err());
    }
}

#[test]
fn lengths_that_overflow_together_are_refused() {
    // Eight tensors of 2^61 - 1 bytes each, and one that ends at the greatest number.
    let size = (1_u64 << 61) - 1;
    let mut tensors = Vec::new();
    for i in 0..8 {
        let (start, end) = (i * size, (i + 1) * size);
        tensors.push(format!(
            r#""{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{start},{end}]}}"#
        ));
    }
    let (start, end) = (8 * size, u64::MAX - 2);
    let last = format!(
        r#""8":{{"dtype":"U8","shape":[{}],"data_offsets":[{start},{end}]}}"#,
        end - start
    );
    refused(&format!("{{{},{last}}}", tensors.join(",")), 0, "of 0");
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let twice = r#"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}"#;
    refused(twice, 2, "there are two tensors called `x`");
    let hidden = twice.replacen("\"x\"", "\"\\u0078\"", 1);
    refused(&hidden, 2, "there are two tensors called `x`");
    let metadata = r#"{"__metadata__":{"format":"pt"},"x\u001b":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#;
    refused(metadata, 1, r"`x\u{1b}`: type F4 is not supported");
}

#[test]
fn numbers_that_do_not_fit_a_count_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.safetensors");
    let norm = crate::BatchNorm1d::new(1);
    let mut tensors = state_dict(&norm);
    for bad in [f32::NAN, -1.0, 1e20] {
        tensors.insert("num_batches_tracked".into(), Tensor::from_slice(&[bad], ()));
        save_tensors(&tensors, &path).unwrap();
        let message = load(&norm, &path).unwrap_err().to_string();
        assert!(
            message.contains("does not fit the model: `num_batches_tracked`: "),
            "{message}"
        );
        assert!(message.contains("is no U32"), "{message}");
    }
}
