//! How far a download is, for a person on stderr: a bar on a terminal, plain lines elsewhere.

use crate::progress::{BAR_EVERY, PLAIN_EVERY, bar};
use datasets::fetch::{Event, Try};
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::time::Instant;

/// The file on its way.
struct Current {
    name: String,
    kept: u64,
    total: Option<u64>,
    started: Instant,
    shown: Instant,
}

/// What is shown.
pub(super) struct Shown {
    on_terminal: bool,
    bar: Option<ProgressBar>,
    current: Option<Current>,
}

impl Shown {
    pub(super) fn new() -> Shown {
        Shown {
            on_terminal: std::io::stderr().is_terminal(),
            bar: None,
            current: None,
        }
    }

    /// Shows what happens.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Present { file } => self.say(&format!("{}: here already, verified", file.name)),
            Event::Start { file, url, kept, total } => {
                self.finish();
                let going_on = match kept {
                    0 => String::new(),
                    kept => format!(", going on after {}", amount(*kept)),
                };
                self.say(&format!("{}: from {url}{going_on}", file.name));
                let now = Instant::now();
                self.current = Some(Current {
                    name: file.name.clone(),
                    kept: *kept,
                    total: *total,
                    started: now,
                    shown: now,
                });
                if self.on_terminal {
                    self.bar = Some(
                        bar(total.unwrap_or(0))
                            .with_prefix(file.name.clone())
                            .with_position(*kept),
                    );
                }
            }
            Event::Bytes { done } => self.progress(*done),
            Event::Failed(Try { url, reason }) => {
                self.finish();
                self.say(&format!(
                    "\x1b[1;33mnote:\x1b[0m {url}: {reason}; trying the next mirror"
                ));
            }
            Event::Done { file } => {
                self.finish();
                self.say(&format!("{}: verified", file.name));
            }
            _ => {}
        }
    }

    fn progress(&mut self, done: u64) {
        let Some(current) = &mut self.current else { return };
        let every = if self.bar.is_some() { BAR_EVERY } else { PLAIN_EVERY };
        if current.shown.elapsed() < every {
            return;
        }
        current.shown = Instant::now();
        let rate = (done - current.kept) as f64 / current.started.elapsed().as_secs_f64();
        let so_far = match current.total {
            Some(total) => format!("{} of {}, {}/s", amount(done), amount(total), amount(rate as u64)),
            None => format!("{}, {}/s", amount(done), amount(rate as u64)),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(so_far);
            }
            None => crate::output::tell(&format!("{}: {so_far}", current.name)),
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| crate::output::tell(line)),
            None => crate::output::tell(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.current = None;
    }
}

/// `512 bytes`, `28.9 kB` or `9.9 MB`.
pub(super) fn amount(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_people_read_them() {
        assert_eq!(amount(0), "0 bytes");
        assert_eq!(amount(28_881), "28.9 kB");
        assert_eq!(amount(9_912_422), "9.9 MB");
    }
}
