//! What an operation says when its inputs do not fit.

use crate::autograd::scope;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The inputs of an operation do not fit together: in their shapes, their types, or an attribute.
///
/// Operations panic with this message at the user's line; their `try_` twins return it.
///
/// ```
/// use tensor_core::Tensor;
/// let error = Tensor::zeros([2, 3]).try_add(&Tensor::zeros([2])).unwrap_err();
/// assert_eq!(error.operation(), "add");
/// assert_eq!(error.problem(), "shapes do not broadcast: [2, 3] and [2]");
/// assert_eq!(error.advice(), Some("for one number a row, reshape [2] to [2, 1]"));
/// assert!(error.location().is_some()); // the line of the call
/// assert_eq!(error.scope(), None);
/// ```
#[derive(Clone, Debug)]
pub struct ShapeError(Box<Details>);

/// Boxed, so that the results of operations, nearly all of which succeed, stay small.
#[derive(Clone, Debug)]
struct Details {
    operation: &'static str,
    problem: String,
    hint: Option<String>,
    location: Option<&'static Location<'static>>,
    scope: Option<Arc<str>>,
}

impl ShapeError {
    /// What is wrong, for example "inner dimensions differ: lhs [32, 784] has 784 columns, rhs [28, 128] has 28 rows".
    ///
    /// ```
    /// use tensor_core::ShapeError;
    /// let error = ShapeError::new("trace", "needs a square matrix, got [2, 3]").hint("narrow cuts it");
    /// assert_eq!(error.to_string(), "trace: needs a square matrix, got [2, 3]\n  hint: narrow cuts it");
    /// assert_eq!(error.of("my_loss").operation(), "my_loss");
    /// ```
    pub fn new(operation: &'static str, problem: impl Into<String>) -> ShapeError {
        ShapeError(Box::new(Details {
            operation,
            problem: problem.into(),
            hint: None,
            location: None,
            scope: None,
        }))
    }

    /// The same error with advice on what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> ShapeError {
        self.0.hint = Some(hint.into());
        self
    }

    /// Panics with this error, as an operation does: at the caller's line and in the scope that is open, if no operation has set them before. For functions
    /// that check more than the operations they are made of.
    ///
    /// ```should_panic
    /// use tensor_core::{ShapeError, Tensor};
    /// #[track_caller]
    /// fn symmetric_part(x: &Tensor) -> Tensor {
    ///     if x.rank() != 2 || x.size(0) != x.size(1) {
    ///         ShapeError::new("symmetric_part", format!("needs a square matrix, got {}", x.shape())).raise();
    ///     }
    ///     (x + x.t()) * 0.5
    /// }
    /// symmetric_part(&Tensor::zeros([2, 3])); // panics at this line
    /// ```
    ///
    /// # Panics
    /// Always.
    #[track_caller]
    pub fn raise(self) -> ! {
        let error = match self.0.location {
            Some(_) => self,
            None => self.at(Location::caller()),
        };
        panic!("{error}")
    }

    /// The same error as that of another operation: the one that the user called, which is composed of others.
    #[must_use]
    pub fn of(mut self, operation: &'static str) -> ShapeError {
        self.0.operation = operation;
        self
    }

    /// The same error with the place in the user's program, and the scope that is open now.
    #[must_use]
    pub(crate) fn at(mut self, location: &'static Location<'static>) -> ShapeError {
        self.0.location = Some(location);
        self.0.scope = scope::current();
        self
    }

    /// The name of the operation.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What is wrong, with both shapes.
    pub fn problem(&self) -> &str {
        &self.0.problem
    }

    /// What the [hint](ShapeError::hint) says, where there is one.
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The scope that was open, such as `encoder.0`: the layer.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.as_deref()
    }

    /// The user's line, where the error comes from a call.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.0.location
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.operation, self.0.problem)?;
        if let Some(location) = self.0.location {
            write!(f, "\n  at {location}")?;
        }
        if let Some(scope) = &self.0.scope {
            write!(f, ", in {scope}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ShapeError {}
