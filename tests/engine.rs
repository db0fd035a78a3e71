//! The engine as its users meet it: every operation by one table, errors by their whole message, what a training step computes.

#[path = "engine/book.rs"]
mod book;
#[path = "engine/chains.rs"]
mod chains;
#[path = "engine/determinism.rs"]
mod determinism;
#[path = "engine/edges/mod.rs"]
mod edges;
#[path = "engine/errors/mod.rs"]
mod errors;
#[path = "engine/graph.rs"]
mod graph;
#[path = "engine/hook.rs"]
mod hook;
#[path = "engine/modules.rs"]
mod modules;
#[path = "engine/operations/mod.rs"]
mod operations;
#[path = "engine/own_operation.rs"]
mod own_operation;
#[path = "engine/steps.rs"]
mod steps;
