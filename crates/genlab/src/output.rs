//! Standard output, which carries data: what a closed pipe cannot break.

use std::io::Write;

/// Prints one line of data. A reader that has gone away (`genlab list | head -1`) is not an error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}
