//! Anomaly detection: which operation gave the first number that is not finite, and from what.

use super::{Contributions, GradientStep, Observer, Rule, RuleStep, Step};
use crate::dtype::DType;
use crate::kernels::summary::{Summary, all_finite, summary};
use crate::ops::OpInfo;
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::tensor::display::Number;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Looks for the first output or gradient with a NaN or an infinity.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Anomaly, Place, observe};
/// let variance = Tensor::from([4.0, -1.0]).named("variance");
/// let (_, anomaly) = observe(Anomaly::remember(), || variance.sqrt().exp());
/// let finding = anomaly.finding().unwrap();
/// assert!(matches!(finding.place, Place::Forward { operation, .. } if operation.name == "sqrt")); // and not exp, which is NaN too
/// assert_eq!((finding.what.nan, &finding.what.first), (1, &vec![1])); // one NaN, at [1]
/// assert_eq!((finding.inputs[0].min, finding.inputs[0].max), (-1.0, 4.0)); // because of a negative number
/// ```
pub struct Anomaly {
    panics: bool,
    infinities: bool,
    finding: Option<Finding>,
}

/// What an [`Anomaly`] found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which operation, and in which pass.
    pub place: Place,
    /// Where in the model: `encoder.0`, say.
    pub scope: Option<Arc<str>>,
    /// The shape of the values that are not finite.
    pub shape: Shape,
    /// What is wrong with them.
    pub what: NotFinite,
    /// What the operation read, or the rule; empty for a gradient, which is a sum of contributions.
    pub inputs: Vec<Statistics>,
}

/// Where the first number that is not finite came about.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the forward pass.
    Forward {
        /// The operation that computed it.
        operation: OpInfo,
        /// The user's line.
        location: &'static Location<'static>,
    },
    /// In a backward pass.
    Rule {
        /// The operation that computed it.
        operation: OpInfo,
        /// The line of the rule.
        location: &'static Location<'static>,
        /// The rule that ran it, with the user's line.
        rule: Rule,
    },
    /// In a rule that computes without operations, as fast ones do.
    RuleItself {
        /// The rule, with the user's line.
        rule: Rule,
        /// The input of the operation whose gradient it computed.
        input: usize,
    },
    /// In the sum of the contributions to a gradient, each of which was finite.
    Gradient {
        /// What it is the gradient of.
        of: String,
    },
}

/// The numbers of a tensor that are not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct NotFinite {
    /// How many are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The index of the first in each dimension.
    pub first: Vec<usize>,
}

/// What an operation or a rule read at a glance.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// `input 0`; in a rule also `the output`, and `the gradient of the output`.
    pub role: String,
    /// The name of a leaf that has one.
    pub name: Option<Arc<str>>,
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// The smallest finite number; +∞ where there is none.
    pub min: f64,
    /// The largest finite number; -∞ where there is none.
    pub max: f64,
    /// The mean of the finite numbers; NaN where there is none.
    pub mean: f64,
    /// How many numbers are not finite.
    pub not_finite: usize,
    /// The index of the first of these in each dimension.
    pub first: Option<Vec<usize>>,
}

impl Anomaly {
    /// Remembers the first finding and lets the computation go on.
    pub fn remember() -> Anomaly {
        Anomaly {
            panics: false,
            infinities: true,
            finding: None,
        }
    }

    /// Panics with the first finding.
    ///
    /// ```should_panic
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::observe::{Anomaly, observe};
    /// observe(Anomaly::panic(), || Tensor::from([0.0]).ln()); // panics: ln gave 1 infinity …
    /// ```
    pub fn panic() -> Anomaly {
        Anomaly {
            panics: true,
            ..Anomaly::remember()
        }
    }

    /// The same, but infinities are allowed: a model that masks with -∞ makes them on purpose.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::observe::{Anomaly, observe};
    /// let (_, anomaly) = observe(Anomaly::remember().nan_only(), || Tensor::from([0.0]).ln().exp());
    /// assert!(anomaly.finding().is_none()); // e^-∞ = 0
    /// ```
    #[must_use]
    pub fn nan_only(self) -> Anomaly {
        Anomaly {
            infinities: false,
            ..self
        }
    }

