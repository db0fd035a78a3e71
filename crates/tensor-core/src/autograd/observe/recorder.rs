//! Recording: each step of the forward and the backward pass, to be read afterwards.

use super::numbers::Numbers;
use super::{Contribution, Contributions, GradientStep, Observer, Rule, RuleStep, Step};
use crate::autograd::NodeId;
use crate::dtype::DType;
use crate::ops::OpInfo;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::panic::Location;
use std::sync::Arc;

/// Writes down every operation, rule and gradient, in order. Printed (`Display`), it is a walk through the two passes for people, no more than 100 columns
/// wide.
///
/// Tensors are numbered in the order in which they are met. Their buffers are kept for as long as the recorder lives, since a buffer that went back
/// to the pool would return as another tensor: record a step, not a training run.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Recorder, observe};
/// let w = Tensor::from([2.0]).named("w");
/// let (_, recorder) = observe(Recorder::default(), || (&w * &w * 3.0).grad(&[&w]));
/// let names: Vec<&str> = recorder.operations().map(|operation| operation.info.name).collect();
/// assert_eq!(names, ["mul", "mul_scalar", "mul_scalar", "mul", "mul"]); // two forward, and their rules
/// let last = recorder.gradients().last().unwrap();
/// assert_eq!((last.name.as_deref(), last.gradient.values[0]), (Some("w"), 12.0));
/// assert!(recorder.to_string().contains("t2 = mul(w, w)"));
/// ```
pub struct Recorder {
    values: usize,
    events: Vec<Event>,
    tensors: Numbers,
    running: Vec<&'static str>,
}

/// What a [`Recorder`] wrote down.
#[derive(Clone, Debug)]
pub enum Event {
    /// An operation ran.
    Operation(OperationRecord),
    /// A backward pass had a gradient complete.
    Gradient(GradientRecord),
    /// A rule gave its gradients: after its operations.
    Rule(RuleRecord),
}

/// One run of an operation.
#[derive(Clone, Debug)]
pub struct OperationRecord {
    /// Name, formula, and rule in words.
    pub info: OpInfo,
    /// What distinguishes this use of the operation.
    pub attributes: Vec<(&'static str, String)>,
    /// What it read.
    pub inputs: Vec<TensorRecord>,
    /// What it computed.
    pub output: TensorRecord,
    /// The operation whose rule ran it, if this is part of a backward pass.
    pub rule_of: Option<Rule>,
    /// The operation that ran it as a part of its own forward computation.
    pub within: Option<&'static str>,
    /// The user's line; inside a rule, the rule's line.
    pub location: &'static Location<'static>,
    /// Where in the model: `encoder.0`, say.
    pub scope: Option<Arc<str>>,
}

/// A gradient when it was complete.
#[derive(Clone, Debug)]
pub struct GradientRecord {
    /// What it is the gradient of.
    pub of: NodeId,
    /// The number of that tensor.
    pub number: usize,
    /// The name of that tensor, if it is a leaf that has one.
    pub name: Option<Arc<str>>,
    /// The operation that computed that tensor, whose rule is next; `None` for a leaf.
    pub operation: Option<OpInfo>,
    /// The user's line where that tensor was computed.
    pub location: Option<&'static Location<'static>>,
    /// The gradient.
    pub gradient: TensorRecord,
    /// Whether several contributions were added up to it in place, which is no operation of its own.
    pub added_up: bool,
}

/// What a rule gave.
#[derive(Clone, Debug)]
pub struct RuleRecord {
    /// The operation that is differentiated.
    pub rule: Rule,
    /// Whether it was the rule for the first order alone, [`Op::vjp_fast`](crate::ops::Op::vjp_fast).
    pub is_fast: bool,
    /// What it gave for the inputs whose gradients are asked for, as far as that is not zero.
    pub contributions: Vec<ContributionRecord>,
    /// Where in the model the operation ran.
    pub scope: Option<Arc<str>>,
}

/// What a rule gave for one input.
#[derive(Clone, Debug)]
pub struct ContributionRecord {
    /// Which input of the operation.
    pub input: usize,
    /// The number of that input's tensor.
    pub number: usize,
    /// The name of that tensor, if it is a leaf that has one.
    pub name: Option<Arc<str>>,
    /// The contribution.
    pub gradient: TensorRecord,
    /// Whether the rule computed it itself: no operation gave it.
    pub by_rule: bool,
}

/// A tensor as it was met.
#[derive(Clone, Debug)]
pub struct TensorRecord {
    /// The number that the recorder gave it: a new one for each output of an operation.
    pub number: usize,
    /// Its place in the graph, if it is tracked.
    pub node: Option<NodeId>,
    /// The name of a leaf that has one.
    pub name: Option<Arc<str>>,
    /// Whether it is a leaf: a parameter, or a tensor of the user's.
    pub is_leaf: bool,
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// Its first elements, as many as the recorder was told to keep.
    pub values: Vec<f64>,
}

impl Default for Recorder {
    /// Keeps the first 8 elements of each tensor.
    fn default() -> Recorder {
        Recorder::with_values(8)
    }
}

impl Recorder {
    /// A recorder that keeps the first `count` elements of each tensor.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::observe::{Recorder, observe};
    /// let (_, recorder) = observe(Recorder::with_values(2), || Tensor::from([1.0, 4.0, 9.0]).sqrt());
    /// assert_eq!(recorder.operations().next().unwrap().output.values, [1.0, 2.0]);
    /// ```
    pub fn with_values(count: usize) -> Recorder {
        Recorder {
            values: count,
            events: Vec::new(),
            tensors: Numbers::default(),
            running: Vec::new(),
        }
    }

