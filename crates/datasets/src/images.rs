//! `images:DIR`: a folder of PNG files of one's own, all of one size.
//!
//! Its files whose names end in `.png` are read in the order of their names, byte by byte, which is the same on every
//! machine; every tenth is one to test on. Other files, hidden files and folders in it are left alone.

use crate::error::DataError;
use crate::idx::MOST_BYTES;
use crate::tenth;
use crate::{Dataset, Split};
use picture::Picture;
use rayon::prelude::*;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use thiserror::Error;

mod picture;
#[doc(hidden)]
pub use picture::{Picture as DecodedPicture, decode};

/// Pixels along a side, at most.
const MOST_SIDE: u32 = 1024;

/// Bytes of a file that are read at most: four times what an image of the greatest size takes without compression.
const MOST_FILE: u64 = 32 << 20;

/// Files that are decoded at once.
const BATCH: usize = 256;

/// What is wrong with a folder of images or with a file in it. Sizes are width and height.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImageFault {
    /// The folder has no PNG file.
    #[error("there is no PNG file in this folder")]
    NoImages,

    /// Too few images to train and to test.
    #[error("there are {found} PNG file(s) in this folder, expected at least {least}", least = tenth::LEAST)]
    TooFew {
        /// How many there are.
        found: usize,
    },

    /// All images together are more than is read.
    #[error("its {count} images of {} have more than {MOST_BYTES} pixels together", by(size))]
    TooMuch {
        /// How many there are.
        count: usize,
        /// The size of each.
        size: [u32; 2],
    },

    /// Two images differ in size.
    #[error("it has {} pixels, but {} has {}", by(found), first.display(), by(expected))]
    SizesDiffer {
        /// The size of this file's image.
        found: [u32; 2],
        /// The first file.
        first: PathBuf,
        /// The size of the first file's image.
        expected: [u32; 2],
    },

    /// An image is larger than what is read.
    #[error("it claims {} pixels, expected at most {MOST_SIDE} x {MOST_SIDE}", by(size))]
    TooLarge {
        /// Its size.
        size: [u32; 2],
    },

    /// A file is larger than any image of the greatest size.
    #[error("it is larger than {MOST_FILE} bytes")]
    LargeFile,

    /// A file is not a sound PNG file.
    #[error("not a sound PNG file: {reason}")]
    Damaged {
        /// What the decoder said.
        reason: String,
    },

    /// A symbolic link leads to a place outside the folder.
    #[error("it is a link that leads out of the folder, to {}", target.display())]
    LeadsOut {
        /// Where it leads.
        target: PathBuf,
    },

    /// Something that is called like an image is not a file.
    #[error("it is not a file")]
    NotAFile,

    /// A name that has no place in the order.
    #[error("its name is not UTF-8")]
    NameNotUtf8,
}

fn by([width, height]: &[u32; 2]) -> String {
    format!("{width} x {height}")
}

impl ImageFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            ImageFault::NoImages => "put images whose names end in .png into it",
            ImageFault::TooFew { .. } => "every tenth image is one to test on: add some",
            ImageFault::TooMuch { .. } => "use fewer images, or make them smaller",
            ImageFault::SizesDiffer { .. } => "crop or resize them to one size",
            ImageFault::TooLarge { .. } => "make it smaller",
            ImageFault::LargeFile => "take out what is not the image, or move it out of the folder",
            ImageFault::Damaged { .. } => "open it in a viewer: write it again, or move it out of the folder",
            ImageFault::LeadsOut { .. } => "copy the image into the folder",
            ImageFault::NotAFile | ImageFault::NameNotUtf8 => "rename it, or move it out of the folder",
        }
    }
}

/// Reads both splits from the folder `dir`. Colours become grey as people see them, and transparent pixels lie on black.
///
/// # Errors
/// If the folder or a file in it cannot be read, or is not what it should be: [`ImageFault`].
pub fn open(dir: &Path) -> Result<Dataset, DataError> {
    let paths = list(dir)?;
    let faulty = |fault| Err(faulty(dir, fault));
    let Some(first) = paths.first() else {
        return faulty(ImageFault::NoImages);
    };
    let count = paths.len();
    if count < tenth::LEAST {
        return faulty(ImageFault::TooFew { found: count });
    }
    let size = read(first)?.size;
    let [width, height] = size.map(|side| side as usize);
    let dim = width * height;
    if count as u64 > MOST_BYTES / dim as u64 {
        return faulty(ImageFault::TooMuch { count, size });
    }

    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (batch, paths) in paths.chunks(BATCH).enumerate() {
        let pictures: Vec<_> = paths.par_iter().map(|path| read(path)).collect();
        // In order, so that the first file that is wrong is named, whichever was decoded first.
        for (i, (picture, path)) in pictures.into_iter().zip(paths).enumerate() {
            let Picture { size: found, grey } = picture?;
            if found != size {
                let (first, expected) = (first.clone(), size);
                let fault = ImageFault::SizesDiffer { found, first, expected };
                return Err(self::faulty(path, fault));
            }
            let is_test = tenth::is_test(batch * BATCH + i);
            if is_test { &mut test } else { &mut train }.extend(grey);
        }
    }
    Ok(Dataset {
        name: "images".into(),
        train: Split::images(train, dim),
        test: Split::images(test, dim),
        shape: vec![height, width],
        modes: None,
    })
}

fn faulty(path: &Path, fault: ImageFault) -> DataError {
    let path = path.into();
    DataError::Images { path, fault }
}

fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    let path = path.into();
    DataError::Unreadable { path, source }
}

/// The PNG files of a folder by name. None of them is opened.
fn list(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = fs::read_dir(dir).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DataError::Missing {
            path: dir.into(),
            kind: "folder",
            hint: "name a folder of PNG files".into(),
        },
        _ => unreadable(dir, error),
    })?;
    let home = dir.canonicalize().map_err(|error| unreadable(dir, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(dir, error))?.file_name();
        if !is_png(&name) {
            continue;
        }
        let path = dir.join(&name);
        let Ok(name) = name.into_string() else {
            return Err(faulty(&path, ImageFault::NameNotUtf8));
        };
        let target = path.canonicalize().map_err(|error| unreadable(&path, error))?;
        if !target.starts_with(&home) {
            return Err(faulty(&path, ImageFault::LeadsOut { target }));
        }
        if !target.is_file() {
            return Err(faulty(&path, ImageFault::NotAFile));
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// Whether a name ends in `.png`, in small or large letters, and is not that of a hidden file.
fn is_png(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".png") && !name.starts_with('.')
}

fn read(path: &Path) -> Result<Picture, DataError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let read = file.take(MOST_FILE + 1).read_to_end(&mut bytes);
    if read.map_err(|error| unreadable(path, error))? as u64 > MOST_FILE {
        return Err(faulty(path, ImageFault::LargeFile));
    }
    decode(&bytes, path)
}

#[cfg(test)]
mod tests;
