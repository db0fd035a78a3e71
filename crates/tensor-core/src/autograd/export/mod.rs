//! The recorded graph as data and as pictures: what is behind a tensor, down to the leaves.

mod dot;
mod json;
mod mermaid;
mod scopes;

use super::file_and_line;
use super::graph::{Input, Node, NodeId, Source};
use crate::dtype::DType;
use crate::ops::OpInfo;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::collections::{HashMap, HashSet};
use std::panic::Location;
use std::sync::Arc;

/// All that some tensors were computed from, in an order in which it can have happened.
///
/// Nodes are numbered from 0, inputs before what was made of them. The same computation gives the same graph, and the same text.
///
/// ```
/// use tensor_core::Tensor;
/// use tensor_core::autograd::export::{Graph, Kind};
/// let w = Tensor::from([2.0]).named("w");
/// let loss = (&w * &w).sum(..);
/// let graph = Graph::of(&[&loss]);
/// let names: Vec<&str> = graph.nodes().iter().map(|node| node.name()).collect();
/// assert_eq!(names, ["w", "mul", "sum"]);
///
/// let gradient = loss.grad_graph(&[&w]).remove(0); // the graph of a gradient: what its rules ran
/// let made_by_rules = |graph: Graph| graph.nodes().iter().filter(|node| node.kind() == Kind::Gradient).count();
/// assert!(made_by_rules(Graph::of(&[&gradient])) > 0);
/// println!("{}", graph.to_dot()); // dot -Tsvg draws it
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<GraphNode>,
    outputs: Vec<usize>,
}

/// One tensor of the graph: a leaf, or the result of an operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GraphNode {
    /// Its number.
    pub id: usize,
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// How it came about.
    pub origin: Origin,
}

/// How a tensor of the graph came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// The user gave it.
    Leaf {
        /// Its name, if it has one.
        name: Option<Arc<str>>,
    },
    /// An operation computed it.
    Operation(Operation),
}

/// An operation of the graph.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// Name, formula, and rule in words.
    pub info: OpInfo,
    /// What distinguishes this use of the operation.
    pub attributes: Vec<(&'static str, String)>,
    /// What it read, in order.
    pub inputs: Vec<Argument>,
    /// Where in the model: `encoder.0`, say.
    pub scope: Option<Arc<str>>,
    /// The user's line; inside a rule, the rule's line.
    pub location: &'static Location<'static>,
    /// Whether a rule ran it, in a backward pass that was recorded.
    pub in_rule: bool,
    /// The node whose rule that was, if it is in this graph.
    pub rule_of: Option<usize>,
}

/// One input of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Argument {
    /// The node with this number.
    Node(usize),
    /// A tensor that is not tracked, such as data.
    Constant {
        /// Its shape.
        shape: Shape,
        /// The type of its elements.
        dtype: DType,
    },
}

/// What a node is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A parameter, or a tensor of the user's.
    Leaf,
    /// The result of an operation of the forward pass.
    Operation,
    /// The result of an operation that a rule ran: part of a gradient.
    Gradient,
}

impl GraphNode {
    /// Leaf, forward or backward.
    pub fn kind(&self) -> Kind {
        match &self.origin {
            Origin::Leaf { .. } => Kind::Leaf,
            Origin::Operation(operation) if operation.in_rule => Kind::Gradient,
            Origin::Operation(_) => Kind::Operation,
        }
    }

    /// The name of the leaf or of the operation.
    pub fn name(&self) -> &str {
        match &self.origin {
            Origin::Leaf { name } => name.as_deref().unwrap_or("unnamed"),
            Origin::Operation(operation) => operation.info.name,
        }
    }

    fn operation(&self) -> Option<&Operation> {
        match &self.origin {
            Origin::Leaf { .. } => None,
            Origin::Operation(operation) => Some(operation),
        }
    }

    fn scope(&self) -> Option<&str> {
        self.operation()?.scope.as_deref()
    }

    fn inputs(&self) -> &[Argument] {
        self.operation().map_or(&[], |operation| &operation.inputs)
    }

