//! A data set and its two splits, opened by name.

use crate::{DataError, Factors, Modes, Spec, csv, glyphs, images, mnist, plane};
use std::sync::Arc;

/// Samples to train on and samples to test on.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The name it was opened by, without a folder.
    pub name: String,
    /// What a model is trained on.
    pub train: Split,
    /// What it is judged by.
    pub test: Split,
    /// The size of one sample: height and width of images, such as `[28, 28]`; `[2]` for points.
    pub shape: Vec<usize>,
    /// Where the modes are, for sets that are made of modes.
    pub modes: Option<Modes>,
}

/// One line of the list of data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name to open it by, without a folder.
    pub name: &'static str,
    /// How to write it on a command line.
    pub usage: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
}

const fn entry(name: &'static str, usage: &'static str, about: &'static str) -> Entry {
    Entry { name, usage, about }
}

const NAMES: [Entry; 8] = [
    entry(
        "glyphs",
        "glyphs",
        "handwritten digits drawn by the program, 28 x 28 grey: 60,000 + 10,000 (the default)",
    ),
    entry(
        "mnist",
        "mnist:DIR",
        "MNIST's digits, or a set in the same form, from the four IDX files in DIR: 28 x 28 grey",
    ),
    entry(
        "ring8",
        "ring8",
        "points: eight modes on a circle of radius 1, sigma 0.01",
    ),
    entry(
        "grid25",
        "grid25",
        "points: 25 modes on a grid from -4 to 4, sigma 0.05",
    ),
    entry(
        "moons",
        "moons",
        "points: two half circles that reach into each other, sigma 0.05",
    ),
    entry("swissroll", "swissroll", "points: a spiral, sigma 0.05"),
    entry(
        "csv",
        "csv:FILE",
        "your points of the plane, one a line in the text file FILE: x,y",
    ),
    entry(
        "images",
        "images:DIR",
        "your images, the PNG files in DIR: all of one size, up to 1024 x 1024, as grey",
    ),
];

/// The data sets that [`Dataset::open`] knows.
pub fn names() -> &'static [Entry] {
    &NAMES
}

impl Dataset {
    /// Opens a set by its name: `glyphs`, `ring8` … or `mnist:DIR`, `csv:FILE`, `images:DIR`. A set that the program makes follows from `seed`;
    /// one that is read from files does not depend on it.
    pub fn open(spec: &str, seed: u64) -> Result<Dataset, DataError> {
        let Spec { entry, path } = Spec::parse(spec)?;
        match (entry.name, path) {
            ("mnist", Some(folder)) => mnist::open(folder),
            ("images", Some(folder)) => images::open(folder),
            ("csv", Some(file)) => csv::open(file),
            ("glyphs", _) => Ok(glyphs::open(seed)),
            ("ring8", _) => Ok(plane::ring8(seed)),
            ("grid25", _) => Ok(plane::grid25(seed)),
            ("moons", _) => Ok(plane::moons(seed)),
            ("swissroll", _) => Ok(plane::swissroll(seed)),
            _ => unreachable!("every set in the list is opened here: a test opens them all"),
        }
    }