    /// What was found, if anything.
    pub fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    fn look(&mut self, values: &Tensor, found: impl FnOnce(NotFinite) -> Finding) {
        if self.finding.is_some() || is_finite(values) {
            return;
        }
        let summary = summarise(values);
        let Some(first) = summary.first.filter(|_| self.infinities || summary.nan > 0) else {
            return;
        };
        let finding = found(NotFinite {
            nan: summary.nan,
            infinite: summary.infinite,
            first: values.shape().coordinates(first),
        });
        if self.panics {
            panic!("{finding}");
        }
        self.finding = Some(finding);
    }
}

impl Observer for Anomaly {
    fn after(&mut self, step: &Step<'_>, output: &Tensor) {
        let (operation, location) = (step.op.info(), step.location);
        self.look(output, |what| Finding {
            place: match step.rule_of() {
                None => Place::Forward { operation, location },
                Some(rule) => Place::Rule {
                    operation,
                    location,
                    rule,
                },
            },
            scope: step.scope(),
            shape: output.shape(),
            what,
            inputs: Statistics::of_inputs(step.inputs.iter().copied().enumerate()).collect(),
        });
    }

    fn contributions(&mut self, step: &RuleStep<'_>, contributions: &Contributions<'_>) {
        for contribution in contributions.iter() {
            self.look(contribution.gradient, |what| Finding {
                place: Place::RuleItself {
                    rule: step.rule(),
                    input: contribution.input,
                },
                scope: step.scope(),
                shape: contribution.gradient.shape(),
                what,
                inputs: Statistics::of_rule(step),
            });
        }
    }

    fn gradient(&mut self, step: &GradientStep<'_>) {
        self.look(step.gradient, |what| Finding {
            place: Place::Gradient { of: step.description() },
            scope: step.scope(),
            shape: step.gradient.shape(),
            what,
            inputs: Vec::new(),
        });
    }
}

impl Statistics {
    /// All that a rule reads.
    fn of_rule(step: &RuleStep<'_>) -> Vec<Statistics> {
        let mut read = vec![Statistics::of("the gradient of the output".to_owned(), step.gradient)];
        read.extend(Statistics::of_inputs(step.kept_inputs()));
        read.extend(step.kept_output().map(|y| Statistics::of("the output".to_owned(), &y)));
        read
    }

    fn of_inputs<'a>(inputs: impl Iterator<Item = (usize, &'a Tensor)>) -> impl Iterator<Item = Statistics> {
        inputs.map(|(number, input)| Statistics::of(format!("input {number}"), input))
    }

    fn of(role: String, tensor: &Tensor) -> Statistics {
        let summary = summarise(tensor);
        Statistics {
            role,
            name: tensor.node().and_then(|node| node.name()),
            shape: tensor.shape(),
            dtype: tensor.dtype(),
            min: summary.min,
            max: summary.max,
            mean: summary.mean,
            not_finite: summary.nan + summary.infinite,
            first: summary.first.map(|first| tensor.shape().coordinates(first)),
        }
    }
}

fn is_finite(x: &Tensor) -> bool {
    match x.dtype() {
        DType::F32 => all_finite(x.dense().as_slice::<f32>()),
        DType::F64 => all_finite(x.dense().as_slice::<f64>()),
        DType::U32 => true,
    }
}

