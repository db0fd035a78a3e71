//! A data set as it is written on a command line, `NAME[:PATH]`, taken apart. Nothing is opened here.

use crate::dataset::{Entry, names};
use crate::{DataError, nearest};
use std::path::Path;

/// Which data set is meant, and where its files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec<'a> {
    /// The data set.
    pub entry: &'static Entry,
    /// Its folder or file, for those that are read from one; never empty.
    pub path: Option<&'a Path>,
}

impl<'a> Spec<'a> {
    /// Takes `glyphs`, `mnist:DIR` and the like apart. Everything behind the first colon is the path.
    ///
    /// ```
    /// use datasets::Spec;
    /// let spec = Spec::parse("csv:C:\\points.csv")?;
    /// assert_eq!((spec.entry.name, spec.path.unwrap().to_str()), ("csv", Some("C:\\points.csv")));
    /// assert!(Spec::parse("glyphs:folder").is_err());
    /// # Ok::<(), datasets::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such set, or if it has no path and needs one, or the other way round.
    pub fn parse(text: &'a str) -> Result<Spec<'a>, DataError> {
        let (name, path) = match text.split_once(':') {
            Some((name, path)) => (name, Some(path)),
            None => (text, None),
        };
        let Some(entry) = names().iter().find(|entry| entry.name == name) else {
            return Err(unknown(name));
        };
        let Entry { name, usage, .. } = *entry;
        match (usage.split_once(':'), path) {
            (None, None) => Ok(Spec { entry, path: None }),
            (None, Some(folder)) => Err(DataError::NeedlessFolder {
                name,
                folder: folder.into(),
            }),
            (Some(_), Some(path)) if !path.is_empty() => Ok(Spec {
                entry,
                path: Some(Path::new(path)),
            }),
            (Some((_, "FILE")), _) => Err(DataError::NoFile { name }),
            (Some(_), _) => Err(DataError::NoFolder { name }),
        }
    }
}

fn unknown(name: &str) -> DataError {
    let hint = match nearest(name, names().iter().map(|entry| entry.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let usages: Vec<&str> = names().iter().map(|entry| entry.usage).collect();
            format!("there are {}", usages.join(", "))
        }
    };
    DataError::UnknownName {
        name: name.into(),
        hint,
    }
}
