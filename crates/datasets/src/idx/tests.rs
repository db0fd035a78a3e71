//! Good files, and each way in which a file can be bad.

use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// A file of `sizes` with `n` elements 0, 1, 2 …
fn idx(kind: u8, sizes: &[u32], n: usize) -> Vec<u8> {
    let mut file = vec![0, 0, kind, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend((0..n).map(|i| i as u8));
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read_bytes(bytes: &[u8], sample: &[usize]) -> Result<Idx, DataError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read(file.path(), sample)
}

fn fault(bytes: &[u8], sample: &[usize]) -> IdxFault {
    match read_bytes(bytes, sample) {
        Err(DataError::Idx { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_and_compressed_files_are_told_apart_by_their_content() {
    let file = idx(8, &[2, 2, 3], 12);
    let expected = Idx {
        count: 2,
        bytes: (0..12).collect(),
    };
    assert_eq!(read_bytes(&file, &[2, 3]).unwrap(), expected);
    assert_eq!(read_bytes(&gzip(&file), &[2, 3]).unwrap(), expected);
    // Two gzip members, one after the other, are one file.
    assert_eq!(
        read_bytes(&[gzip(&file[..9]), gzip(&file[9..])].concat(), &[2, 3]).unwrap(),
        expected
    );
    assert_eq!(
        read_bytes(&idx(8, &[5], 5), &[]).unwrap(),
        Idx {
            count: 5,
            bytes: vec![0, 1, 2, 3, 4]
        }
    );
}

#[test]
fn each_fault_is_named() {
    use IdxFault::*;
    let good = idx(8, &[2, 2, 3], 12);
    let cases: Vec<(Vec<u8>, IdxFault)> = vec![
        (b"PNG and so on".to_vec(), Magic { found: *b"PN" }),
        (idx(0x0d, &[2, 2, 3], 48), ElementType { found: 0x0d }),
        (idx(8, &[12], 12), Rank { expected: 3, found: 1 }),
        (
            idx(8, &[2, 3, 2], 12),
            SampleShape {
                expected: vec![2, 3],
                found: vec![3, 2],
            },
        ),
        (idx(8, &[0, 2, 3], 0), Empty),
        (
            good[..27].to_vec(),
            Truncated {
                expected: 28,
                found: 27,
            },
        ),
        (
            good[..10].to_vec(),
            Truncated {
                expected: 16,
                found: 10,
            },
        ),
        (good[..3].to_vec(), Truncated { expected: 4, found: 3 }),
        (Vec::new(), Truncated { expected: 4, found: 0 }),
        ([good.as_slice(), b"x"].concat(), TrailingBytes { expected: 28 }),
        (
            idx(8, &[1_000_000, 2, 3], 12),
            Truncated {
                expected: 6_000_016,
                found: 28,
            },
        ),
        (
            idx(8, &[u32::MAX, 2, 3], 12),
            Oversized {
                claimed: 4_294_967_295,
                most: 357_913_941,
            },
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(fault(&file, &[2, 3]), expected);
        assert_eq!(fault(&gzip(&file), &[2, 3]), expected, "compressed");
    }
    assert_eq!(
        fault(&idx(8, &[u32::MAX], 12), &[]),
        Oversized {
            claimed: 4_294_967_295,
            most: 1 << 31
        }
    );
}

#[test]
fn damaged_compression_is_an_error_that_names_the_file() {
    let good = gzip(&idx(8, &[200, 2, 3], 1200));
    let cut = &good[..good.len() / 2];
    assert!(matches!(
        fault(cut, &[2, 3]),
        IdxFault::Truncated { expected: 1216, .. }
    ));
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let no_sum = good[..good.len() - 5].to_vec();
    let trailing = |rubbish: &[u8]| [&good, rubbish].concat();
    for file in [wrong_sum, no_sum, trailing(b"short"), trailing(b"and long rubbish")] {
        let message = read_bytes(&file, &[2, 3]).unwrap_err().to_string();
        assert!(message.contains("cannot be read"), "{message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = read(Path::new("/nowhere/at-all"), &[]).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/at-all: no such file");
    assert_eq!(error.hint(), "check the path");
}

#[test]
fn messages_say_what_was_expected_and_what_to_do() {
    let error = read_bytes(&idx(8, &[5], 5), &[28, 28]).unwrap_err();
    let message = error.to_string();
    assert!(message.ends_with(": it has 1 dimension(s), expected 3"), "{message}");
    assert_eq!(error.hint(), "were images and labels exchanged?");
}
