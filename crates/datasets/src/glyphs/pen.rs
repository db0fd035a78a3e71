//! A round pen with a soft edge, on a small grey canvas.

use super::{AREA, SIDE};

/// The pen at one place: its centre in pixels from the upper left corner, and its radius in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) radius: f32,
}

/// Over how many pixels the edge of a stroke fades, as a scanned and reduced stroke does.
const EDGE: f32 = 1.25;

/// How deep each pixel's centre lies under ink: its distance from the nearest edge, negative outside, in pixels.
pub(super) struct Canvas {
    depth: [f32; AREA],
}

impl Canvas {
    pub(super) fn new() -> Canvas {
        Canvas { depth: [-EDGE; AREA] }
    }

    /// Draws from `a` to `b` in a straight line; the pen's radius changes evenly on the way.
    pub(super) fn line(&mut self, a: Dot, b: Dot) {
        let reach = a.radius.max(b.radius) + 0.5 * EDGE;
        let columns = pixels(a.x.min(b.x) - reach, a.x.max(b.x) + reach);
        let rows = pixels(a.y.min(b.y) - reach, a.y.max(b.y) + reach);
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        // A line of no length is a dot: any factor does, as it is multiplied by 0.
        let per_length = 1.0 / (dx * dx + dy * dy).max(1e-12);
        for row in rows {
            let y = row as f32 + 0.5 - a.y;
            for column in columns.clone() {
                let x = column as f32 + 0.5 - a.x;
                let t = ((x * dx + y * dy) * per_length).clamp(0.0, 1.0);
                let (ex, ey) = (x - t * dx, y - t * dy);
                let depth = a.radius + t * (b.radius - a.radius) - (ex * ex + ey * ey).sqrt();
                let pixel = &mut self.depth[row * SIDE + column];
                *pixel = pixel.max(depth);
            }
        }
    }

    /// Writes the canvas as grey bytes: 0 is paper, 255 is ink.
    pub(super) fn develop(&self, out: &mut [u8]) {
        for (byte, &depth) in out.iter_mut().zip(&self.depth) {
            let t = (depth * (1.0 / EDGE) + 0.5).clamp(0.0, 1.0);
            let cover = t * t * (3.0 - 2.0 * t); // smooth at both ends
            *byte = (cover * 255.0 + 0.5) as u8;
        }
    }
}

/// The pixels of a row or column whose centres may lie between two places.
fn pixels(from: f32, to: f32) -> std::ops::Range<usize> {
    // A cast of a negative number to an unsigned integer gives 0.
    from as usize..(to as usize + 1).min(SIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_covers_its_area() {
        let mut canvas = Canvas::new();
        let end = |x: f32| Dot {
            x,
            y: 14.0,
            radius: 2.0,
        };
        canvas.line(end(5.0), end(23.0));
        let mut out = [0; AREA];
        canvas.develop(&mut out);
        let ink: f32 = out.iter().map(|&b| f32::from(b) / 255.0).sum();
        // A rectangle and two half discs.
        let area = 18.0 * 4.0 + std::f32::consts::PI * 4.0;
        assert!((ink - area).abs() < 0.03 * area, "{ink}, not {area}");
        assert_eq!(out[14 * SIDE + 14], 255);
        assert_eq!(out[20 * SIDE + 14], 0);
        assert!(out[14 * SIDE + 24] > 0 && out[14 * SIDE + 26] == 0);
    }

    #[test]
    fn a_line_of_no_length_is_a_dot_and_one_outside_leaves_nothing() {
        let mut canvas = Canvas::new();
        let dot = Dot {
            x: 14.0,
            y: 14.0,
            radius: 3.0,
        };
        canvas.line(dot, dot);
        let outside = Dot {
            x: -40.0,
            y: 60.0,
            radius: 3.0,
        };
        canvas.line(outside, outside);
        let mut out = [0; AREA];
        canvas.develop(&mut out);
        let ink: f32 = out.iter().map(|&b| f32::from(b) / 255.0).sum();
        assert!((ink - 28.27).abs() < 1.0, "{ink}");
    }
}
