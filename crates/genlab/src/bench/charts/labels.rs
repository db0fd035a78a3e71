//! The labels of a chart: none lies upon another, and no line crosses one out.

use super::{Area, Drawn, SIZE};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Pixels between labels that would lie upon each other.
const GAP: i32 = 16;

/// A text with the place of its middle in pixels.
pub(super) struct Label {
    text: String,
    at: (i32, i32),
    colour: RGBColor,
    side: HPos,
}

impl Label {
    pub(super) fn new(text: &str, at: (i32, i32), colour: RGBColor, side: HPos) -> Self {
        Self {
            text: text.into(),
            at,
            colour,
            side,
        }
    }

    /// Draws it on a strip of paper, so that a line under it does not cross it out.
    fn draw<'a>(self, root: &Area<'a>) -> Drawn<'a> {
        // The backend knows no widths of letters: on average they are half as wide as high.
        let (x, y) = self.at;
        let width = 6 * self.text.chars().count() as i32;
        let left = match self.side {
            HPos::Left => x,
            HPos::Center => x - width / 2,
            HPos::Right => x - width,
        };
        root.draw(&Rectangle::new([(left, y - 7), (left + width, y + 7)], WHITE.filled()))?;
        let style = ("sans-serif", 14).into_font().color(&self.colour);
        root.draw(&Text::new(
            self.text,
            self.at,
            style.pos(Pos::new(self.side, VPos::Center)),
        ))
    }
}

/// Labels of a column, moved down where they would lie upon each other, and up again where they would leave the chart.
pub(super) fn draw_apart<'a>(mut labels: Vec<Label>, root: &Area<'a>) -> Drawn<'a> {
    labels.sort_by_key(|label| label.at.1);
    let heights: Vec<i32> = labels.iter().map(|label| label.at.1).collect();
    for (label, y) in labels.into_iter().zip(apart(&heights, SIZE.1 as i32 - 70)) {
        Label {
            at: (label.at.0, y),
            ..label
        }
        .draw(root)?;
    }
    Ok(())
}

fn apart(heights: &[i32], bottom: i32) -> Vec<i32> {
    let mut placed: Vec<i32> = Vec::new();
    for &y in heights {
        placed.push(placed.last().map_or(y, |above| y.max(above + GAP)));
    }
    let mut limit = bottom;
    for y in placed.iter_mut().rev() {
        *y = (*y).min(limit);
        limit = *y - GAP;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_stay_above_the_bottom() {
        assert_eq!(apart(&[10, 12, 50], 500), [10, 26, 50]);
        assert_eq!(apart(&[480, 490, 499], 500), [468, 484, 500]);
        assert!(apart(&[], 500).is_empty());
    }
}
