//! `genlab train` and `genlab resume`: the loop, and what it leaves behind after each epoch.

use crate::checkpoint::{Best, Schedule, State};
use crate::cli::TrainArgs;
use crate::config::leaves;
use crate::errors::Failure;
use crate::events::Event;
use crate::history::History;
use crate::library::{Library, Summary, Workload};
use crate::output;
use crate::plan::{Plan, plan};
use crate::pool::in_pool;
use crate::progress::Progress;
use crate::quantity::in_words;
use crate::run_folder::RunFolder;
use crate::signals::Stop;
use genmodels::Losses;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use toml::Table;

mod back;
mod begin;
mod keep;
mod resume;

pub(crate) use resume::resume;

/// Runs the command.
pub(crate) fn train(library: &dyn Library, args: &TrainArgs) -> Result<(), Failure> {
    let plan = plan(library, args)?;
    let stop = Stop::on_signals()?;
    in_pool(args.threads, |threads| {
        // The data are open and the model is built before the first file is written.
        let mut workload = library.open(plan.model.name, &plan.config)?;
        let console = Console { json: args.json, stop };
        Run::begin(plan, workload.as_ref(), threads, console)?.finish(workload.as_mut())
    })
}

/// How the run and its user talk.
struct Console {
    /// One JSON object a line on stdout.
    json: bool,
    /// Whether the user wants it to stop.
    stop: Stop,
}

/// A run under way.
struct Run {
    plan: Plan,
    summary: Summary,
    schedule: Schedule,
    folder: RunFolder,
    console: Console,
    progress: Progress,
    history: History,
    best: Option<Best>,
    /// Epochs and steps that are done.
    epoch: u64,
    step: u64,
    /// How many times the run went back after a divergence.
    retries: u32,
    /// The last checkpoint, to go back to.
    last: State,
    started: Instant,
    /// The time that the run took before that.
    earlier: Duration,
}

impl Run {
    fn finish(mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        let outcome = self.all_steps(work);
        self.progress.finish();
        if let Err(mut failure) = outcome {
            let status = match () {
                () if failure.is_divergence() => "diverged",
                () if failure.is_interruption() => "interrupted",
                () => "failed",
            };
            if failure.is_divergence() {
                failure = failure.hint(slower(&self.plan.config, self.retries, self.folder.path()));
            }
            // The first failure is the one to tell; the folder says as much as it still can.
            let _ = self.folder.flush();
            let _ = self.folder.set_status(status);
            let _ = self.report(status, Some(&failure));
            return Err(failure);
        }
        self.folder.set_status("done")?;
        self.report("done", None)?;
        let run = self.folder.path().display().to_string();
        self.emit(&Event::Done {
            epoch: self.epoch,
            step: self.step,
            run: &run,
            seconds: self.time().as_secs_f64(),
        })?;
        if !self.console.json {
            self.farewell(work)?;
            output::line(&run)?;
        }
        Ok(())
    }

    /// All steps, also where the run has to go back for some of them.
    fn all_steps(&mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        loop {
            let failure = match self.steps(work) {
                Err(failure) if failure.is_divergence() => self.diagnosed(work, failure),
                outcome => return outcome,
            };
            if self.retries >= self.plan.settings.train.on_divergence.retries() {
                return Err(failure);
            }
            self.go_back(work, &failure)?;
        }
    }

    fn steps(&mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        let mut began = Instant::now();
        while self.step < self.schedule.total() {
            self.one_step(work)?;
            if self.step.is_multiple_of(self.schedule.per_epoch()) {
                self.end_of_epoch(work, began)?;
                began = Instant::now();
            }
            let stop = self.console.stop.is_asked_for();
            if stop || self.schedule.is_due(self.step) {
                self.checkpoint(work)?;
            }
            if stop {
                return Err(Failure::interrupted(self.step, self.folder.path()));
            }
        }
        // What is shown of an epoch that the number of steps cuts short comes after the last checkpoint: with more steps, the run would not stop here.
        if !self.step.is_multiple_of(self.schedule.per_epoch()) {
            self.end_of_epoch(work, began)?;
        }
        Ok(())
    }

