//! `genlab data fetch`: brings a data set here, and says how to use it.

use crate::cli::FetchArgs;
use crate::errors::Failure;
use crate::output;
use datasets::fetch::{self, FetchError, Options, Set, State};
use shown::{Shown, amount};
use std::path::Path;

mod shown;

/// The sets that can be fetched: each with what it is.
pub(crate) fn sets() -> Vec<(String, String)> {
    fetch::sets().into_iter().map(|set| (set.name, set.about)).collect()
}

/// Fetches a set, or looks how much of it is here, and prints what `--data` calls it.
pub(crate) fn fetch(args: &FetchArgs) -> Result<(), Failure> {
    let set = find(&args.name)?;
    let dir = args.out.clone().unwrap_or_else(|| Path::new("data").join(&set.name));
    if args.offline {
        look(&set, &dir)?;
    } else {
        let options = Options {
            mirrors: args.mirror.clone(),
            ..Options::default()
        };
        let mut shown = Shown::new();
        let fetched = fetch::fetch(&set, &dir, &options, &mut |event| shown.event(&event));
        shown.finish();
        fetched.map_err(failure)?;
    }
    let data = format!("{}:{}", set.form, dir.display());
    output::tell(&format!("next: genlab train vae --data {}", quoted(&data)));
    output::line(&data)
}

fn find(name: &str) -> Result<Set, Failure> {
    fetch::find(name).map_err(
        |error| match datasets::names().iter().find(|entry| entry.name == name) {
            // What is used with a folder or a file, and cannot be fetched, is the user's own.
            Some(own) if own.usage.contains(':') => Failure::input(
                format!("{name} is nowhere to be fetched: it stands for files of your own"),
                format!("give them as they are: --data {}", own.usage),
            ),
            Some(made) => Failure::input(
                format!("{name} is nowhere to be fetched: the program makes it itself"),
                format!("use it as it is: --data {}", made.usage),
            ),
            None => failure(error),
        },
    )
}

/// What is here of a set, file by file; a failure if that is not all of it.
fn look(set: &Set, dir: &Path) -> Result<(), Failure> {
    let (mut missing, mut wrong) = (0, 0);
    for (file, state) in set.files.iter().zip(fetch::check(set, dir).map_err(failure)?) {
        let state = match state {
            State::Sound => "verified".into(),
            State::Missing { part } => {
                missing += 1;
                match part {
                    0 => "missing".into(),
                    part => format!("missing; {} of an unfinished download are here", amount(part)),
                }
            }
            State::Wrong(fault) => {
                wrong += 1;
                format!("wrong: {fault}")
            }
        };
        output::tell(&format!("{}: {state}", file.name));
    }
    if (missing, wrong) == (0, 0) {
        return Ok(());
    }
    let message = format!(
        "{} does not hold all of {}: of {} files, {missing} missing and {wrong} wrong",
        dir.display(),
        set.name,
        set.files.len()
    );
    let hint = match wrong {
        0 => "the same command without --offline fetches what is missing",
        _ => "move the wrong ones away; the same command without --offline then fetches what is missing",
    };
    Err(Failure::input(message, hint))
}

/// The library's words, and the flag that does what they advise.
fn failure(error: FetchError) -> Failure {
    let flag = match &error {
        FetchError::UnknownSet { .. } | FetchError::Url { .. } => "",
        FetchError::NoMirror { .. } => " with --mirror URL",
        _ => " with --out DIR",
    };
    Failure::input(error.to_string(), format!("{}{flag}", error.hint()))
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:\\".contains(c);
    match word.chars().all(is_plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_blanks_is_one_word() {
        assert_eq!(quoted("mnist:data/mnist"), "mnist:data/mnist");
        assert_eq!(quoted("mnist:my data"), "'mnist:my data'");
        assert_eq!(quoted("mnist:it's"), r"'mnist:it'\''s'");
    }

    #[test]
    fn a_set_that_is_made_here_is_not_looked_for() {
        assert_eq!(
            find("ring8").unwrap_err().to_string(),
            "error: ring8 is nowhere to be fetched: the program makes it itself\n\
             hint: use it as it is: --data ring8"
        );
        assert_eq!(
            find("images").unwrap_err().to_string(),
            "error: images is nowhere to be fetched: it stands for files of your own\n\
             hint: give them as they are: --data images:DIR"
        );
        assert_eq!(
            find("mnits").unwrap_err().to_string(),
            "error: no data set that can be fetched is called `mnits`\nhint: did you mean `mnist`?"
        );
    }
}
