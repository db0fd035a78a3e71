//! Benchmarks, for `cargo bench -p benches`:
//!
//! - `--bench steps -- --json` times whole training steps and large operations, one JSON line a case; `benches/compare` runs it in turn with PyTorch and JAX
//! - `--bench kernels` and `--bench operations` time the parts, with criterion
//!
//! This library holds the training steps of models that are not in `genmodels`, as a user would write them. Each has `step`, which is
//! all that is timed: draws, forward, loss, backward, optimiser. Their tests show that what is timed trains.

#[path = "steps/dcgan.rs"]
pub mod dcgan;
#[path = "steps/iwae.rs"]
pub mod iwae;
#[path = "steps/lstm.rs"]
pub mod lstm;
#[path = "steps/mlp.rs"]
mod mlp;
#[cfg(test)]
#[path = "steps/testing.rs"]
mod testing;
#[path = "steps/wgan_gp.rs"]
pub mod wgan_gp;
