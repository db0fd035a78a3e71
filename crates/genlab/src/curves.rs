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
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|x| crate::progress::thousands(x.round() as u64))
            .y_label_formatter(&|y| format!("{y:.digits$}"))
            .draw()?;
        let inside = |points: &[(f64, f64)]| inside(points, low, high);
        if !self.train.is_empty() {
            chart.draw_series(LineSeries::new(inside(self.train), TRAIN.stroke_width(2)))?;
        }
        if !self.test.is_empty() {
            let points = inside(self.test);
            chart.draw_series(LineSeries::new(points.clone(), TEST.stroke_width(2)))?;
            chart.draw_series(points.into_iter().map(|p| Circle::new(p, 3, TEST.filled())))?;
        }
        root.present()?;
        drop(chart);
        drop(root);
        Ok(())
    }
}

/// The values to show. The first steps can be a hundred times larger than all others and would flatten the
/// rest, so the largest and smallest 3 % of the training curve may leave the view; no test value does.
fn view(train: &[(f64, f64)], test: &[(f64, f64)]) -> (f64, f64) {
    let mut values: Vec<f64> = train.iter().map(|p| p.1).filter(|y| y.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let at = |part: f64| {
        values
            .get(((values.len() as f64 - 1.0) * part).round() as usize)
            .copied()
    };
    let (low, high) = (at(0.03).unwrap_or(f64::INFINITY), at(0.97).unwrap_or(f64::NEG_INFINITY));
    let test = || test.iter().map(|p| p.1).filter(|y| y.is_finite());
    let (low, high) = (test().fold(low, f64::min), test().fold(high, f64::max));
    if low > high {
        return (0.0, 1.0);
    }
    let air = ((high - low) * 0.08).max(high.abs() * 1e-3).max(1e-3);
    (low - air, high + air)
}

/// The points without the first ones beyond the view, from where the line enters it; later ones that leave it
/// lie on its border.
fn inside(points: &[(f64, f64)], low: f64, high: f64) -> Vec<(f64, f64)> {
    let within = |y: f64| (low..=high).contains(&y);
    let Some(first) = points.iter().position(|p| within(p.1)) else {
        return Vec::new();
    };
    let entry = first.checked_sub(1).map(|before| {
        let ((x0, y0), (x1, y1)) = (points[before], points[first]);
        let edge = y0.clamp(low, high);
        (x0 + (x1 - x0) * (edge - y0) / (y1 - y0), edge)
    });
    let rest = points[first..].iter().map(|&(x, y)| (x, y.clamp(low, high)));
    entry.into_iter().chain(rest).collect()
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
        for train in [&[][..], &[(1.0, 3.0)]] {
            let svg = Curve {
                train,
                test: &[],
                unit: "nats",
            }
            .to_svg();
            assert!(svg.contains("</svg>") && !svg.contains("NaN"));
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
    fn a_line_enters_the_view_where_it_crosses_the_border() {
        let points = [(0.0, 30.0), (1.0, 20.0), (2.0, 0.0), (3.0, 15.0), (4.0, 5.0)];
        assert_eq!(
            inside(&points, 0.0, 10.0),
            [(1.5, 10.0), (2.0, 0.0), (3.0, 10.0), (4.0, 5.0)]
        );
        assert_eq!(inside(&points[..2], 0.0, 10.0), []);
        assert_eq!(inside(&points[2..], 0.0, 10.0)[0], (2.0, 0.0));
    }

    #[test]
    fn labels_have_as_many_digits_as_they_need() {
        assert_eq!(
            [decimals(300.0), decimals(20.0), decimals(2.0), decimals(0.02)],
            [0, 0, 1, 3]
        );
    }
}
