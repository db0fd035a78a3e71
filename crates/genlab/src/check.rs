//! What values a setting may have: each rule in one line, each mistake told in one line.

use crate::config::{leaves, shown};
use crate::errors::Failure;
use crate::settings::OnDivergence;
use toml::{Table, Value};

/// Checks every setting of a resolved table whose name has a rule.
pub(crate) fn check(table: &Table) -> Result<(), Failure> {
    for (key, value) in leaves(table) {
        let name = key.rsplit('.').next().unwrap_or(&key);
        let Some((allowed, holds)) = rule(&key, name) else {
            continue;
        };
        if !holds(value) {
            return Err(Failure::input(
                format!("{key} = {}: must be {allowed}", shown(value)),
                format!("for example -s {key}={}", example(name)),
            ));
        }
    }
    Ok(())
}

/// No layer is wider: a slip of the finger must not ask for more memory than there is.
const WIDEST: i64 = 65_536;
/// Nor is a network deeper.
const DEEPEST: usize = 64;

type Test = fn(&Value) -> bool;

/// What is allowed, in words and as a test. The model's own names are matched by their last part, so that
/// `optimiser.generator.learning_rate` obeys the same rule as `optimiser.learning_rate`.
fn rule(key: &str, name: &str) -> Option<(&'static str, Test)> {
    Some(match (key, name) {
        (_, "learning_rate") => ("a finite number greater than 0", |v| real(v, |x| x > 0.0)),
        (_, "beta1" | "beta2") => ("at least 0 and less than 1", |v| real(v, |x| (0.0..1.0).contains(&x))),
        (_, "eps") => ("a finite number greater than 0", |v| real(v, |x| x > 0.0)),
        (_, "weight_decay") => ("a finite number, 0 or greater", |v| real(v, |x| x >= 0.0)),
        (_, "latent_dim") => ("a whole number from 1 to 65536", |v| whole(v, 1, WIDEST)),
        ("sample.count", _) => ("a whole number from 1 to 10000", |v| whole(v, 1, 10_000)),
        ("train.epochs" | "train.batch_size" | "checkpoint.keep", _) => {
            ("a whole number, at least 1", |v| whole(v, 1, i64::MAX))
        }
        ("train.on_divergence", _) => ("`stop`, or `retry:N` with N from 1 to 20", |v| {
            v.as_str().is_some_and(|text| text.parse::<OnDivergence>().is_ok())
        }),
        ("train.steps" | "train.seed" | "checkpoint.every_epochs" | "checkpoint.every_steps", _) => {
            ("a whole number, 0 or greater", |v| whole(v, 0, i64::MAX))
        }
        (_, name) if name == "hidden" || name.ends_with("_hidden") => {
            ("a list of at most 64 widths, each from 1 to 65536", |v| {
                v.as_array()
                    .is_some_and(|widths| widths.len() <= DEEPEST && widths.iter().all(|w| whole(w, 1, WIDEST)))
            })
        }
        _ => return None,
    })
}

fn real(value: &Value, holds: fn(f64) -> bool) -> bool {
    value.as_float().is_some_and(|x| x.is_finite() && holds(x))
}

fn whole(value: &Value, least: i64, most: i64) -> bool {
    value.as_integer().is_some_and(|n| (least..=most).contains(&n))
}

