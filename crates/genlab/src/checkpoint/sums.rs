//! SHA-256 sums of a folder's files, in the form that `sha256sum -c` reads.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The file with the sums.
pub(super) const NAME: &str = "SHA256SUMS";

/// The sum of some bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

/// The lines for these files of a folder.
pub(super) fn of(folder: &Path, names: &[&str]) -> io::Result<String> {
    let line = |name: &&str| Ok(format!("{}  {name}\n", of_file(&folder.join(name))?));
    names.iter().map(line).collect()
}

/// Checks that the folder lists exactly these files, and that each is as it was; or says what is wrong.
pub(super) fn check(folder: &Path, names: &[&str]) -> Result<(), String> {
    let listed = fs::read_to_string(folder.join(NAME)).map_err(|e| format!("{NAME} cannot be read: {e}"))?;
    let mut lines = listed.lines();
    for name in names {
        let wanted = lines
            .next()
            .and_then(|line| line.split_once("  "))
            .filter(|(_, listed)| listed == name);
        let Some((wanted, _)) = wanted else {
            return Err(format!("{NAME} is damaged: it does not name {name} in its place"));
        };
        let found = of_file(&folder.join(name)).map_err(|e| format!("{name} cannot be read: {e}"))?;
        if found != wanted {
            return Err(format!(
                "{name} is damaged: its SHA-256 is {}…, not {}…",
                start(&found),
                start(wanted)
            ));
        }
    }
    match lines.next() {
        None => Ok(()),
        Some(_) => Err(format!("{NAME} is damaged: it names more than {}", names.join(", "))),
    }
}

fn start(sum: &str) -> String {
    sum.chars().take(12).collect()
}

fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(digits(&hash.finalize())),
            count => hash.update(&block[..count]),
        }
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), abc);
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), "abc").unwrap();
        assert_eq!(of(place.path(), &["a"]).unwrap(), format!("{abc}  a\n"));
    }

    #[test]
    fn any_change_is_told() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name);
        let told = || check(place.path(), &["a", "b"]).unwrap_err();
        fs::write(file("a"), "abc").unwrap();
        fs::write(file("b"), "").unwrap();
        assert!(told().starts_with("SHA256SUMS cannot be read: "), "{}", told());
        let sums = of(place.path(), &["a", "b"]).unwrap();
        fs::write(file(NAME), &sums).unwrap();
        check(place.path(), &["a", "b"]).unwrap();
        fs::write(file("a"), "abd").unwrap();
        assert_eq!(told(), "a is damaged: its SHA-256 is a52d159f262b…, not ba7816bf8f01…");
        fs::remove_file(file("a")).unwrap();
        assert!(told().starts_with("a cannot be read: "), "{}", told());
        fs::write(file("a"), "abc").unwrap();
        for (wrong, reason) in [
            (&sums[..70], "it does not name b in its place"),
            (&format!("{sums}0  c\n"), "it names more than a, b"),
            ("", "it does not name a in its place"),
        ] {
            fs::write(file(NAME), wrong).unwrap();
            assert_eq!(told(), format!("SHA256SUMS is damaged: {reason}"));
        }
    }
}
