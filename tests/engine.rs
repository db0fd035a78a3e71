//! The engine as its users meet it: every operation by one table, errors by their whole message, what a training step computes.

#[path = "engine/determinism.rs"]
mod determinism;
#[path = "engine/errors.rs"]
mod errors;
#[path = "engine/graph.rs"]
mod graph;
#[path = "engine/operations.rs"]
mod operations;
#[path = "engine/steps.rs"]
mod steps;
