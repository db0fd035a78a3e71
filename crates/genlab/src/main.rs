//! genlab
fn main() {}
