//! `genlab train`: the loop, and what it leaves behind after each epoch.

use crate::cli::TrainArgs;
use crate::config::leaves;
use crate::errors::Failure;
use crate::events::Event;
use crate::history::History;
use crate::library::{Library, Summary, Workload};
use crate::plan::{Plan, plan};
use crate::progress::{Progress, counted, thousands};
use crate::quantity::in_words;
use crate::report::Shot;
use crate::run_folder::{Facts, RunFolder};
use crate::{cpu, output};
use serde_json::{Map, json};
use std::time::{Duration, Instant};
use toml::Table;

mod keep;

/// Runs the command.
pub(crate) fn train(library: &dyn Library, args: &TrainArgs) -> Result<(), Failure> {
    let plan = plan(library, args)?;
    let threads = args.threads.map_or_else(cpu::threads, usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| {
            Failure::input(
                format!("cannot start {threads} threads: {e}"),
                "ask for fewer with --threads N",
            )
        })?;
    pool.install(|| {
        // The data are open and the model is built before the first file is written.
        let mut workload = library.open(plan.model.name, &plan.config)?;
        Run::begin(plan, workload.as_ref(), threads, args.json)?.finish(workload.as_mut())
    })
}

/// A run under way.
struct Run {
    plan: Plan,
    summary: Summary,
    folder: RunFolder,
    json: bool,
    progress: Progress,
    history: History,
    samples: Vec<Shot>,
    reconstructions: Vec<Shot>,
    /// Epochs and steps that are done, and the steps to do.
    epoch: u64,
    step: u64,
    total: u64,
    started: Instant,
}

impl Run {
    fn begin(plan: Plan, work: &dyn Workload, threads: usize, json: bool) -> Result<Self, Failure> {
        let (summary, per_epoch) = (work.summary(), work.steps_per_epoch());
        let train = &plan.settings.train;
        let total = match train.steps {
            0 => train.epochs.saturating_mul(per_epoch),
            steps => steps,
        };
        let folder = RunFolder::begin(
            plan.out.as_deref(),
            plan.model.name,
            &plan.settings.data.name,
            &crate::config::to_toml(&plan.config),
            &facts(&plan, threads),
        )?;
        let epochs = total.div_ceil(per_epoch);
        let progress = Progress::new(json, summary.sample, summary.batch_size, epochs, total);
        progress.say(&format!(
            "training {} on {}: {}, {} parameters, {} in steps of {}",
            plan.model.name,
            plan.settings.data.name,
            summary.data,
            thousands(summary.parameters),
            if train.steps == 0 {
                counted(train.epochs, "epoch")
            } else {
                counted(total, "step")
            },
            summary.batch_size,
        ));
        progress.say(&format!(
            "seed {}, {}, vectors of {} ({}), run {}",
            train.seed,
            counted(threads as u64, "thread"),
            cpu::BUILD.lanes(),
            cpu::BUILD.name(),
            folder.path().display()
        ));
        Ok(Self {
            plan,
            summary,
            folder,
            json,
            progress,
            history: History::default(),
            samples: Vec::new(),
            reconstructions: Vec::new(),
            epoch: 0,
            step: 0,
            total,
            started: Instant::now(),
        })
    }

    fn finish(mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        let outcome = self.epochs(work);
        self.progress.finish();
        if let Err(mut failure) = outcome {
            let mut status = "failed";
            if failure.is_divergence() {
                status = "diverged";
                failure = failure.hint(slower(&self.plan.config));
            }
            // The first failure is the one to tell; the folder says as much as it still can.
            let _ = self.folder.flush();
            let _ = self.folder.set_status(status);
            let _ = self.report(status);
            return Err(failure);
        }
        self.folder.set_status("done")?;
        self.report("done")?;
        let run = self.folder.path().display().to_string();
        let seconds = self.started.elapsed().as_secs_f64();
        self.emit(&Event::Done {
            epoch: self.epoch,
            step: self.step,
            run: &run,
            seconds,
        })?;
        if !self.json {
            self.farewell(work)?;
            output::line(&run)?;
        }
        Ok(())
    }

    fn epochs(&mut self, work: &mut dyn Workload) -> Result<(), Failure> {
        while self.step < self.total {
            let steps = work.steps_per_epoch().min(self.total - self.step);
            let began = Instant::now();
            for index in 0..steps {
                self.one_step(work, index)?;
            }
            self.epoch += 1;
            self.end_of_epoch(work, began)?;
        }
        Ok(())
    }

    fn one_step(&mut self, work: &mut dyn Workload, index: u64) -> Result<(), Failure> {
        let began = Instant::now();
        let losses = work.step(self.epoch, index)?;
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
            self.history.evals.push((step, *losses));
        }
        self.draw(work)?;
        let every = self.plan.settings.checkpoint.every_epochs;
        if step == self.total || (every > 0 && epoch.is_multiple_of(every)) {
            self.checkpoint(work)?;
        }
        self.folder.time(&json!({
            "v": 1, "event": "epoch", "epoch": epoch, "step": step,
            "training_ms": milliseconds(trained), "all_ms": milliseconds(began.elapsed()),
        }))?;
        self.folder.flush()?;
        self.report("running")?;
        let (split, losses) = tested.as_ref().map_or(("train", &mean), |l| ("test", l));
        self.progress.say(&format!(
            "epoch {epoch}  {split}: {}  ({:.1} s)",
            in_words(losses),
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    fn emit(&mut self, event: &Event<'_>) -> Result<(), Failure> {
        if !self.json && !event.is_metric() {
            return Ok(());
        }
        let line = event.to_line();
        if self.json {
            output::line(&line)?;
        }
        if event.is_metric() {
            self.folder.metric(&line)?;
        }
        Ok(())
    }
}

/// What `run.json` says beside its version and status.
fn facts(plan: &Plan, threads: usize) -> Facts {
    let mut facts = Map::new();
    facts.insert("model".into(), json!(plan.model.name));
    facts.insert("preset".into(), json!(plan.preset));
    facts.insert("data".into(), json!(plan.settings.data.name));
    facts.insert("seed".into(), json!(plan.settings.train.seed));
    facts.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
    facts.insert("cpu".into(), json!(cpu::detect().name));
    facts.insert("lanes".into(), json!(cpu::BUILD.lanes()));
    facts.insert("threads".into(), json!(threads));
    Facts(facts)
}

/// What to try after a divergence: the model's own learning rates, halved.
fn slower(config: &Table) -> String {
    let rates = leaves(config)
        .into_iter()
        .filter(|(key, _)| key.ends_with("learning_rate"));
    let halved: Vec<String> = rates
        .filter_map(|(key, value)| Some(format!(" -s {key}={:e}", value.as_float()? / 2.0)))
        .collect();
    match halved.len() {
        0 | 1 => format!("a smaller learning rate usually helps:{}", halved.concat()),
        _ => format!("smaller learning rates usually help:{}", halved.concat()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
