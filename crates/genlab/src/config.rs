//! Settings: from flags, `-s`, a file, a preset and the defaults to one resolved table.
//!
//! The defaults are a TOML table that has every key. Each layer above is a table too, laid over the one
//! below: a key that the defaults do not have, or a value of another type, is the user's mistake.

use crate::checkpoint::sha256;
use crate::errors::Failure;
pub(crate) use crate::settings::Settings;
use datasets::nearest;
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// What lies over the defaults, the lowest first.
#[derive(Debug, Default)]
pub(crate) struct Layers<'a> {
    /// The preset's name and settings.
    pub(crate) preset: Option<(&'a str, Table)>,
    /// The file given with `-c`.
    pub(crate) file: Option<&'a Path>,
    /// The `key=value` of each `-s`.
    pub(crate) set: &'a [String],
    /// Flags such as `--epochs`, with their names.
    pub(crate) flags: Vec<(&'static str, &'static str, Value)>,
}

/// The model's own defaults together with those of the program.
pub(crate) fn with_program_defaults(model: Table) -> Table {
    let program = Table::try_from(Settings::default()).expect("the program's settings are a table");
    let mut all = model;
    all.extend(program);
    all
}

/// Lays every layer over the defaults and checks the result.
pub(crate) fn resolve(defaults: &Table, layers: Layers<'_>) -> Result<Table, Failure> {
    let mut table = defaults.clone();
    if let Some((name, preset)) = layers.preset {
        overlay(&mut table, preset, defaults, &format!("preset {name}"))?;
    }
    if let Some(path) = layers.file {
        overlay(&mut table, read_file(path)?, defaults, &path.display().to_string())?;
    }
    for text in layers.set {
        let layer = parse_set(text, defaults)?;
        overlay(&mut table, layer, defaults, "-s")?;
    }
    for (flag, key, value) in layers.flags {
        overlay(&mut table, nested(key, value), defaults, flag)?;
    }
    crate::check::check(&table)?;
    Ok(table)
}

/// The program's part of a resolved table.
pub(crate) fn settings(table: &Table) -> Result<Settings, Failure> {
    let settings = Settings::deserialize(table.clone());
    settings.map_err(|error| Failure::input(one_line(&error.to_string()), "`genlab list` shows every setting"))
}

/// The resolved table as `config.toml`.
pub(crate) fn to_toml(table: &Table) -> String {
    let body = toml::to_string(table).expect("a table of plain values can be written");
    format!("# Every setting of the run. With train.steps = 0, train.epochs decides when to stop.\n\n{body}")
}

/// The settings that change no bit of what was computed so far: the only ones that may change when a run goes on. (The data may lie elsewhere: the bytes of the training set are compared.)
const MAY_CHANGE: [&str; 4] = ["data.name", "train.epochs", "train.steps", "train.on_divergence"];

/// A resolved table without the settings that may change.
pub(crate) fn lasting(table: &Table) -> Table {
    let mut lasting = table.clone();
    for key in MAY_CHANGE {
        let (head, name) = key.split_once('.').expect("each is in a table");
        if let Some(inner) = lasting.get_mut(head).and_then(Value::as_table_mut) {
            inner.remove(name);
        }
    }
    lasting
}

/// The SHA-256 of a table's lines `key = value`.
pub(crate) fn sha256_of(table: &Table) -> String {
    let leaves = leaves(table);
    let lines: Vec<String> = leaves.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    sha256(lines.concat().as_bytes())
}

/// Reads a TOML file.
pub(crate) fn read_file(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
    parse(&text, path)
}

/// Parses the text of a TOML file.
pub(crate) fn parse(text: &str, path: &Path) -> Result<Table, Failure> {
    text.parse::<Table>().map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        Failure::input(
            format!("{}, line {line}: {}", path.display(), one_line(error.message())),
            "settings are TOML, such as\n  [model]\n  latent_dim = 20",
        )
    })
}

/// Every setting as (dotted key, value), in order.
pub(crate) fn leaves(table: &Table) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            leaf => found.push((key.clone(), leaf)),
        }
    }
    found
}

/// The value at a dotted key.
pub(crate) fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((head, rest)) => get(table.get(head)?.as_table()?, rest),
    }
}

