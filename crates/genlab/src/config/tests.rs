use super::*;

/// The defaults of an imagined model.
fn defaults() -> Table {
    let model = "[model]\nlatent_dim = 20\nhidden = [400, 400]\nactivation = \"relu\"\n\
                 [optimiser]\nlearning_rate = 1e-3\nbeta1 = 0.9\n";
    with_program_defaults(model.parse().unwrap())
}

fn with_set(set: &[&str]) -> Result<Table, Failure> {
    let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
    resolve(
        &defaults(),
        Layers {
            set: &set,
            ..Layers::default()
        },
    )
}

fn with_file(text: &str) -> Result<Table, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.toml");
    std::fs::write(&path, text).unwrap();
    resolve(
        &defaults(),
        Layers {
            file: Some(&path),
            ..Layers::default()
        },
    )
    .map_err(|e| e.to_string().replace(&path.display().to_string(), "f.toml"))
}

fn refused(set: &[&str]) -> String {
    with_set(set).unwrap_err().to_string()
}

#[test]
fn precedence_is_flag_set_file_preset_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.toml");
    std::fs::write(&path, "train.seed = 3\nmodel.latent_dim = 3\ntrain.batch_size = 3\n").unwrap();
    let preset = "train.seed = 2\nmodel.latent_dim = 2\ntrain.batch_size = 2\nmodel.hidden = [2]"
        .parse()
        .unwrap();
    let set = ["train.seed=4".to_string(), "model.latent_dim=4".to_string()];
    let layers = Layers {
        preset: Some(("p", preset)),
        file: Some(&path),
        set: &set,
        flags: vec![("--seed", "train.seed", Value::Integer(5))],
    };
    let table = resolve(&defaults(), layers).unwrap();
    let read = |key| get(&table, key).unwrap().to_string();
    assert_eq!(read("train.seed"), "5");
    assert_eq!(read("model.latent_dim"), "4");
    assert_eq!(read("train.batch_size"), "3");
    assert_eq!(read("model.hidden"), "[2]");
    assert_eq!(read("train.epochs"), "10");
}

#[test]
fn set_reads_toml_bare_text_and_numbers_as_people_write_them() {
    let table = with_set(&[
        "model.hidden=[512,256]",
        "model.activation=tanh",
        "optimiser.learning_rate=1",
        "data.binarise=true",
        "data.name=mnist:/a b/c=d",
        "optimiser.beta1=.5",
    ])
    .unwrap();
    let read = |key| get(&table, key).unwrap().to_string();
    assert_eq!(read("model.hidden"), "[512, 256]");
    assert_eq!(read("model.activation"), "\"tanh\"");
    assert_eq!(read("optimiser.learning_rate"), "1.0");
    assert_eq!(read("optimiser.beta1"), "0.5");
    assert_eq!(read("data.binarise"), "true");
    assert_eq!(read("data.name"), "\"mnist:/a b/c=d\"");
    let quoted = with_set(&["model.activation=\"tanh\"", "model.activation='relu'"]).unwrap();
    assert_eq!(get(&quoted, "model.activation").unwrap().as_str(), Some("relu"));
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let hint = "? `genlab list` shows every setting";
    assert_eq!(
        refused(&["model.latent_dims=3"]),
        format!("error: -s: there is no setting model.latent_dims\nhint: did you mean model.latent_dim{hint}")
    );
    assert_eq!(
        refused(&["batchsize=3"]),
        format!("error: -s: there is no setting batchsize\nhint: did you mean train.batch_size{hint}")
    );
    assert_eq!(
        with_file("[optimizer]\nlearning_rate = 0.1\n").unwrap_err(),
        format!(
            "error: f.toml: there is no setting optimizer.learning_rate\nhint: did you mean optimiser.learning_rate{hint}"
        )
    );
    assert_eq!(
        with_file("[model]\nlatent_dim = 2\nhiden = [3]\n").unwrap_err(),
        format!("error: f.toml: there is no setting model.hiden\nhint: did you mean model.hidden{hint}")
    );
}

