//! What a model makes, as pictures: grids of images, clouds of points, PNG files.
//!
//! Values become grey by a range that the model fixes. A range of each picture's own would hide that a
//! model's output is pale or saturated, so there is none.

use crate::scatter::Scatter;
use std::borrow::Cow;

/// How many pixels of the file each pixel of a small image covers, in each direction.
const SCALE: usize = 2;
/// Pixels along the longer side of an image that is small.
const SMALL: usize = 64;
/// Pixels along the longer side of an image that is made smaller where there are several.
const LARGE: usize = 256;
/// The gap between the images of a grid, in pixels of the images.
const MARGIN: usize = 2;
/// The grey of the gaps: between the black and the white of the images, so that both stand out.
const GAP: u8 = 64;

/// What a model makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pictures {
    /// Grey images.
    Images(Images),
    /// Points of the plane, one `[x, y]` each.
    Points(Vec<[f32; 2]>),
}

/// Grey images of one size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Images {
    /// Rows of each image.
    pub(crate) height: usize,
    /// Columns of each image.
    pub(crate) width: usize,
    /// Which values are black and white.
    pub(crate) range: (f32, f32),
    /// The images one after the other, row by row.
    pub(crate) values: Vec<f32>,
}

impl Images {
    /// How many images.
    pub(crate) fn count(&self) -> usize {
        self.values.len() / (self.height * self.width)
    }

    /// The grey level of a pixel. What lies outside the range is clipped; not-a-number is black.
    pub(crate) fn grey(&self, image: usize, row: usize, column: usize) -> u8 {
        let value = self.values[(image * self.height + row) * self.width + column];
        let (low, high) = self.range;
        (255.0 * ((value - low) / (high - low)).clamp(0.0, 1.0)).round() as u8
    }

    /// Pixels along the longer side of each image.
    fn side(&self) -> usize {
        self.height.max(self.width)
    }

    /// The images made smaller so that several fit a picture: each pixel is the mean of a square. One alone stays whole.
    fn reduced(&self) -> Cow<'_, Images> {
        let by = self.side().div_ceil(LARGE);
        if by == 1 || self.count() == 1 {
            return Cow::Borrowed(self);
        }
        let (height, width) = (self.height.div_ceil(by), self.width.div_ceil(by));
        let mut values = Vec::with_capacity(self.count() * height * width);
        for image in self.values.chunks_exact(self.height * self.width) {
            for y in 0..height {
                for x in 0..width {
                    let rows = image.chunks_exact(self.width).skip(y * by).take(by);
                    let square = rows.flat_map(|row| &row[x * by..self.width.min((x + 1) * by)]);
                    let (sum, count) = square.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                    values.push(sum / count);
                }
            }
        }
        let range = self.range;
        Cow::Owned(Images {
            height,
            width,
            range,
            values,
        })
    }

    /// By how much a picture of these images is enlarged.
    fn scale(&self) -> usize {
        if self.side() <= SMALL { SCALE } else { 1 }
    }
}

/// A picture of bytes: one (grey) or three (colour) for each pixel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) channels: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Raster {
    /// A grey picture of one level.
    pub(crate) fn grey(width: usize, height: usize, level: u8) -> Self {
        Self {
            width,
            height,
            channels: 1,
            bytes: vec![level; width * height],
        }
    }

    /// Each pixel as a square of `factor` by `factor`.
    fn enlarged(&self, factor: usize) -> Self {
        let (width, height) = (self.width * factor, self.height * factor);
        let mut large = Self {
            width,
            height,
            channels: self.channels,
            bytes: Vec::new(),
        };
        large.bytes.reserve(width * height * self.channels);
        for y in 0..height {
            for x in 0..width {
                let from = ((y / factor) * self.width + x / factor) * self.channels;
                large.bytes.extend_from_slice(&self.bytes[from..from + self.channels]);
            }
        }
        large
    }

    /// The picture as a PNG file.
    pub(crate) fn to_png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(if self.channels == 1 {
            png::ColorType::Grayscale
        } else {
            png::ColorType::Rgb
        });
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.bytes))
            .expect("writing to memory does not fail");
        file
    }
}

/// Images in rows and columns as near to a square as fits.
pub(crate) fn grid(images: &Images) -> Raster {
    let images = images.reduced();
    let columns = (images.count() as f64).sqrt().ceil().max(1.0) as usize;
    let order: Vec<_> = (0..images.count()).map(Some).collect();
    laid_out(&images, &order, columns).enlarged(images.scale())
}

/// Originals over their reconstructions, in pairs of rows.
pub(crate) fn reconstructions(originals: &Images, made: &Images) -> Raster {
    assert_eq!(originals.count(), made.count(), "an original for each reconstruction");
    let count = originals.count();
    let columns = count.clamp(1, 16);
    let both = Images {
        values: [originals.values.as_slice(), &made.values].concat(),
        ..*originals
    };
    let both = both.reduced();
    let mut order = Vec::new();
    for start in (0..count).step_by(columns) {
        let end = (start + columns).min(count);
        order.extend((start..end).map(Some));
        // An incomplete last row leaves its places empty.
        order.resize(order.len() + columns - (end - start), None);
        order.extend((start..end).map(|i| Some(count + i)));
    }
    laid_out(&both, &order, columns).enlarged(both.scale())
}

