//! What can be wrong with data, and what to do about it: the message says the one, `hint` the other.

use crate::csv::CsvFault;
use crate::images::ImageFault;
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error;

/// Why a data set cannot be opened or used. The message names the file and what was wrong; [`DataError::hint`] is a way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set has this name.
    #[error("no data set is called `{name}`")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },

    /// A data set that is read from a folder was named without one.
    #[error("`{name}` needs the folder that its files are in")]
    NoFolder {
        /// The data set's name.
        name: &'static str,
    },

    /// A data set that is read from one file was named without it.
    #[error("`{name}` needs the file that its points are in")]
    NoFile {
        /// The data set's name.
        name: &'static str,
    },

    /// A data set that the program makes was given a folder.
    #[error("`{name}` is made by the program and takes no folder, but `{folder}` was given")]
    NeedlessFolder {
        /// The data set's name.
        name: &'static str,
        /// What stood behind the colon.
        folder: String,
    },

    /// A file or folder is not there.
    #[error("{}: no such {kind}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// `file` or `folder`.
        kind: &'static str,
        /// What would be accepted.
        hint: String,
    },

    /// The operating system or the decompressor could not read a file.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was reported.
        source: std::io::Error,
    },

    /// A file is not the IDX file that it should be.
    #[error("{}: {fault}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        fault: IdxFault,
    },

    /// A file of points is not what it should be.
    #[error("{}: {fault}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        fault: CsvFault,
    },

    /// A folder of images, or a file in it, is not what it should be.
    #[error("{}: {fault}", path.display())]
    Images {
        /// The folder or the file.
        path: PathBuf,
        /// What is wrong with it.
        fault: ImageFault,
    },

    /// An image file and its label file do not belong together.
    #[error(
        "{} has {images} images, but {} has {labels} labels",
        image_path.display(), label_path.display()
    )]
    CountsDiffer {
        /// The file of images.
        image_path: PathBuf,
        /// How many it has.
        images: usize,
        /// The file of labels.
        label_path: PathBuf,
        /// How many it has.
        labels: usize,
    },

    /// A label is not a digit.
    #[error("{}: label {index} is {label}, expected 0 to 9", path.display())]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// Which label, from 0.
        index: usize,
        /// Its value.
        label: u8,
    },

    /// A batch must have at least one sample.
    #[error("a batch size of 0 was asked for")]
    BatchOfNothing,

    /// A batch cannot be larger than the set.
    #[error("a batch of {batch_size} was asked for, but the set has only {samples} samples")]
    BatchTooLarge {
        /// What was asked for.
        batch_size: usize,
        /// What is there.
        samples: usize,
    },

    /// Points cannot be presented as black and white.
    #[error("points cannot be sampled to 0 and 1")]
    BinarisedPoints,
}

impl DataError {
    /// What to do about it.
    pub fn hint(&self) -> Cow<'_, str> {
        match self {
            DataError::UnknownName { hint, .. } | DataError::Missing { hint, .. } => hint.into(),
            DataError::NoFolder { name } => format!("write `{name}:DIR`").into(),
            DataError::NoFile { name } => format!("write `{name}:FILE`").into(),
            DataError::NeedlessFolder { name, .. } => format!("write `{name}`").into(),
            DataError::Unreadable { .. } => {
                "check that you may read it; if it is damaged, fetch or copy it again".into()
            }
            DataError::Idx { fault, .. } => fault.hint().into(),
            DataError::Csv { fault, .. } => fault.hint().into(),
            DataError::Images { fault, .. } => fault.hint().into(),
            DataError::CountsDiffer { .. } => "the two files must be of the same set".into(),
            DataError::Label { .. } => "is it the label file of another set?".into(),
            DataError::BatchOfNothing => "it must be at least 1".into(),
            DataError::BatchTooLarge { samples, .. } => format!("choose at most {samples}").into(),
            DataError::BinarisedPoints => "only sets of images can be binarised".into(),
        }
    }
}

/// What is wrong with the content of an IDX file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdxFault {
    /// The first two bytes are not 0.
    #[error("not an IDX file: it begins with the bytes {found:02x?}, expected 00 00")]
    Magic {
        /// The first two bytes.
        found: [u8; 2],
    },

    /// The elements are not unsigned bytes.
    #[error("the elements have type 0x{found:02x}, expected 0x08 (unsigned bytes)")]
    ElementType {
        /// The type's code.
        found: u8,
    },

    /// Another number of dimensions than expected.
    #[error("it has {found} dimension(s), expected {expected}")]
    Rank {
        /// As many as asked for.
        expected: usize,
        /// As many as the header has.
        found: usize,
    },

    /// Samples of another size than expected.
    #[error("its samples have the size {found:?}, expected {expected:?}")]
    SampleShape {
        /// The size asked for.
        expected: Vec<usize>,
        /// The header's.
        found: Vec<usize>,
    },

    /// There is nothing in it.
    #[error("it holds 0 samples, expected at least 1")]
    Empty,

    /// More is claimed than any file of this kind has.
    #[error("its header claims {claimed} samples, expected at most {most}")]
    Oversized {
        /// The header's count.
        claimed: u64,
        /// The greatest count that is read.
        most: u64,
    },

    /// The file ends too early.
    #[error("it ends after {found} of {expected} bytes")]
    Truncated {
        /// Bytes that the header (or the format, for the header itself) promises.
        expected: u64,
        /// Bytes that were there.
        found: u64,
    },

    /// The file goes on after its end.
    #[error("it goes on after the {expected} bytes that its header promises")]
    TrailingBytes {
        /// Bytes that the header promises.
        expected: u64,
    },
}

impl IdxFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            IdxFault::Magic { .. } => "is it another file under this name?",
            IdxFault::ElementType { .. } => "convert the file",
            IdxFault::Rank { .. } => "were images and labels exchanged?",
            IdxFault::SampleShape { .. } => "resize the images",
            IdxFault::Empty => "was writing it interrupted?",
            IdxFault::Oversized { .. } => "the header is damaged",
            IdxFault::Truncated { .. } | IdxFault::TrailingBytes { .. } => "fetch or copy it again",
        }
    }
}
