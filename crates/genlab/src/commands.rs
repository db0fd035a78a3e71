//! The short commands: `sample`, `eval`, `list`, `data`.

use crate::cli::{DataCommand, EvalArgs, SampleArgs};
use crate::config::{Layers, leaves, resolve, shown, with_program_defaults};
use crate::errors::Failure;
use crate::events::Event;
use crate::files::write_whole;
use crate::library::Library;
use crate::pictures::{self, Pictures};
use crate::run_folder::PastRun;
use crate::{fetch, output, plan, run_folder, terminal};
use std::path::Path;
use toml::Value;

/// `genlab sample`: draws samples from the last checkpoint of a run.
pub(crate) fn sample(library: &dyn Library, args: &SampleArgs) -> Result<(), Failure> {
    let (run, (samples, real)) = look(&args.run, |run| library.draw(run, args.seed, args.n as usize))?;
    if let (Pictures::Points(_), None) = (&samples, &real) {
        output::note("the points that the run was trained on are not here, so none are behind its samples");
    }
    write_whole(&args.output, &pictures::to_png(&samples, real.as_ref()))?;
    let file = args.output.display().to_string();
    if args.json {
        let event = Event::Sample {
            epoch: run.checkpoint.epoch,
            step: run.checkpoint.step,
            file: &file,
        };
        return output::line(&event.to_line());
    }
    if let (Some(depth), Pictures::Images(images)) = (terminal::depth(), &samples) {
        output::tell(terminal::render(images, terminal::width(), depth).trim_end_matches('\n'));
    }
    output::line(&file)
}

/// `genlab eval`: the losses of the last checkpoint over the test split.
pub(crate) fn eval(library: &dyn Library, args: &EvalArgs) -> Result<(), Failure> {
    let (run, losses) = look(&args.run, |run| {
        let model = plan::model(library, &run.model)?;
        if let Some(data) = &args.data
            && let Some(table) = run.config.get_mut("data").and_then(Value::as_table_mut)
        {
            table.insert("name".into(), Value::String(data.clone()));
        } else {
            plan::data_is_here(&run.config)?;
        }
        library.evaluate(run)?.ok_or_else(|| {
            Failure::input(
                format!("{} has nothing to evaluate", model.name),
                format!("look at its samples: genlab sample {}", args.run.display()),
            )
        })
    })?;
    if args.json {
        let event = Event::Eval {
            epoch: run.checkpoint.epoch,
            step: run.checkpoint.step,
            losses: &losses,
        };
        output::line(&event.to_line())?;
    } else {
        for (name, value) in losses.iter() {
            output::line(&format!("{name} {value:.4}"))?;
        }
    }
    Ok(())
}

/// How often a run that is under way may remove the checkpoint that is being read.
const LOOKS: usize = 100;

/// Opens a run and looks at its newest checkpoint; at a newer one if the run, which is under way, has removed that meanwhile.
fn look<T>(path: &Path, mut at: impl FnMut(&mut PastRun) -> Result<T, Failure>) -> Result<(PastRun, T), Failure> {
    let mut looks = 0;
    loop {
        let mut run = run_folder::open(path)?;
        let seen = at(&mut run);
        looks += 1;
        if seen.is_err() && !run.checkpoint.path.exists() && looks < LOOKS {
            continue;
        }
        tell_state(&run);
        return seen.map(|seen| (run, seen));
    }
}

/// A line on stderr for each checkpoint that was passed over, and one where a run has not come to its end.
fn tell_state(run: &PastRun) {
    run.passed_over.iter().for_each(|line| output::note(line));
    if let Some(line) = run.unfinished() {
        output::note(&line);
    }
}

/// `genlab list`: models, presets, settings.
pub(crate) fn list(library: &dyn Library) -> Result<(), Failure> {
    for model in library.models() {
        output::line(&format!(
            "{}\n  {}\n\n  presets (--preset NAME)",
            model.name, model.about
        ))?;
        let width = model.presets.iter().map(|p| p.name.len()).max().unwrap_or(0);
        for preset in &model.presets {
            output::line(&format!("    {:width$}  {}", preset.name, preset.about))?;
        }
        output::line("\n  settings and their defaults (-s KEY=VALUE)")?;
        // What `train MODEL` uses when nothing else is said: the preset `default` is part of it.
        let preset = model.presets.iter().find(|preset| preset.name == "default");
        let layers = Layers {
            preset: preset.map(|preset| (preset.name, preset.settings.clone())),
            file: None,
            set: &[],
            flags: Vec::new(),
        };
        let settings = resolve(&with_program_defaults(model.defaults.clone()), layers)?;
        for (key, value) in leaves(&settings) {
            output::line(&format!("    {key} = {}", shown(value)))?;
        }
        output::line("")?;
    }
    Ok(())
}

/// `genlab data`: the data sets, what one of them holds, or one that is on its way.
pub(crate) fn data(library: &dyn Library, command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::List => {
            let sets = library.data_sets().into_iter();
            let sets: Vec<_> = sets.map(|set| (set.name.into(), set.about.into())).collect();
            print_table(&sets)?;
            let remote = fetch::sets();
            if !remote.is_empty() {
                output::line("\n`genlab data fetch NAME` downloads")?;
                print_table(&remote)?;
            }
            Ok(())
        }
        DataCommand::Info { data } => print_table(&library.data_info(data)?),
        DataCommand::Fetch(args) => fetch::fetch(args),
    }
}

/// Two aligned columns.
pub(crate) fn print_table(lines: &[(String, String)]) -> Result<(), Failure> {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in lines {
        output::line(&format!("{name:width$}  {value}"))?;
    }
    Ok(())
}
