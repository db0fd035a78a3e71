//! JSON, for programs that draw or count.

use super::{Argument, Graph, GraphNode, Kind, Operation};
use serde_json::{Map, Value, json};

/// The version of the format. It rises when a reader of the old one would go wrong.
const VERSION: u32 = 1;

impl Graph {
    /// The graph as JSON, a node a line: `{"v": 1, "outputs": [numbers], "nodes": [...]}`. Each node has its `id`, its `kind` (`leaf`,
    /// `operation` or `gradient`), `name`, `shape` and `dtype`. Those of an operation also have `formula`, `attributes`, `inputs` (each
    /// `{"node": number}` or `{"constant": {"shape": …, "dtype": …}}`), `scope` (or null), `at` (file, line and column), and, for those that a
    /// rule ran, `rule_of`: the node whose rule it was (null if that one is not in the graph).
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// use tensor_core::autograd::export::Graph;
    /// let loss = Tensor::from([2.0]).named("w").sqr().sum(..);
    /// let graph: serde_json::Value = serde_json::from_str(&Graph::of(&[&loss]).to_json()).unwrap();
    /// assert_eq!(graph["v"], 1);
    /// assert_eq!(graph["nodes"][1]["name"], "sqr");
    /// assert_eq!(graph["nodes"][1]["inputs"], serde_json::json!([{ "node": 0 }]));
    /// ```
    pub fn to_json(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|each| node(each).to_string()).collect();
        format!(
            "{{\"v\":{VERSION},\"outputs\":{},\"nodes\":[\n{}\n]}}\n",
            json!(self.outputs),
            nodes.join(",\n")
        )
    }
}

fn node(node: &GraphNode) -> Value {
    let kind = match node.kind() {
        Kind::Leaf => "leaf",
        Kind::Operation => "operation",
        Kind::Gradient => "gradient",
    };
    let mut value = json!({
        "id": node.id,
        "kind": kind,
        "name": node.name(),
        "shape": node.shape.sizes(),
        "dtype": node.dtype.to_string(),
    });
    if let Some(operation) = node.operation() {
        add_operation(&mut value, operation);
    }
    value
}

fn add_operation(value: &mut Value, operation: &Operation) {
    let attributes: Map<String, Value> = operation
        .attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let inputs: Vec<Value> = operation.inputs.iter().map(argument).collect();
    let location = operation.location;
    value["formula"] = json!(operation.info.formula);
    value["attributes"] = Value::Object(attributes);
    value["inputs"] = json!(inputs);
    value["scope"] = json!(operation.scope.as_deref());
    value["at"] = json!({ "file": location.file(), "line": location.line(), "column": location.column() });
    if operation.in_rule {
        value["rule_of"] = json!(operation.rule_of);
    }
}

fn argument(argument: &Argument) -> Value {
    match argument {
        Argument::Node(id) => json!({ "node": id }),
        Argument::Constant { shape, dtype } => {
            json!({ "constant": { "shape": shape.sizes(), "dtype": dtype.to_string() } })
        }
    }
}
