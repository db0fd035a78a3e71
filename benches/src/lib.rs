//! Benchmarks live in the files beside `src/`.
