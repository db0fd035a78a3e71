//! What makes one image differ from another of the same digit.

use tensor_core::rng::Random;

/// The causes of one image. Nothing else but the jitter of single points, of the amount `jitter`, is random in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Which way of writing the digit: the bar of a 7, the foot of a 1. Counted from 0 for each digit.
    pub variant: u8,
    /// How far the top leans to the right, per unit of height.
    pub slant: f32,
    /// Width of the strokes, in pixels.
    pub thickness: f32,
    /// Size of the ink, as a part of the 20 x 20 box.
    pub scale: f32,
    /// Clockwise turn, in radians.
    pub rotation: f32,
    /// Shift of the ink's centre of mass to the right of the image's centre, in pixels.
    pub x: f32,
    /// Shift of the ink's centre of mass below the image's centre, in pixels.
    pub y: f32,
    /// Standard deviation of the points that a stroke runs through, as a part of the digit's height.
    pub jitter: f32,
    /// Width of the digit, as a multiple of its usual width.
    pub width: f32,
    /// By how much the lower half is wider than the upper one.
    pub taper: f32,
    /// By how much the middle is to the left of both ends.
    pub bend: f32,
    /// By how much the upper half is higher than the lower one.
    pub balance: f32,
}

impl Factors {
    /// The names of what [`values`](Factors::values) gives.
    pub const NAMES: [&'static str; 11] = [
        "slant",
        "thickness",
        "scale",
        "rotation",
        "x",
        "y",
        "jitter",
        "width",
        "taper",
        "bend",
        "balance",
    ];

    /// The continuous factors, in the order of [`NAMES`](Factors::NAMES).
    pub fn values(&self) -> [f32; 11] {
        [
            self.slant,
            self.thickness,
            self.scale,
            self.rotation,
            self.x,
            self.y,
            self.jitter,
            self.width,
            self.taper,
            self.bend,
            self.balance,
        ]
    }

    /// Draws the factors of one image: independent of one another, with the spread that handwriting has.
    pub(super) fn draw(variant: u8, random: &mut Random) -> Factors {
        let mut around = |mean: f32, spread: f32| mean + spread * bounded_normal(random);
        Factors {
            variant,
            slant: around(0.12, 0.25),
            thickness: around(2.54, 0.66),
            scale: around(0.97, 0.03),
            rotation: around(0.0, 0.08),
            x: around(0.0, 0.4),
            y: around(0.0, 0.4),
            jitter: around(0.042, 0.010),
            width: around(1.12, 0.18),
            taper: around(0.0, 0.17),
            bend: around(0.0, 0.06),
            balance: around(0.0, 0.12),
        }
    }
}

/// A normal number within 2.4 standard deviations: no image is beyond what a person would write.
pub(super) fn bounded_normal(random: &mut Random) -> f32 {
    loop {
        let x = random.next_normal();
        if x.abs() < 2.4 {
            return x;
        }
    }
}
