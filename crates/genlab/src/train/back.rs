//! After a divergence: where it began, and the way back.

use super::Run;
use crate::errors::Failure;
use crate::events::Event;
use crate::library::Workload;

impl Run {
    /// The failure with the operation that it began with, found by repeating the steps since the last checkpoint.
    pub(super) fn diagnosed(&mut self, work: &mut dyn Workload, failure: Failure) -> Failure {
        let Some(diverged) = failure.diverged_at() else {
            return failure;
        };
        let loaded = self.last.step;
        self.progress.say(&format!(
            "diverged at step {diverged}; repeating the steps after {loaded} to find the operation"
        ));
        let found = work
            .load(&self.last_folder(), loaded, self.retries)
            .and_then(|()| work.diagnose(loaded, diverged, &self.console.stop));
        match found {
            Ok(Some(diagnosis)) => failure.diagnosed(diagnosis),
            // The divergence itself is what the user has to know.
            Ok(None) | Err(_) => failure,
        }
    }

    /// Goes back to the last checkpoint, with half the learning rate.
    pub(super) fn go_back(&mut self, work: &mut dyn Workload, failure: &Failure) -> Result<(), Failure> {
        self.retries += 1;
        work.load(&self.last_folder(), self.last.step, self.retries)?;
        self.folder.cut_back(self.last.step, self.last.metrics_bytes)?;
        self.take_over_last();
        let (step, factor) = (self.step, 0.5f64.powi(self.retries as i32));
        self.emit(&Event::Retry {
            step,
            diverged_at: failure.diverged_at().unwrap_or(step),
            factor,
        })?;
        self.progress.say(&format!(
            "{}\nback at step {step} with {factor} times the learning rate, try {} of {}",
            failure.message(),
            self.retries,
            self.plan.settings.train.on_divergence.retries()
        ));
        Ok(())
    }
}
