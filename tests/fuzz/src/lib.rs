//! What the fuzz targets run. `tests/corpora.rs` includes this file and runs the same on what they have found.
//!
//! Each function gives bytes to the entry point that the program itself uses, and panics unless it gets either what the
//! type promises or an error with a message and a hint. It returns whether the bytes were accepted.

use datasets::idx::Idx;
use datasets::{DataError, Spec, csv, idx as format, images};
use flate2::bufread::MultiGzDecoder;
use genlab::untrusted;
use std::io::Read;
use std::path::Path;

/// What a target runs: whether the bytes are accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by its name, which is also that of its folder in `corpus`.
pub const TARGETS: [(&str, Target); 8] = [
    ("idx", idx),
    ("gzip", gzip),
    ("csv", csv),
    ("png", png),
    ("safetensors", safetensors),
    ("data_string", data_string),
    ("checkpoint", checkpoint),
    ("config", config),
];

/// Sizes of samples: MNIST's images and labels, and something small.
const SAMPLES: [&[usize]; 3] = [&[28, 28], &[], &[2, 3]];

/// Where the bytes are said to be from.
fn path() -> &'static Path {
    Path::new("some/file")
}

/// Checks an error; never an acceptance.
fn refused(error: &DataError) -> bool {
    assert!(!error.to_string().is_empty() && !error.hint().is_empty(), "{error:?}");
    false
}

fn read_idx(mut bytes: &[u8], sample: &[usize]) -> Result<Idx, DataError> {
    let read = format::parse(&mut bytes, path(), sample);
    match &read {
        Ok(Idx { count, bytes }) => assert!(*count > 0 && bytes.len() == count * sample.iter().product::<usize>()),
        Err(error @ (DataError::Idx { .. } | DataError::Unreadable { .. })) => {
            refused(error);
        }
        Err(other) => panic!("{other:?}"),
    }
    read
}

/// IDX files, for each size of samples that the program reads.
pub fn idx(bytes: &[u8]) -> bool {
    SAMPLES.map(|sample| read_idx(bytes, sample).is_ok()).contains(&true)
}

/// IDX files behind gzip: read as what they unpack to.
pub fn gzip(bytes: &[u8]) -> bool {
    const MOST: u64 = 1 << 20;
    let mut plain = Vec::new();
    let unpacked = MultiGzDecoder::new(bytes).take(MOST).read_to_end(&mut plain);
    let accepted = SAMPLES.map(|sample| {
        let packed = read_idx(bytes, sample);
        let accepted = packed.is_ok();
        if unpacked.is_ok() && (plain.len() as u64) < MOST && !plain.starts_with(&[0x1f, 0x8b]) {
            let (packed, plain) = (packed.map_err(|e| e.to_string()), read_idx(&plain, sample));
            assert_eq!(packed, plain.map_err(|e| e.to_string()));
        }
        accepted
    });
    accepted.contains(&true)
}

/// Points of the plane as text.
pub fn csv(mut bytes: &[u8]) -> bool {
    match csv::parse(&mut bytes, path()) {
        Ok(rows) => {
            let (train, test) = (rows.train.len() / 2, rows.test.len() / 2);
            assert!(rows.train.len() == 2 * train && rows.test.len() == 2 * test);
            assert!(test > 0 && test == (train + test) / 10);
            assert!(rows.train.iter().chain(&rows.test).all(|x| x.is_finite()));
            true
        }
        Err(error @ DataError::Csv { .. }) => refused(&error),
        Err(other) => panic!("{other:?}"),
    }
}

/// PNG files.
pub fn png(bytes: &[u8]) -> bool {
    match images::decode(bytes, path()) {
        Ok(picture) => {
            let [width, height] = picture.size.map(|side| side as usize);
            assert!((1..=1024).contains(&width) && (1..=1024).contains(&height));
            assert_eq!(picture.grey.len(), width * height);
            true
        }
        Err(error @ DataError::Images { .. }) => refused(&error),
        Err(other) => panic!("{other:?}"),
    }
}

/// State dictionaries.
pub fn safetensors(bytes: &[u8]) -> bool {
    match nn::state::read_tensors(bytes) {
        Ok(tensors) => {
            for tensor in tensors.values() {
                assert!(tensor.shape().rank() <= 8);
                // No type takes less than a byte, and no byte is that of two tensors.
                assert_eq!(tensor.count(), tensor.shape().sizes().iter().product::<usize>());
            }
            assert!(tensors.values().map(|tensor| tensor.count()).sum::<usize>() <= bytes.len());
            true
        }
        Err(error) => {
            assert!(!error.reason.is_empty());
            false
        }
    }
}

/// Data sets as they are written on a command line.
pub fn data_string(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match Spec::parse(&text) {
        Ok(Spec { entry, path: None }) => {
            assert_eq!((text.as_ref(), entry.usage), (entry.name, entry.name));
            true
        }
        Ok(Spec {
            entry,
            path: Some(path),
        }) => {
            assert_eq!(text.as_ref(), format!("{}:{}", entry.name, path.display()));
            assert!(entry.usage.contains(':') && path != Path::new(""));
            true
        }
        Err(error) => refused(&error),
    }
}

/// The state of a checkpoint: what is accepted is written again, and read as the same.
pub fn checkpoint(bytes: &[u8]) -> bool {
    understood(bytes, untrusted::checkpoint)
}

/// Configurations: what is resolved is a configuration, and resolves to itself.
pub fn config(bytes: &[u8]) -> bool {
    understood(bytes, untrusted::config)
}

/// Whether the bytes are text that is understood, and what was understood means the same again; or there is a reason why not.
fn understood(bytes: &[u8], read: fn(&str) -> Result<String, String>) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    match read(text) {
        Ok(written) => {
            assert_eq!(read(&written).as_ref(), Ok(&written));
            true
        }
        Err(reason) => {
            assert!(!reason.is_empty());
            false
        }
    }
}
