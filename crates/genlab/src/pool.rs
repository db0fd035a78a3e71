//! The threads that a command computes with.

use crate::cpu;
use crate::errors::Failure;

/// Runs `f` with so many threads, by default one for each core. It is told how many.
pub(crate) fn in_pool(
    threads: Option<u16>,
    f: impl FnOnce(usize) -> Result<(), Failure> + Send,
) -> Result<(), Failure> {
    let threads = threads.map_or_else(cpu::threads, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|e| {
        Failure::input(
            format!("cannot start {threads} threads: {e}"),
            "ask for fewer with --threads N",
        )
    })?;
    pool.install(|| f(threads))
}
