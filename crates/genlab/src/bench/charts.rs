//! The charts, as SVG: speed over size, and the roofline.

use self::labels::{Label, draw_apart};
use super::ladder::Row;
use super::machine::Machine;
use crate::curves::{INK, RULE};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use tensor_core::kernels::matmul::RUNGS;

mod labels;

/// Pixels of a chart, across and down.
const SIZE: (u32, u32) = (900, 560);
/// The smallest size of the chart of speeds.
const SMALLEST: f64 = 4.0;

/// Those of the rungs, from the first on. A ladder that is longer, while one tries a rung, begins again; one that stays is to have a colour of its own.
const COLOURS: [RGBColor; 12] = [
    RGBColor(0xb3, 0x4a, 0x12),
    RGBColor(0xdd, 0x8a, 0x00),
    RGBColor(0x7a, 0x94, 0x1c),
    RGBColor(0x1b, 0x8a, 0x5a),
    RGBColor(0x12, 0x93, 0xa5),
    RGBColor(0x2f, 0x6f, 0xde),
    RGBColor(0x4b, 0x3f, 0xb8),
    RGBColor(0x92, 0x3f, 0xb8),
    RGBColor(0xe0, 0x72, 0xb4),
    RGBColor(0xc2, 0x1f, 0x6d),
    RGBColor(0xe0, 0x4f, 0x4f),
    RGBColor(0x6b, 0x4b, 0x3a),
];
/// That of the reference.
const GREY: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// The colour of rung `i`.
fn colour(i: usize) -> RGBColor {
    match RUNGS[i].is_reference() {
        true => GREY,
        false => COLOURS[i % COLOURS.len()],
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// GFLOP/s of square products over their size, one line for each rung.
pub(super) fn speed(machine: &Machine, rows: &[Row]) -> String {
    drawing(|root| {
        let mut rows: Vec<(f64, &Row)> = rows
            .iter()
            .filter_map(|row| Some((row.size.side()? as f64, row)))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Smaller ones, and what is a thousand times slower than the best, would take half of the chart.
        rows.retain(|row| row.0 >= SMALLEST);
        let caption = match rows.len() {
            0 => format!("Square products: none of {SMALLEST} or more was measured"),
            _ => "Square products: speed over size".into(),
        };
        let last = rows.last().map_or(0.0, |row| row.0).max(2.0 * SMALLEST);
        let high = top(machine, rows.iter().map(|row| row.1));
        let low = high / 2000.0;
        let mut chart = ChartBuilder::on(root)
            .caption(caption, title())
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .margin_right(130)
            .build_cartesian_2d((SMALLEST..last).log_scale().base(2.0), (low..high).log_scale())?;
        chart
            .configure_mesh()
            .bold_line_style(RULE)
            .light_line_style(TRANSPARENT)
            .axis_style(RULE)
            .label_style(text())
            .axis_desc_style(text())
            .x_desc("size N of A, B and C (N x N)")
            .y_desc("GFLOP/s")
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .draw()?;
        for (peak, _) in roofs(machine) {
            chart.draw_series(LineSeries::new([(SMALLEST, peak), (last, peak)], INK.stroke_width(1)))?;
        }
        let mut labels: Vec<Label> = Vec::new();
        for (i, rung) in RUNGS.iter().enumerate() {
            let points = rows.iter().filter_map(|(n, row)| Some((*n, row.speeds[i]?.best)));
            let points: Vec<(f64, f64)> = points.filter(|point| point.1 > low).collect();
            chart.draw_series(LineSeries::new(points.clone(), colour(i).stroke_width(2)))?;
            chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour(i).filled())))?;
            if let Some(&(_, end)) = points.last() {
                let (x, y) = chart.backend_coord(&(last, end));
                labels.push(Label::new(rung.name(), (x + 8, y), colour(i), HPos::Left));
            }
        }
        let roof = |(peak, name): (f64, String)| {
            let (x, y) = chart.backend_coord(&(SMALLEST, peak));
            Label::new(&name, (x + 6, y - 9), INK, HPos::Left)
        };
        draw_apart(roofs(machine).into_iter().map(roof).collect(), root)?;
        draw_apart(labels, root)
    })
}