#[test]
fn a_wrong_type_names_key_expected_and_found() {
    for (set, expected) in [
        (
            "model.latent_dim=many",
            "model.latent_dim: expected a whole number, found \"many\"",
        ),
        (
            "model.latent_dim=2.5",
            "model.latent_dim: expected a whole number, found 2.5",
        ),
        (
            "optimiser.learning_rate=fast",
            "optimiser.learning_rate: expected a number, found \"fast\"",
        ),
        ("data.binarise=1", "data.binarise: expected true or false, found 1"),
        (
            "model.hidden=400",
            "model.hidden: expected a list of whole numbers, such as [400, 400], found 400",
        ),
        (
            "model.hidden=[400,\"x\"]",
            "model.hidden: expected a list of whole numbers, such as [400, 400], found \"x\" in the list",
        ),
        ("model=3", "model: expected a table of settings, found 3"),
    ] {
        let told = refused(&[set]);
        let (message, hint) = told.split_once("\nhint: ").unwrap();
        assert_eq!(message, format!("error: -s: {expected}"));
        assert!(
            hint.starts_with("the default is ") || hint.starts_with("`genlab list`"),
            "{hint}"
        );
    }
    assert_eq!(
        with_file("[train]\nseed = \"a\"\n").unwrap_err(),
        "error: f.toml: train.seed: expected a whole number, found \"a\"\nhint: the default is train.seed = 0"
    );
    assert_eq!(
        with_file("train.seed.x = 1\n").unwrap_err(),
        "error: f.toml: train.seed: expected a whole number, found a table\nhint: the default is train.seed = 0"
    );
}

#[test]
fn values_out_of_range_are_refused_whichever_layer_they_come_from() {
    let rate = "must be a finite number greater than 0\nhint: for example -s optimiser.learning_rate=1e-3";
    for (given, shown) in [
        ("0", "0.0"),
        ("-1", "-1.0"),
        ("NaN", "nan"),
        ("nan", "nan"),
        ("1e999", "inf"),
    ] {
        assert_eq!(
            refused(&[&format!("optimiser.learning_rate={given}")]),
            format!("error: optimiser.learning_rate = {shown}: {rate}")
        );
    }
    assert_eq!(
        with_file("model.latent_dim = 0").unwrap_err(),
        "error: model.latent_dim = 0: must be a whole number from 1 to 65536\nhint: for example -s model.latent_dim=20"
    );
}

#[test]
fn malformed_settings_say_what_is_expected() {
    for text in ["model.latent_dim", "=3", "model..x=3", ""] {
        assert_eq!(
            refused(&[text]),
            format!("error: -s {text}: expected KEY=VALUE\nhint: for example -s model.latent_dim=2")
        );
    }
    let message = with_file("[model]\nlatent_dim = = 3\n").unwrap_err();
    assert!(message.starts_with("error: f.toml, line 2: "), "{message}");
    assert_eq!(message.matches("error").count(), 1);
    let missing = Layers {
        file: Some(Path::new("no/such.toml")),
        ..Layers::default()
    };
    let message = resolve(&defaults(), missing).unwrap_err().to_string();
    assert!(message.starts_with("error: cannot read no/such.toml: "), "{message}");
    assert!(
        message.ends_with("\nhint: check the path for typing mistakes"),
        "{message}"
    );
}

#[test]
fn asking_for_epochs_overrules_steps_of_a_lower_layer() {
    let preset: Table = "train.steps = 15000".parse().unwrap();
    let set = ["train.epochs=2".to_string()];
    let layers = Layers {
        preset: Some(("p", preset.clone())),
        set: &set,
        ..Layers::default()
    };
    assert_eq!(settings(&resolve(&defaults(), layers).unwrap()).unwrap().train.steps, 0);
    let layers = Layers {
        preset: Some(("p", preset)),
        ..Layers::default()
    };
    assert_eq!(
        settings(&resolve(&defaults(), layers).unwrap()).unwrap().train.steps,
        15000
    );
}

#[test]
fn config_toml_has_every_default_and_reads_back_the_same() {
    let table = with_set(&["model.activation=tanh", "optimiser.learning_rate=3e-4"]).unwrap();
    let text = to_toml(&table);
    assert_eq!(text.parse::<Table>().unwrap(), table);
    assert_eq!(with_file(&text).unwrap(), table);
    assert_eq!(leaves(&table).len(), leaves(&defaults()).len());
    assert_eq!(settings(&table).unwrap(), Settings::default());
}

/// The fuzzer's: a table of an empty table has no first setting.
#[test]
fn an_unknown_table_without_settings_is_named_itself() {
    for (text, name) in [
        ("[mon.epdelo]", "mon"),
        ("mon = {}", "mon"),
        ("[mon.a]\n[mon.b]\nc = 1", "mon.b.c"),
    ] {
        let message = with_file(text).unwrap_err();
        assert!(
            message.starts_with(&format!("error: f.toml: there is no setting {name}\n")),
            "{message}"
        );
    }
}
