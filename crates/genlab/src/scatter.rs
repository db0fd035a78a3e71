//! Points of the plane as a picture: real ones pale, generated ones strong.

use crate::pictures::Raster;

/// Pixels along each side.
const SIZE: usize = 480;
/// Empty space around the real points, as a part of their extent.
const AIR: f32 = 0.15;

const PAPER: [f32; 3] = [255.0, 255.0, 255.0];
const AXES: [f32; 3] = [228.0, 230.0, 235.0];
const REAL: [f32; 3] = [150.0, 158.0, 172.0];
const MADE: [f32; 3] = [30.0, 90.0, 220.0];

/// A square window on the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scatter {
    centre: [f32; 2],
    half: f32,
}

impl Scatter {
    /// The window that shows all of `points`. Taken around the real points, it stays the same in every
    /// picture of a run.
    pub(crate) fn around(points: &[[f32; 2]]) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for point in points {
            for axis in 0..2 {
                if point[axis].is_finite() {
                    low[axis] = low[axis].min(point[axis]);
                    high[axis] = high[axis].max(point[axis]);
                }
            }
        }
        if low[0] > high[0] || low[1] > high[1] {
            (low, high) = ([-1.0; 2], [1.0; 2]);
        }
        let extent = (high[0] - low[0]).max(high[1] - low[1]).max(1e-6);
        Self {
            centre: [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0],
            half: extent * (0.5 + AIR),
        }
    }

    /// Draws both clouds. A point beyond the window is drawn at its border, so that none is lost.
    pub(crate) fn draw(&self, real: &[[f32; 2]], made: &[[f32; 2]]) -> Raster {
        let mut picture = Raster {
            width: SIZE,
            height: SIZE,
            channels: 3,
            bytes: PAPER.map(|c| c as u8).repeat(SIZE * SIZE),
        };
        let [x0, y0] = self.place([0.0, 0.0]);
        for i in 0..SIZE {
            blend(&mut picture, x0.round() as usize, i, AXES, 1.0);
            blend(&mut picture, i, y0.round() as usize, AXES, 1.0);
        }
        for &point in real {
            self.dot(&mut picture, point, 1.6, REAL, 0.5);
        }
        for &point in made {
            self.dot(&mut picture, point, 2.2, MADE, 0.75);
        }
        picture
    }

    /// Where a point lies, in pixels from the upper left corner.
    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let unit = SIZE as f32 / (2.0 * self.half);
        let edge = (SIZE - 1) as f32;
        [
            ((x - self.centre[0] + self.half) * unit - 0.5).clamp(0.0, edge),
            ((self.centre[1] + self.half - y) * unit - 0.5).clamp(0.0, edge),
        ]
    }

    fn dot(&self, picture: &mut Raster, point: [f32; 2], radius: f32, colour: [f32; 3], ink: f32) {
        if point.iter().any(|c| c.is_nan()) {
            return;
        }
        let [x, y] = self.place(point);
        let reach = radius.ceil() as isize;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (px, py) = (x.round() as isize + dx, y.round() as isize + dy);
                let distance = (px as f32 - x).hypot(py as f32 - y);
                // One pixel of soft edge.
                let cover = (radius + 0.5 - distance).clamp(0.0, 1.0);
                if let (Ok(px), Ok(py)) = (usize::try_from(px), usize::try_from(py)) {
                    blend(picture, px, py, colour, cover * ink);
                }
            }
        }
    }
}

fn blend(picture: &mut Raster, x: usize, y: usize, colour: [f32; 3], ink: f32) {
    if x >= picture.width || y >= picture.height || ink <= 0.0 {
        return;
    }
    let at = (y * picture.width + x) * 3;
    for (byte, c) in picture.bytes[at..at + 3].iter_mut().zip(colour) {
        *byte = (f32::from(*byte) * (1.0 - ink) + c * ink).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(picture: &Raster, x: usize, y: usize) -> &[u8] {
        &picture.bytes[(y * SIZE + x) * 3..][..3]
    }

    #[test]
    fn the_window_is_square_and_holds_every_real_point_with_air() {
        let window = Scatter::around(&[[-1.0, 0.0], [3.0, 2.0], [f32::NAN, 0.0]]);
        assert_eq!(window.centre, [1.0, 1.0]);
        assert!((window.half - 4.0 * 0.65).abs() < 1e-6);
        assert_eq!(Scatter::around(&[]).centre, [0.0, 0.0]);
    }

    #[test]
    fn up_is_up_and_right_is_right() {
        let window = Scatter {
            centre: [0.0, 0.0],
            half: 1.0,
        };
        let picture = window.draw(&[], &[[0.5, 0.5]]);
        // x = 0.5 is three quarters to the right, y = 0.5 one quarter from the top.
        let (red, blue) = (pixel(&picture, 360, 120)[0], pixel(&picture, 360, 120)[2]);
        assert!(red < 120 && blue > 200, "{red} {blue}");
        assert_eq!(pixel(&picture, 120, 360), [255, 255, 255]);
    }

    #[test]
    fn real_points_are_paler_than_generated_ones() {
        let window = Scatter {
            centre: [0.0, 0.0],
            half: 1.0,
        };
        let real = window.draw(&[[0.5, 0.5]], &[]);
        let made = window.draw(&[], &[[0.5, 0.5]]);
        assert!(pixel(&real, 360, 120)[0] > pixel(&made, 360, 120)[0] + 80);
    }

    #[test]
    fn points_beyond_the_window_lie_on_its_border() {
        let window = Scatter {
            centre: [0.0, 0.0],
            half: 1.0,
        };
        let picture = window.draw(&[], &[[9.0, 0.5], [f32::INFINITY, -0.5], [f32::NAN, 0.0]]);
        assert!(pixel(&picture, SIZE - 1, 120)[0] < 120);
        assert!(pixel(&picture, SIZE - 1, 360)[0] < 120);
    }
}
