//! DOT, the language of graphviz.

use super::scopes::{Content, Scope};
use super::{Graph, GraphNode, Kind, Start};

impl Graph {
    /// The graph in DOT: `dot -Tsvg graph.dot -o graph.svg` draws it. Leaves are rounded, what rules made is dashed, scopes are boxes around
    /// their operations.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::export::Graph;
    /// let loss = Tensor::from([2.0]).named("w").sqr().sum(..);
    /// let dot = Graph::of(&[&loss]).to_dot();
    /// assert!(dot.contains("  n0 -> n1;\n  n1 -> n2;\n")); // from w to sqr to sum
    /// ```
    pub fn to_dot(&self) -> String {
        let mut text = String::from(
            "digraph autograd {\n  graph [fontname=\"Helvetica\", fontsize=12, labeljust=l];\n  node [shape=box, fontname=\"Helvetica\", fontsize=11];\n  \
             edge [arrowsize=0.6];\n",
        );
        let mut clusters = 0;
        self.write_scope(&Scope::tree(&self.nodes), "  ", &mut clusters, &mut text);
        for (start, end) in self.edges() {
            let start = match start {
                Start::Node(id) => format!("n{id}"),
                Start::Constant { number, lines } => {
                    let label = quoted(&lines);
                    text += &format!("  c{number} [label={label}, shape=plaintext, fontcolor=\"gray40\"];\n");
                    format!("c{number}")
                }
            };
            text += &format!("  {start} -> n{end};\n");
        }
        text + "}\n"
    }

    fn write_scope(&self, scope: &Scope, margin: &str, clusters: &mut usize, text: &mut String) {
        for content in &scope.content {
            match content {
                Content::Node(id) => *text += &format!("{margin}{}\n", self.dot_node(&self.nodes[*id])),
                Content::Scope(inner) => {
                    let label = quoted(std::slice::from_ref(&inner.name));
                    *text += &format!("{margin}subgraph cluster_{clusters} {{\n{margin}  label={label};\n");
                    *clusters += 1;
                    self.write_scope(inner, &format!("{margin}  "), clusters, text);
                    *text += &format!("{margin}}}\n");
                }
            }
        }
    }

    fn dot_node(&self, node: &GraphNode) -> String {
        let style = match node.kind() {
            Kind::Leaf => "style=\"filled,rounded\", fillcolor=\"#fff2cc\"",
            Kind::Operation => "style=filled, fillcolor=\"#dae8fc\"",
            Kind::Gradient => "style=\"filled,dashed\", fillcolor=\"#f8cecc\"",
        };
        let border = if self.outputs.contains(&node.id) {
            ", penwidth=2"
        } else {
            ""
        };
        let tooltip = match node.operation() {
            Some(operation) => format!(
                ", tooltip={}",
                quoted(&[operation.info.formula.to_owned(), operation.location.to_string()])
            ),
            None => String::new(),
        };
        format!(
            "n{} [label={}, {style}{border}{tooltip}];",
            node.id,
            quoted(&node.lines())
        )
    }
}

/// Lines as one string of DOT. Its backslashes would begin escapes, and `&` an entity of HTML.
fn quoted(lines: &[String]) -> String {
    let escape = |line: &String| {
        line.replace('&', "&amp;")
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let lines: Vec<String> = lines.iter().map(escape).collect();
    format!("\"{}\"", lines.join("\\n"))
}
