//! Images in a terminal: each character cell shows two pixels, one above the other, by the half block ▀.

use crate::pictures::Images;
use std::fmt::Write;
use std::io::IsTerminal;

/// How many greys the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 24-bit colour.
    Full,
    /// The 256-colour palette with its 24 greys.
    Palette,
}

/// What stderr can show, if it is a terminal with colour.
pub(crate) fn depth() -> Option<Depth> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let value = |name| std::env::var(name).unwrap_or_default();
    if !std::io::stderr().is_terminal() || set("NO_COLOR") || value("TERM") == "dumb" {
        return None;
    }
    let full = matches!(value("COLORTERM").as_str(), "truecolor" | "24bit");
    Some(if full { Depth::Full } else { Depth::Palette })
}

/// The width of the terminal behind stderr, in characters.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// Two rows of images, as many as fit into `columns` characters. Large images are made smaller, to at most 16 pixels a side.
pub(crate) fn render(images: &Images, columns: usize, depth: Depth) -> String {
    let shrink = images.width.max(images.height).div_ceil(16);
    let (width, height) = (images.width.div_ceil(shrink), images.height.div_ceil(shrink));
    // A pixel pair of a cell must not straddle two images, so each image takes an even number of rows.
    let height = height + height % 2;
    let across = ((columns + 1) / (width + 1)).clamp(1, images.count().max(1));
    let mut text = String::new();
    for first in (0..images.count()).step_by(across).take(2) {
        for y in (0..height).step_by(2) {
            for image in first..(first + across).min(images.count()) {
                for x in 0..width {
                    let upper = shrunk(images, image, y, x, shrink);
                    let lower = shrunk(images, image, y + 1, x, shrink);
                    cell(&mut text, upper, lower, depth);
                }
                text.push_str("\x1b[0m ");
            }
            text.push('\n');
        }
    }
    text
}

fn cell(text: &mut String, upper: u8, lower: u8, depth: Depth) {
    let written = match depth {
        Depth::Full => {
            write!(text, "\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀")
        }
        Depth::Palette => {
            write!(text, "\x1b[38;5;{};48;5;{}m▀", palette(upper), palette(lower))
        }
    };
    written.expect("writing to a string does not fail");
}

/// The palette's nearest grey: 16 is black, 232 to 255 are the levels 8, 18, …, 238, and 231 is white.
fn palette(grey: u8) -> u8 {
    match grey {
        0..=3 => 16,
        4..=246 => 232 + (grey.saturating_sub(3) / 10).min(23),
        _ => 231,
    }
}

/// The mean grey of a square of pixels; black beyond the image.
fn shrunk(images: &Images, image: usize, y: usize, x: usize, by: usize) -> u8 {
    let (mut sum, mut count) = (0_usize, 0_usize);
    for row in (y * by)..((y + 1) * by).min(images.height) {
        for column in (x * by)..((x + 1) * by).min(images.width) {
            sum += usize::from(images.grey(image, row, column));
            count += 1;
        }
    }
    sum.checked_div(count).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(height: usize, width: usize, values: Vec<f32>) -> Images {
        Images {
            height,
            width,
            range: (0.0, 1.0),
            values,
        }
    }

    #[test]
    fn a_cell_shows_the_upper_and_the_lower_pixel() {
        let made = images(2, 1, vec![1.0, 0.0]);
        assert_eq!(
            render(&made, 80, Depth::Full),
            "\x1b[38;2;255;255;255;48;2;0;0;0m▀\x1b[0m \n"
        );
        assert_eq!(render(&made, 80, Depth::Palette), "\x1b[38;5;231;48;5;16m▀\x1b[0m \n");
    }

    #[test]
    fn lines_fit_the_terminal_and_colours_end_with_the_line() {
        let made = images(28, 28, vec![0.5; 28 * 28 * 64]);
        for columns in [1, 14, 15, 29, 80, 200] {
            let text = render(&made, columns, Depth::Full);
            assert_eq!(text.lines().count(), 14, "two rows of seven lines");
            for line in text.lines() {
                let cells = line.matches('▀').count();
                assert_eq!(cells % 14, 0);
                assert!(cells + cells / 14 - 1 <= columns.max(14), "{cells} cells in {columns}");
                assert!(line.ends_with("\x1b[0m "));
            }
        }
    }

    #[test]
    fn odd_heights_end_in_black() {
        let text = render(&images(3, 1, vec![1.0; 3]), 80, Depth::Full);
        assert!(text.lines().nth(1).unwrap().contains("48;2;0;0;0m"));
    }

    #[test]
    fn the_palette_is_monotonic_in_brightness() {
        let level = |grey| match palette(grey) {
            16 => 0,
            231 => 255,
            index => 8 + 10 * (i32::from(index) - 232),
        };
        for grey in 0..=255_u8 {
            assert!((level(grey) - i32::from(grey)).abs() <= 9, "{grey} -> {}", level(grey));
        }
    }
}
