//! How much memory a model takes, told from its settings alone: a slip of the finger must not end the program without
//! a word, which is what happens to one that asks for more memory than there is.

use super::memory::free;
use crate::config::{leaves, shown};
use crate::errors::Failure;
use toml::{Table, Value};

/// Bytes for each parameter: itself, its gradient and Adam's two moments, of 32 bits each.
const BYTES: u128 = 4 * 4;

/// Refuses a model that does not fit the memory that is free.
pub(super) fn check(config: &Table, data_dim: usize) -> Result<(), Failure> {
    fits(config, data_dim, free())
}

fn fits(config: &Table, data_dim: usize, free: u128) -> Result<(), Failure> {
    let count = parameters(config, data_dim);
    let bytes = count.saturating_mul(BYTES);
    if bytes <= free {
        return Ok(());
    }
    let lists = |text: fn(&str, &Value) -> String| -> Vec<String> {
        networks(config).map(|(key, widths, _)| text(&key, widths)).collect()
    };
    let widths = lists(|key, widths| format!("model.{key} = {}", shown(widths)));
    let example = lists(|key, _| format!("-s model.{key}=[400,400]"));
    let (widths, needed, free) = (widths.join(", "), gibibytes(bytes), gibibytes(free));
    Err(Failure::input(
        format!("{widths}: training needs at least {needed}, but only {free} of memory are free"),
        format!("choose fewer or narrower layers, such as {}", example.join(" ")),
    ))
}

/// Refuses more samples than fit the memory that is free.
pub(super) fn check_samples(count: usize, data_dim: usize) -> Result<(), Failure> {
    samples_fit(count, data_dim, free())
}

/// Of each value there are at once: what the last layer and its activation make, a copy, and the picture.
fn samples_fit(count: usize, data_dim: usize, free: u128) -> Result<(), Failure> {
    let bytes = (count as u128) * (data_dim as u128) * 4 * 4;
    if bytes <= free {
        return Ok(());
    }
    let (needed, free) = (gibibytes(bytes), gibibytes(free));
    Err(Failure::input(
        format!("{count} samples of {data_dim} values need {needed}, but only {free} of memory are free"),
        "ask for fewer with -n",
    ))
}

fn gibibytes(bytes: u128) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Each list of widths by its name, with the size of the code or noise.
fn networks(config: &Table) -> impl Iterator<Item = (String, &Value, u128)> {
    let model = config.get("model").and_then(Value::as_table).into_iter();
    model.flat_map(|model| {
        let latent = model.get("latent_dim").map_or(1, width);
        let lists = leaves(model).into_iter().filter(|(key, _)| key.ends_with("hidden"));
        lists.map(move |(key, widths)| (key, widths, latent))
    })
}

/// The parameters of the networks that the lists of widths stand for: `hidden` is that of an encoder and, in reverse,
/// of its decoder; a `generator_hidden` leads from noise to data; any other leads from data to one number.
fn parameters(config: &Table, data_dim: usize) -> u128 {
    let data = data_dim as u128;
    networks(config)
        .map(|(key, widths, latent)| {
            let hidden: Vec<u128> = widths.as_array().into_iter().flatten().map(width).collect();
            match key.as_str() {
                "hidden" => {
                    let reversed: Vec<u128> = hidden.iter().rev().copied().collect();
                    chain(data, &hidden, 2 * latent) + chain(latent, &reversed, data)
                }
                "generator_hidden" => chain(latent, &hidden, data),
                _ => chain(data, &hidden, 1),
            }
        })
        .sum()
}

/// Weights and biases of linear layers one after the other.
fn chain(inputs: u128, hidden: &[u128], outputs: u128) -> u128 {
    let ends = hidden.iter().copied().chain([outputs]);
    let layers = ends.scan(inputs, |before, next| {
        Some((std::mem::replace(before, next) + 1) * next)
    });
    layers.sum()
}

fn width(value: &Value) -> u128 {
    value.as_integer().and_then(|n| u128::try_from(n).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::module;
    use tensor_core::Random;

    #[test]
    fn the_count_is_that_of_the_models_themselves() {
        for entry in genmodels::catalogue() {
            for hidden in ["[]", "[7]", "[5, 3, 2]"] {
                let mut config = entry.defaults();
                let model = config["model"].as_table_mut().unwrap();
                for (key, value) in model.iter_mut().filter(|(key, _)| key.ends_with("hidden")) {
                    *value = hidden.parse().unwrap_or_else(|_| panic!("{key}"));
                }
                let built = entry.build(&config, 36, &mut Random::new(0)).unwrap();
                let count = module::count_params(built.as_ref()) as u128;
                assert_eq!(parameters(&config, 36), count, "{} {hidden}", entry.name);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let config: Table = "model.hidden = [65536, 65536]\nmodel.latent_dim = 20".parse().unwrap();
        assert_eq!(
            fits(&config, 784, 4 << 30).unwrap_err().to_string(),
            "error: model.hidden = [65536, 65536]: training needs at least 129.6 GiB, but only 4.0 GiB of memory are free\n\
             hint: choose fewer or narrower layers, such as -s model.hidden=[400,400]"
        );
        fits(&config, 784, 130 << 30).unwrap();
        check(&"model.hidden = [400]\nmodel.latent_dim = 2".parse().unwrap(), 784).unwrap();
    }

    #[test]
    fn more_samples_than_fit_are_refused() {
        assert_eq!(
            samples_fit(100_000, 1 << 20, 4 << 30).unwrap_err().to_string(),
            "error: 100000 samples of 1048576 values need 1562.5 GiB, but only 4.0 GiB of memory are free\n\
             hint: ask for fewer with -n"
        );
        samples_fit(64, 1 << 20, 4 << 30).unwrap();
        check_samples(1, 1).unwrap();
    }

    #[test]
    fn the_most_that_can_be_asked_for_is_counted_without_overflow() {
        let widths = vec!["65536"; 64].join(", ");
        let config: Table = format!("model.hidden = [{widths}]\nmodel.latent_dim = 65536")
            .parse()
            .unwrap();
        assert!(fits(&config, 1 << 24, 1 << 40).is_err());
    }
}