fn example(name: &str) -> &'static str {
    match name {
        "learning_rate" => "1e-3",
        "beta1" => "0.9",
        "beta2" => "0.999",
        "eps" => "1e-8",
        "weight_decay" => "0",
        "latent_dim" => "20",
        "batch_size" => "128",
        "epochs" => "10",
        "count" => "64",
        "every_epochs" => "1",
        "every_steps" => "1000",
        "keep" => "3",
        "on_divergence" => "retry:3",
        "steps" | "seed" => "0",
        _ => "[400,400]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(toml: &str) -> String {
        check(&toml.parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn every_refusal_names_key_value_and_what_is_allowed() {
        let rate = "must be a finite number greater than 0\nhint: for example -s optimiser.learning_rate=1e-3";
        for value in ["0.0", "-1.0", "nan", "inf", "-inf"] {
            assert_eq!(
                refusal(&format!("optimiser.learning_rate = {value}")),
                format!("error: optimiser.learning_rate = {value}: {rate}")
            );
        }
        for (toml, expected) in [
            (
                "model.latent_dim = 0",
                "model.latent_dim = 0: must be a whole number from 1 to 65536",
            ),
            (
                "train.batch_size = 0",
                "train.batch_size = 0: must be a whole number, at least 1",
            ),
            (
                "train.batch_size = -5",
                "train.batch_size = -5: must be a whole number, at least 1",
            ),
            (
                "train.epochs = 0",
                "train.epochs = 0: must be a whole number, at least 1",
            ),
            (
                "model.hidden = [1000000000000]",
                "model.hidden = [1000000000000]: must be a list of at most 64 widths, each from 1 to 65536",
            ),
            (
                "train.steps = -1",
                "train.steps = -1: must be a whole number, 0 or greater",
            ),
            (
                "train.seed = -1",
                "train.seed = -1: must be a whole number, 0 or greater",
            ),
            (
                "sample.count = 0",
                "sample.count = 0: must be a whole number from 1 to 10000",
            ),
            (
                "model.hidden = [400, 0]",
                "model.hidden = [400, 0]: must be a list of at most 64 widths, each from 1 to 65536",
            ),
            (
                "model.generator_hidden = [-1]",
                "model.generator_hidden = [-1]: must be a list of at most 64 widths, each from 1 to 65536",
            ),
            (
                "optimiser.generator.beta1 = 1.0",
                "optimiser.generator.beta1 = 1.0: must be at least 0 and less than 1",
            ),
            (
                "optimiser.eps = 0.0",
                "optimiser.eps = 0.0: must be a finite number greater than 0",
            ),
            (
                "checkpoint.keep = 0",
                "checkpoint.keep = 0: must be a whole number, at least 1",
            ),
            (
                "train.on_divergence = \"retry:0\"",
                "train.on_divergence = \"retry:0\": must be `stop`, or `retry:N` with N from 1 to 20",
            ),
            (
                "train.on_divergence = \"go on\"",
                "train.on_divergence = \"go on\": must be `stop`, or `retry:N` with N from 1 to 20",
            ),
            (
                "optimiser.weight_decay = -0.5",
                "optimiser.weight_decay = -0.5: must be a finite number, 0 or greater",
            ),
        ] {
            let message = refusal(toml);
            assert_eq!(message.lines().next(), Some(format!("error: {expected}").as_str()));
            assert!(message.contains("\nhint: for example -s "), "{message}");
        }
    }

    #[test]
    fn the_example_of_each_rule_obeys_it() {
        for key in [
            "optimiser.learning_rate",
            "optimiser.beta1",
            "optimiser.beta2",
            "optimiser.eps",
            "model.latent_dim",
            "train.batch_size",
            "train.epochs",
            "train.steps",
            "train.seed",
            "sample.count",
            "checkpoint.every_epochs",
            "checkpoint.every_steps",
            "checkpoint.keep",
            "model.hidden",
            "model.critic_hidden",
        ] {
            let name = key.rsplit('.').next().unwrap();
            let (_, holds) = rule(key, name).unwrap();
            assert!(holds(&example(name).parse().unwrap()), "{key}");
        }
        let (_, holds) = rule("train.on_divergence", "on_divergence").unwrap();
        assert!(holds(&Value::from(example("on_divergence"))) && holds(&Value::from("stop")));
    }

    #[test]
    fn good_values_pass() {
        let good = "model.hidden = [1, 400]\nmodel.latent_dim = 1\noptimiser.learning_rate = 1e-9\n\
                    optimiser.weight_decay = 0.0\noptimiser.beta1 = 0.0\nmodel.activation = \"relu\"";
        check(&good.parse().unwrap()).unwrap();
        let of = |count: usize| format!("model.hidden = {:?}", vec![1; count]);
        check(&of(64).parse().unwrap()).unwrap();
        assert!(refusal(&of(65)).contains("must be a list of at most 64 widths"));
    }
}
