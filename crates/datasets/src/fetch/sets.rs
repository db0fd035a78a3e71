//! The data sets that can be fetched: where they are, and what each of their files must be.

use super::error::FetchError;
use super::proof::{Digest, Proof};
use crate::nearest;

/// A data set that lies on servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// What it is called.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// How [`Dataset::open`](crate::Dataset::open) calls a folder with its files: `mnist` for `mnist:DIR`.
    pub form: String,
    /// The folders that hold its files, as URLs; they are tried in turn.
    pub mirrors: Vec<String>,
    /// Its files.
    pub files: Vec<File>,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name on every mirror and on the disk.
    pub name: String,
    /// What it must be.
    pub proof: Proof,
}

/// The names of MNIST's files, which sets of the same form keep.
const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Every set that is known here.
pub fn sets() -> Vec<Set> {
    vec![
        // Its files unpacked: they have been compressed more than once.
        like_mnist(
            "mnist",
            "MNIST: handwritten digits",
            &[
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ],
            Proof::Content,
            [
                (
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                (
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                (
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                (
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ],
        ),
        // <https://github.com/zalandoresearch/fashion-mnist>
        like_mnist(
            "fashion-mnist",
            "Fashion-MNIST: pieces of clothing",
            &[
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
            ],
            Proof::File,
            [
                (
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                (
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                (
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                (
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ],
        ),
        // <https://github.com/rois-codh/kmnist>
        like_mnist(
            "kmnist",
            "Kuzushiji-MNIST: characters of old Japanese script",
            &["https://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
            Proof::File,
            [
                (
                    18_165_135,
                    "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                ),
                (
                    29_497,
                    "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                ),
                (
                    3_041_136,
                    "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                ),
                (
                    5_120,
                    "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                ),
            ],
        ),
    ]
}

/// The set of this name.
///
/// # Errors
///
/// [`FetchError::UnknownSet`], with the nearest name, or with all of them.
pub fn find(name: &str) -> Result<Set, FetchError> {
    let mut sets = sets();
    match sets.iter().position(|set| set.name == name) {
        Some(index) => Ok(sets.swap_remove(index)),
        None => Err(unknown(name, &sets)),
    }
}

fn unknown(name: &str, sets: &[Set]) -> FetchError {
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    let name = name.into();
    FetchError::UnknownSet { name, hint }
}

fn like_mnist(name: &str, about: &str, mirrors: &[&str], proof: fn(Digest) -> Proof, digests: [(u64, &str); 4]) -> Set {
    let file = |(name, (size, sha256)): (&str, (u64, &str))| File {
        name: name.into(),
        proof: proof(Digest {
            size,
            sha256: sha256.into(),
        }),
    };
    Set {
        name: name.into(),
        about: about.into(),
        form: "mnist".into(),
        mirrors: mirrors.iter().map(|&url| url.into()).collect(),
        files: NAMES.into_iter().zip(digests).map(file).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_file_has_a_hash_of_its_own_and_every_mirror_is_encrypted() {
        let mut hashes = HashSet::new();
        for set in sets() {
            assert_eq!(set.files.len(), 4);
            assert!(
                crate::names().iter().any(|entry| entry.name == set.form),
                "{}",
                set.form
            );
            assert!(!set.mirrors.is_empty());
            for url in &set.mirrors {
                assert!(url.starts_with("https://") && url.ends_with('/'), "{url}");
            }
            for file in set.files {
                let (Proof::File(digest) | Proof::Content(digest)) = file.proof;
                let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(digest.sha256.len() == 64 && digest.sha256.chars().all(is_hex));
                assert!(hashes.insert(digest.sha256), "{} of {} twice", file.name, set.name);
            }
        }
    }

    #[test]
    fn a_wrong_name_says_what_would_be_right() {
        assert_eq!(find("kmnist").unwrap().name, "kmnist");
        let message = |name| {
            let error = find(name).unwrap_err();
            format!("{error} | {}", error.hint())
        };
        assert_eq!(
            message("fashion-mnits"),
            "no data set that can be fetched is called `fashion-mnits` | did you mean `fashion-mnist`?"
        );
        assert!(message("imagenet").ends_with(" | there are mnist, fashion-mnist, kmnist"));
    }
}
