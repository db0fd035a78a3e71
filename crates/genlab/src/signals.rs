//! Ctrl-C and SIGTERM: the first asks the run to save and stop, a later one ends the program at once.

use crate::errors::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
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
        stop.listen().map_err(|e| {
            Failure::input(
                format!("cannot listen for signals: {e}"),
                "run it where signals may be handled",
            )
        })?;
        #[cfg(unix)]
        {
            // A limit on the size of files is then an error of the write, like any other; unhandled, it ends the program without a word.
            let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        }
        Ok(stop)
    }

    /// On a thread of its own: so the end is at once, whatever the others are at.
    #[cfg(unix)]
    fn listen(&self) -> io::Result<()> {
        use std::thread;
        use std::time::{Duration, Instant};

        /// Signals that come together are one wish: `timeout` sends its own to the program and then to all of its group. (They are counted as they are heard, which
        /// may be a little later.)
        const TOGETHER: Duration = Duration::from_millis(500);

        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let asked = Arc::clone(&self.0);
        let listen = move || {
            let mut first = None;
            for _ in signals.forever() {
                asked.store(true, Ordering::Relaxed);
                if first.get_or_insert_with(Instant::now).elapsed() > TOGETHER {
                    signal_hook::low_level::exit(INTERRUPTED.into());
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(listen).map(drop)
    }

    /// Elsewhere two at once are two.
    #[cfg(not(unix))]
    fn listen(&self) -> io::Result<()> {
        use signal_hook::flag;
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down and only raises it.
            flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&self.0))?;
            flag::register(signal, Arc::clone(&self.0))?;
        }
        Ok(())
    }

    /// Whether a signal has come.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
