//! How a file is known to be the right one: its size and its SHA-256.

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use thiserror::Error;

/// The size and the hash of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many there are.
    pub size: u64,
    /// Their SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// These very bytes.
    File(Digest),
    /// Something that gunzip turns into these bytes, or the bytes themselves: not every mirror compresses alike.
    Content(Digest),
}

/// What is wrong with a file, or with what a server sent. "It" is the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// There are too few bytes.
    #[error("{what} ends after {found} of {expected} bytes")]
    Short {
        /// `it` or `its content`, once unpacked.
        what: &'static str,
        /// As many as there should be.
        expected: u64,
        /// As many as there are.
        found: u64,
    },

    /// There are too many bytes. How many is not known, for nobody reads them.
    #[error("{what} goes on after {expected} bytes, where it should end")]
    Long {
        /// `it` or `its content`, once unpacked.
        what: &'static str,
        /// As many as there should be.
        expected: u64,
    },

    /// The compressed data are not sound.
    #[error("it cannot be unpacked: {reason}")]
    Packed {
        /// What the decompressor says.
        reason: String,
    },

    /// Other bytes than expected.
    #[error("the SHA-256 of {what} is {found}, expected {expected}")]
    Hash {
        /// `it` or `its content`, once unpacked.
        what: &'static str,
        /// The right one.
        expected: String,
        /// The one found.
        found: String,
    },
}

/// Why bytes do not pass: their own fault, or they could not be read.
pub(super) enum Refusal {
    Fault(Fault),
    Unreadable(std::io::Error),
}

impl Proof {
    /// The size of a sound file, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Proof::File(digest) => Some(digest.size),
            Proof::Content(_) => None,
        }
    }

    /// The most bytes that a sound file can have.
    pub(super) fn most(&self) -> u64 {
        match self {
            Proof::File(digest) => digest.size,
            // What cannot be compressed grows by 5 bytes for each block of at most 64 KiB, a header and a name.
            Proof::Content(digest) => digest.size + digest.size / 256 + 1024,
        }
    }

    /// Whether a file of this size can be sound.
    pub(super) fn allows(&self, size: u64) -> bool {
        match self.size() {
            Some(exact) => size == exact,
            None => size <= self.most(),
        }
    }

    /// Reads a file and says whether it is the right one. Unpacks one byte more than there should be, and no further.
    pub(super) fn check(&self, file: impl Read) -> Result<(), Refusal> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        match self {
            Proof::File(digest) => digest.compare("it", file).map_err(Refusal::Unreadable)?,
            Proof::Content(digest) => {
                let start = file.fill_buf().map_err(Refusal::Unreadable)?;
                if start.starts_with(&[0x1f, 0x8b]) {
                    let unpacked = digest.compare("its content", MultiGzDecoder::new(file));
                    unpacked.map_err(packed)?
                } else {
                    digest.compare("its content", file).map_err(Refusal::Unreadable)?
                }
            }
        }
        .map_err(Refusal::Fault)
    }
}

/// Whether the decompressor failed on the data, or reading did.
fn packed(error: std::io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Refusal::Fault(Fault::Packed {
            reason: error.to_string(),
        }),
        _ => Refusal::Unreadable(error),
    }
}

impl Digest {
    fn compare(&self, what: &'static str, bytes: impl Read) -> std::io::Result<Result<(), Fault>> {
        let expected = self.size;
        let mut bytes = bytes.take(expected.saturating_add(1));
        let (mut hash, mut found) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match bytes.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    hash.update(&buffer[..read]);
                    found += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if found < expected {
            return Ok(Err(Fault::Short { what, expected, found }));
        }
        if found > expected {
            return Ok(Err(Fault::Long { what, expected }));
        }
        let found = hexadecimal(&hash.finalize());
        if found != self.sha256 {
            let expected = self.sha256.clone();
            return Ok(Err(Fault::Hash { what, expected, found }));
        }
        Ok(Ok(()))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
impl Digest {
    /// Of bytes at hand.
    pub(super) fn of(bytes: &[u8]) -> Digest {
        Digest {
            size: bytes.len() as u64,
            sha256: hexadecimal(&Sha256::digest(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn fault(proof: &Proof, file: &[u8]) -> String {
        match proof.check(file) {
            Ok(()) => "none".into(),
            Err(Refusal::Fault(fault)) => fault.to_string(),
            Err(Refusal::Unreadable(error)) => panic!("{error}"),
        }
    }

    /// The example of FIPS 180-4's authors: SHA-256("abc").
    #[test]
    fn the_hash_is_sha256() {
        let abc = Digest::of(b"abc");
        assert_eq!(
            abc.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(fault(&Proof::File(abc.clone()), b"abc"), "none");
        assert_eq!(fault(&Proof::File(abc.clone()), b"ab"), "it ends after 2 of 3 bytes");
        assert_eq!(
            fault(&Proof::File(abc.clone()), b"abcd"),
            "it goes on after 3 bytes, where it should end"
        );
        assert_eq!(
            fault(&Proof::File(abc), b"abd"),
            "the SHA-256 of it is a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, \
             expected ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn content_counts_however_it_is_packed() {
        let content: Vec<u8> = (0..100_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let proof = Proof::Content(Digest::of(&content));
        for level in [0, 1, 9] {
            let file = gzip(&content, level);
            assert!(proof.allows(file.len() as u64), "{level}");
            assert_eq!(fault(&proof, &file), "none", "{level}");
        }
        assert_eq!(fault(&proof, &content), "none", "a server may unpack what it sends");
        let parts = [gzip(&content[..70], 6), gzip(&content[70..], 6)].concat();
        assert_eq!(fault(&proof, &parts), "none", "several members are one file");
    }

    #[test]
    fn a_bomb_is_put_down_at_its_first_byte_too_many() {
        let proof = Proof::Content(Digest::of(&[0; 1000]));
        let bomb = gzip(&vec![0; 50_000_000], 9);
        struct Counting<'a>(&'a [u8], &'a mut usize);
        impl Read for Counting<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let read = self.0.read(&mut buffer[..1])?;
                *self.1 += read;
                Ok(read)
            }
        }
        let mut read = 0;
        let refusal = proof.check(Counting(&bomb, &mut read)).unwrap_err();
        assert!(matches!(refusal, Refusal::Fault(Fault::Long { expected: 1000, .. })));
        assert!(read * 4 < bomb.len(), "{read} of {} bytes were read", bomb.len());
    }

    #[test]
    fn damaged_compression_is_named() {
        let content = b"some bytes, some bytes, some bytes";
        let proof = Proof::Content(Digest::of(content));
        let whole = gzip(content, 9);
        for end in 2..whole.len() {
            assert!(
                fault(&proof, &whole[..end]).starts_with("it cannot be unpacked: "),
                "{end}"
            );
        }
        let mut crc = whole.clone();
        let place = crc.len() - 6;
        crc[place] ^= 1;
        assert!(fault(&proof, &crc).starts_with("it cannot be unpacked: "));
        assert!(fault(&proof, &[&whole[..], b"more"].concat()).starts_with("it cannot be unpacked: "));
        assert_eq!(fault(&proof, b""), "its content ends after 0 of 34 bytes");
    }
}
