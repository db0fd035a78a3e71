//! The whole texts. What stands after `.rs:` in them is left out: rules have the lines of the files of their operations.

use super::*;
use crate::autograd::scope;

/// A sum of (x w)² v, in two scopes, with a name that is hard to quote.
fn network(x: &Tensor) -> Tensor {
    let in_scope = |name: &str, f: &dyn Fn() -> Tensor| {
        let _scope = scope::enter(name.into());
        f()
    };
    let w = Tensor::from([[0.5, -1.0]]).named("encoder.0.weight");
    let v = Tensor::from([[2.0]]).named("\"v\" <&> #1\\");
    let h = in_scope("encoder.0", &|| x * &w);
    let h = in_scope("encoder.1", &|| &h * &h);
    (h * v).sum(..)
}

fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result += ".rs";
        result += part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    }
    result
}

#[test]
fn the_dot_of_a_network() {
    let dot = r##"digraph autograd {
  graph [fontname="Helvetica", fontsize=12, labeljust=l];
  node [shape=box, fontname="Helvetica", fontsize=11];
  edge [arrowsize=0.6];
  n0 [label="encoder.0.weight\nF32 [1, 2]", style="filled,rounded", fillcolor="#fff2cc"];
  n1 [label="\"v\" <&amp;> #1\\\nF32 [1, 1]", style="filled,rounded", fillcolor="#fff2cc"];
  subgraph cluster_0 {
    label="encoder";
    subgraph cluster_1 {
      label="encoder.0";
      n2 [label="mul\nF32 [1, 2]\ntests.rs", style=filled, fillcolor="#dae8fc", tooltip="y = a · b\nFILE"];
    }
    subgraph cluster_2 {
      label="encoder.1";
      n3 [label="mul\nF32 [1, 2]\ntests.rs", style=filled, fillcolor="#dae8fc", tooltip="y = a · b\nFILE"];
    }
  }
  n4 [label="mul\nF32 [1, 2]\ntests.rs", style=filled, fillcolor="#dae8fc", tooltip="y = a · b\nFILE"];
  n5 [label="sum (dims: [0, 1], keepdim: false)\nF32 []\ntests.rs", style=filled, fillcolor="#dae8fc", penwidth=2, tooltip="y = Σ x over the given dimensions\nFILE"];
  c0 [label="constant\nF32 [1, 2]", shape=plaintext, fontcolor="gray40"];
  c0 -> n2;
  n0 -> n2;
  n2 -> n3;
  n2 -> n3;
  n3 -> n4;
  n1 -> n4;
  n4 -> n5;
}
"##;
    let loss = network(&Tensor::from([[1.0, 2.0]]));
    assert_eq!(
        without_lines(&Graph::of(&[&loss]).to_dot()),
        dot.replace("FILE", file!())
    );
}

#[test]
fn the_mermaid_of_a_network_and_its_gradient() {
    let mermaid = r##"flowchart TB
  n0(["x<br/>F32 [1, 2]"])
  n1(["encoder.0.weight<br/>F32 [1, 2]"])
  n2(["#34;v#34; #60;#38;#62; #35;1#92;<br/>F32 [1, 1]"])
  subgraph s0["encoder"]
    subgraph s1["encoder.0"]
      n3["mul<br/>F32 [1, 2]<br/>tests.rs"]
      n11["mul<br/>F32 [1, 2]<br/>arithmetic.rs"]
    end
    subgraph s2["encoder.1"]
      n4["mul<br/>F32 [1, 2]<br/>tests.rs"]
      n8["mul<br/>F32 [1, 2]<br/>arithmetic.rs"]
      n9["mul<br/>F32 [1, 2]<br/>arithmetic.rs"]
      n10["add<br/>F32 [1, 2]<br/>contribution.rs"]
    end
  end
  n5["mul<br/>F32 [1, 2]<br/>tests.rs"]
  n6["sum (dims: [0, 1], keepdim: false)<br/>F32 []<br/>tests.rs"]
  n7["mul<br/>F32 [1, 2]<br/>arithmetic.rs"]
  n0 --> n3
  n1 --> n3
  n3 --> n4
  n3 --> n4
  n4 --> n5
  n2 --> n5
  n5 --> n6
  c0["constant<br/>F32 [1, 2]"] --> n7
  n2 --> n7
  n7 --> n8
  n3 --> n8
  n7 --> n9
  n3 --> n9
  n8 --> n10
  n9 --> n10
  n10 --> n11
  n1 --> n11
  classDef leaf fill:#fff2cc,stroke:#333,color:#000
  classDef operation fill:#dae8fc,stroke:#333,color:#000
  classDef gradient fill:#f8cecc,stroke:#333,color:#000,stroke-dasharray:4 3
  class n0,n1,n2 leaf
  class n3,n4,n5,n6 operation
  class n7,n8,n9,n10,n11 gradient
"##;
    let x = Tensor::from([[1.0, 2.0]]).named("x");
    let loss = network(&x);
    let slope = &loss.grad_graph(&[&x])[0];
    let graph = Graph::of(&[&loss, slope]);
    assert_eq!(without_lines(&graph.to_mermaid()), mermaid);
    assert_eq!(graph.outputs(), [6, 11]);
    let again = network(&x);
    let slope = &again.grad_graph(&[&x])[0];
    assert_eq!(
        Graph::of(&[&again, slope]).to_mermaid(),
        graph.to_mermaid(),
        "the same each time"
    );
}

