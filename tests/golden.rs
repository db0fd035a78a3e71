//! Reference values from PyTorch: operations with their first and second derivatives, and whole training runs, step by step.
//!
//! `golden/README.md` has the format. `GOLDEN_DIR` names another folder of the same format.

#[path = "golden/files.rs"]
mod files;
#[path = "golden/ops/mod.rs"]
mod ops;
#[path = "golden/training/mod.rs"]
mod training;