    fn one_step(&mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        let began = Instant::now();
        let per_epoch = self.schedule.per_epoch();
        let losses = work.step(self.step / per_epoch, self.step % per_epoch)?;
        let took = began.elapsed();
        self.step += 1;
        let (epoch, step) = (self.epoch + 1, self.step);
        self.emit(&Event::Step {
            epoch,
            step,
            losses: &losses,
        })?;
        self.folder
            .time(&json!({"v": 1, "event": "step", "step": step, "ms": milliseconds(took)}))?;
        self.progress.step(epoch, &losses, took);
        self.history.add(step, losses);
        Ok(())
    }

    fn end_of_epoch(&mut self, work: &mut dyn Workload, began: Instant) -> Result<(), Failure> {
        self.epoch += 1;
        let (epoch, step, trained) = (self.epoch, self.step, began.elapsed());
        let mean = self.history.end_epoch();
        self.emit(&Event::Epoch {
            epoch,
            step,
            losses: &mean,
        })?;
        let tested = work.evaluate()?;
        if let Some(losses) = &tested {
            if let Some((name, value)) = losses.not_finite() {
                return Err(Failure::diverged(step, name, value));
            }
            self.emit(&Event::Eval { epoch, step, losses })?;
            self.history.add_eval(step, *losses);
            self.judge(losses);
        }
        self.draw(work)?;
        self.folder.time(&json!({
            "v": 1, "event": "epoch", "epoch": epoch, "step": step,
            "training_ms": milliseconds(trained), "all_ms": milliseconds(began.elapsed()),
        }))?;
        self.folder.flush()?;
        self.report("running", None)?;
        let (split, losses) = tested.as_ref().map_or(("train", &mean), |l| ("test", l));
        self.progress.say(&format!(
            "epoch {epoch}  {split}: {}  ({:.1} s)",
            in_words(losses),
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    /// Remembers the best of the states that have a checkpoint, however many steps the run is to have.
    fn judge(&mut self, losses: &Losses) {
        let regular = self.schedule.is_regular(self.step);
        let Some(name) = self.summary.judged_by.filter(|_| regular) else {
            return;
        };
        let value = losses.get(name);
        if let Some(value) = value.filter(|value| self.best.as_ref().is_none_or(|best| *value > best.value)) {
            self.best = Some(Best {
                step: self.step,
                name: name.into(),
                value,
            });
        }
    }

    /// How long the run has taken so far, what came before an interruption included.
    fn time(&self) -> Duration {
        self.earlier + self.started.elapsed()
    }

    fn emit(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if !self.console.json && !event.is_metric() {
            return Ok(());
        }
        let line = event.to_line();
        if self.console.json {
            output::line(&line)?;
        }
        if event.is_metric() {
            self.folder.metric(&line)?;
        }
        Ok(())
    }
}

/// What to try after a divergence: half of the learning rates that were tried last, or more tries.
fn slower(config: &Table, retries: u32, run: &Path) -> String {
    let factor = 0.5f64.powi(retries as i32 + 1);
    let rates = leaves(config)
        .into_iter()
        .filter(|(key, _)| key.ends_with("learning_rate"));
    let halved: Vec<String> = rates
        .filter_map(|(key, value)| Some(format!(" -s {key}={:e}", value.as_float()? * factor)))
        .collect();
    let (run, more) = (run.display(), retries + 3);
    let or = format!("; `genlab resume {run} --on-divergence retry:{more}` goes back and halves by itself");
    match halved.len() {
        0 | 1 => format!("a smaller learning rate usually helps:{}{or}", halved.concat()),
        _ => format!("smaller learning rates usually help:{}{or}", halved.concat()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
