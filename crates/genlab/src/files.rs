//! Files and folders that are there whole or not at all: written under a temporary name, to the disk, and then renamed.

use crate::errors::Failure;
use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What the temporary names of this program contain.
const PART: &str = ".part-";

/// Writes a file so that a reader sees the old one or the new one, whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// [`write_whole`], piece by piece.
pub(crate) fn write_whole_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let hidden = Temporary::file(path);
    write_to_disk_with(&hidden.0, fill)
        .and_then(|()| hidden.rename(path))
        .map_err(|e| Failure::file("write", path, &e))
}

/// Writes a folder that is there with all that `fill` puts into it, or not at all.
pub(crate) fn write_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::file("write", path, &e);
    let hidden = Temporary::folder(path).map_err(failed)?;
    fill(&hidden.0)?;
    sync_folder(&hidden.0).map_err(failed)?;
    hidden.rename(path).map_err(failed)
}

/// Takes a folder away: at once for who looks for its name, and then file by file.
pub(crate) fn remove_folder(path: &Path) -> Result<(), Failure> {
    let hidden = Temporary::file(path);
    fs::rename(path, &hidden.0)
        .and_then(|()| fs::remove_dir_all(&hidden.0))
        .map_err(|e| Failure::file("remove", path, &e))
}

/// Removes what a process that was killed left behind in a folder that nobody else writes to.
pub(crate) fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.contains(PART) {
            // One that stays does no harm.
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
}

/// Writes a file, and returns when the disk has it.
pub(crate) fn write_to_disk(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_to_disk_with(path, |file| file.write_all(bytes))
}

fn write_to_disk_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    fill(&mut file)?;
    file.into_inner()?.sync_all()
}

/// Returns when the disk has the names in a folder.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file is, and names need no such care.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// A name beside the real one, removed again unless it is renamed.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    /// For a file, or whatever is to be moved there.
    pub(crate) fn file(path: &Path) -> Temporary {
        Temporary(Temporary::name(path))
    }

    fn name(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!(".{name}{PART}{}", unique()))
    }

    /// A new folder beside the one of this name.
    pub(crate) fn folder(path: &Path) -> io::Result<Temporary> {
        let name = Temporary::name(path);
        fs::create_dir(&name)?;
        Ok(Temporary(name))
    }

    /// A new folder in another one.
    pub(crate) fn inside(folder: &Path) -> io::Result<Temporary> {
        Temporary::folder(&folder.join("run"))
    }

    /// Takes the real name. An empty folder of that name gives way.
    pub(crate) fn rename(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            fs::remove_dir(path)?;
        }
        fs::rename(&self.0, path)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))
    }
}

/// A name that no other process takes, on no other machine that shares the disk: in containers, many a process is number 1.
fn unique() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{}-{random:016x}", std::process::id())
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove, and that is not an error.
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("report.html");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), names(place.path())),
            (b"two".to_vec(), vec!["report.html".to_owned()])
        );
        let half = write_whole_with(&path, |file| {
            file.write_all(&[b'x'; 1 << 16])?;
            Err(io::Error::other("a picture is gone"))
        });
        assert!(half.unwrap_err().to_string().contains("a picture is gone"));
        assert_eq!(
            (fs::read(&path).unwrap(), names(place.path())),
            (b"two".to_vec(), vec!["report.html".to_owned()])
        );
        let message = write_whole(&place.path().join("no/such/file"), b"")
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("error: cannot write ") && message.contains("no/such/file"),
            "{message}"
        );
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("step-1");
        let failed = write_folder(&path, |folder| {
            fs::write(folder.join("model.safetensors"), "half").unwrap();
            Err(Failure::input("the disk is full", "make room"))
        });
        assert_eq!(failed.unwrap_err().message(), "the disk is full");
        assert!(names(place.path()).is_empty());
        write_folder(&path, |folder| {
            fs::write(folder.join("model.safetensors"), "whole").unwrap();
            assert!(!path.exists());
            Ok(())
        })
        .unwrap();
        assert_eq!(names(place.path()), ["step-1"]);
        remove_folder(&path).unwrap();
        assert!(names(place.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join(".step-9.part-77")).unwrap();
        for name in [".run.json.part-77", ".hidden", "part-1", "step.part-1"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        remove_leftovers(place.path());
        assert_eq!(names(place.path()), [".hidden", "part-1", "step.part-1"]);
        remove_leftovers(&place.path().join("nowhere"));
    }
}
