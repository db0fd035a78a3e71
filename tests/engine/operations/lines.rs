//! Each step of a forward pass says at which line of the user's program it ran, also where an operation is made of others.

use tensor_core::Tensor;
use tensor_core::autograd::observe::{Observer, Step, observe};

/// The steps whose line is in another file than these tests.
#[derive(Default)]
struct Elsewhere(Vec<String>);

impl Observer for Elsewhere {
    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        if step.rule_of().is_none() && !step.location.file().contains("engine/operations") {
            self.0.push(format!("{} at {}", step.name(), step.location));
        }
    }
}

#[test]
fn the_line_of_each_step_is_the_users() {
    let mut found = Vec::new();
    for row in super::table() {
        for inputs in row.inputs() {
            let (_, Elsewhere(steps)) = observe(Elsewhere::default(), || (row.run)(&inputs));
            found.extend(steps.into_iter().map(|step| format!("{}: {step}", row.name)));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
