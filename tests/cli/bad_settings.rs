//! Settings that are unknown, out of range, or more than the machine can hold.

use crate::bad_input::{place, refused};
use crate::program::{Place, stderr};

#[test]
fn a_batch_larger_than_the_set() {
    refused(
        &place(),
        "train vae --data mnist:set -s train.batch_size=97",
        1,
        "train.batch_size = 97: a batch cannot be larger than the training set (96 images of 28 x 28)",
        "choose a smaller one with -s train.batch_size=N",
    );
}

#[test]
fn unknown_names_get_the_nearest_one() {
    let place = Place::new();
    let near = |line: &str, code, message: &str, hint: &str| refused(&place, line, code, message, hint);
    near(
        "train vea",
        2,
        "there is no model vea",
        "did you mean vae? There is: vae, gan",
    );
    near(
        "train diffusion",
        2,
        "there is no model diffusion",
        "there is: vae, gan",
    );
    near(
        "train vae --preset pytorch-exmaple",
        2,
        "vae has no preset pytorch-exmaple",
        "did you mean pytorch-example? There is: default, pytorch-example",
    );
    near(
        "train vae -s model.latent_dims=3",
        1,
        "-s: there is no setting model.latent_dims",
        "did you mean model.latent_dim? `genlab list` shows every setting",
    );
    near(
        "train gan -s learning_rte=1",
        1,
        "-s: there is no setting learning_rte",
        "did you mean optimiser.generator.learning_rate? `genlab list` shows every setting",
    );
    near(
        "train vae -s model.activation=rleu",
        1,
        "model.activation = rleu: `rleu` is no activation: relu, leaky_relu, elu, silu, gelu, tanh, sigmoid and softplus are",
        "choose another value for model.activation; `genlab list` shows every setting",
    );
    near(
        "train gan -s model.output=lniear",
        1,
        "model.output = \"lniear\": unknown variant `lniear`, expected `tanh` or `linear`",
        "choose another value for model.output; `genlab list` shows every setting",
    );
}

#[test]
fn settings_out_of_range() {
    let place = Place::new();
    refused(
        &place,
        "train vae -s train.batch_size=abc",
        1,
        "-s: train.batch_size: expected a whole number, found \"abc\"",
        "the default is train.batch_size = 128",
    );
    for (typed, shown) in [("0", "0.0"), ("-1", "-1.0"), ("NaN", "nan")] {
        refused(
            &place,
            &format!("train vae -s optimiser.learning_rate={typed}"),
            1,
            &format!("optimiser.learning_rate = {shown}: must be a finite number greater than 0"),
            "for example -s optimiser.learning_rate=1e-3",
        );
    }
    for model in ["vae", "gan"] {
        refused(
            &place,
            &format!("train {model} -s model.latent_dim=0"),
            1,
            "model.latent_dim = 0: must be a whole number from 1 to 65536",
            "for example -s model.latent_dim=20",
        );
    }
}

#[test]
fn a_model_that_no_memory_holds() {
    let place = place();
    // Widths that are allowed one by one.
    let widths = vec!["65536"; 64].join(",");
    for (model, list) in [("vae", "hidden"), ("gan", "discriminator_hidden")] {
        let line = format!("train {model} --data mnist:set -s train.batch_size=32 -s model.{list}=[{widths}]");
        let told = stderr(&place.command(&line).assert().code(1));
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[0].starts_with("error: model.") && lines[0].contains(": training needs at least "),
            "{told}"
        );
        assert!(
            lines[1].starts_with("hint: choose fewer or narrower layers, such as -s model."),
            "{told}"
        );
        assert_eq!((lines.len(), place.names(".")), (2, vec!["set".to_owned()]));
    }
}
