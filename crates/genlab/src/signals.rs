//! Ctrl-C and SIGTERM: the first asks the run to save and stop, the second ends the program at once.

use crate::errors::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the shell expects of a program that a signal ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Whether the user has asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on.
    pub(crate) fn on_signals() -> Result<Stop, Failure> {
        let stop = Stop::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down and only raises it.
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop.0))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.0)))
                .map_err(|e| {
                    Failure::input(
                        format!("cannot listen for signal {signal}: {e}"),
                        "run it where signals may be handled",
                    )
                })?;
        }
        #[cfg(unix)]
        {
            // A limit on the size of files is then an error of the write, like any other; unhandled, it ends the program without a word.
            let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        }
        Ok(stop)
    }

    /// Whether a signal has come.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