#[test]
fn the_json_of_a_loss_and_of_a_rule() {
    let w = Tensor::from([2.0, 3.0]).named("a \"name\"");
    let line = line!() + 1;
    let loss = (&w * &w).sum(..);
    let json = r#"{"v":1,"outputs":[2],"nodes":[
{"id":0,"kind":"leaf","name":"a \"name\"","shape":[2],"dtype":"F32"},
{"id":1,"kind":"operation","name":"mul","shape":[2],"dtype":"F32","formula":"y = a · b","attributes":{},"inputs":[{"node":0},{"node":0}],"scope":null,"at":{"file":"FILE","line":LINE,"column":16}},
{"id":2,"kind":"operation","name":"sum","shape":[],"dtype":"F32","formula":"y = Σ x over the given dimensions","attributes":{"dims":"[0]","keepdim":"false"},"inputs":[{"node":1}],"scope":null,"at":{"file":"FILE","line":LINE,"column":26}}
]}
"#;
    assert_eq!(
        Graph::of(&[&loss]).to_json(),
        json.replace("FILE", file!()).replace("LINE", &line.to_string())
    );

    // The gradient alone: the product, whose rule made it, is not behind it, but the product's input is.
    let gradient = loss.grad_graph(&[&w]).remove(0);
    let read = |graph: Graph| -> serde_json::Value { serde_json::from_str(&graph.to_json()).unwrap() };
    let alone = read(Graph::of(&[&gradient]));
    assert_eq!(
        (&alone["nodes"][1]["name"], &alone["nodes"][1]["kind"]),
        (&"mul".into(), &"gradient".into())
    );
    assert_eq!(
        alone["nodes"][1]["inputs"][0]["constant"]["shape"],
        serde_json::json!([2])
    );
    assert!(alone["nodes"][1]["rule_of"].is_null());
    let both = read(Graph::of(&[&loss, &gradient]));
    assert_eq!(
        (&both["nodes"][3]["name"], &both["nodes"][3]["rule_of"]),
        (&"mul".into(), &1.into())
    );
}

#[test]
fn a_shared_part_is_one_node_and_a_long_chain_no_recursion() {
    let x = Tensor::from([1.0]).requires_grad();
    let square = x.sqr();
    let graph = Graph::of(&[&(&square + &square), &square]);
    assert_eq!(graph.nodes().len(), 3);
    assert_eq!(graph.nodes()[2].inputs(), [Argument::Node(1), Argument::Node(1)]);
    assert_eq!(graph.outputs(), [2, 1]);
    let chain = || {
        let x = Tensor::from([1.0]).requires_grad();
        let y = (0..100_000).fold(x, |y, _| y + 1.0);
        Graph::of(&[&y]).to_dot().len()
    };
    let small_stack = std::thread::Builder::new().stack_size(256 << 10);
    assert!(small_stack.spawn(chain).unwrap().join().unwrap() > 100_000);
}

#[test]
#[should_panic(expected = "Graph::of: there is no graph behind a tensor of shape [2] that is not tracked")]
fn there_is_no_graph_behind_a_constant() {
    Graph::of(&[&Tensor::zeros([2])]);
}
