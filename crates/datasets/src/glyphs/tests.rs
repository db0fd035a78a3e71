//! The set as a whole: its bits, its variety, and how far it resembles MNIST.

use super::*;
use std::collections::HashSet;

fn grey(byte: u8) -> f64 {
    f64::from(byte) / 255.0
}

/// The images of one digit.
fn of_digit(set: &Glyphs, digit: u8) -> impl Iterator<Item = (&[u8], &Factors)> {
    let images = set.pixels.chunks(AREA).zip(&set.labels).zip(&set.factors);
    images
        .filter(move |((_, label), _)| **label == digit)
        .map(|((image, _), factors)| (image, factors))
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whoever changes this changes the results of every model that was trained on the set.
#[test]
fn the_bits_are_the_same_on_every_build() {
    let set = draw(0, "train", 2_000);
    assert_eq!(set.labels[..10], [3, 0, 1, 1, 3, 9, 9, 2, 2, 3]);
    assert_eq!(checksum(&set.pixels), 8_517_310_922_725_040_316);
}

#[test]
fn an_image_depends_on_seed_split_and_number_only() {
    let few = draw(7, "train", 10);
    let many = draw(7, "train", 300);
    assert_eq!(few.pixels, many.pixels[..10 * AREA]);
    assert_eq!(
        (&few.labels[..], &few.factors[..]),
        (&many.labels[..10], &many.factors[..10])
    );
    assert_ne!(few.pixels, draw(8, "train", 10).pixels);
    assert_ne!(few.pixels, draw(7, "test", 10).pixels);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one_thread.install(|| draw(7, "train", 300)).pixels, many.pixels);
}

#[test]
fn no_two_images_are_alike() {
    let set = open(1);
    let images = set
        .train
        .bytes()
        .unwrap()
        .chunks(AREA)
        .chain(set.test.bytes().unwrap().chunks(AREA));
    assert_eq!(images.collect::<HashSet<_>>().len(), 70_000);
}

#[test]
fn the_pixels_are_distributed_like_those_of_mnist() {
    let set = draw(2, "train", 10_000);
    let n = set.pixels.len() as f64;
    let mean = set.pixels.iter().map(|&b| grey(b)).sum::<f64>() / n;
    let std = (set.pixels.iter().map(|&b| (grey(b) - mean).powi(2)).sum::<f64>() / n).sqrt();
    let paper = set.pixels.iter().filter(|&&b| b == 0).count() as f64 / n;
    // MNIST's training images: mean 0.1307, standard deviation 0.3081, 80.9 % of the pixels are 0.
    assert!((mean - 0.1307).abs() < 0.005, "{mean}");
    assert!((std - 0.3081).abs() < 0.01, "{std}");
    assert!((paper - 0.809).abs() < 0.01, "{paper}");
    for digit in 0..10 {
        let count = of_digit(&set, digit).count();
        assert!((880..1120).contains(&count), "{count} images of {digit}");
    }
}

#[test]
fn the_ink_is_where_its_factors_say() {
    let set = draw(3, "train", 2_000);
    for (image, factors) in set.pixels.chunks(AREA).zip(&set.factors) {
        let centre = |of: fn(usize) -> usize| {
            let (moment, ink) = image.iter().enumerate().fold((0.0, 0.0), |(moment, ink), (i, &byte)| {
                (moment + grey(byte) * (of(i) as f64 + 0.5), ink + grey(byte))
            });
            moment / ink
        };
        // Bytes are rounded, and a little ink may leave the image.
        let (x, y) = (centre(|i| i % SIDE), centre(|i| i / SIDE));
        let (dx, dy) = (x - f64::from(CENTRE + factors.x), y - f64::from(CENTRE + factors.y));
        assert!(dx.abs() < 0.3 && dy.abs() < 0.3, "({dx}, {dy}), {factors:?}");
        let extent = |of: fn(usize) -> usize| {
            let inked = || (0..AREA).filter(|&i| image[i] > 127).map(of);
            (inked().max().unwrap() - inked().min().unwrap() + 1) as f32
        };
        let size = extent(|i| i % SIDE).max(extent(|i| i / SIDE));
        assert!((size - BOX * factors.scale).abs() < 2.5, "{size}, {factors:?}");
    }
}

/// The slant and the width of the strokes can be measured in the images.
#[test]
fn factors_show_in_the_images() {
    let set = draw(4, "train", 20_000);
    // Without the turn and the bend, a 1 of the first variant leans by its slant.
    let (mut product, mut squares) = (0.0, [0.0; 2]);
    for (image, factors) in of_digit(&set, 1).filter(|(_, factors)| factors.variant == 0) {
        let ink = || {
            image
                .iter()
                .enumerate()
                .map(|(i, &byte)| ((i % SIDE) as f64, (i / SIDE) as f64, grey(byte)))
        };
        let total: f64 = ink().map(|(_, _, w)| w).sum();
        let (mx, my) = ink().fold((0.0, 0.0), |(a, b), (x, y, w)| (a + w * x / total, b + w * y / total));
        let xy: f64 = ink().map(|(x, y, w)| w * (x - mx) * (y - my)).sum();
        let yy: f64 = ink().map(|(_, y, w)| w * (y - my).powi(2)).sum();
        let measured = -xy / yy - 0.03; // its skeleton leans by 0.03 itself
        let meant = f64::from(factors.slant + factors.rotation);
        product += (measured - 0.12) * (meant - 0.12);
        squares = [
            squares[0] + (measured - 0.12).powi(2),
            squares[1] + (meant - 0.12).powi(2),
        ];
    }
    let correlation = product / (squares[0] * squares[1]).sqrt();
    assert!(correlation > 0.9, "{correlation}");

    let mean_ink = |thick: bool| {
        let images = of_digit(&set, 0).filter(|(_, factors)| (factors.thickness > 2.5) == thick);
        let inks: Vec<f64> = images.map(|(image, _)| image.iter().map(|&b| grey(b)).sum()).collect();
        inks.iter().sum::<f64>() / inks.len() as f64
    };
    assert!(mean_ink(true) > 1.3 * mean_ink(false));
}

/// As easy to tell apart as MNIST's digits are: there the nearest mean is right for 82 % of the test images.
#[test]
fn the_nearest_class_mean_is_mostly_right() {
    let (train, test) = (draw(5, "train", 10_000), draw(5, "test", 2_000));
    let means: Vec<Vec<f64>> = (0..10)
        .map(|digit| {
            let n = of_digit(&train, digit).count() as f64;
            (0..AREA)
                .map(|p| of_digit(&train, digit).map(|(image, _)| grey(image[p])).sum::<f64>() / n)
                .collect()
        })
        .collect();
    let distance =
        |image: &[u8], mean: &[f64]| image.iter().zip(mean).map(|(&b, m)| (grey(b) - m).powi(2)).sum::<f64>();
    let right = test.pixels.chunks(AREA).zip(&test.labels).filter(|(image, label)| {
        let nearest = (0..10).min_by(|&a, &b| distance(image, &means[a]).total_cmp(&distance(image, &means[b])));
        nearest == Some(usize::from(**label))
    });
    let accuracy = right.count() as f64 / 2_000.0;
    assert!((0.75..0.92).contains(&accuracy), "{accuracy}");
}
