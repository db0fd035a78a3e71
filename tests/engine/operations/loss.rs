//! Losses.

use super::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "bce_with_logits",
            |x| x[0].bce_with_logits(&x[1]),
            |x| x[0].zip(&x[1], |l, t| l.max(0.0) - l * t + (-l.abs()).exp().ln_1p()),
        )
        .on(&[&[3, 5], &[3, 5]])
        .on(&[&[3, 5], &[5]])
        .on(&[&[0, 5], &[0, 5]])
        .at_scale(&[&[400, 500], &[400, 500]]),
        // Both between 0 and 1.
        Row::new(
            "bce",
            |x| x[0].bce(&x[1]),
            |x| x[0].zip(&x[1], |p, t| -t * p.ln() - (1.0 - t) * (1.0 - p).ln()),
        )
        .adapted(|x| x.sigmoid())
        .on(&[&[3, 5], &[3, 5]])
        .on(&[&[3, 5], &[5]])
        .on(&[&[0, 5], &[0, 5]])
        .at_scale(&[&[400, 500], &[400, 500]]),
    ]
}
