//! What the book prints is what the program prints.

use nn::{Context, Layer, Linear, Sequential, Tanh, module};
use tensor_core::autograd::observe::{Recorder, observe};
use tensor_core::{Random, Tensor};

const WATCHING: &str = include_str!("../../docs/src/watching.md");

/// The program of the chapter, on lines with two digits as there.
fn recorded() -> String {
    let mut init = Random::new(1);
    let network = Sequential::new()
        .with(Linear::new(2, 2, &mut init))
        .with(Tanh)
        .with(Linear::new(2, 1, &mut init));
    module::name(&network);
    let x = Tensor::from([[1.0, -2.0], [0.5, 3.0]]);
    let (_, recorder) = observe(Recorder::default(), || {
        let y = network.forward(&x, &mut Context::training(&Random::new(0)));
        let loss = (y - 0.5).sqr().sum(..);
        loss.value_and_grad(module::params(&network))
    });
    recorder.to_string()
}

/// Without the numbers of lines, and with one name for the user's file: those differ between the book and this test.
fn without_lines(text: &str) -> String {
    let mut left = text.replace("book.rs", "main.rs");
    while let Some(at) = left.find(".rs:") {
        let number = left[at + 4..].chars().take_while(char::is_ascii_digit).count();
        left.replace_range(at + 3..at + 4 + number, "");
    }
    left.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_chapter_on_watching_shows_what_the_recorder_writes() {
    let block = WATCHING
        .split("```text\nForward\n")
        .nth(1)
        .expect("the chapter shows a record");
    let shown = format!("Forward\n{}", block.split("```").next().unwrap());
    let printed = recorded();
    assert!(
        without_lines(&printed) == without_lines(&shown),
        "docs/src/watching.md shows something else; the program prints:
{printed}"
    );
}
