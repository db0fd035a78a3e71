//! When a checkpoint is due, and how many are kept.

use crate::settings::Settings;

/// The schedule of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    per_epoch: u64,
    total: u64,
    every_epochs: u64,
    every_steps: u64,
    keep: u64,
}

impl Schedule {
    /// That of these settings, with `per_epoch` steps in an epoch.
    pub(crate) fn new(settings: &Settings, per_epoch: u64) -> Schedule {
        Schedule {
            per_epoch,
            total: match settings.train.steps {
                0 => settings.train.epochs.saturating_mul(per_epoch),
                steps => steps,
            },
            every_epochs: settings.checkpoint.every_epochs,
            every_steps: settings.checkpoint.every_steps,
            keep: settings.checkpoint.keep,
        }
    }

    /// The steps of the whole run.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Steps in an epoch.
    pub(crate) fn per_epoch(&self) -> u64 {
        self.per_epoch
    }

    /// Whether there is a checkpoint after this step: of the first state, of the last, and in between as the settings ask.
    pub(crate) fn is_due(&self, step: u64) -> bool {
        step == self.total || self.is_regular(step)
    }

    /// Whether there is one whatever the number of steps in all.
    pub(crate) fn is_regular(&self, step: u64) -> bool {
        let every = |steps: u64| steps > 0 && step.is_multiple_of(steps);
        step == 0 || every(self.every_steps) || every(self.every_epochs.saturating_mul(self.per_epoch))
    }

    /// How many of the last ones are kept.
    pub(crate) fn keep(&self) -> usize {
        usize::try_from(self.keep).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(every_epochs: u64, every_steps: u64, steps: u64) -> Vec<u64> {
        let mut settings = Settings::default();
        settings.train.epochs = 3;
        settings.train.steps = steps;
        settings.checkpoint.every_epochs = every_epochs;
        settings.checkpoint.every_steps = every_steps;
        let schedule = Schedule::new(&settings, 4);
        (0..=schedule.total()).filter(|&step| schedule.is_due(step)).collect()
    }

    #[test]
    fn the_first_the_last_and_what_the_settings_ask_for() {
        assert_eq!(due(1, 0, 0), [0, 4, 8, 12]);
        assert_eq!(due(2, 0, 0), [0, 8, 12]);
        assert_eq!(due(0, 0, 0), [0, 12]);
        assert_eq!(due(0, 5, 0), [0, 5, 10, 12]);
        assert_eq!(due(1, 3, 7), [0, 3, 4, 6, 7]);
    }
}
