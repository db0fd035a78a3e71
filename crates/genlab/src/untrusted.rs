//! What reads text from outside, for the fuzzer: each gives what it understood, or what is wrong.

use crate::checkpoint::State;
use crate::config::{Layers, parse, resolve, settings, to_toml, with_program_defaults};
use crate::library::Library;
use crate::wiring::Crates;
use std::path::Path;

/// The `state.json` of a checkpoint: read, and written again.
pub fn checkpoint(text: &str) -> Result<String, String> {
    State::parse(text).map(|state| state.to_json())
}

/// A configuration in TOML, over the defaults of the first model: the resolved settings, as TOML.
pub fn config(text: &str) -> Result<String, String> {
    let model = Crates.models().swap_remove(0);
    let resolved = parse(text, Path::new("config.toml")).and_then(|table| {
        let layers = Layers {
            preset: Some(("text", table)),
            ..Layers::default()
        };
        let table = resolve(&with_program_defaults(model.defaults), layers)?;
        settings(&table)?;
        Ok(to_toml(&table))
    });
    resolved.map_err(|failure| failure.to_string())
}
