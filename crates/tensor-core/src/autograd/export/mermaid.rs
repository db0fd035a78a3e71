//! Mermaid, the language of diagrams inside Markdown.

use super::scopes::{Content, Scope};
use super::{Graph, GraphNode, Kind, Start};

impl Graph {
    /// The graph as a Mermaid flowchart, for a code block `mermaid` of a Markdown page. Leaves are rounded, what rules made is dashed, scopes are
    /// boxes around their operations.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::export::Graph;
    /// let loss = Tensor::from([2.0]).named("w").sqr().sum(..);
    /// let mermaid = Graph::of(&[&loss]).to_mermaid();
    /// assert!(mermaid.starts_with("flowchart TB\n  n0([\"w<br/>F32 [1]\"])\n"));
    /// ```
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TB\n");
        let mut subgraphs = 0;
        self.write_subgraph(&Scope::tree(&self.nodes), "  ", &mut subgraphs, &mut text);
        for (start, end) in self.edges() {
            let start = match start {
                Start::Node(id) => format!("n{id}"),
                Start::Constant { number, lines } => format!("c{number}[{}]", quoted(&lines)),
            };
            text += &format!("  {start} --> n{end}\n");
        }
        text += "  classDef leaf fill:#fff2cc,stroke:#333,color:#000\n";
        text += "  classDef operation fill:#dae8fc,stroke:#333,color:#000\n";
        text += "  classDef gradient fill:#f8cecc,stroke:#333,color:#000,stroke-dasharray:4 3\n";
        for (kind, class) in [
            (Kind::Leaf, "leaf"),
            (Kind::Operation, "operation"),
            (Kind::Gradient, "gradient"),
        ] {
            let of_kind = self.nodes.iter().filter(|node| node.kind() == kind);
            let members: Vec<String> = of_kind.map(|node| format!("n{}", node.id)).collect();
            if !members.is_empty() {
                text += &format!("  class {} {class}\n", members.join(","));
            }
        }
        text
    }

    fn write_subgraph(&self, scope: &Scope, margin: &str, subgraphs: &mut usize, text: &mut String) {
        for content in &scope.content {
            match content {
                Content::Node(id) => *text += &format!("{margin}{}\n", mermaid_node(&self.nodes[*id])),
                Content::Scope(inner) => {
                    let label = quoted(std::slice::from_ref(&inner.name));
                    *text += &format!("{margin}subgraph s{subgraphs}[{label}]\n");
                    *subgraphs += 1;
                    self.write_subgraph(inner, &format!("{margin}  "), subgraphs, text);
                    *text += &format!("{margin}end\n");
                }
            }
        }
    }
}

fn mermaid_node(node: &GraphNode) -> String {
    let label = quoted(&node.lines());
    match node.kind() {
        Kind::Leaf => format!("n{}([{label}])", node.id),
        Kind::Operation | Kind::Gradient => format!("n{}[{label}]", node.id),
    }
}

/// Lines as one string of Mermaid. It has no escape by a backslash: what means something to it, or to HTML, is written as an entity, which begins
/// with `#` there.
fn quoted(lines: &[String]) -> String {
    let escape = |line: &String| -> String {
        line.chars()
            .map(|c| match c {
                '"' | '#' | '&' | '<' | '>' | '`' | '\\' => format!("#{};", u32::from(c)),
                '\n' => "<br/>".to_owned(),
                c => c.to_string(),
            })
            .collect()
    };
    let lines: Vec<String> = lines.iter().map(escape).collect();
    format!("\"{}\"", lines.join("<br/>"))
}
