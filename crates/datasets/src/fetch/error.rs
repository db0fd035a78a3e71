//! Why a data set could not be fetched.

use super::proof::Fault;
use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why a set is not there after all. The message names the file; [`FetchError::hint`] is a way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No set that can be fetched has this name.
    #[error("no data set that can be fetched is called `{name}`")]
    UnknownSet {
        /// What was asked for.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },

    /// A mirror is not the address of a folder on a server.
    #[error("`{url}` is not a mirror: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A file is there already, and it is not the right one. It is left as it is.
    #[error("{} is there, but is not the file of {set}: {fault}", path.display())]
    Wrong {
        /// The set's name.
        set: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },

    /// An unpacked file lies beside a compressed one, and is read in its place.
    #[error("{} is there, and would be read in the place of {name}", path.display())]
    Shadowed {
        /// The unpacked file.
        path: PathBuf,
        /// The file of the set.
        name: String,
    },

    /// The operating system could not read or write a file.
    #[error("{}: cannot be {done}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        done: &'static str,
        /// What was reported.
        source: std::io::Error,
    },

    /// Another program is fetching the same file to the same place.
    #[error("{} is being written by another program", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },

    /// Every mirror failed.
    #[error("{file} could not be fetched:{}", lines(tries))]
    NoMirror {
        /// The file of the set.
        file: String,
        /// Each mirror, in the order in which they were tried.
        tries: Vec<Try>,
    },
}

impl FetchError {
    /// What to do about it.
    pub fn hint(&self) -> Cow<'_, str> {
        match self {
            FetchError::UnknownSet { hint, .. } => hint.into(),
            FetchError::Url { .. } => "name the folder that holds the files, such as https://example.org/mnist/".into(),
            FetchError::Wrong { .. } | FetchError::Shadowed { .. } => {
                "it is left as it was; move it away, or choose another folder".into()
            }
            FetchError::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                "make room on that disk, or choose another folder".into()
            }
            FetchError::File { .. } => "choose a folder that you may read and write".into(),
            FetchError::Busy { .. } => "wait for it, or choose another folder".into(),
            FetchError::NoMirror { .. } => "what has arrived is kept, and the next attempt goes on from there; \
                 check the network (HTTPS_PROXY names a proxy), or name another mirror"
                .into(),
        }
    }
}

fn lines(tries: &[Try]) -> String {
    tries
        .iter()
        .map(|Try { url, reason }| format!("\n  {url}: {reason}"))
        .collect()
}

/// A mirror that failed.
#[derive(Debug)]
pub struct Try {
    /// The file's address.
    pub url: String,
    /// Why it could not be had from there.
    pub reason: Reason,
}

/// Why a file could not be had from a mirror.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Reason {
    /// No such host, no connection, no trust, or no HTTP.
    #[error("there is no answer: {reason}")]
    NoAnswer {
        /// What was reported.
        reason: String,
    },

    /// Nothing came for too long.
    #[error("the server was silent for {} s after {received} bytes", silence.as_secs_f32())]
    Silence {
        /// The longest silence that is waited for.
        silence: Duration,
        /// Bytes of the file that are here, those of earlier attempts included.
        received: u64,
    },

    /// The server answers, but not with the file.
    #[error("the server answers {status}")]
    Status {
        /// The code and its usual name.
        status: String,
    },

    /// Another part of the file than was asked for.
    #[error("the server was asked for the bytes from {from} on, and answers {answer}")]
    Range {
        /// The first byte asked for.
        from: u64,
        /// The answer.
        answer: String,
    },

    /// The server announces a file that cannot be the right one.
    #[error("the server announces {found} bytes, expected {expected}")]
    Announced {
        /// The size that it announces.
        found: u64,
        /// The size that is right, or the largest that can be.
        expected: u64,
    },

    /// The connection ended in the middle.
    #[error("the connection broke after {received} bytes: {reason}")]
    Broken {
        /// Bytes of the file that are here, those of earlier attempts included.
        received: u64,
        /// What was reported.
        reason: String,
    },

    /// All came, and it is not the file.
    #[error("what was sent is not the file: {0}")]
    Fault(Fault),
}
