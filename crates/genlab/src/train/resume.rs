//! `genlab resume`: goes on with a run as if it had never stopped.

use super::begin::facts;
use super::{Console, Run};
use crate::checkpoint::{self, Checkpoint, Schedule, State};
use crate::cli::ResumeArgs;
use crate::config::to_toml;
use crate::errors::Failure;
use crate::library::{Library, Workload};
use crate::plan::{self, Plan};
use crate::pool::in_pool;
use crate::progress::{counted, thousands};
use crate::run_folder::RunFolder;
use crate::signals::Stop;
use crate::{cpu, output};
use std::fs;
use std::path::Path;

/// What to do where the training set is another one.
const OTHER_DATA: &str = "put the files back that it began with, name their place with --data, or begin a new run";

/// Runs the command.
pub(crate) fn resume(library: &dyn Library, args: &ResumeArgs) -> Result<(), Failure> {
    // From here on nobody else writes to the run.
    let folder = RunFolder::again(&args.run)?;
    let (checkpoint, passed_over) = checkpoint::newest(&args.run, |found| can_go_on(&args.run, found))?;
    passed_over.iter().for_each(|line| output::note(line));
    let state = *checkpoint.state.expect("one without was passed over");
    let plan = plan::again(library, &args.run, &folder, &state, args)?;
    tell_other_build(&state);
    let stop = Stop::on_signals()?;
    in_pool(args.threads, |threads| {
        let mut workload = library.open(plan.model.name, &plan.config)?;
        let console = Console { json: args.json, stop };
        let resumed = Run::resume(plan, workload.as_mut(), threads, console, folder, state)?;
        resumed.finish(workload.as_mut())
    })
}

impl Run {
    fn resume(
        plan: Plan,
        work: &mut dyn Workload,
        threads: usize,
        console: Console,
        mut folder: RunFolder,
        state: State,
    ) -> Result<Run, Failure> {
        let (summary, schedule) = (work.summary(), Schedule::new(&plan.settings, work.steps_per_epoch()));
        check_steps(&state, &schedule)?;
        if work.fingerprint() != state.data_sha256 || summary.shape != state.shape {
            return Err(Failure::input(
                format!(
                    "{} is not the data that the run was trained on so far",
                    plan.settings.data.name
                ),
                OTHER_DATA,
            ));
        }
        let path = checkpoint::folder_of(folder.path(), state.step);
        work.load(&path, state.step, state.retries)?;
        // Nothing was written until here, and nothing is refused from here on.
        folder.set_facts(facts(&plan, threads));
        folder.set_config(&to_toml(&plan.config))?;
        folder.set_status("running")?;
        let earlier = folder.cut_back(state.step, state.metrics_bytes)?;
        let mut run = Run::new(plan, summary, schedule, folder, console, state);
        run.earlier = earlier;
        let (done, total) = (thousands(run.step), counted(run.schedule.total(), "step"));
        run.say_what("going on with", &format!("{done} of {total} done,"));
        run.say_how(threads);
        if run.step == run.schedule.total() {
            run.progress.say("no step is left to do; --epochs N asks for more");
        }
        Ok(run)
    }
}

/// Whether a run can go on from a checkpoint that is sound.
fn can_go_on(run: &Path, found: &Checkpoint) -> Result<(), String> {
    let Some(state) = &found.state else {
        return Err("its format 1 can be sampled and evaluated, but lacks what it takes to go on".into());
    };
    let metrics = fs::metadata(run.join("metrics.jsonl")).map_or(0, |metadata| metadata.len());
    if metrics < state.metrics_bytes {
        return Err(format!(
            "metrics.jsonl has {metrics} bytes, and had {} when it was written",
            state.metrics_bytes
        ));
    }
    Ok(())
}

/// Refuses a number of steps that the run has left behind.
fn check_steps(state: &State, schedule: &Schedule) -> Result<(), Failure> {
    let (done, total, per_epoch) = (state.step, schedule.total(), schedule.per_epoch());
    let place = (state.epoch, done - state.epoch.saturating_mul(per_epoch).min(done));
    if (state.order.epoch, state.order.batch) != place || done / per_epoch != state.epoch {
        return Err(Failure::input(
            format!(
                "step {done} is not in epoch {} of {per_epoch} steps: the training set is another one",
                state.epoch
            ),
            OTHER_DATA,
        ));
    }
    if total < done {
        return Err(Failure::input(
            format!("the run has made {}, and {total} are asked for", counted(done, "step")),
            format!(
                "ask for {} or more with --epochs",
                counted(done.div_ceil(per_epoch), "epoch")
            ),
        ));
    }
    Ok(())
}

fn tell_other_build(state: &State) {
    let (program, lanes) = (env!("CARGO_PKG_VERSION"), cpu::BUILD.lanes() as u64);
    if (state.program.as_str(), state.lanes) != (program, lanes) {
        output::note(&format!(
            "the checkpoint is of version {} with vectors of {}, and this is version {program} with vectors of {lanes}: \
             the last bits of what follows may not be those of a run that was never interrupted",
            state.program, state.lanes
        ));
    }
}
