//! One PNG file as grey bytes.

use super::{ImageFault, MOST_SIDE, faulty};
use crate::error::DataError;
use png::{ColorType, Decoder, DecodingError, Limits, Transformations};
use std::io::Cursor;
use std::path::Path;

/// Bytes that the decoder may take besides the image: for chunks such as colour profiles.
const MOST_MEMORY: usize = 16 << 20;

/// An image as grey bytes, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height, from 1 to 1024.
    pub size: [u32; 2],
    /// A byte a pixel.
    pub grey: Vec<u8>,
}

/// The image in the bytes of a PNG file; `path` is where they come from, for messages.
///
/// # Errors
/// If they are not a sound PNG file, or if its image is too large. No memory is taken for what a header claims.
#[doc(hidden)]
pub fn decode(bytes: &[u8], path: &Path) -> Result<Picture, DataError> {
    let damaged = |error: DecodingError| {
        let reason = error.to_string();
        faulty(path, ImageFault::Damaged { reason })
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_MEMORY });
    // Palettes, single bits and two bytes a colour all become one byte a colour.
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let size = [header.width, header.height];
    if size.iter().any(|&side| side > MOST_SIDE) {
        return Err(faulty(path, ImageFault::TooLarge { size }));
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
    // What stands behind the image must be sound too: otherwise the file was cut off, or is another's.
    reader.finish().map_err(damaged)?;
    pixels.truncate(frame.buffer_size());
    let grey = match frame.color_type {
        ColorType::GrayscaleAlpha => pixels.as_chunks().0.iter().map(|&[y, a]| on_black(y, a)).collect(),
        ColorType::Rgb => pixels.as_chunks().0.iter().map(|&rgb| luma(rgb)).collect(),
        ColorType::Rgba => {
            let pixels = pixels.as_chunks().0.iter();
            pixels.map(|&[r, g, b, a]| on_black(luma([r, g, b]), a)).collect()
        }
        ColorType::Grayscale | ColorType::Indexed => pixels,
    };
    Ok(Picture { size, grey })
}

/// How bright a colour looks: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), in parts of 65536.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
    ((sum + (1 << 15)) >> 16) as u8
}

/// What is seen of a pixel through which black is seen.
fn on_black(grey: u8, alpha: u8) -> u8 {
    ((u32::from(grey) * u32::from(alpha) + 127) / 255) as u8
}
