//! One writer for a run: an advisory lock that the system frees when its holder ends, however it ends.

use crate::errors::Failure;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The file that is locked. It stays; that it is there means nothing.
pub(super) const NAME: &str = "lock";

/// The right to write to a run, as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock in the folder of the run `run`, which are two names of one folder once the run has its real one.
    pub(super) fn take(folder: &Path, run: &Path) -> Result<Lock, Failure> {
        let path = folder.join(NAME);
        let failed = |e: std::io::Error| Failure::file("write", &path, &e);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(run, file)),
            // Some network file systems have no locks: there the user looks after it.
            Err(TryLockError::Error(error)) => {
                crate::output::note(&format!("{} cannot be locked: {error}", path.display()));
            }
        }
        // Only for the message of who comes second.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}

fn held(run: &Path, mut file: File) -> Failure {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| (&file).take(32).read_to_string(&mut text));
    let who = match text.trim().parse::<u32>() {
        Ok(id) if read.is_ok() => format!("process {id}"),
        _ => "another process".into(),
    };
    Failure::input(
        format!("{who} is writing to the run {}", run.display()),
        "wait until it has ended, or stop it; one run has one writer",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_refused_and_told_who_the_first_is() {
        let place = tempfile::tempdir().unwrap();
        let run = Path::new("runs/vae-1");
        let first = Lock::take(place.path(), run).unwrap();
        assert_eq!(
            Lock::take(place.path(), run).unwrap_err().to_string(),
            format!(
                "error: process {} is writing to the run runs/vae-1\n\
                 hint: wait until it has ended, or stop it; one run has one writer",
                std::process::id()
            )
        );
        drop(first);
        Lock::take(place.path(), run).unwrap();
    }
}
