//! `glyphs`: handwritten digits that the program draws itself, as a stand-in for MNIST that needs no download.
//!
//! An image is a digit's skeleton (what a hand would do), shaken and bent by factors that are known
//! ([`Factors`]), and followed by a round soft pen. It is laid out like MNIST: 28 x 28 grey bytes, the ink within a
//! box of 20 x 20, its centre of mass in the middle.
//!
//! Image `i` is a function of the seed, the split and `i`, with the same bits on every build: only additions,
//! multiplications, divisions and square roots.

mod factors;
mod pen;
mod strokes;

pub use factors::Factors;

use crate::{Dataset, Split};
use factors::bounded_normal;
use pen::{Canvas, Dot};
use rayon::prelude::*;
use strokes::{DIGITS, Stroke, Variant};
use tensor_core::rng::Random;

/// Pixels on each side of an image.
pub const SIDE: usize = 28;

/// Pixels of an image.
pub const AREA: usize = SIDE * SIDE;

/// Pixels on each side of the box that the ink fits in.
const BOX: f32 = 20.0;

/// Where MNIST has the centre of mass, on both axes: in the middle of pixel 14.
const CENTRE: f32 = 14.5;

/// Straight lines between two points of a stroke: each is about a pixel long.
const LINES: usize = 6;

/// Images, with the digit and the causes of each.
#[derive(Clone, Debug)]
pub struct Glyphs {
    /// Grey bytes, 0 for paper and 255 for ink, row by row: `[n, 28, 28]`.
    pub pixels: Vec<u8>,
    /// Digits, 0 to 9: `[n]`.
    pub labels: Vec<u8>,
    /// What made each image: `[n]`.
    pub factors: Vec<Factors>,
}

/// The set `glyphs`: 60,000 images to train on and 10,000 to test on, with labels and factors.
pub fn open(seed: u64) -> Dataset {
    let split = |name: &str, n: usize| {
        let Glyphs {
            pixels,
            labels,
            factors,
        } = draw(seed, name, n);
        Split::images(pixels, AREA).with_labels(labels).with_factors(factors)
    };
    Dataset {
        name: "glyphs".into(),
        train: split("train", 60_000),
        test: split("test", 10_000),
        shape: vec![SIDE, SIDE],
        modes: None,
    }
}

/// Draws `n` images; those of one `split` have nothing to do with those of another.
pub fn draw(seed: u64, split: &str, n: usize) -> Glyphs {
    let root = Random::new(seed).stream("glyphs").stream(split);
    let mut pixels = vec![0; n * AREA];
    let (labels, factors) = pixels
        .par_chunks_exact_mut(AREA)
        .enumerate()
        .with_min_len(64)
        .map(|(i, image)| draw_one(root.at(i as u64), image))
        .unzip();
    Glyphs {
        pixels,
        labels,
        factors,
    }
}

/// Draws one image.
fn draw_one(mut random: Random, image: &mut [u8]) -> (u8, Factors) {
    let label = random.uniform_u32(10) as u8;
    let (index, variant) = choose(DIGITS[usize::from(label)], random.uniform_u32(100));
    let factors = Factors::draw(index, &mut random);

    let mut lines: Vec<Vec<Dot>> = Vec::with_capacity(2);
    for stroke in variant.strokes {
        let points = shake(stroke, &factors, &mut random);
        let points: Vec<Point> = points.into_iter().map(|p| place(p, &factors)).collect();
        lines.push(pressed(smooth(&points), &factors, &mut random));
    }
    fit(&mut lines, &factors);
    ink(&lines, image);

    // Where strokes cross, ink counts once: its centre of mass is measured in the image.
    let (x, y) = centre_of_mass(image);
    shift(&mut lines, CENTRE + factors.x - x, CENTRE + factors.y - y);
    ink(&lines, image);
    (label, factors)
}

/// The variant that the `percent`th of a hundred writers uses.
fn choose(variants: &'static [Variant], mut percent: u32) -> (u8, &'static Variant) {
    for (i, variant) in variants.iter().enumerate() {
        if percent < variant.share {
            return (i as u8, variant);
        }
        percent -= variant.share;
    }
    unreachable!("the shares of a digit's variants add up to 100")
}

type Point = (f32, f32);

/// The points of a stroke, each one moved a little, free ends a little more. A hand that went too far to the left is
/// still there at the next point: neighbours move alike, and both halves of a corner by the same.
fn shake(stroke: Stroke, factors: &Factors, random: &mut Random) -> Vec<Point> {
    let mut shaken: Vec<Point> = Vec::with_capacity(stroke.len());
    let (mut dx, mut dy) = (bounded_normal(random), bounded_normal(random));
    for (i, &(x, y)) in stroke.iter().enumerate() {
        let is_second_half = i > 0 && stroke[i - 1] == (x, y);
        if i > 0 && !is_second_half {
            // Of variance 1 again, as 0.6² + 0.8² = 1.
            dx = 0.6 * dx + 0.8 * bounded_normal(random);
            dy = 0.6 * dy + 0.8 * bounded_normal(random);
        }
        let is_end = i == 0 || i + 1 == stroke.len();
        let amount = factors.jitter * if is_end { 1.4 } else { 1.0 };
        shaken.push((f32::from(x) * 0.01 + amount * dx, f32::from(y) * 0.01 + amount * dy));
    }
    shaken
}

