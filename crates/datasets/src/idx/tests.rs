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

#[test]
fn what_a_header_claims_takes_no_memory() {
    let all = u32::MAX;
    for (sizes, sample) in [
        (vec![all, 28, 28], &[28, 28][..]),
        (vec![all, all, all], &[28, 28]),
        (vec![all], &[]),
        // As much as is read at most, with nothing behind it.
        (vec![2_739_137, 28, 28], &[28, 28]),
    ] {
        let file = idx(8, &sizes, 0);
        fault(&file, sample);
        fault(&gzip(&file), sample);
    }
    let many_dimensions = [&[0, 0, 8, 255][..], &[0xff; 1020]].concat();
    let rank = IdxFault::Rank {
        expected: 3,
        found: 255,
    };
    assert_eq!(fault(&many_dimensions, &[28, 28]), rank);
}

/// Ten megabytes of gzip that unpack to ten gigabytes: as much is unpacked as the header promises, and one byte more.
#[test]
fn a_gzip_bomb_is_refused_before_it_goes_off() {
    let promised = 60_000 * 28 * 28;
    let zeros = gzip(&vec![0; 100 << 20]);
    let mut bomb = gzip(&idx(8, &[60_000, 28, 28], 0));
    (0..100).for_each(|_| bomb.extend(&zeros));
    assert!(bomb.len() > 10_000_000, "{}", bomb.len());
    let mut content = std::io::Cursor::new(&bomb);
    let refused = parse(&mut content, Path::new("bomb.gz"), &[28, 28]);
    let expected = IdxFault::TrailingBytes {
        expected: 16 + promised,
    };
    assert!(matches!(refused, Err(DataError::Idx { fault, .. }) if fault == expected));
    assert!(
        content.position() < 100_000,
        "{} bytes were unpacked",
        content.position()
    );
    // Without a header of its own it is not even that.
    assert_eq!(fault(&zeros, &[28, 28]), IdxFault::ElementType { found: 0 });
}

#[test]
fn gzip_members_one_after_the_other_are_one_file_however_many() {
    let file = idx(8, &[4, 2, 3], 24);
    let members: Vec<u8> = file.iter().flat_map(|&byte| gzip(&[byte])).collect();
    assert_eq!(read_bytes(&members, &[2, 3]).unwrap().count, 4);
    let behind = [members.as_slice(), &gzip(b"x")].concat();
    assert_eq!(fault(&behind, &[2, 3]), IdxFault::TrailingBytes { expected: 40 });
    // Members without content change nothing, and fill no stack.
    let empty: Vec<u8> = [gzip(&file), gzip(b"").repeat(100_000)].concat();
    assert_eq!(read_bytes(&empty, &[2, 3]).unwrap().count, 4);
}