    /// Everything, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The operations, in the order in which they ended.
    pub fn operations(&self) -> impl Iterator<Item = &OperationRecord> {
        self.events.iter().filter_map(|event| match event {
            Event::Operation(operation) => Some(operation),
            _ => None,
        })
    }

    /// The gradients, in the order in which they were complete.
    pub fn gradients(&self) -> impl Iterator<Item = &GradientRecord> {
        self.events.iter().filter_map(|event| match event {
            Event::Gradient(gradient) => Some(gradient),
            _ => None,
        })
    }

    /// The rules, in the order in which they gave their gradients.
    pub fn rules(&self) -> impl Iterator<Item = &RuleRecord> {
        self.events.iter().filter_map(|event| match event {
            Event::Rule(rule) => Some(rule),
            _ => None,
        })
    }

    fn met(&mut self, tensor: &Tensor) -> TensorRecord {
        let number = self.tensors.met(tensor);
        self.record(tensor, number, tensor.id())
    }

    fn record(&self, tensor: &Tensor, number: usize, node: Option<NodeId>) -> TensorRecord {
        TensorRecord {
            number,
            node,
            name: tensor.node().and_then(|node| node.name()),
            is_leaf: tensor.node().is_some_and(|node| node.is_leaf()),
            shape: tensor.shape(),
            dtype: tensor.dtype(),
            values: tensor.first_values(self.values),
        }
    }

    /// The record of a tensor, and whether it was not met before.
    fn met_or_new(&mut self, tensor: &Tensor) -> (TensorRecord, bool) {
        let before = self.tensors.count();
        let record = self.met(tensor);
        (record, self.tensors.count() > before)
    }

    fn contribution(&mut self, contribution: &Contribution<'_>) -> ContributionRecord {
        let number = self.tensors.of_node(contribution.id());
        let (gradient, by_rule) = self.met_or_new(contribution.gradient);
        ContributionRecord {
            input: contribution.input,
            number,
            name: contribution.name(),
            gradient,
            by_rule,
        }
    }
}

impl Observer for Recorder {
    fn before(&mut self, step: &Step<'_>) {
        self.running.push(step.name());
    }

    fn after(&mut self, step: &Step<'_>, output: &Tensor) {
        self.running.pop();
        let inputs = step.inputs.iter().map(|input| self.met(input)).collect();
        let number = self.tensors.made(output, step.output);
        let operation = OperationRecord {
            info: step.op.info(),
            attributes: step.op.attributes(),
            inputs,
            output: self.record(output, number, step.output),
            rule_of: step.rule_of(),
            within: self.running.last().copied(),
            location: step.location,
            scope: step.scope(),
        };
        self.events.push(Event::Operation(operation));
    }