/// `key=value` as a table. The value is TOML; where the setting is text, quotes may be left out.
fn parse_set(text: &str, defaults: &Table) -> Result<Table, Failure> {
    let bad = || {
        Failure::usage(
            format!("-s {text}: expected KEY=VALUE"),
            "for example -s model.latent_dim=2",
        )
    };
    let (key, value) = text.split_once('=').ok_or_else(bad)?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err(bad());
    }
    let bare = || Value::String(value.to_string());
    let value = match get(defaults, key) {
        Some(Value::String(_)) => value.parse().ok().filter(Value::is_str).unwrap_or_else(bare),
        // `NaN` and `.5` are numbers to a person, though not to TOML.
        Some(Value::Float(_)) => match value.parse::<f64>() {
            Ok(number) => Value::Float(number),
            Err(_) => value.parse().unwrap_or_else(|_| bare()),
        },
        _ => value.parse().unwrap_or_else(|_| bare()),
    };
    Ok(nested(key, value))
}

/// `a.b` and `v` as `{a = {b = v}}`.
fn nested(key: &str, value: Value) -> Table {
    key.rsplit('.')
        .fold((None, value), |(_, inner), part| {
            let table = Table::from_iter([(part.to_string(), inner)]);
            (Some(()), Value::Table(table))
        })
        .1
        .try_into()
        .expect("built as a table above")
}

/// Lays `layer` over `table`.
fn overlay(table: &mut Table, layer: Table, defaults: &Table, source: &str) -> Result<(), Failure> {
    // Asking for epochs overrules a number of steps that a lower layer asked for.
    let epochs = get(&layer, "train.epochs").is_some();
    if epochs
        && get(&layer, "train.steps").is_none()
        && let Some(train) = table.get_mut("train").and_then(Value::as_table_mut)
        && train.contains_key("steps")
    {
        train.insert("steps".into(), Value::Integer(0));
    }
    merge(table, layer, defaults, "", source)
}

fn merge(base: &mut Table, layer: Table, defaults: &Table, path: &str, source: &str) -> Result<(), Failure> {
    for (key, new) in layer {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(old) = base.get_mut(&key) else {
            return Err(unknown(&full, &new, defaults, source));
        };
        match (old, new) {
            (Value::Table(old), Value::Table(new)) => merge(old, new, defaults, &full, source)?,
            (old, new) => {
                *old = fit(old, new).map_err(|(expected, found)| {
                    Failure::input(
                        format!("{source}: {full}: expected {expected}, found {found}"),
                        match get(defaults, &full) {
                            Some(default) if !default.is_table() => {
                                format!("the default is {full} = {}", shown(default))
                            }
                            _ => "`genlab list` shows every setting".to_owned(),
                        },
                    )
                })?
            }
        }
    }
    Ok(())
}

/// `new` in the type of `old`, or what was expected and what was found.
fn fit(old: &Value, new: Value) -> Result<Value, (String, String)> {
    match (old, new) {
        (Value::Float(_), Value::Integer(n)) => Ok(Value::Float(n as f64)),
        (Value::Array(items), Value::Array(new)) => match items.first() {
            Some(item) => new
                .into_iter()
                .map(|n| fit(item, n))
                .collect::<Result<_, _>>()
                .map(Value::Array)
                .map_err(|(_, found)| (describe(old), format!("{found} in the list"))),
            None => Ok(Value::Array(new)),
        },
        (old, new) if old.same_type(&new) => Ok(new),
        (old, new) => Err((describe(old), shown(&new))),
    }
}

/// A value as a person writes it, on one line.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".into(),
        // TOML writes `nan` and `inf`, as Rust's own NaN would not read back.
        other => one_line(&other.to_string()),
    }
}

fn describe(default: &Value) -> String {
    match default {
        Value::String(_) => "text".into(),
        Value::Integer(_) => "a whole number".into(),
        Value::Float(_) => "a number".into(),
        Value::Boolean(_) => "true or false".into(),
        Value::Datetime(_) => "a date".into(),
        Value::Table(_) => "a table of settings".into(),
        Value::Array(items) => match items.first() {
            Some(Value::Integer(_)) => "a list of whole numbers, such as [400, 400]".into(),
            _ => "a list".into(),
        },
    }
}

fn unknown(key: &str, value: &Value, defaults: &Table, source: &str) -> Failure {
    // An unknown table is the user's word for one of ours: name it by its first setting.
    let first = value.as_table().and_then(|inner| leaves(inner).into_iter().next());
    let key = first.map_or_else(|| key.to_string(), |(name, _)| format!("{key}.{name}"));
    let known = leaves(defaults);
    let near = nearest(&key, known.iter().map(|(k, _)| k.as_str()));
    let near = near.map_or_else(String::new, |name| format!("did you mean {name}? "));
    Failure::input(
        format!("{source}: there is no setting {key}"),
        format!("{near}`genlab list` shows every setting"),
    )
}

/// A message of a parser, which may span lines, as one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
