//! How far a run is, for a person on stderr: a bar on a terminal, plain lines elsewhere.

use crate::library::Sample;
use crate::quantity::in_words;
use genmodels::Losses;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often plain lines and the bar's numbers change.
pub(crate) const PLAIN_EVERY: Duration = Duration::from_secs(5);
pub(crate) const BAR_EVERY: Duration = Duration::from_millis(100);

/// A bar, plain lines, or nothing.
pub(crate) struct Progress {
    form: Form,
    sample: Sample,
    batch_size: u64,
    epochs: u64,
    steps: u64,
    started: Instant,
    shown: Instant,
    /// Time spent in training steps alone, for the rate.
    training: Duration,
    /// Steps that were done here.
    done: u64,
    /// Steps that were done before.
    before: u64,
}

enum Form {
    Bar(ProgressBar),
    Plain,
    Silent,
}

impl Progress {
    /// For `steps` steps in all, in `epochs` epochs. Under `--json` nothing is shown.
    pub(crate) fn new(json: bool, sample: Sample, batch_size: u64, epochs: u64, steps: u64) -> Self {
        let form = if json {
            Form::Silent
        } else if std::io::stderr().is_terminal() {
            Form::Bar(bar(steps))
        } else {
            Form::Plain
        };
        let now = Instant::now();
        Self {
            form,
            sample,
            batch_size,
            epochs,
            steps,
            started: now,
            shown: now,
            training: Duration::ZERO,
            done: 0,
            before: 0,
        }
    }

    /// The next step is the one after `step`: the run goes on from there.
    pub(crate) fn goes_on_from(&mut self, step: u64) {
        *self = Self {
            started: Instant::now(),
            training: Duration::ZERO,
            done: 0,
            before: step,
            form: std::mem::replace(&mut self.form, Form::Silent),
            ..*self
        };
    }

    /// A step of epoch `epoch` (from 1) is done and took `took`.
    pub(crate) fn step(&mut self, epoch: u64, losses: &Losses, took: Duration) {
        self.done += 1;
        self.training += took;
        let every = match self.form {
            Form::Silent => return,
            Form::Bar(_) => BAR_EVERY,
            Form::Plain => PLAIN_EVERY,
        };
        // The first step shows at once that something moves.
        if self.shown.elapsed() < every && self.done > 1 {
            return;
        }
        self.shown = Instant::now();
        // What matters most comes first: a narrow terminal cuts the end off.
        let tail = format!(
            "{} left  {}  {} {}s/s",
            clock(remaining(self.started.elapsed(), self.done, self.steps - self.before)),
            in_words(losses),
            thousands(self.rate() as u64),
            self.sample,
        );
        match &self.form {
            Form::Bar(bar) => {
                bar.set_position(self.before + self.done);
                bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                bar.set_message(tail);
            }
            _ => self.say(&format!(
                "epoch {epoch}/{}  step {}/{}  {tail}",
                self.epochs,
                self.before + self.done,
                self.steps
            )),
        }
    }

    /// A line that stays, above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.form {
            Form::Bar(bar) => bar.suspend(|| crate::output::tell(line)),
            Form::Plain => crate::output::tell(line),
            Form::Silent => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }

    /// Samples trained on in a second.
    pub(crate) fn rate(&self) -> f64 {
        (self.done * self.batch_size) as f64 / self.training.as_secs_f64().max(1e-9)
    }
}

/// A bar of this length, with words before and behind it.
pub(crate) fn bar(length: u64) -> ProgressBar {
    let colour = if std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) {
        ""
    } else {
        ".cyan/dim"
    };
    let template = format!("{{prefix}} {{bar:14{colour}}} {{wide_msg}}");
    let style = ProgressStyle::with_template(&template)
        .expect("the template is fixed")
        .progress_chars("━━─");
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10)).with_style(style)
}

/// How long the rest takes if it goes on as before.
fn remaining(elapsed: Duration, done: u64, steps: u64) -> Duration {
    elapsed.mul_f64(steps.saturating_sub(done) as f64 / done.max(1) as f64)
}

/// `1:05` or `2:00:09`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `60,000`
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 epoch` or `1,200 steps`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(60_000), "60,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(
            (counted(1, "epoch"), counted(1200, "step")),
            ("1 epoch".into(), "1,200 steps".into())
        );
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(clock(Duration::from_secs(7209)), "2:00:09");
    }

    #[test]
    fn the_rest_is_extrapolated_from_what_is_done() {
        assert_eq!(remaining(Duration::from_secs(10), 25, 100), Duration::from_secs(30));
        assert_eq!(remaining(Duration::from_secs(10), 100, 100), Duration::ZERO);
        assert_eq!(remaining(Duration::ZERO, 0, 100), Duration::ZERO);
    }

    #[test]
    fn the_rate_counts_training_time_only() {
        let mut progress = Progress::new(true, Sample::Image, 128, 1, 10);
        for _ in 0..10 {
            progress.step(1, &Losses::default(), Duration::from_millis(100));
        }
        assert!((progress.rate() - 1280.0).abs() < 1e-6);
    }

    #[test]
    fn the_bar_template_is_valid() {
        assert_eq!(bar(7).length(), Some(7));
    }
}