/// Bends, widens, leans and turns a point of the skeleton as the factors say.
fn place((x, y): Point, factors: &Factors) -> Point {
    // From -1 to 1 over the digit's height; its width is about 0.7 of that.
    let (u, v) = (2.0 * x - 0.7, 2.0 * y - 1.0);
    let u = u * factors.width * (1.0 + factors.taper * v) + factors.bend * (v * v - 0.5) * 2.0;
    let v = v + factors.balance * (1.0 - v * v);
    let u = u - factors.slant * v;
    let (sin, cos) = sin_cos(factors.rotation);
    (cos * u - sin * v, sin * u + cos * v)
}

/// Sine and cosine of a small angle, by their Taylor series.
fn sin_cos(angle: f32) -> (f32, f32) {
    let q = angle * angle;
    let sin = angle * (1.0 - q * (1.0 / 6.0) * (1.0 - q * (1.0 / 20.0)));
    let cos = 1.0 - q * 0.5 * (1.0 - q * (1.0 / 12.0) * (1.0 - q * (1.0 / 30.0)));
    (sin, cos)
}

/// A smooth curve through the points, as short lines: Catmull and Rom's spline (1974), in which the direction at a
/// point is that from its predecessor to its successor.
fn smooth(points: &[Point]) -> Vec<Point> {
    let last = points.len() - 1;
    let mut curve = Vec::with_capacity(last * LINES + 1);
    curve.push(points[0]);
    for i in 0..last {
        let [p0, p1, p2, p3] = [
            points[i.saturating_sub(1)],
            points[i],
            points[i + 1],
            points[(i + 2).min(last)],
        ];
        if p1 == p2 {
            continue; // a corner
        }
        let cubic = |a: f32, b: f32, c: f32, d: f32, t: f32| {
            b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
        };
        for step in 1..=LINES {
            let t = step as f32 * (1.0 / LINES as f32);
            curve.push((cubic(p0.0, p1.0, p2.0, p3.0, t), cubic(p0.1, p1.1, p2.1, p3.1, t)));
        }
    }
    curve
}

/// Gives the pen a radius, in pixels, at each point of a curve: the hand presses more here and less there.
fn pressed(curve: Vec<Point>, factors: &Factors, random: &mut Random) -> Vec<Dot> {
    let radius = 0.5 * factors.thickness;
    let mut pressures = [0.0; 4];
    pressures.fill_with(|| 1.0 + 0.10 * bounded_normal(random));
    let last = (curve.len() - 1) as f32;
    let dot = |(i, (x, y)): (usize, Point)| {
        // Straight between four places along the stroke.
        let at = i as f32 / last * 3.0;
        let k = (at as usize).min(2);
        let pressure = pressures[k] + (at - k as f32) * (pressures[k + 1] - pressures[k]);
        Dot {
            x,
            y,
            radius: radius * pressure,
        }
    };
    curve.into_iter().enumerate().map(dot).collect()
}

/// Scales the strokes so that the ink fits its box, and puts the box in the middle of the image.
fn fit(lines: &mut [Vec<Dot>], factors: &Factors) {
    let range = |of: fn(&Dot) -> f32| {
        let along = lines.iter().flatten().map(of);
        along.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)))
    };
    let ((left, right), (top, bottom)) = (range(|dot| dot.x), range(|dot| dot.y));
    let scale = (BOX * factors.scale - factors.thickness) / (right - left).max(bottom - top);
    for dot in lines.iter_mut().flatten() {
        dot.x *= scale;
        dot.y *= scale;
    }
    let middle = 0.5 * SIDE as f32;
    shift(
        lines,
        middle - 0.5 * scale * (left + right),
        middle - 0.5 * scale * (top + bottom),
    );
}

fn shift(lines: &mut [Vec<Dot>], dx: f32, dy: f32) {
    for dot in lines.iter_mut().flatten() {
        dot.x += dx;
        dot.y += dy;
    }
}

/// Draws the strokes on an empty image.
fn ink(lines: &[Vec<Dot>], image: &mut [u8]) {
    let mut canvas = Canvas::new();
    for line in lines {
        line.windows(2).for_each(|ends| canvas.line(ends[0], ends[1]));
    }
    canvas.develop(image);
}

/// The mean place of the ink, in pixels from the upper left corner.
fn centre_of_mass(image: &[u8]) -> (f32, f32) {
    // Whole numbers, which add up to the same sum in any order.
    let [mut sum, mut x, mut y] = [0u32; 3];
    for (row, bytes) in (0..).zip(image.chunks(SIDE)) {
        for (column, &byte) in (0..).zip(bytes) {
            sum += u32::from(byte);
            x += u32::from(byte) * column;
            y += u32::from(byte) * row;
        }
    }
    let mean = |moment: u32| moment as f32 / sum as f32 + 0.5; // to the middle of the pixel
    (mean(x), mean(y))
}

#[cfg(test)]
mod tests;
