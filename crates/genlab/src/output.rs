//! Standard output, which carries data.

use crate::errors::Failure;
use std::io::{Error, ErrorKind, Write};

/// Prints one line of data. A reader that has gone away (`genlab list | head -1`) is not an error; a full disk is.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    judged(writeln!(anstream::stdout(), "{text}"))
}

/// Prints a line for a person on stderr. Where that cannot be written, on a full disk say, the work goes on: it is no part of it.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints a line for a person to know, on stderr.
pub(crate) fn note(text: &str) {
    tell(&format!("\x1b[1;33mnote:\x1b[0m {text}"));
}

/// The same for what is worse than it could be.
pub(crate) fn warn(text: &str) {
    tell(&format!("\x1b[1;33mwarning:\x1b[0m {text}"));
}

fn judged(written: Result<(), Error>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::input(
            format!("cannot write to standard output: {error}"),
            "send it to a place that has room and may be written to",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_forgiven_and_nothing_else() {
        judged(Ok(())).unwrap();
        judged(Err(ErrorKind::BrokenPipe.into())).unwrap();
        let failure = judged(Err(ErrorKind::StorageFull.into())).unwrap_err();
        assert_eq!(
            (failure.exit_code(), failure.message()),
            (1, "cannot write to standard output: no storage space")
        );
    }
}
