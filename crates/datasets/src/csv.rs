//! `csv:FILE`: points of the plane from a text file of one's own.
//!
//! ```text
//! # what the points are
//! x,y
//! 0.25, -1.5
//! 1e-3,7
//! ```
//!
//! A row is two numbers with a comma between them. Spaces around them, Windows' line ends and a byte order mark are
//! allowed; blank lines and lines that begin with `#` are skipped; the first row may be names. Every tenth row, in the
//! order of the file, is one to test on.

use crate::error::DataError;
use crate::tenth;
use crate::{Dataset, Split};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use thiserror::Error;

/// Bytes of a file that are read at most: 1 GiB.
const MOST_BYTES: u64 = 1 << 30;

/// Bytes of a line that are read at most.
const MOST_LINE: usize = 1 << 16;

/// Coordinates of a point.
const COLUMNS: usize = 2;

/// The byte order mark that some programs write at the beginning of a text.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// What is wrong with the content of a file of points. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CsvFault {
    /// There is no row in it.
    #[error("it holds no row of numbers")]
    Empty,

    /// Too few rows to train and to test.
    #[error("it holds {found} row(s) of numbers, expected at least {least}", least = tenth::LEAST)]
    TooFewRows {
        /// How many there are.
        found: usize,
    },

    /// Its rows are not points of the plane.
    #[error("line {line} has {found} column(s), expected {COLUMNS}: points of the plane")]
    Columns {
        /// The first row.
        line: u64,
        /// How many columns it has.
        found: usize,
    },

    /// A row is not as long as those before it.
    #[error("line {line} has {found} column(s), but those before it have {COLUMNS}")]
    RowLength {
        /// Which line.
        line: u64,
        /// How many columns it has.
        found: usize,
    },

    /// A field is not a number.
    #[error("line {line}, column {column}: `{found}` is not a number")]
    NotANumber {
        /// Which line.
        line: u64,
        /// Which of its fields.
        column: usize,
        /// What stands there, shortened.
        found: String,
    },

    /// A field is infinite, not-a-number, or too large for 32 bits.
    #[error("line {line}, column {column}: `{found}` is not a finite number of 32 bits")]
    NotFinite {
        /// Which line.
        line: u64,
        /// Which of its fields.
        column: usize,
        /// What stands there, shortened.
        found: String,
    },

    /// The text is not UTF-8.
    #[error("line {line}: byte {offset} of the file is not UTF-8")]
    NotUtf8 {
        /// Which line.
        line: u64,
        /// Which byte of the file, from 0.
        offset: u64,
    },

    /// A line is longer than any row of numbers.
    #[error("line {line} is longer than {MOST_LINE} bytes")]
    LongLine {
        /// Which line.
        line: u64,
    },

    /// The file is larger than what is read.
    #[error("it is larger than {MOST_BYTES} bytes")]
    TooLarge,
}

impl CsvFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            CsvFault::Empty => "write a point a line: x,y",
            CsvFault::TooFewRows { .. } => "every tenth row is one to test on: add some",
            CsvFault::Columns { found: 1, .. } => "put a comma between x and y",
            CsvFault::Columns { .. } => "keep the two columns that are x and y",
            CsvFault::RowLength { .. } => "mend that line, or begin it with # to leave it out",
            CsvFault::NotANumber { .. } => "write numbers such as -1.5 or 2e-3, without quotation marks or units",
            CsvFault::NotFinite { .. } => "leave such rows out, and scale what is too large",
            CsvFault::NotUtf8 { .. } => "is it a text file? save it as UTF-8",
            CsvFault::LongLine { .. } => "is it a text file of two columns?",
            CsvFault::TooLarge => "keep a part of the rows",
        }
    }
}

/// The rows of a file, x and y in turn.
#[derive(Clone, Debug, Default, PartialEq)]
#[doc(hidden)]
pub struct Rows {
    /// Those to train on.
    pub train: Vec<f32>,
    /// Every tenth: those to test on.
    pub test: Vec<f32>,
}

impl Rows {
    fn len(&self) -> usize {
        (self.train.len() + self.test.len()) / COLUMNS
    }

    fn push(&mut self, point: [f32; COLUMNS]) {
        let test = tenth::is_test(self.len());
        let split = if test { &mut self.test } else { &mut self.train };
        split.extend(point);
    }
}

