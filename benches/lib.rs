//! Benchmarks, for `cargo bench -p benches`:
//!
//! - `--bench steps -- --json` times whole training steps and large operations, one JSON line a case
//! - `--bench kernels` times the kernels with criterion
