//! A file that is not whole yet: it lies under another name until it is known to be right.

use super::error::FetchError;
use super::proof::{Fault, Proof, Refusal};
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// `NAME.part`, beside the file that it will be. It is made with its first byte, and locked as long as it is open.
pub(super) struct Part {
    path: PathBuf,
    file: Option<fs::File>,
    len: u64,
}

impl Part {
    /// Where the beginning of the file `path` is kept.
    pub(super) fn path_for(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        name.into()
    }

    /// What an earlier attempt has left of the file `path`, or nothing.
    pub(super) fn of(path: &Path) -> Result<Part, FetchError> {
        let mut part = Part {
            path: Part::path_for(path),
            file: None,
            len: 0,
        };
        match OpenOptions::new().read(true).write(true).open(&part.path) {
            Ok(file) => part.hold(file)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(part.failed("read", error)),
        }
        Ok(part)
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Forgets what lies behind the first `len` bytes.
    pub(super) fn cut(&mut self, len: u64) -> Result<(), FetchError> {
        if let Some(file) = &mut self.file {
            let cut = file.set_len(len).and_then(|()| file.seek(SeekFrom::Start(len)));
            cut.map_err(|error| self.failed("written", error))?;
            self.len = len;
        }
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        if self.file.is_none() {
            let file = self.create().map_err(|error| self.failed("written", error))?;
            self.hold(file)?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(bytes).map_err(|error| self.failed("written", error))?;
            self.len += bytes.len() as u64;
        }
        Ok(())
    }

    fn create(&self) -> std::io::Result<fs::File> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&self.path)
    }

    /// Keeps a file and locks it, so that two programs do not write their bytes in turn.
    fn hold(&mut self, mut file: fs::File) -> Result<(), FetchError> {
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(FetchError::Busy {
                path: self.path.clone(),
            });
        }
        // Where a file system knows no locks, a mixture of two is found out by its hash.
        self.len = file
            .seek(SeekFrom::End(0))
            .map_err(|error| self.failed("read", error))?;
        self.file = Some(file);
        Ok(())
    }

    /// Whether it is the whole file by now.
    pub(super) fn check(&mut self, proof: &Proof) -> Result<Result<(), Fault>, FetchError> {
        let checked = match &mut self.file {
            None => proof.check(std::io::empty()),
            Some(file) => match file.rewind() {
                Ok(()) => proof.check(&mut *file),
                Err(error) => Err(Refusal::Unreadable(error)),
            },
        };
        match checked {
            Ok(()) => Ok(Ok(())),
            Err(Refusal::Fault(fault)) => Ok(Err(fault)),
            Err(Refusal::Unreadable(error)) => Err(self.failed("read", error)),
        }
    }

    /// Throws it away.
    pub(super) fn discard(&mut self) -> Result<(), FetchError> {
        if self.file.take().is_some() {
            fs::remove_file(&self.path).map_err(|error| self.failed("written", error))?;
            self.len = 0;
        }
        Ok(())
    }

    /// Gives the file its own name, now that it is known to be right.
    pub(super) fn publish(self, path: &Path) -> Result<(), FetchError> {
        let synced = self.file.as_ref().map_or(Ok(()), fs::File::sync_all);
        synced
            .and_then(|()| fs::rename(&self.path, path))
            .map_err(|error| self.failed("written", error))
    }

    fn failed(&self, done: &'static str, source: std::io::Error) -> FetchError {
        let path = self.path.clone();
        FetchError::File { path, done, source }
    }
}
