//! `mnist:DIR`: a folder with MNIST's four files, or another set in the same form (Fashion-MNIST, KMNIST).

use crate::error::DataError;
use crate::idx::{self, Idx};
use crate::{Dataset, Split};
use std::path::{Path, PathBuf};

/// Height and width of an image.
const IMAGE: [usize; 2] = [28, 28];

/// Reads both splits from the folder `dir`; each file may be compressed, with or without `.gz` in its name.
pub fn open(dir: &Path) -> Result<Dataset, DataError> {
    if !dir.is_dir() {
        let hint = "name the folder that holds train-images-idx3-ubyte and its three companions".into();
        return Err(DataError::Missing {
            path: dir.into(),
            kind: "folder",
            hint,
        });
    }
    let (train, test) = rayon::join(|| open_split(dir, "train"), || open_split(dir, "t10k"));
    Ok(Dataset {
        name: "mnist".into(),
        train: train?,
        test: test?,
        shape: IMAGE.into(),
        modes: None,
    })
}

fn open_split(dir: &Path, prefix: &str) -> Result<Split, DataError> {
    let image_path = find(dir, &format!("{prefix}-images-idx3-ubyte"))?;
    let label_path = find(dir, &format!("{prefix}-labels-idx1-ubyte"))?;
    let Idx { count: images, bytes } = idx::read(&image_path, &IMAGE)?;
    let Idx {
        count: labels,
        bytes: digits,
    } = idx::read(&label_path, &[])?;
    if images != labels {
        return Err(DataError::CountsDiffer {
            image_path,
            images,
            label_path,
            labels,
        });
    }
    if let Some(index) = digits.iter().position(|&digit| digit > 9) {
        return Err(DataError::Label {
            path: label_path,
            index,
            label: digits[index],
        });
    }
    Ok(Split::images(bytes, IMAGE.iter().product()).with_labels(digits))
}

/// The file `name` or `name.gz` in `dir`.
fn find(dir: &Path, name: &str) -> Result<PathBuf, DataError> {
    let plain = dir.join(name);
    let compressed = dir.join(format!("{name}.gz"));
    if plain.exists() {
        Ok(plain)
    } else if compressed.exists() {
        Ok(compressed)
    } else {
        let hint = format!("{name}.gz is not there either");
        Err(DataError::Missing {
            path: plain,
            kind: "file",
            hint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    /// A file of `count` samples of the given size, all bytes `value`.
    fn write(dir: &Path, name: &str, sizes: &[u32], value: u8) {
        let mut file = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
        file.resize(file.len() + sizes.iter().product::<u32>() as usize, value);
        fs::write(dir.join(name), file).unwrap();
    }

    /// A folder with 3 + 2 images.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", &[3, 28, 28], 200);
        write(dir.path(), "train-labels-idx1-ubyte", &[3], 7);
        write(dir.path(), "t10k-images-idx3-ubyte", &[2, 28, 28], 100);
        write(dir.path(), "t10k-labels-idx1-ubyte.gz", &[2], 4); // not compressed, whatever its name
        dir
    }

    #[test]
    fn both_splits_are_read() {
        let set = open(folder().path()).unwrap();
        assert_eq!(
            (set.train.len(), set.test.len(), set.shape.as_slice()),
            (3, 2, [28, 28].as_slice())
        );
        assert_eq!(
            (set.train.labels(), set.test.labels()),
            (Some([7; 3].as_slice()), Some([4; 2].as_slice()))
        );
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let dir = folder();
        write(dir.path(), "train-labels-idx1-ubyte", &[4], 7);
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(
            message.contains("has 3 images, but") && message.contains("has 4 labels"),
            "{message}"
        );

        write(dir.path(), "train-labels-idx1-ubyte", &[3], 10);
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(message.contains("label 0 is 10, expected 0 to 9"), "{message}");

        fs::remove_file(dir.path().join("train-labels-idx1-ubyte")).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("train-labels-idx1-ubyte: no such file"));
        assert_eq!(error.hint(), "train-labels-idx1-ubyte.gz is not there either");

        let error = open(&dir.path().join("nowhere")).unwrap_err();
        assert!(error.to_string().ends_with("nowhere: no such folder"), "{error}");
        assert!(error.hint().starts_with("name the folder"));
    }

    /// Facts about the real set: <https://en.wikipedia.org/wiki/MNIST_database> and the files' own counts.
    #[test]
    fn the_real_mnist_is_read() {
        let data = std::env::var_os("GENMODELS_DATA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        let dir = data.join("mnist");
        if !dir.is_dir() {
            // Not eprintln!, which is swallowed where the test passes.
            writeln!(
                std::io::stderr(),
                "skipped the_real_mnist_is_read: no folder {}",
                dir.display()
            )
            .unwrap();
            return;
        }
        let set = open(&dir).unwrap();
        let counts = |split: &Split| {
            let mut counts = [0; 10];
            split
                .labels()
                .unwrap()
                .iter()
                .for_each(|&digit| counts[usize::from(digit)] += 1);
            counts
        };
        assert_eq!(
            counts(&set.train),
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        );
        assert_eq!(
            counts(&set.test),
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        );
        assert_eq!(set.train.labels().unwrap()[..5], [5, 0, 4, 1, 9]);
        let bytes = set.train.bytes().unwrap();
        let mean = bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>() / bytes.len() as f64 / 255.0;
        assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
    }
}