/// Reads both splits from the file `path`.
///
/// # Errors
/// If it cannot be read, or if its rows are not finite points of the plane: [`CsvFault`].
pub fn open(path: &Path) -> Result<Dataset, DataError> {
    let unreadable = |source| DataError::Unreadable {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => DataError::Missing {
            path: path.into(),
            kind: "file",
            hint: "name a text file with a point a line: x,y".into(),
        },
        _ => unreadable(error),
    })?;
    // Said at once; what does not tell its size, such as a pipe, is bounded as it is read.
    if file.metadata().map_err(unreadable)?.len() > MOST_BYTES {
        return Err(DataError::Csv {
            path: path.into(),
            fault: CsvFault::TooLarge,
        });
    }
    let Rows { train, test } = parse(&mut BufReader::new(file), path)?;
    Ok(Dataset {
        name: "csv".into(),
        train: Split::points(train, COLUMNS),
        test: Split::points(test, COLUMNS),
        shape: vec![COLUMNS],
        modes: None,
    })
}

/// The rows of a text; `path` is where it comes from, for messages.
///
/// # Errors
/// As [`open`].
#[doc(hidden)]
pub fn parse(content: &mut dyn BufRead, path: &Path) -> Result<Rows, DataError> {
    let faulty = |fault| DataError::Csv {
        path: path.into(),
        fault,
    };
    let mut rows = Rows::default();
    let (mut bytes, mut offset, mut begun) = (Vec::new(), 0, false);
    for line in 1.. {
        bytes.clear();
        let read = content.take(MOST_LINE as u64 + 1).read_until(b'\n', &mut bytes);
        if read.map_err(|source| DataError::Unreadable {
            path: path.into(),
            source,
        })? == 0
        {
            break;
        }
        let text = text(&bytes, line, offset).map_err(faulty)?;
        offset += bytes.len() as u64;
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(point) = row(text, line, !begun).map_err(faulty)? {
            rows.push(point);
        }
        begun = true;
    }
    match rows.len() {
        0 => Err(faulty(CsvFault::Empty)),
        found if found < tenth::LEAST => Err(faulty(CsvFault::TooFewRows { found })),
        _ => Ok(rows),
    }
}

/// A line without its end and the spaces around it; `offset` bytes of the file are before it.
fn text(bytes: &[u8], line: u64, offset: u64) -> Result<&str, CsvFault> {
    if bytes.len() > MOST_LINE {
        return Err(CsvFault::LongLine { line });
    }
    if offset + bytes.len() as u64 > MOST_BYTES {
        return Err(CsvFault::TooLarge);
    }
    let (bytes, offset) = match bytes.strip_prefix(MARK) {
        Some(rest) if offset == 0 => (rest, MARK.len() as u64),
        _ => (bytes, offset),
    };
    let text = std::str::from_utf8(bytes).map_err(|error| CsvFault::NotUtf8 {
        line,
        offset: offset + error.valid_up_to() as u64,
    })?;
    Ok(text.trim())
}

/// The point of a row; `None` for names, which only the first row may be.
fn row(text: &str, line: u64, first: bool) -> Result<Option<[f32; COLUMNS]>, CsvFault> {
    let fields = || text.split(',').map(str::trim);
    let found = fields().count();
    if found != COLUMNS {
        return Err(match first {
            true => CsvFault::Columns { line, found },
            false => CsvFault::RowLength { line, found },
        });
    }
    let is_name = |field: &str| !field.is_empty() && field.parse::<f32>().is_err();
    if first && fields().all(is_name) {
        return Ok(None);
    }
    let mut point = [0.0; COLUMNS];
    for (i, (field, value)) in fields().zip(&mut point).enumerate() {
        let (column, found) = (i + 1, || shown(field));
        match field.parse::<f32>() {
            Ok(number) if number.is_finite() => *value = number,
            Ok(_) => {
                return Err(CsvFault::NotFinite {
                    line,
                    column,
                    found: found(),
                });
            }
            Err(_) => {
                return Err(CsvFault::NotANumber {
                    line,
                    column,
                    found: found(),
                });
            }
        }
    }
    Ok(Some(point))
}

/// A field for a message: short, and with nothing in it that a terminal would obey.
fn shown(field: &str) -> String {
    const MOST: usize = 40;
    let mut chars = field.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut short: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