fn summarise(x: &Tensor) -> Summary {
    match x.dtype() {
        DType::F32 => summary(x.dense().as_slice::<f32>()),
        DType::F64 => summary(x.dense().as_slice::<f64>()),
        DType::U32 => summary(x.converted(DType::F64).as_slice::<f64>()),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, count) = (&self.what, self.shape.count());
        match &self.place {
            Place::Forward { operation, .. } => write!(f, "{} gave ", operation.name)?,
            Place::Rule { operation, rule, .. } => {
                write!(f, "{}, in the rule of {}, gave ", operation.name, rule.of.name)?
            }
            Place::RuleItself { rule, input } => write!(f, "the rule of {}, for input {input}, gave ", rule.of.name)?,
            Place::Gradient { of } => write!(f, "the gradient of {of} has ")?,
        }
        writeln!(
            f,
            "{} NaN and {} infinite of {count} numbers {}, the first at {:?}",
            what.nan, what.infinite, self.shape, what.first
        )?;
        match &self.place {
            Place::Forward { operation, location } => write!(f, "  {}\n  at {location}", operation.formula)?,
            Place::Rule {
                operation,
                location,
                rule,
            } => {
                writeln!(f, "  {}\n  at {location}", operation.formula)?;
                write_rule(f, rule)?;
            }
            Place::RuleItself { rule, .. } => write_rule(f, rule)?,
            // Infinities may be allowed, so that those of NaN could have had some.
            Place::Gradient { .. } if what.nan > 0 => write!(f, "  none of its contributions had a NaN")?,
            Place::Gradient { .. } => write!(f, "  each of its contributions was finite")?,
        }
        if let Some(scope) = &self.scope {
            write!(f, ", in {scope}")?;
        }
        self.inputs.iter().try_for_each(|input| write!(f, "\n  {input}"))?;
        self.inputs.iter().try_for_each(|input| match &input.first {
            Some(first) => write!(
                f,
                "\n  {} was not finite already, first at {first:?}: look where it comes from",
                input.role
            ),
            None => Ok(()),
        })
    }
}