    /// Elements of one sample: the product of its sizes.
    pub fn dim(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The samples of one split. A clone shares them.
#[derive(Clone, Debug)]
pub struct Split {
    samples: Samples,
    /// Elements of one sample.
    dim: usize,
    labels: Option<Arc<Vec<u8>>>,
    factors: Option<Arc<Vec<Factors>>>,
}

#[derive(Clone, Debug)]
enum Samples {
    Bytes(Arc<Vec<u8>>),
    Values(Arc<Vec<f32>>),
}

impl Split {
    /// Grey images of `dim` pixels each, one after the other. Panics if they do not fill a whole number of images.
    #[track_caller]
    pub fn images(bytes: Vec<u8>, dim: usize) -> Split {
        whole(bytes.len(), dim);
        Split {
            samples: Samples::Bytes(Arc::new(bytes)),
            dim,
            labels: None,
            factors: None,
        }
    }

    /// Points of `dim` coordinates each, one after the other. Panics if they do not fill a whole number of points.
    #[track_caller]
    pub fn points(values: Vec<f32>, dim: usize) -> Split {
        whole(values.len(), dim);
        Split {
            samples: Samples::Values(Arc::new(values)),
            dim,
            labels: None,
            factors: None,
        }
    }

    /// The same samples with a label for each. Panics if there are not as many.
    #[track_caller]
    pub fn with_labels(self, labels: Vec<u8>) -> Split {
        assert_eq!(labels.len(), self.len(), "with_labels: as many labels as samples");
        Split {
            labels: Some(Arc::new(labels)),
            ..self
        }
    }

    /// The same samples with the causes of each. Panics if there are not as many.
    #[track_caller]
    pub fn with_factors(self, factors: Vec<Factors>) -> Split {
        assert_eq!(factors.len(), self.len(), "with_factors: as many factors as samples");
        Split {
            factors: Some(Arc::new(factors)),
            ..self
        }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        match &self.samples {
            Samples::Bytes(bytes) => bytes.len() / self.dim,
            Samples::Values(values) => values.len() / self.dim,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of one sample.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The grey bytes of all images, `[len, dim]`; `None` for points.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.samples {
            Samples::Bytes(bytes) => Some(bytes),
            Samples::Values(_) => None,
        }
    }

    /// The coordinates of all points, `[len, dim]`; `None` for images.
    pub fn values(&self) -> Option<&[f32]> {
        match &self.samples {
            Samples::Bytes(_) => None,
            Samples::Values(values) => Some(values),
        }
    }

    /// The label of each sample, where there are labels.
    pub fn labels(&self) -> Option<&[u8]> {
        self.labels.as_ref().map(|labels| labels.as_slice())
    }

    /// The causes of each sample, where they are known.
    pub fn factors(&self) -> Option<&[Factors]> {
        self.factors.as_ref().map(|factors| factors.as_slice())
    }
}

#[track_caller]
fn whole(elements: usize, dim: usize) {
    assert!(
        dim > 0 && elements.is_multiple_of(dim),
        "{elements} elements do not make samples of {dim}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(spec: &str) -> String {
        let error = Dataset::open(spec, 0).unwrap_err();
        format!("{error} | {}", error.hint())
    }

    #[test]
    fn every_name_in_the_list_is_known() {
        for entry in names().iter().filter(|entry| !entry.usage.contains(':')) {
            let set = Dataset::open(entry.usage, 3).unwrap();
            assert_eq!(set.name, entry.name);
            assert_eq!((set.train.dim(), set.test.dim()), (set.dim(), set.dim()));
            assert!(!set.train.is_empty() && !set.test.is_empty() && set.train.labels().is_some());
        }
        assert!(message("mnist:/nowhere").starts_with("/nowhere: no such folder"));
        assert!(message("images:/nowhere").starts_with("/nowhere: no such folder"));
        assert!(message("csv:/nowhere").starts_with("/nowhere: no such file"));
    }

    #[test]
    fn a_wrong_name_says_what_would_be_right() {
        assert_eq!(
            message("glyfs"),
            "no data set is called `glyfs` | did you mean `glyphs`?"
        );
        assert_eq!(
            message("cifar10"),
            "no data set is called `cifar10` | there are glyphs, mnist:DIR, ring8, grid25, moons, swissroll, csv:FILE, \
             images:DIR"
        );
        let needs = "`mnist` needs the folder that its files are in | write `mnist:DIR`";
        assert_eq!((message("mnist"), message("mnist:")), (needs.into(), needs.into()));
        let needs = "`csv` needs the file that its points are in | write `csv:FILE`";
        assert_eq!((message("csv"), message("csv:")), (needs.into(), needs.into()));
        assert_eq!(
            message("moons:dir"),
            "`moons` is made by the program and takes no folder, but `dir` was given | write `moons`"
        );
    }

    #[test]
    #[should_panic(expected = "5 elements do not make samples of 2")]
    fn half_a_sample_is_refused() {
        Split::points(vec![0.0; 5], 2);
    }
}