/// The pictures as a PNG file. `real` are points to show behind generated ones, and to fix the view by.
pub(crate) fn to_png(pictures: &Pictures, real: Option<&Pictures>) -> Vec<u8> {
    match (pictures, real) {
        (Pictures::Images(images), _) => grid(images).to_png(),
        (Pictures::Points(points), Some(Pictures::Points(real))) => Scatter::around(real).draw(real, points).to_png(),
        (Pictures::Points(points), _) => Scatter::around(points).draw(&[], points).to_png(),
    }
}

/// The images of `order`, row by row; where there is none, the place stays empty.
fn laid_out(images: &Images, order: &[Option<usize>], columns: usize) -> Raster {
    let rows = order.len().div_ceil(columns);
    let (cell_h, cell_w) = (images.height + MARGIN, images.width + MARGIN);
    let mut picture = Raster::grey(columns * cell_w + MARGIN, rows * cell_h + MARGIN, GAP);
    for (place, &image) in order.iter().enumerate() {
        let Some(image) = image else {
            continue;
        };
        let top = MARGIN + (place / columns) * cell_h;
        let left = MARGIN + (place % columns) * cell_w;
        for row in 0..images.height {
            for column in 0..images.width {
                picture.bytes[(top + row) * picture.width + left + column] = images.grey(image, row, column);
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes with the decoder, which knows nothing of the code above.
    fn decoded(file: &[u8]) -> (u32, u32, png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.width, info.height, info.color_type, bytes)
    }

    fn images(range: (f32, f32), values: &[f32]) -> Images {
        Images {
            height: 1,
            width: 2,
            range,
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_grid_has_each_pixel_in_its_place_twice_as_large() {
        // Three images of 1 x 2 in two columns: (2 + 2) * 2 + 2 wide, (1 + 2) * 2 + 2 high, doubled.
        let images = images((0.0, 1.0), &[0.0, 1.0, 0.5, 0.25, 1.0, 0.0]);
        let (width, height, kind, bytes) = decoded(&to_png(&Pictures::Images(images), None));
        assert_eq!((width, height, kind), (20, 16, png::ColorType::Grayscale));
        let at = |x: usize, y: usize| bytes[y * 20 + x];
        assert_eq!((at(0, 0), at(3, 4)), (GAP, GAP));
        assert_eq!((at(4, 4), at(5, 5), at(6, 4), at(7, 5)), (0, 0, 255, 255));
        assert_eq!((at(12, 4), at(14, 4)), (128, 64));
        assert_eq!((at(4, 10), at(6, 10)), (255, 0));
        assert_eq!(at(12, 10), GAP, "there is no fourth image");
    }

    #[test]
    fn the_range_is_fixed_and_clips() {
        let made = images((-1.0, 1.0), &[-1.0, 1.0, 0.0, -3.0, 9.0, f32::NAN]);
        let greys: Vec<u8> = (0..3).flat_map(|i| [made.grey(i, 0, 0), made.grey(i, 0, 1)]).collect();
        assert_eq!(greys, [0, 255, 128, 0, 255, 0]);
        // A pale image stays pale: nothing is stretched.
        assert_eq!(images((0.0, 1.0), &[0.4, 0.6]).grey(0, 0, 1), 153);
    }

    #[test]
    fn large_images_are_made_smaller_where_there_are_several() {
        let of = |count: usize, height, width| Images {
            height,
            width,
            range: (0.0, 1.0),
            values: (0..count * height * width)
                .map(|i| (i % width) as f32 / width as f32)
                .collect(),
        };
        let size = |images: &Images| {
            let picture = grid(images);
            (picture.width, picture.height)
        };
        assert_eq!(size(&of(1, 1024, 700)), (704, 1028), "one alone stays whole");
        assert_eq!(size(&of(4, 65, 30)), (2 * 32 + 2, 2 * 67 + 2));
        // 1025 pixels by five: 205 of them; the last column of 701 pixels is one pixel wide.
        let made = of(2, 1025, 701);
        assert_eq!(size(&made), (2 * 143 + 2, 207 + 2));
        let small = made.reduced();
        assert_eq!((small.count(), small.height, small.width), (2, 205, 141));
        // 32 bits are exact to 6e-8, and 25 numbers are added.
        for (place, value) in [(0, 2.0), (1, 7.0), (140, 700.0)] {
            assert!((small.values[place] - value / 701.0).abs() < 1e-6, "{place}");
        }
    }

    #[test]
    fn a_reconstruction_stands_under_its_original() {
        let originals = images((0.0, 1.0), &[1.0; 34]);
        let mut made = originals.clone();
        made.values.fill(0.0);
        let picture = reconstructions(&originals, &made);
        let (columns, rows) = (16, 4);
        assert_eq!(picture.width, SCALE * (columns * (2 + MARGIN) + MARGIN));
        assert_eq!(picture.height, SCALE * (rows * (1 + MARGIN) + MARGIN));
        let at = |place: usize, row: usize| {
            let x = SCALE * (MARGIN + place * (2 + MARGIN));
            let y = SCALE * (MARGIN + row * (1 + MARGIN));
            picture.bytes[y * picture.width + x]
        };
        assert_eq!([at(15, 0), at(15, 1)], [255, 0]);
        assert_eq!([at(0, 2), at(0, 3)], [255, 0]);
        assert_eq!([at(1, 2), at(1, 3)], [GAP, GAP]);
    }

    #[test]
    fn points_become_a_colour_picture() {
        let real = Pictures::Points(vec![[0.0, 0.0], [1.0, 1.0]]);
        let made = Pictures::Points(vec![[0.5, 0.5]]);
        let (width, height, kind, _) = decoded(&to_png(&made, Some(&real)));
        assert_eq!((width, height, kind), (480, 480, png::ColorType::Rgb));
    }
}