/// A rule in words, with the line of the operation.
fn write_rule(f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
    let OpInfo {
        name,
        formula,
        rule: text,
    } = rule.of;
    write!(f, "  {name}: {formula}, with {text}\n  at {}", rule.location)
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.role)?;
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        write!(f, " {} {}: ", self.dtype, self.shape)?;
        match self.not_finite {
            0 => write!(f, "all finite")?,
            count => write!(f, "{count} not finite")?,
        }
        if self.min <= self.max {
            let (min, max, mean) = (Number(self.min), Number(self.max), Number(self.mean));
            write!(f, ", min {min}, max {max}, mean {mean}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::observe;
    use crate::autograd::scope;

    /// The message with lines of this file in the place of `LINE`.
    fn at(message: &str, lines: &[(u32, u32)]) -> String {
        lines.iter().fold(message.to_owned(), |message, (line, column)| {
            message.replacen("HERE", &format!("{}:{line}:{column}", file!()), 1)
        })
    }

    #[test]
    fn the_first_operation_of_the_forward_pass_is_found_with_its_inputs() {
        let (line, (_, anomaly)) = (
            line!() + 4,
            observe(Anomaly::remember(), || {
                let _scope = scope::enter("encoder.0".into());
                let x = Tensor::from([[1.0, 4.0], [-1.0, -9.0]]).named("x");
                x.sqrt().exp().sum(..) // NaN from here on
            }),
        );
        let message = "\
sqrt gave 2 NaN and 0 infinite of 4 numbers [2, 2], the first at [1, 0]
  y = √x
  at HERE, in encoder.0
  input 0 `x` F32 [2, 2]: all finite, min -9, max 4, mean -1.2500";
        let finding = anomaly.finding().unwrap();
        assert_eq!(finding.to_string(), at(message, &[(line, 19)]));
        assert_eq!(finding.scope.as_deref(), Some("encoder.0"));
    }

    #[test]
    fn an_operation_of_a_rule_is_found_with_the_line_that_it_belongs_to() {
        let x = Tensor::from([0.0, 4.0]).named("x");
        let line = line!() + 1;
        let y = x.sqrt();
        let (_, anomaly) = observe(Anomaly::remember(), || y.sum(..).grad(&[&x]));
        let finding = anomaly.finding().unwrap();
        let Place::Rule { rule, .. } = &finding.place else {
            panic!("{finding}");
        };
        assert_eq!((rule.of.name, rule.location.line()), ("sqrt", line));
        assert_eq!(
            finding.what,
            NotFinite {
                nan: 0,
                infinite: 1,
                first: vec![0]
            }
        );
        assert!(
            finding
                .to_string()
                .contains("in the rule of sqrt, gave 0 NaN and 1 infinite of 2 numbers [2], the first at [0]")
        );
        assert_eq!(finding.inputs.iter().map(|input| input.not_finite).sum::<usize>(), 0);
    }

    #[test]
    fn a_rule_that_runs_no_operation_is_found_with_all_that_it_read() {
        let z = Tensor::from([[1.0, 2.0, 3.0, 4.0], [5.0, 5.0, 5.0, 5.0]]).named("z");
        let line = line!() + 3;
        let y = {
            let _scope = scope::enter("norm".into());
            z.layer_norm(4, None, None, 1e-30)
        };
        let w = Tensor::from([1e30, -1e30, 0.0, 0.0]); // divided by √(0 + eps) = 1e-15 it is more than an f32 can hold
        let (gradients, anomaly) = observe(Anomaly::remember(), || (y * w).sum(..).grad(&[&z]));
        assert_eq!(gradients[0].to_vec::<f32>()[4..6], [f32::INFINITY, f32::NEG_INFINITY]);
        let finding = anomaly.finding().unwrap();
        let Place::RuleItself { rule, input: 0 } = &finding.place else {
            panic!("{finding}");
        };
        let message = format!(
            "\
the rule of layer_norm, for input 0, gave 0 NaN and 2 infinite of 8 numbers [2, 4], the first at [1, 0]
  layer_norm: {}, with {}
  at HERE, in norm
  the gradient of the output F32 [2, 4]: all finite, min {min}, max {max}, mean 0
  input 0 `z` F32 [2, 4]: all finite, min 1, max 5, mean 3.7500",
            rule.of.formula,
            rule.of.rule,
            min = Number(f64::from(-1e30f32)),
            max = Number(f64::from(1e30f32)),
        );
        assert_eq!(finding.to_string(), at(&message, &[(line, 15)]));
    }

    #[test]
    fn a_sum_of_contributions_that_overflows_is_found() {
        let x = Tensor::from([0.25]).named("x");
        let half = f64::from(f32::MAX) * 0.75;
        let (gradients, anomaly) = observe(Anomaly::remember(), || (&x * half - &x * -half).sum(..).grad(&[&x]));
        assert_eq!(gradients[0].item(), f64::INFINITY);
        let message = "\
the gradient of `x` [1] has 0 NaN and 1 infinite of 1 numbers [1], the first at [0]
  each of its contributions was finite";
        assert_eq!(anomaly.finding().unwrap().to_string(), message);
    }

    #[test]
    fn what_was_wrong_before_shows_in_the_inputs() {
        let (_, anomaly) = observe(Anomaly::remember(), || Tensor::from([f32::NAN, 2.0, 4.0]).exp());
        let input = &anomaly.finding().unwrap().inputs[0];
        assert_eq!((input.not_finite, input.min, input.max, input.mean), (1, 2.0, 4.0, 3.0));
        assert_eq!(input.first, Some(vec![0]));
        assert_eq!(input.to_string(), "input 0 F32 [3]: 1 not finite, min 2, max 4, mean 3");
        let message = anomaly.finding().unwrap().to_string();
        let last = message.lines().last().unwrap();
        assert_eq!(
            last,
            "  input 0 was not finite already, first at [0]: look where it comes from"
        );
    }

    #[test]
    fn it_stops_the_program_if_it_shall_and_the_engine_works_on() {
        let attempt = || observe(Anomaly::panic(), || Tensor::from([0.0]).ln());
        let message = std::panic::catch_unwind(attempt)
            .err()
            .unwrap()
            .downcast::<String>()
            .unwrap();
        assert!(
            message.starts_with("ln gave 0 NaN and 1 infinite of 1 numbers [1], the first at [0]"),
            "{message}"
        );
        assert_eq!(Tensor::from([1.0]).ln().item(), 0.0);
    }

    #[test]
    fn finite_numbers_and_allowed_infinities_are_no_finding() {
        let (_, anomaly) = observe(Anomaly::remember(), || Tensor::from([1.0, 2.0]).exp());
        assert!(anomaly.finding().is_none());
        let masked = || Tensor::from([0.0, 1.0]).ln() * 0.0; // -∞, then NaN
        let (_, anomaly) = observe(Anomaly::remember().nan_only(), masked);
        assert!(
            anomaly
                .finding()
                .unwrap()
                .to_string()
                .starts_with("mul_scalar gave 1 NaN")
        );
    }
}
