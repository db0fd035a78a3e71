//! What the numbers of a run are called, in which unit they are, and how a person reads them.

use crate::library::Sample;
use genmodels::Losses;

/// The names of quantities as a reader knows them.
pub(crate) fn title(name: &str) -> String {
    match name {
        "elbo" => "ELBO".into(),
        "kl" => "KL".into(),
        "d_loss" => "discriminator loss".into(),
        "g_loss" => "generator loss".into(),
        "reverse_kl" => "reverse KL of the modes".into(),
        other => other.replace('_', " "),
    }
}

/// The unit of a quantity, for models of such samples.
pub(crate) fn unit(name: &str, sample: Sample) -> String {
    match name {
        "modes" => "modes covered".into(),
        "high_quality" => "share of points".into(),
        "reverse_kl" => "nats".into(),
        _ => format!("nats per {sample}"),
    }
}

/// A value with as many digits as mean something.
pub(crate) fn number(name: &str, value: f64) -> String {
    match name {
        "modes" => format!("{value:.0}"),
        "high_quality" => format!("{:.1} %", 100.0 * value),
        _ => format!("{value:.2}"),
    }
}

/// All of them on one line: `elbo -104.90  kl 25.10`.
pub(crate) fn in_words(losses: &Losses) -> String {
    let each: Vec<String> = losses
        .iter()
        .map(|(name, value)| format!("{name} {}", number(name, value)))
        .collect();
    each.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quantity_has_its_own_digits_and_unit() {
        let losses = Losses::new([
            ("elbo", -104.896),
            ("kl", 25.0),
            ("modes", 8.0),
            ("high_quality", 0.8725),
        ]);
        assert_eq!(
            in_words(&losses),
            "elbo -104.90  kl 25.00  modes 8  high_quality 87.2 %"
        );
        assert_eq!(unit("kl", Sample::Image), "nats per image");
        assert_eq!(unit("reverse_kl", Sample::Point), "nats");
        assert_eq!(
            (title("kl"), title("high_quality")),
            ("KL".into(), "high quality".into())
        );
    }
}
