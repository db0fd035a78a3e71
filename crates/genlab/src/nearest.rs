//! The name that a user probably meant.

/// The candidate with the fewest edits to `typed`, if there is any candidate.
///
/// A dotted candidate is also compared by its last part alone, so `latent_dim` finds `model.latent_dim`.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        edits(typed, candidate).min(edits(typed, last) + 1)
    })
}

/// How many insertions, deletions, replacements or swaps of neighbours turn `a` into `b`
/// (optimal string alignment).
pub(crate) fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replace.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(table[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("flaw", "lawn"), 2);
        assert_eq!(edits("vea", "vae"), 1);
        assert_eq!(edits("größe", "grösse"), 2);
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
