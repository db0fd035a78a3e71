//! What is recorded is freed. The pool's figures are those of the process, so this looks at them in a process of its own.

use super::table;
use std::process::Command;
use tensor_core::Tensor;
use tensor_core::storage::pool::stats;

const IN_A_PROCESS_OF_ITS_OWN: &str = "GENMODELS_TEST_OF_LEAKS";

#[test]
fn no_graph_of_a_second_derivative_outlives_its_handles() {
    if std::env::var_os(IN_A_PROCESS_OF_ITS_OWN).is_some() {
        return look_at_every_operation();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "operations::leaks::no_graph_of_a_second_derivative_outlives_its_handles",
        ])
        .env(IN_A_PROCESS_OF_ITS_OWN, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn look_at_every_operation() {
    for row in table() {
        for inputs in row.inputs_with_elements() {
            let before = stats().live_bytes;
            if row.has_gradient {
                second_derivative(&row.run, &inputs);
                let after = stats().live_bytes;
                assert_eq!(after, before, "{}: bytes after the graph was dropped", row.name);
            }
            let output = (row.run)(&tracked(&inputs));
            let counted = stats().live_bytes > before;
            assert_eq!(
                counted, !row.is_view,
                "{}: whether the output has bytes of its own",
                row.name
            );
            drop(output); // without any backward pass
            assert_eq!(stats().live_bytes, before, "{}: bytes after an unused output", row.name);
        }
    }
}

fn tracked(inputs: &[Tensor]) -> Vec<Tensor> {
    inputs.iter().map(Tensor::requires_grad).collect()
}

/// Builds the graph of the gradient of a gradient, with every handle alive until the end.
fn second_derivative(run: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor]) {
    let inputs = tracked(inputs);
    let targets: Vec<&Tensor> = inputs.iter().collect();
    let output = run(&inputs);
    let first = output.sqr().sum(..).grad_graph(&targets);
    let slope = first.iter().map(|gradient| gradient.sqr().sum(..)).reduce(|a, b| a + b);
    let slope = slope.expect("an operation has an input");
    let second = slope.grad_or_zeros(&targets);
    assert_eq!(second.len(), inputs.len());
    drop((output, first, slope));
}
