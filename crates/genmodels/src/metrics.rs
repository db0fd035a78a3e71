//! What generated samples are judged by.

/// How well generated points cover the modes of a mixture, as VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) count it.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Modes with at least one point of high quality.
    pub modes: usize,
    /// The share of points within three standard deviations of the nearest mode, from 0 to 1.
    pub high_quality: f64,
    /// KL(share of the points of high quality in each mode || uniform), in nats; `None` where there are no such points.
    pub reverse_kl: Option<f64>,
}

/// Counts the modes that `points` (x and y in turn) cover. `centres` are the modes, `sigma` their standard deviation.
///
/// ```
/// use genmodels::metrics::coverage;
/// let found = coverage(&[0.0, 0.1, 5.0, 5.0], &[[0.0, 0.0], [1.0, 1.0]], 0.1);
/// assert_eq!((found.modes, found.high_quality), (1, 0.5));
/// ```
///
/// # Panics
/// If there are no modes or no points, or the coordinates are not pairs.
pub fn coverage(points: &[f32], centres: &[[f32; 2]], sigma: f32) -> Coverage {
    assert!(!centres.is_empty(), "coverage: there are no modes to cover");
    let (points, rest) = points.as_chunks::<2>();
    assert!(rest.is_empty(), "coverage: points have two coordinates");
    assert!(!points.is_empty(), "coverage: there are no points to judge");
    let mut counts = vec![0usize; centres.len()];
    for point in points {
        let squared = |centre: &[f32; 2]| (point[0] - centre[0]).powi(2) + (point[1] - centre[1]).powi(2);
        let nearest = (0..centres.len()).min_by(|&a, &b| squared(&centres[a]).total_cmp(&squared(&centres[b])));
        let nearest = nearest.expect("there is a mode");
        if squared(&centres[nearest]) <= (3.0 * sigma).powi(2) {
            counts[nearest] += 1;
        }
    }
    let good: usize = counts.iter().sum();
    let share = |count: usize| count as f64 / good as f64;
    let term = |&count: &usize| share(count) * (share(count) * centres.len() as f64).ln();
    Coverage {
        modes: counts.iter().filter(|&&count| count > 0).count(),
        high_quality: good as f64 / points.len() as f64,
        reverse_kl: (good > 0).then(|| counts.iter().filter(|&&count| count > 0).map(term).sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn coverage_counts_by_the_definition() {
        let centres = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]];
        // Three in the first mode, one in the second, one just outside the third.
        let points = [0.0, 0.0, 0.2, 0.1, -0.29, 0.0, 10.0, 0.2, 0.0, 10.31];
        let found = coverage(&points, &centres, 0.1);
        assert_eq!((found.modes, found.high_quality), (2, 0.8));
        let kl = 0.75 * 3.0f64.ln() + 0.25 * 1.0f64.ln();
        assert_relative_eq!(found.reverse_kl.unwrap(), kl, max_relative = 1e-12);
    }

    #[test]
    fn even_coverage_has_no_divergence_and_no_coverage_has_none_to_tell() {
        let centres = [[0.0, 0.0], [1.0, 0.0]];
        let even = coverage(&[0.0, 0.0, 1.0, 0.0], &centres, 0.01);
        assert_eq!((even.modes, even.high_quality, even.reverse_kl), (2, 1.0, Some(0.0)));
        let nowhere = coverage(&[5.0, 5.0], &centres, 0.01);
        assert_eq!(
            (nowhere.modes, nowhere.high_quality, nowhere.reverse_kl),
            (0, 0.0, None)
        );
    }
}
