//! What threads share, and how they wait for each other.

pub(super) use std::sync::atomic::{AtomicPtr, AtomicUsize};

/// How often a thread looks again while it holds its core: 60 µs, at 30 ns a time.
const SPINS: u32 = 1 << 11;
/// How often it looks after that, each time when others who want the core have had it: 0.5 ms, at 0.5 µs a time, if nobody does.
const YIELDS: u32 = 1 << 10;

/// Waiting without sleep: an answer comes at once, and where there are more threads than cores, nobody is kept from working for long.
///
/// Its bound is a number of rounds, for the engine reads no clock.
#[derive(Default)]
pub(super) struct Patience {
    rounds: u32,
}

impl Patience {
    /// Waits a moment. False when it has been long enough for one who need not wait.
    pub(super) fn wait(&mut self) -> bool {
        if self.rounds < SPINS {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
        self.rounds = self.rounds.saturating_add(1);
        self.rounds < SPINS + YIELDS
    }
}
