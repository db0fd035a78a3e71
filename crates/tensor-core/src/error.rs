//! What an operation says when its inputs do not fit.

use crate::autograd::scope;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The inputs of an operation do not fit together: in their shapes, their types, or an attribute.
///
/// Operations panic with this message at the user's line; their `try_` twins return it.
#[derive(Clone, Debug)]
pub struct ShapeError {
    operation: &'static str,
    problem: String,
    hint: Option<String>,
    location: Option<&'static Location<'static>>,
    scope: Option<Arc<str>>,
}

impl ShapeError {
    /// What is wrong, for example "inner dimensions differ: lhs [32, 784] has 784 columns, rhs [28, 128] has 28 rows".
    pub fn new(operation: &'static str, problem: impl Into<String>) -> ShapeError {
        ShapeError {
            operation,
            problem: problem.into(),
            hint: None,
            location: None,
            scope: None,
        }
    }

    /// The same error with advice on what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> ShapeError {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with the place in the user's program, and the scope that is open now.
    #[must_use]
    pub(crate) fn at(mut self, location: &'static Location<'static>) -> ShapeError {
        self.location = Some(location);
        self.scope = scope::current();
        self
    }

    /// The name of the operation.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The user's line, where the error comes from a call.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.problem)?;
        if let Some(location) = self.location {
            write!(f, "\n  at {location}")?;
        }
        if let Some(scope) = &self.scope {
            write!(f, ", in {scope}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ShapeError {}
