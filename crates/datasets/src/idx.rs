//! IDX, the format of MNIST's files: a header, then unsigned bytes. May be compressed with gzip.
//!
//! ```text
//! 00 00       magic
//! 08          element type: unsigned byte
//! 03          number of dimensions d
//! d times     size of a dimension, 32 bits, big-endian: the number of samples, then the sample's sizes
//! ...         the elements, the last dimension changing fastest
//! ```
//!
//! Described by Y. LeCun, C. Cortes and C. Burges on MNIST's home page, 1998.

use crate::error::{DataError, IdxFault};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// The content of an IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// How many samples there are: the first dimension, at least 1.
    pub count: usize,
    /// The elements of all samples, one sample after the other.
    pub bytes: Vec<u8>,
}

/// Elements that are read at most, so that a damaged header or a hostile file does not fill the memory: 2 GiB.
pub(crate) const MOST_BYTES: u64 = 1 << 31;

/// Reads a file of samples of the size `sample`: `&[28, 28]` for MNIST's images, `&[]` for labels.
///
/// Whether the file is compressed is seen from its first bytes, not from its name.
pub fn read(path: &Path, sample: &[usize]) -> Result<Idx, DataError> {
    let unreadable = |source| DataError::Unreadable {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => DataError::Missing {
            path: path.into(),
            kind: "file",
            hint: "check the path".into(),
        },
        _ => unreadable(error),
    })?;
    parse(&mut BufReader::new(file), path, sample)
}

/// [`read`] for content that is open, compressed or not; `path` is where it comes from, for messages.
///
/// # Errors
/// As [`read`].
#[doc(hidden)]
pub fn parse(content: &mut dyn BufRead, path: &Path, sample: &[usize]) -> Result<Idx, DataError> {
    let unreadable = |source| DataError::Unreadable {
        path: path.into(),
        source,
    };
    let is_gzip = content.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
    let read = if is_gzip {
        parse_plain(&mut MultiGzDecoder::new(content), sample)
    } else {
        parse_plain(content, sample)
    };
    read.map_err(|error| match error {
        ParseError::Fault(fault) => DataError::Idx {
            path: path.into(),
            fault,
        },
        ParseError::Io(source) => unreadable(source),
    })
}

enum ParseError {
    Fault(IdxFault),
    Io(std::io::Error),
}

impl From<IdxFault> for ParseError {
    fn from(fault: IdxFault) -> ParseError {
        ParseError::Fault(fault)
    }
}

/// Reads uncompressed content; never allocates by what the header claims, only by what is there.
fn parse_plain(content: &mut dyn Read, sample: &[usize]) -> Result<Idx, ParseError> {
    let head = read_up_to(content, 4, 4)?;
    if let &[a, b, ..] = head.as_slice()
        && [a, b] != [0, 0]
    {
        return Err(IdxFault::Magic { found: [a, b] }.into());
    }
    let &[_, _, element_type, rank] = head.as_slice() else {
        return Err(IdxFault::Truncated {
            expected: 4,
            found: head.len() as u64,
        }
        .into());
    };
    if element_type != 0x08 {
        return Err(IdxFault::ElementType { found: element_type }.into());
    }
    let (expected, found) = (sample.len() + 1, usize::from(rank));
    if found != expected {
        return Err(IdxFault::Rank { expected, found }.into());
    }

    let sizes = read_up_to(content, 4 * expected as u64, 4 * expected as u64)?;
    let header = 4 + 4 * expected as u64;
    if sizes.len() < 4 * expected {
        return Err(IdxFault::Truncated {
            expected: header,
            found: 4 + sizes.len() as u64,
        }
        .into());
    }
    let sizes: Vec<u64> = sizes
        .chunks(4)
        .map(|size| size.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
        .collect();
    let count = sizes[0];
    let found: Vec<usize> = sizes[1..].iter().map(|&size| size as usize).collect();
    if found != sample {
        return Err(IdxFault::SampleShape {
            expected: sample.into(),
            found,
        }
        .into());
    }
    if count == 0 {
        return Err(IdxFault::Empty.into());
    }
    let area = sample.iter().product::<usize>() as u64;
    let most = MOST_BYTES / area.max(1);
    if count > most {
        return Err(IdxFault::Oversized { claimed: count, most }.into());
    }

    let promised = count * area;
    let bytes = read_up_to(content, promised + 1, promised)?;
    if (bytes.len() as u64) < promised {
        return Err(IdxFault::Truncated {
            expected: header + promised,
            found: header + bytes.len() as u64,
        }
        .into());
    }
    if bytes.len() as u64 > promised {
        return Err(IdxFault::TrailingBytes {
            expected: header + promised,
        }
        .into());
    }
    Ok(Idx {
        count: count as usize,
        bytes,
    })
}

/// At most `limit` bytes; fewer where the content ends before, also where it ends in the middle of compressed data.
/// With `needed` bytes there, compressed data must end as it should, with its checksum and nothing behind it.
fn read_up_to(content: &mut dyn Read, limit: u64, needed: u64) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    match content.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && (bytes.len() as u64) < needed => Ok(bytes),
        Err(error) => Err(ParseError::Io(error)),
    }
}

#[cfg(test)]
mod tests;
