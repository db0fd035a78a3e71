//! How a [`Recorder`] prints: a walk through the two passes, to be read by people.

use super::recorder::{Event, GradientRecord, OperationRecord, Recorder, RuleRecord, TensorRecord};
use crate::autograd::file_and_line;
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::display::Number;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// No line is longer, unless a single word is.
const WIDTH: usize = 100;
/// Where the text begins, behind the number of the operation.
const INDENT: usize = 5;
/// Where the right column begins.
const MIDDLE: usize = 50;

impl fmt::Display for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page {
            f,
            backward: None,
            operations: 0,
            known: HashSet::new(),
        };
        self.events().iter().try_for_each(|event| match event {
            Event::Operation(operation) => page.operation(operation),
            Event::Gradient(gradient) => page.gradient(gradient),
            Event::Rule(rule) => page.rule(rule),
        })
    }
}

struct Page<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    /// Which pass the last event belongs to; `None` at the beginning.
    backward: Option<bool>,
    operations: usize,
    /// The numbers of tensors that have been on the page.
    known: HashSet<usize>,
}

impl Page<'_, '_> {
    fn operation(&mut self, operation: &OperationRecord) -> fmt::Result {
        self.heading(operation.rule_of.is_some())?;
        for input in &operation.inputs {
            if self.known.insert(input.number) {
                let kind = if input.is_leaf { "a leaf" } else { "given" };
                self.columns(
                    "",
                    &format!("{} is {kind}", name(input.name.as_ref(), input.number)),
                    &values(input),
                )?;
            }
        }
        self.operations += 1;
        self.known.insert(operation.output.number);
        let number = format!("{:>3}. ", self.operations);
        let within = operation
            .within
            .map_or(String::new(), |outer| format!("inside {outer}: "));
        self.columns(&number, &format!("{within}{}", call(operation)), operation.info.formula)?;
        let scope = operation
            .scope
            .as_ref()
            .map_or(String::new(), |scope| format!(", in {scope}"));
        self.columns(
            "",
            &values(&operation.output),
            &format!("{}{scope}", file_and_line(operation.location)),
        )
    }

    fn gradient(&mut self, gradient: &GradientRecord) -> fmt::Result {
        self.heading(true)?;
        let added_up = if gradient.added_up { ", added up" } else { "" };
        self.known.insert(gradient.gradient.number);
        let of = name(gradient.name.as_ref(), gradient.number);
        let left = format!("t{} is the gradient of {of}{added_up}", gradient.gradient.number);
        self.columns("  <- ", &left, &values(&gradient.gradient))?;
        match (gradient.operation, gradient.location) {
            (Some(info), Some(location)) => {
                let left = format!("the rule of {}, {}:", info.name, file_and_line(location));
                self.columns("", &left, info.rule)
            }
            _ => Ok(()),
        }
    }

    /// What the rule computed itself; the rest is where the operations are.
    fn rule(&mut self, rule: &RuleRecord) -> fmt::Result {
        for contribution in rule.contributions.iter().filter(|contribution| contribution.by_rule) {
            self.known.insert(contribution.gradient.number);
            let input = name(contribution.name.as_ref(), contribution.number);
            let left = format!("the rule gives t{} for {input}", contribution.gradient.number);
            self.columns("", &left, &values(&contribution.gradient))?;
        }
        Ok(())
    }

    fn heading(&mut self, backward: bool) -> fmt::Result {
        if self.backward.replace(backward) == Some(backward) {
            return Ok(());
        }
        let empty_line = if self.operations == 0 { "" } else { "\n" };
        writeln!(self.f, "{empty_line}{}", if backward { "Backward" } else { "Forward" })
    }

    /// Two texts side by side if they fit, else one below the other.
    fn columns(&mut self, margin: &str, left: &str, right: &str) -> fmt::Result {
        let (left_width, right_width) = (left.chars().count(), right.chars().count());
        if INDENT + left_width < MIDDLE && MIDDLE + right_width <= WIDTH {
            let column = MIDDLE - INDENT;
            return writeln!(self.f, "{margin:INDENT$}{left:column$}{right}");
        }
        self.paragraph(margin, left, INDENT)?;
        self.paragraph("", right, INDENT + 2)
    }

    /// A text broken into lines between its words.
    fn paragraph(&mut self, margin: &str, text: &str, indent: usize) -> fmt::Result {
        let mut column = indent;
        write!(self.f, "{margin:indent$}")?;
        for (i, word) in text.split(' ').enumerate() {
            let width = word.chars().count();
            if i > 0 && column + 1 + width > WIDTH {
                write!(self.f, "\n{:indent$}", "", indent = indent + 2)?;
                column = indent + 2;
            } else if i > 0 {
                write!(self.f, " ")?;
                column += 1;
            }
            write!(self.f, "{word}")?;
            column += width;
        }
        writeln!(self.f)
    }
}

/// `t3 = narrow(t1, dim: 0, start: 1)`
fn call(operation: &OperationRecord) -> String {
    let inputs = operation
        .inputs
        .iter()
        .map(|input| name(input.name.as_ref(), input.number));
    let attributes = operation
        .attributes
        .iter()
        .map(|(key, value)| format!("{key}: {value}"));
    let arguments: Vec<String> = inputs.chain(attributes).collect();
    format!(
        "t{} = {}({})",
        operation.output.number,
        operation.info.name,
        arguments.join(", ")
    )
}

fn name(name: Option<&Arc<str>>, number: usize) -> String {
    name.map_or_else(|| format!("t{number}"), |name| name.to_string())
}

/// `[2, 3] = 1, 2.5000, …`; the type only where it is not the usual one.
fn values(tensor: &TensorRecord) -> String {
    let mut values: Vec<String> = tensor.values.iter().map(|&value| Number(value).to_string()).collect();
    if values.len() < tensor.shape.count() {
        values.push("…".to_owned());
    }
    let shape = if tensor.shape == Shape::from(()) {
        String::new()
    } else {
        format!("{} ", tensor.shape)
    };
    let dtype = match tensor.dtype {
        DType::F32 => String::new(),
        other => format!("{other} "),
    };
    format!("{dtype}{shape}= {}", values.join(", "))
}
