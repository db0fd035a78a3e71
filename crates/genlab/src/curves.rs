//! One loss over the steps, as SVG: training per step, test per epoch.
//!
//! Colours are fixed words in the SVG (`#000001` for text, and so on): the report's style sheet replaces
//! them, so that a curve follows the reader's light or dark scheme.

use plotters::prelude::*;

/// Stand-ins that the report's style sheet knows.
pub(crate) const INK: RGBColor = RGBColor(0x5b, 0x64, 0x70);
pub(crate) const RULE: RGBColor = RGBColor(0xe3, 0xe6, 0xeb);
pub(crate) const TRAIN: RGBColor = RGBColor(0x2f, 0x6f, 0xde);
pub(crate) const TEST: RGBColor = RGBColor(0xd9, 0x66, 0x1f);

const SIZE: (u32, u32) = (440, 270);

/// A chart of one loss.
pub(crate) struct Curve<'a> {
    /// Per stretch of steps, (step, mean loss).
    pub(crate) train: &'a [(f64, f64)],
    /// Per epoch, (step, loss).
    pub(crate) test: &'a [(f64, f64)],
    /// The unit of the loss, such as "nats per image".
    pub(crate) unit: &'a str,
}

impl Curve<'_> {
    /// The chart as an SVG element.
    pub(crate) fn to_svg(&self) -> String {
        let mut svg = String::new();
        // Plotters returns errors of its backend alone, and a string has none.
        self.draw(&mut svg).expect("drawing into a string does not fail");
        svg
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let last = self.train.iter().chain(self.test).map(|p| p.0).fold(1.0, f64::max);
        let (low, high) = view(self.train, self.test);
        let text = ("sans-serif", 14).into_font().color(&INK);
        let mut chart = ChartBuilder::on(&root)
            .margin(6)
            .margin_right(26)
            .x_label_area_size(40)
            .y_label_area_size(62)
            .build_cartesian_2d(0.0..last, low..high)?;
        let digits = decimals(high - low);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(RULE)
            .light_line_style(TRANSPARENT)
            .axis_style(RULE)
            .label_style(text.clone())
            .axis_desc_style(text.clone())
            .x_desc("step")
            .y_desc(self.unit)
            .x_labels((last as usize + 1).min(6))
            .y_labels(6)
            .x_label_formatter(&|x| crate::progress::thousands(x.round() as u64))
            .y_label_formatter(&|y| format!("{y:.digits$}"))
            .draw()?;
        for (points, colour) in [(self.train, TRAIN), (self.test, TEST)] {
            for line in inside(points, low, high) {
                chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
            }
        }
        let tested = self.test.iter().filter(|p| p.1.is_finite());
        chart.draw_series(tested.map(|&p| Circle::new(p, 3, TEST.filled())))?;
        chart.draw_series(alone(self.train).map(|p| Circle::new(p, 3, TRAIN.filled())))?;
        root.present()?;
        drop(chart);
        drop(root);
        Ok(())
    }
}

/// The values to show. The first steps can be a hundred times larger than all others and would flatten the
/// rest, so the largest and smallest 3 % of the training curve may leave the view, but only if they reach further
/// beyond the rest than the rest is high; no test value does.
fn view(train: &[(f64, f64)], test: &[(f64, f64)]) -> (f64, f64) {
    let mut values: Vec<f64> = train.iter().map(|p| p.1).filter(|y| y.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        values
            .get(((values.len() as f64 - 1.0) * part).round() as usize)
            .copied()
    };
    let (low, high) = (at(0.03).unwrap_or(f64::INFINITY), at(0.97).unwrap_or(f64::NEG_INFINITY));
    let (least, most, range) = (at(0.0).unwrap_or(low), at(1.0).unwrap_or(high), high - low);
    let low = if low - least <= range { least } else { low };
    let high = if most - high <= range { most } else { high };
    let test = || test.iter().map(|p| p.1).filter(|y| y.is_finite());
    let (low, high) = (test().fold(low, f64::min), test().fold(high, f64::max));
    if low > high {
        return (0.0, 1.0);
    }
    let air = ((high - low) * 0.08).max(high.abs() * 1e-3).max(1e-3);
    (low - air, high + air)
}