/// GFLOP/s of each rung over the operations that its inner loop does for each byte it loads and stores, at the largest square size that all
/// rungs were measured at; and what the machine allows.
pub(super) fn roofline(machine: &Machine, rows: &[Row]) -> String {
    drawing(|root| {
        let whole = |row: &&Row| row.size.side().is_some() && row.speeds.iter().all(Option::is_some);
        let row = rows.iter().filter(whole).max_by_key(|row| row.size.side());
        let caption = match row {
            Some(row) => format!("Roofline: the rungs at {}", row.size),
            None => "Roofline: at no square size were all rungs measured".into(),
        };
        let (first, last) = (0.05, 20.0);
        let high = top(machine, row.into_iter());
        let mut chart = ChartBuilder::on(root)
            .caption(caption, title())
            .margin(12)
            .margin_right(30)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d((first..last).log_scale(), (high / 3000.0..high).log_scale())?;
        chart
            .configure_mesh()
            .bold_line_style(RULE)
            .light_line_style(TRANSPARENT)
            .axis_style(RULE)
            .label_style(text())
            .axis_desc_style(text())
            .x_desc("operations of the inner loop for each byte that it loads and stores")
            .y_desc("GFLOP/s")
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .draw()?;
        let fastest = machine.bandwidths.iter().map(|from| from.gigabytes).fold(0.0, f64::max);
        let mut labels = Vec::new();
        for (peak, name) in roofs(machine) {
            let ridge = (peak / fastest).clamp(first, last);
            chart.draw_series(LineSeries::new([(ridge, peak), (last, peak)], INK.stroke_width(1)))?;
            let (x, y) = chart.backend_coord(&(last, peak));
            labels.push(Label::new(&name, (x - 4, y - 9), INK, HPos::Right));
        }
        draw_apart(labels, root)?;
        let mut labels = Vec::new();
        for from in &machine.bandwidths {
            let ridge = (machine.peak.one_core / from.gigabytes).min(last);
            let line = [first, ridge].map(|x| (x, x * from.gigabytes));
            chart.draw_series(LineSeries::new(line, INK.mix(0.6).stroke_width(1)))?;
            let at = chart.backend_coord(&(1.5 * first, line[0].1 * 1.5)); // left of all dots and their names
            let name = format!("{} {:.0} GB/s", from.level, from.gigabytes);
            labels.push(Label::new(&name, at, INK, HPos::Center));
        }
        draw_apart(labels, root)?;
        let dots: Vec<(usize, f64, f64)> = (0..RUNGS.len())
            .filter_map(|i| Some((i, 2.0 / RUNGS[i].bytes(), row?.speeds[i]?.best)))
            .collect();
        chart.draw_series(dots.iter().map(|&(i, x, y)| Circle::new((x, y), 5, colour(i).filled())))?;
        // Beside their dots, to the right of the last column and to the left of the others.
        let mut columns: Vec<f64> = dots.iter().map(|dot| dot.1).collect();
        columns.sort_by(f64::total_cmp);
        columns.dedup();
        for (i, column) in columns.iter().enumerate() {
            let (shift, side) = match i + 1 == columns.len() {
                true => (10, HPos::Left),
                false => (-10, HPos::Right),
            };
            let label = |&(i, x, y): &(usize, f64, f64)| {
                let (x, y) = chart.backend_coord(&(x, y));
                Label::new(RUNGS[i].name(), (x + shift, y), colour(i), side)
            };
            draw_apart(dots.iter().filter(|dot| dot.1 == *column).map(label).collect(), root)?;
        }
        Ok(())
    })
}

/// A white sheet, drawn upon.
fn drawing(draw: impl for<'a, 'b> FnOnce(&'b Area<'a>) -> Drawn<'a>) -> String {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    // Plotters returns errors of its backend alone, and a string has none.
    let drawn = root
        .fill(&WHITE)
        .and_then(|()| draw(&root))
        .and_then(|()| root.present());
    drawn.expect("drawing into a string does not fail");
    drop(root);
    svg
}

/// The peaks of one core and of all, with their names. The axis names the unit: longer names would lie upon that of the last dot.
fn roofs(machine: &Machine) -> Vec<(f64, String)> {
    let name = |cores: &str, peak: f64| (peak, format!("peak of {cores}: {peak:.0}"));
    let mut roofs = vec![name("one core", machine.peak.one_core)];
    if machine.threads > 1 {
        roofs.push(name(&format!("{} threads", machine.threads), machine.peak.all_cores));
    }
    roofs
}

/// The upper end of a chart: above the peaks, and above all rungs, since a reference may choose better instructions than the build has.
fn top<'a>(machine: &Machine, rows: impl Iterator<Item = &'a Row>) -> f64 {
    let speeds = rows.flat_map(|row| &row.speeds).flatten().map(|speed| speed.best);
    1.4 * speeds
        .chain(roofs(machine).into_iter().map(|roof| roof.0))
        .fold(0.0, f64::max)
}

fn text() -> TextStyle<'static> {
    ("sans-serif", 14).into_font().color(&INK)
}

fn title() -> TextStyle<'static> {
    ("sans-serif", 18).into_font().color(&BLACK)
}

/// Numbers of a logarithmic axis, without zeros behind the point.
fn number(x: &f64) -> String {
    format!("{}", (x * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rungs_have_one_colour() {
        let colours: Vec<_> = (0..RUNGS.len()).map(colour).map(|colour| colour.rgb()).collect();
        for (i, rung) in RUNGS.iter().enumerate() {
            assert!(
                !colours[..i].contains(&colours[i]),
                "`{}` needs a colour of its own in COLOURS",
                rung.name()
            );
        }
    }

    /// A row whose slowest rung is within what a chart shows.
    fn row(size: &str) -> Row {
        let mut row = super::super::ladder::testing::row(size);
        let speeds = row.speeds.iter_mut().flatten();
        speeds.for_each(|speed| speed.best = speed.best.sqrt());
        row
    }

    #[test]
    fn the_charts_name_all_rungs_also_where_nothing_was_measured() {
        let machine = Machine::measure(1e-4);
        let mut whole = row("64");
        whole.speeds[0] = whole.speeds[1];
        let rows = [row("1"), whole, row("100"), row("2x3x4")];
        let (speed, roofline) = (speed(&machine, &rows), roofline(&machine, &rows));
        for rung in RUNGS {
            assert!(speed.contains(rung.name()), "{}", rung.name());
            assert!(roofline.contains(rung.name()), "{}", rung.name());
        }
        assert!(roofline.contains("the rungs at 64"));
        assert!(super::speed(&machine, &[row("2"), row("5x6x7")]).contains("none of 4 or more was measured"));
        for svg in [
            speed,
            roofline,
            super::speed(&machine, &[]),
            super::roofline(&machine, &[]),
        ] {
            assert!(svg.contains("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
