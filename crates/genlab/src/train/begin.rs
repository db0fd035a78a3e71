//! A run's first moment: its folder, its first checkpoint, its first words.

use super::{Console, Run};
use crate::checkpoint::{self, Order, Schedule, State};
use crate::config::{lasting, sha256_of, to_toml};
use crate::errors::Failure;
use crate::history::History;
use crate::library::{Summary, Workload};
use crate::plan::Plan;
use crate::progress::{Progress, counted, thousands};
use crate::run_folder::{Facts, First, RunFolder};
use crate::{cpu, output};
use serde_json::{Map, json};
use std::time::{Duration, Instant};

impl Run {
    pub(super) fn begin(plan: Plan, work: &dyn Workload, threads: usize, console: Console) -> Result<Run, Failure> {
        let (summary, schedule) = (work.summary(), Schedule::new(&plan.settings, work.steps_per_epoch()));
        let state = first_state(&plan, &summary, work);
        let first = First {
            config: &to_toml(&plan.config),
            facts: &facts(&plan, threads),
            checkpoint: &|folder| checkpoint::write(folder, &state, |inner| work.save(inner)),
        };
        let folder = RunFolder::begin(plan.out.as_deref(), plan.model.name, &plan.settings.data.name, &first)?;
        if let Some(advice) = &summary.advice {
            output::note(advice);
        }
        let run = Run::new(plan, summary, schedule, folder, console, state);
        let train = &run.plan.settings.train;
        run.say_what(
            "training",
            &match train.steps {
                0 => counted(train.epochs, "epoch"),
                steps => counted(steps, "step"),
            },
        );
        run.say_how(threads);
        Ok(run)
    }

    /// The run at a state that its folder has a checkpoint of.
    pub(super) fn new(
        plan: Plan,
        summary: Summary,
        schedule: Schedule,
        folder: RunFolder,
        console: Console,
        state: State,
    ) -> Run {
        let epochs = schedule.total().div_ceil(schedule.per_epoch());
        let mut run = Run {
            progress: Progress::new(
                console.json,
                summary.sample,
                summary.batch_size,
                epochs,
                schedule.total(),
            ),
            plan,
            summary,
            schedule,
            folder,
            console,
            history: History::default(),
            best: None,
            epoch: 0,
            step: 0,
            retries: 0,
            last: state,
            started: Instant::now(),
            earlier: Duration::ZERO,
        };
        run.take_over_last();
        run
    }

    /// Everything that the loop counts and collects, as it was at the last checkpoint.
    pub(super) fn take_over_last(&mut self) {
        let state = &self.last;
        (self.epoch, self.step) = (state.epoch, state.step);
        (self.history, self.best) = (state.history.clone(), state.best.clone());
        self.retries = self.retries.max(state.retries);
        self.progress.goes_on_from(state.step);
    }

    pub(super) fn say_what(&self, doing: &str, how_long: &str) {
        self.progress.say(&format!(
            "{doing} {} on {}: {}, {} parameters, {how_long} in steps of {}",
            self.plan.model.name,
            self.plan.settings.data.name,
            self.summary.data,
            thousands(self.summary.parameters),
            self.summary.batch_size,
        ));
    }

    pub(super) fn say_how(&self, threads: usize) {
        self.progress.say(&format!(
            "seed {}, {}, about {} MiB of memory, vectors of {} ({}), run {}",
            self.plan.settings.train.seed,
            counted(threads as u64, "thread"),
            thousands(self.summary.memory.div_ceil(1 << 20)),
            cpu::BUILD.lanes(),
            cpu::BUILD.name(),
            self.folder.path().display()
        ));
    }
}

/// What `run.json` says beside its version and status.
pub(super) fn facts(plan: &Plan, threads: usize) -> Facts {
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

fn first_state(plan: &Plan, summary: &Summary, work: &dyn Workload) -> State {
    State {
        v: State::VERSION,
        program: env!("CARGO_PKG_VERSION").into(),
        lanes: cpu::BUILD.lanes() as u64,
        model: plan.model.name.into(),
        shape: summary.shape.clone(),
        step: 0,
        epoch: 0,
        seed: plan.settings.train.seed,
        streams: State::streams_at(0, 0),
        order: Order { epoch: 0, batch: 0 },
        retries: 0,
        metrics_bytes: 0,
        best: None,
        history: History::default(),
        data_sha256: work.fingerprint(),
        config_sha256: sha256_of(&lasting(&plan.config)),
        config: lasting(&plan.config),
    }
}