    fn gradient(&mut self, step: &GradientStep<'_>) {
        let (gradient, is_new) = self.met_or_new(step.gradient);
        let record = GradientRecord {
            of: step.id(),
            number: self.tensors.of_node(step.id()),
            name: step.name(),
            operation: step.operation(),
            location: step.location(),
            gradient,
            added_up: is_new && step.contributions > 1,
        };
        self.events.push(Event::Gradient(record));
    }

    fn contributions(&mut self, step: &RuleStep<'_>, contributions: &Contributions<'_>) {
        let contributions = contributions.iter().map(|each| self.contribution(&each)).collect();
        let record = RuleRecord {
            rule: step.rule(),
            is_fast: step.is_fast,
            contributions,
            scope: step.scope(),
        };
        self.events.push(Event::Rule(record));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use crate::autograd::observe::observe;
    use crate::autograd::scope;

    #[test]
    fn the_walk_through_of_a_small_network() {
        let w = Tensor::from([2.0]).named("w");
        let b = Tensor::from([-1.0]).named("b");
        let x = Tensor::from([3.0]);
        let (_, recorder) = observe(Recorder::with_values(3), || {
            let y = {
                let _scope = scope::enter("layer".into());
                &w * &x + &b
            };
            (&y * &y).grad(&[&w])
        });
        let page = "\
Forward
     w is a leaf                                  [1] = 2
     t2 is given                                  [1] = 3
  1. t3 = mul(w, t2)                              y = a · b
     [1] = 6                                      recorder.rs:_, in layer
     b is a leaf                                  [1] = -1
  2. t5 = add(t3, b)                              y = a + b
     [1] = 5                                      recorder.rs:_, in layer
  3. t6 = mul(t5, t5)                             y = a · b
     [1] = 25                                     recorder.rs:_

Backward
  <- t7 is the gradient of t6                     [1] = 1
     the rule of mul, recorder.rs:_:            ga = gy · b, gb = gy · a
  4. t8 = mul(t7, t5)                             y = a · b
     [1] = 5                                      arithmetic.rs:_
  5. t9 = mul(t7, t5)                             y = a · b
     [1] = 5                                      arithmetic.rs:_
  <- t10 is the gradient of t5, added up          [1] = 10
     the rule of add, recorder.rs:_:            ga = gy, gb = gy
  <- t10 is the gradient of t3                    [1] = 10
     the rule of mul, recorder.rs:_:            ga = gy · b, gb = gy · a
  6. t11 = mul(t10, t2)                           y = a · b
     [1] = 30                                     arithmetic.rs:_, in layer
  <- t11 is the gradient of w                     [1] = 30
";
        // Columns shift with the length of a line's number, so single spaces and no numbers are compared.
        let text = recorder.to_string();
        assert_eq!(normalised(&text), normalised(page), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn what_a_rule_computes_itself_is_shown_and_only_a_sum_is_added_up() {
        let x = Tensor::from([0.0, 0.0]).named("x");
        let w = Tensor::from([3.0, 1.0]);
        let (_, recorder) = observe(Recorder::default(), || {
            let loss = (x.softmax(-1) * &w).sum(..);
            loss.grad(&[&x])
        });
        let page = "\
     the rule of softmax, recorder.rs:_:          gx = y · (gy - Σ gy y)
     the rule gives t10 for x                     [2] = 0.5000, -0.5000
  <- t10 is the gradient of x                     [2] = 0.5000, -0.5000
";
        let text = recorder.to_string();
        assert!(normalised(&text).ends_with(&normalised(page)), "{text}");
        assert!(recorder.gradients().all(|gradient| !gradient.added_up), "{text}");
        let rule = recorder.rules().last().unwrap();
        let given = &rule.contributions[0];
        assert_eq!(
            (rule.rule.of.name, rule.is_fast, rule.contributions.len()),
            ("softmax", true, 1)
        );
        assert_eq!(
            (given.input, given.name.as_deref(), given.by_rule),
            (0, Some("x"), true)
        );
        assert!(recorder.rules().take(2).all(|rule| !rule.is_fast), "of sum and mul");

        let (_, recorder) = observe(Recorder::default(), || (x.softmax(-1) * &x).sum(..).grad(&[&x]));
        let text = recorder.to_string();
        let sums: Vec<&GradientRecord> = recorder.gradients().filter(|gradient| gradient.added_up).collect();
        assert_eq!(sums.len(), 1, "{text}");
        assert_eq!(
            (sums[0].of, &sums[0].gradient.values),
            (x.id().unwrap(), &vec![0.5, 0.5])
        );
        assert!(text.contains("is the gradient of x, added up"), "{text}");
    }

    #[test]
    fn a_second_pass_over_a_graph_adds_nothing_up() {
        let x = Tensor::from([3.0]).named("x");
        let y = x.exp();
        let (_, recorder) = observe(Recorder::default(), || {
            y.grad(&[&x]);
            (&y * 2.0).grad(&[&y]) // y has the highest number but one of its pass
        });
        assert!(recorder.gradients().all(|gradient| !gradient.added_up), "{recorder}");
    }

    /// Without line numbers, and with single spaces.
    fn normalised(text: &str) -> Vec<String> {
        let words = |line: &str| {
            line.split_whitespace()
                .map(without_number)
                .collect::<Vec<_>>()
                .join(" ")
        };
        text.lines().map(words).collect()
    }

    fn without_number(word: &str) -> String {
        match word.split_once(".rs:") {
            None => word.to_owned(),
            Some((file, line)) => format!(
                "{file}.rs:_{}",
                line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
            ),
        }
    }

    #[test]
    fn steps_know_their_place_in_the_graph_and_whose_rule_they_are() {
        let x = Tensor::from([3.0]).named("x");
        let (y, recorder) = observe(Recorder::default(), || {
            let y = &x / 2.0;
            let loss = &y * &y;
            loss.grad_graph(&[&x]);
            y
        });
        let operations: Vec<&OperationRecord> = recorder.operations().collect();
        let (half, square) = (operations[0], operations[1]);
        assert_eq!((half.inputs[0].node, half.output.node), (x.id(), y.id()));
        assert_eq!(square.inputs[1].number, half.output.number);
        assert_eq!(half.attributes, [("c", "2".to_owned())]);
        assert!(half.rule_of.is_none() && square.rule_of.is_none());
        let of_square: Vec<&str> = operations
            .iter()
            .filter(|operation| {
                operation
                    .rule_of
                    .is_some_and(|rule| Some(rule.node) == square.output.node)
            })
            .map(|operation| operation.info.name)
            .collect();
        assert_eq!(of_square, ["mul", "mul", "add"], "and the sum of the two contributions");
        let rule = operations.last().unwrap().rule_of.unwrap();
        assert_eq!((rule.node, rule.location), (y.id().unwrap(), half.location));
        let gradients: Vec<Option<NodeId>> = recorder.gradients().map(|gradient| Some(gradient.of)).collect();
        assert_eq!(gradients, [square.output.node, y.id(), x.id()]);
        assert!(recorder.gradients().all(|gradient| !gradient.added_up));
    }

    #[test]
    fn a_number_is_not_used_twice_when_a_buffer_is() {
        let (_, recorder) = observe(Recorder::default(), || {
            for i in 0..3 {
                let _ = Tensor::from([i as f32]).exp(); // each time in the buffer of the last, without a recorder
            }
        });
        let numbers: Vec<usize> = recorder
            .operations()
            .map(|operation| operation.inputs[0].number)
            .collect();
        assert_eq!(numbers, [1, 3, 5]);
    }

    #[test]
    fn nothing_is_wider_than_a_page() {
        let x = Random::new(1)
            .normal([3, 5], DType::F64)
            .named("a.layer.with.a.very.long.name.that.goes.on.and.on.weight");
        let (_, recorder) = observe(Recorder::with_values(30), || {
            x.bce_with_logits(&x.sigmoid()).sum(..).grad(&[&x])
        });
        let text = recorder.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("F64 [3, 5] = "), "{text}");
    }
}
