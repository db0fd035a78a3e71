//! From the command line to everything that a run needs to know, before anything is made.

use crate::checkpoint::State;
use crate::cli::{ResumeArgs, TrainArgs};
use crate::config::{self, Layers, Settings};
use crate::errors::Failure;
use crate::library::{Library, ModelCard};
use crate::run_folder::RunFolder;
use datasets::{Spec, nearest};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A run that is possible as far as the command line and the files on it tell.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The model.
    pub(crate) model: ModelCard,
    /// The preset's name.
    pub(crate) preset: String,
    /// Every setting.
    pub(crate) config: Table,
    /// The program's part of it.
    pub(crate) settings: Settings,
    /// Where the run is to go, if the user said.
    pub(crate) out: Option<PathBuf>,
}

/// Finds the model and its preset, resolves the settings, looks at the folder. Writes nothing.
pub(crate) fn plan(library: &dyn Library, args: &TrainArgs) -> Result<Plan, Failure> {
    let model = model(library, &args.model)?;
    let name = args.preset.as_deref().unwrap_or("default");
    let preset = model.presets.iter().find(|p| p.name == name).ok_or_else(|| {
        let known = model.presets.iter().map(|p| p.name);
        unknown(&format!("{} has no preset", model.name), name, known)
    })?;
    let number = |n: u64| Value::Integer(n as i64);
    let mut flags = Vec::new();
    if let Some(data) = &args.data {
        flags.push(("--data", "data.name", Value::String(data.clone())));
    }
    if let Some(epochs) = args.epochs {
        flags.push(("--epochs", "train.epochs", number(epochs.into())));
    }
    if let Some(steps) = args.steps {
        flags.push(("--steps", "train.steps", number(steps.into())));
    }
    if let Some(seed) = args.seed {
        flags.push(("--seed", "train.seed", number(seed)));
    }
    if let Some(choice) = &args.on_divergence {
        flags.push(("--on-divergence", "train.on_divergence", Value::String(choice.clone())));
    }
    let layers = Layers {
        preset: Some((preset.name, preset.settings.clone())),
        file: args.config.as_deref(),
        set: &args.set,
        flags,
    };
    let defaults = config::with_program_defaults(model.defaults.clone());
    let config = config::resolve(&defaults, layers)?;
    let settings = config::settings(&config)?;
    // Chosen again when it is made; asked for now, so that a folder in use is told at once.
    crate::run_folder::choose(args.out.as_deref(), model.name, &settings.data.name)?;
    Ok(Plan {
        preset: preset.name.into(),
        model,
        config,
        settings,
        out: args.out.clone(),
    })
}

/// The plan of a run that goes on from `state`: its own configuration, which must not have changed but for the number of epochs or steps and where the data are.
pub(crate) fn again(
    library: &dyn Library,
    run: &Path,
    folder: &RunFolder,
    state: &State,
    args: &ResumeArgs,
) -> Result<Plan, Failure> {
    let model = model(library, &state.model)?;
    let file = run.join("config.toml");
    let mut flags = Vec::new();
    if let Some(data) = &args.data {
        flags.push(("--data", "data.name", Value::String(data.clone())));
    }
    if let Some(epochs) = args.epochs {
        flags.push(("--epochs", "train.epochs", Value::Integer(epochs.into())));
    }
    if let Some(steps) = args.steps {
        flags.push(("--steps", "train.steps", Value::Integer(steps.into())));
    }
    if let Some(choice) = &args.on_divergence {
        flags.push(("--on-divergence", "train.on_divergence", Value::String(choice.clone())));
    }
    let layers = Layers {
        file: Some(&file),
        flags,
        ..Layers::default()
    };
    let config = config::resolve(&config::with_program_defaults(model.defaults.clone()), layers)?;
    // (State files of earlier builds had all settings.)
    let changed = changes(&config::lasting(&state.config), &config::lasting(&config));
    if !changed.is_empty() {
        return Err(Failure::input(
            format!(
                "{} is not what the run began with: {}",
                file.display(),
                changed.join(", ")
            ),
            "put it back, or begin a new run with `genlab train MODEL -c FILE.toml`; only --data, --epochs, --steps and --on-divergence may change",
        ));
    }
    if args.data.is_none() {
        data_is_here(&config)?;
    }
    Ok(Plan {
        preset: folder.facts().text("preset").unwrap_or("default").into(),
        settings: config::settings(&config)?,
        model,
        config,
        out: None,
    })
}

/// Refuses a run whose data lie in a place that cannot be seen from here, since the run was started elsewhere or they have moved.
pub(crate) fn data_is_here(config: &Table) -> Result<(), Failure> {
    let spec = config::get(config, "data.name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // A name that is not known is told when the set is opened.
    let Ok(Spec {
        entry,
        path: Some(path),
    }) = Spec::parse(spec)
    else {
        return Ok(());
    };
    if path.exists() {
        return Ok(());
    }
    let is_file = entry.usage.ends_with(":FILE");
    let what = if is_file { "file" } else { "folder" };
    Err(Failure::input(
        format!(
            "the run was trained on {spec}, and there is no {what} {} here",
            path.display()
        ),
        format!("say where the data are with --data {}", entry.usage),
    ))
}

/// Each setting that differs.
fn changes(was: &Table, is: &Table) -> Vec<String> {
    let (was, is) = (config::leaves(was), config::leaves(is));
    let value = |of: &[(String, &Value)], key: &str| {
        let found = of.iter().find(|(known, _)| known == key);
        found.map_or("not set".to_owned(), |(_, value)| config::shown(value))
    };
    let mut keys: Vec<&String> = was.iter().chain(&is).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let pairs = keys.into_iter().map(|key| (key, value(&was, key), value(&is, key)));
    pairs
        .filter(|(_, was, is)| was != is)
        .map(|(key, was, is)| format!("{key} is {is}, and was {was}"))
        .collect()
}

/// A model by its name.
pub(crate) fn model(library: &dyn Library, name: &str) -> Result<ModelCard, Failure> {
    let mut models = library.models();
    match models.iter().position(|m| m.name == name) {
        Some(found) => Ok(models.swap_remove(found)),
        None => Err(unknown("there is no model", name, models.iter().map(|m| m.name))),
    }
}

/// A name that is not among those that there are, with the nearest of them.
pub(crate) fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str> + Clone) -> Failure {
    let all = known.clone().collect::<Vec<_>>().join(", ");
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean {near}? There is: {all}"),
        None => format!("there is: {all}"),
    };
    Failure::usage(format!("{what} {name}"), hint)
}
