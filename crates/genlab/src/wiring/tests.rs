use super::*;
use crate::config::{Layers, get, resolve, with_program_defaults};

#[test]
fn every_preset_sets_only_what_exists() {
    for model in Crates.models() {
        let defaults = with_program_defaults(model.defaults);
        for preset in model.presets {
            let layers = Layers {
                preset: Some((preset.name, preset.settings)),
                ..Layers::default()
            };
            let resolved = resolve(&defaults, layers);
            let resolved = resolved.unwrap_or_else(|failure| panic!("{} {}: {failure}", model.name, preset.name));
            settings(&resolved).unwrap();
            assert!(get(&resolved, "model").is_some());
        }
    }
}

#[test]
fn a_value_that_is_not_among_those_allowed_is_told_with_its_own_key() {
    for (model, key) in [("gan", "model.output"), ("gan", "model.loss")] {
        let mut config = Crates.models().into_iter().find(|m| m.name == model).unwrap().defaults;
        let (table, name) = key.split_once('.').unwrap();
        config[table][name] = "other".into();
        let told = build(model, &config, 4, 0).err().unwrap().to_string();
        assert!(
            told.starts_with(&format!("error: {key} = \"other\": unknown variant `other`")),
            "{told}"
        );
        assert!(
            told.contains(&format!("\nhint: choose another value for {key}; `genlab list`")),
            "{told}"
        );
    }
    // The same word elsewhere is not to blame.
    let mut config = Crates.models().into_iter().find(|m| m.name == "gan").unwrap().defaults;
    config["optimiser"]["discriminator"]["eps"] = "tanh".into();
    let told = build("gan", &config, 4, 0).err().unwrap().to_string();
    assert!(
        told.starts_with("error: optimiser.discriminator.eps = \"tanh\": "),
        "{told}"
    );
}
