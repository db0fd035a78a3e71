//! The name that somebody who mistyped probably meant.

/// The candidate that takes the fewest edits to get from `name`, where that is at most a third of the name.
///
/// A dotted candidate is also found by its last part alone: `latent_dim` finds `model.latent_dim`.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let near = |candidate: &str| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        // One more for what was left out, so that a whole name is preferred.
        let within = |known: &str, more| {
            let (n, m) = (name.chars().count(), known.chars().count());
            // So many edits it takes at least. Without this, a table would be made of a name of any length.
            let least = n.abs_diff(m);
            let near = |distance: usize| 3 * distance <= n.max(m);
            near(least)
                .then(|| edits(&name, known) + more)
                .filter(|&distance| near(distance))
        };
        [within(candidate, 0), within(last, 1)].into_iter().flatten().min()
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((near(candidate)?, candidate)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements or swaps of neighbours turn `a` into `b` (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replace.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best.min(table[i - 2][j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_known_pairs() {
        for (a, b, distance) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("flaw", "lawn", 2),
            ("x", "x", 0),
            ("vea", "vae", 1),
            ("größe", "grösse", 2),
        ] {
            assert_eq!(edits(a, b), distance, "{a} {b}");
        }
    }

    #[test]
    fn only_a_near_name_is_offered() {
        let names = ["glyphs", "mnist", "moons"];
        assert_eq!(nearest("glyph", names), Some("glyphs"));
        assert_eq!(nearest("MNIST", names), Some("mnist"));
        assert_eq!(nearest("cifar10", names), None);
        assert_eq!(nearest("", names), None);
        // A name of any length costs no more than its length.
        assert_eq!(nearest(&"glyphs".repeat(1_000_000), names), None);
    }

    #[test]
    fn the_last_part_of_a_dotted_name_is_enough() {
        let keys = ["model.latent_dim", "model.hidden", "train.batch_size"];
        assert_eq!(nearest("latent_dim", keys), Some("model.latent_dim"));
        assert_eq!(nearest("model.latentdim", keys), Some("model.latent_dim"));
        assert_eq!(nearest("train.batchsize", keys), Some("train.batch_size"));
        assert_eq!(nearest("anything", []), None);
    }
}
