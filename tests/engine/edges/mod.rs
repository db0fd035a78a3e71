//! Operations at their limits: infinities, huge numbers, ties, zeros, single elements, nothing at all.

mod functions;
mod lines;
