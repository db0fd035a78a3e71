//! Tests live in the files beside `src/`.
