//! What can go wrong for a user: one message, one hint, one exit code. No failure can be made without a hint.

use crate::library::Diagnosis;
use crate::signals::INTERRUPTED;
use serde_json::{Map, Value, json};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// Why the program ends. The number is its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The user's data or configuration.
    Input = 1,
    /// The command line itself.
    Usage = 2,
    /// Training left the finite numbers.
    Diverged = 3,
    /// A signal ended the run.
    Interrupted = INTERRUPTED as isize,
}

/// An error as the user sees it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: String,
    /// More for programs: members of the event.
    detail: Vec<(&'static str, Value)>,
}

impl Failure {
    fn new(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: hint.into(),
            detail: Vec::new(),
        }
    }

    /// The user's data or configuration is at fault (exit code 1).
    pub(crate) fn input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Input, message, hint)
    }

    /// The command line asks for something that does not exist (exit code 2).
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message, hint)
    }

    /// A loss stopped being a finite number (exit code 3).
    pub(crate) fn diverged(step: u64, loss: &str, value: f64) -> Self {
        let mut failure = Self::new(
            Kind::Diverged,
            format!("training diverged at step {step}: {loss} is {value}"),
            "a smaller learning rate usually helps",
        );
        failure.detail = vec![("step", json!(step)), ("loss", json!(loss))];
        failure
    }

    /// The same divergence with the operation that began it.
    pub(crate) fn diagnosed(mut self, diagnosis: Diagnosis) -> Self {
        self.message = format!("{}\n  {}", self.message, diagnosis.text.replace('\n', "\n  "));
        self.detail.extend(diagnosis.detail);
        self
    }

    /// A number that is learnt is not finite (exit code 3).
    pub(crate) fn diverged_parameter(step: u64, name: &str) -> Self {
        let mut failure = Self::diverged(step, name, f64::NAN);
        failure.message = format!("training diverged at step {step}: {name} is not finite");
        failure.detail = vec![("step", json!(step)), ("parameter", json!(name))];
        failure
    }

    /// The step at which training diverged.
    pub(crate) fn diverged_at(&self) -> Option<u64> {
        let step = self.detail.iter().find(|(name, _)| *name == "step")?;
        step.1.as_u64().filter(|_| self.is_divergence())
    }

    /// A signal ended the run, which can go on (exit code 130).
    pub(crate) fn interrupted(step: u64, run: &Path) -> Self {
        let message = format!("interrupted after step {step}; a checkpoint of it is kept");
        let mut failure = Self::new(
            Kind::Interrupted,
            message,
            format!("`genlab resume {}` goes on", run.display()),
        );
        failure.detail = vec![("step", json!(step))];
        failure
    }

    /// A file or folder that could not be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        let hint = match (doing, error.kind()) {
            (_, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => "make room on that disk, or choose another",
            ("read", ErrorKind::NotFound) => "check the path for typing mistakes",
            ("read", _) => "check that it is a file that you may read",
            _ => "choose a place in a folder that exists and that you may write to",
        };
        Self::input(format!("cannot {doing} {}: {error}", path.display()), hint)
    }

    /// Says better what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The exit code that this failure stands for.
    pub(crate) fn exit_code(&self) -> u8 {
        self.kind as u8
    }

    /// The message without its hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The hint.
    pub(crate) fn what_to_do(&self) -> &str {
        &self.hint
    }

    /// True where training itself went wrong, not the user's input.
    pub(crate) fn is_divergence(&self) -> bool {
        self.kind == Kind::Diverged
    }

    /// True where a signal ended the run.
    pub(crate) fn is_interruption(&self) -> bool {
        self.kind == Kind::Interrupted
    }

    /// The event for `--json`.
    pub(crate) fn to_event(&self) -> Value {
        let mut event = Map::new();
        event.insert("v".into(), json!(1));
        event.insert("event".into(), json!("error"));
        event.insert("exit".into(), json!(self.exit_code()));
        event.insert("message".into(), json!(self.message));
        event.insert("hint".into(), json!(self.hint));
        for (name, value) in &self.detail {
            event.insert((*name).into(), value.clone());
        }
        Value::Object(event)
    }

    /// Prints it for a person on stderr, and as an event on stdout under `--json`.
    pub(crate) fn report(&self, json: bool) {
        if json {
            // Where stdout itself is what failed, the person is still told.
            let _ = crate::output::line(&self.to_event().to_string());
        }
        let (red, cyan, plain) = ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m");
        crate::output::tell(&format!(
            "{red}error:{plain} {}\n{cyan}hint:{plain} {}",
            self.message, self.hint
        ));
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_documented_exit_codes() {
        assert_eq!(Failure::input("x", "y").exit_code(), 1);
        assert_eq!(Failure::usage("x", "y").exit_code(), 2);
        assert_eq!(Failure::diverged(7, "kl", f64::NAN).exit_code(), 3);
    }

    #[test]
    fn a_person_reads_error_and_hint_lines() {
        let failure = Failure::input("no data", "look in ./data");
        assert_eq!(failure.to_string(), "error: no data\nhint: look in ./data");
    }

    #[test]
    fn a_program_reads_one_event_with_the_step_and_the_loss() {
        let event = Failure::diverged(12, "reconstruction", f64::INFINITY).to_event();
        assert_eq!(
            event.to_string(),
            r#"{"v":1,"event":"error","exit":3,"message":"training diverged at step 12: reconstruction is inf","hint":"a smaller learning rate usually helps","step":12,"loss":"reconstruction"}"#
        );
    }

    #[test]
    fn a_file_error_names_the_path() {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        let failure = Failure::file("read", Path::new("a/b.toml"), &error);
        assert_eq!(
            failure.to_string(),
            "error: cannot read a/b.toml: entity not found\nhint: check the path for typing mistakes"
        );
    }
}