/// The parts of the line through these points that lie in the view. What leaves it is not drawn: on the border it would look like a value.
fn inside(points: &[(f64, f64)], low: f64, high: f64) -> Vec<Vec<(f64, f64)>> {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for pair in points.windows(2) {
        let Some([from, to]) = clipped(pair[0], pair[1], low, high) else {
            continue;
        };
        match lines.last_mut() {
            Some(line) if line.last() == Some(&from) => line.push(to),
            _ => lines.push(vec![from, to]),
        }
    }
    lines
}

/// The points that no line goes through: neither neighbour is a number.
fn alone(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let is_number = |i: Option<usize>| i.and_then(|i| points.get(i)).is_some_and(|p| p.1.is_finite());
    let is_alone = move |&i: &usize| is_number(Some(i)) && !is_number(i.checked_sub(1)) && !is_number(Some(i + 1));
    (0..points.len()).filter(is_alone).map(|i| points[i])
}

/// What lies in the view of the line from one point to the next.
fn clipped(from: (f64, f64), to: (f64, f64), low: f64, high: f64) -> Option<[(f64, f64); 2]> {
    let ((x0, y0), (x1, y1)) = (from, to);
    if !(y0.is_finite() && y1.is_finite()) || y0.max(y1) < low || y0.min(y1) > high {
        return None;
    }
    let end = |(x, y): (f64, f64)| match y.clamp(low, high) {
        edge if edge == y => (x, y),
        edge => (x0 + (x1 - x0) * (edge - y0) / (y1 - y0), edge),
    };
    Some([end(from), end(to)])
}

/// How many digits after the point tell the labels of a range apart.
fn decimals(range: f64) -> usize {
    (2.0 - range.log10().floor()).clamp(0.0, 6.0) as usize - usize::from(range < 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling() -> Vec<(f64, f64)> {
        (1..=100).map(|i| (f64::from(i), 500.0 / f64::from(i))).collect()
    }

    #[test]
    fn a_chart_names_its_axes_and_both_lines() {
        let svg = Curve {
            train: &falling(),
            test: &[(50.0, 11.0), (100.0, 6.0)],
            unit: "nats per image",
        }
        .to_svg();
        for text in ["<svg", "</svg>", "nats per image", "step"] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_chart_of_nothing_or_of_one_point_still_draws() {
        for (train, dots) in [(&[][..], 0), (&[(1.0, 3.0)], 1), (&[(1.0, 3.0), (2.0, f64::NAN)], 1)] {
            let svg = Curve {
                train,
                test: &[],
                unit: "nats",
            }
            .to_svg();
            assert!(svg.contains("</svg>") && !svg.contains("NaN"));
            assert_eq!(svg.matches("<circle").count(), dots, "a point is seen");
        }
    }

    #[test]
    fn the_view_leaves_out_the_first_steps_but_no_test_value() {
        let (low, high) = view(&falling(), &[(1.0, 300.0)]);
        assert!(low < 5.0 && (300.0..330.0).contains(&high));
        let (_, high) = view(&falling(), &[]);
        assert!(high < 200.0, "the first step of 500 is out of view: {high}");
        let (low, high) = view(&[(1.0, 2.0)], &[]);
        assert!(low < 2.0 && high > 2.0);
        assert_eq!(view(&[(1.0, f64::NAN)], &[]), (0.0, 1.0));
    }

    #[test]
    fn values_that_begin_low_and_rise_are_all_in_view() {
        let rising: Vec<(f64, f64)> = (1..=100).map(|i| (f64::from(i), f64::from(i).min(20.0))).collect();
        let (low, high) = view(&rising, &[]);
        assert!(low < 1.0 && high > 20.0, "{low} to {high}");
    }

    #[test]
    fn a_line_is_cut_where_it_crosses_the_border() {
        let points = [(0.0, 30.0), (1.0, 20.0), (2.0, 0.0), (3.0, 20.0), (4.0, 0.0)];
        let (down, up_again) = ([(1.5, 10.0), (2.0, 0.0), (2.5, 10.0)], [(3.5, 10.0), (4.0, 0.0)]);
        assert_eq!(inside(&points, 0.0, 10.0), [&down[..], &up_again[..]]);
        assert!(inside(&points[..2], 0.0, 10.0).is_empty());
        let gap = [(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0), (3.0, 2.0)];
        assert_eq!(inside(&gap, 0.0, 10.0), [[(2.0, 1.0), (3.0, 2.0)]]);
    }

    #[test]
    fn labels_have_as_many_digits_as_they_need() {
        assert_eq!(
            [decimals(300.0), decimals(20.0), decimals(2.0), decimals(0.02)],
            [0, 0, 1, 3]
        );
    }
}