    /// What a picture writes into the node's box: name with attributes, shape, line.
    fn lines(&self) -> Vec<String> {
        let mut title = self.name().to_owned();
        let mut lines = vec![typed(self.shape, self.dtype)];
        if let Some(operation) = self.operation() {
            let attributes: Vec<String> = operation
                .attributes
                .iter()
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            if !attributes.is_empty() {
                title = format!("{title} ({})", attributes.join(", "));
            }
            lines.push(file_and_line(operation.location));
        }
        lines.insert(0, title);
        lines
    }
}

/// Where an edge of a picture begins.
enum Start {
    /// At the node with this number.
    Node(usize),
    /// At a constant, which is drawn for this edge alone. They are numbered from 0.
    Constant { number: usize, lines: [String; 2] },
}

/// `F32 [2, 3]`
fn typed(shape: Shape, dtype: DType) -> String {
    format!("{dtype} {shape}")
}

impl Graph {
    /// The graph behind these tensors.
    ///
    /// # Panics
    /// If one of them is not tracked: then there is none.
    #[track_caller]
    pub fn of(outputs: &[&Tensor]) -> Graph {
        let roots: Vec<&Arc<Node>> = outputs
            .iter()
            .map(|output| {
                output.node().unwrap_or_else(|| {
                    let shape = output.shape();
                    panic!("Graph::of: there is no graph behind a tensor of shape {shape} that is not tracked")
                })
            })
            .collect();
        let nodes = behind(&roots);
        let numbers: HashMap<NodeId, usize> = nodes.iter().enumerate().map(|(i, node)| (node.id, i)).collect();
        Graph {
            nodes: nodes.iter().map(|node| describe(node, &numbers)).collect(),
            outputs: roots.iter().map(|root| numbers[&root.id]).collect(),
        }
    }

    /// The nodes in order: inputs before what was made of them.
    pub fn nodes(&self) -> &[GraphNode] {
        &self.nodes
    }

    /// Where each edge of a picture begins, and the number of the node at which it ends.
    fn edges(&self) -> impl Iterator<Item = (Start, usize)> {
        let ends = self
            .nodes
            .iter()
            .flat_map(|node| node.inputs().iter().map(|input| (*input, node.id)));
        let mut constants = 0..;
        ends.map(move |(input, end)| {
            let start = match input {
                Argument::Node(id) => Start::Node(id),
                Argument::Constant { shape, dtype } => Start::Constant {
                    number: constants.next().expect("there is no last number"),
                    lines: ["constant".to_owned(), typed(shape, dtype)],
                },
            };
            (start, end)
        })
    }

    /// The numbers of the tensors that the graph was asked for.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }
}

/// All nodes that lead to the roots, by rising number.
fn behind<'a>(roots: &[&'a Arc<Node>]) -> Vec<&'a Arc<Node>> {
    let mut seen = HashSet::new();
    let mut nodes = Vec::new();
    let mut stack = roots.to_vec();
    while let Some(node) = stack.pop() {
        if !seen.insert(node.id) {
            continue;
        }
        if let Source::Op(record) = &node.source {
            stack.extend(record.inputs.iter().filter_map(Input::node));
        }
        nodes.push(node);
    }
    nodes.sort_unstable_by_key(|node| node.id);
    nodes
}

fn describe(node: &Node, numbers: &HashMap<NodeId, usize>) -> GraphNode {
    let argument = |input: &Input| match input.node() {
        Some(node) => Argument::Node(numbers[&node.id]),
        None => Argument::Constant {
            shape: input.shape(),
            dtype: input.dtype(),
        },
    };
    let origin = match &node.source {
        Source::Leaf { .. } => Origin::Leaf { name: node.name() },
        Source::Op(record) => Origin::Operation(Operation {
            info: record.op.info(),
            attributes: record.op.attributes(),
            inputs: record.inputs.iter().map(argument).collect(),
            scope: record.scope.clone(),
            location: record.location,
            in_rule: record.rule_of.is_some(),
            rule_of: record.rule_of.and_then(|id| numbers.get(&id).copied()),
        }),
    };
    GraphNode {
        id: numbers[&node.id],
        shape: node.shape,
        dtype: node.dtype,
        origin,
    }
}

#[cfg(test)]
mod tests;
