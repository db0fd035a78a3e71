//! Small sets of images in the IDX format.

use std::fs;
use std::path::Path;

pub(crate) const TRAIN: u32 = 96;
pub(crate) const TEST: u32 = 40;

/// An IDX file of unsigned bytes with these sizes in its header.
pub(crate) fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

/// `count` images of 28 x 28: a soft blob each, in another place for another label.
pub(crate) fn blobs(count: u32) -> Vec<u8> {
    let pixel = |image: u32, y: i32, x: i32| {
        let (cy, cx) = (6 + 4 * (image % 5) as i32, 6 + 4 * (image % 7 % 5) as i32);
        255 - (6 * ((y - cy).pow(2) + (x - cx).pow(2))).min(255) as u8
    };
    let of = |image| (0..28).flat_map(move |y| (0..28).map(move |x| pixel(image, y, x)));
    (0..count).flat_map(of).collect()
}

pub(crate) fn labels(count: u32) -> Vec<u8> {
    (0..count).map(|i| (i % 10) as u8).collect()
}

/// Makes `folder` a set of [`TRAIN`] and [`TEST`] images in the form of MNIST.
pub(crate) fn write_set(folder: &Path) {
    write_set_of(folder, TRAIN, TEST);
}

/// The same with as many images as asked for.
pub(crate) fn write_set_of(folder: &Path, train: u32, test: u32) {
    fs::create_dir(folder).unwrap();
    for (split, count) in [("train", train), ("t10k", test)] {
        let images = idx(&[count, 28, 28], &blobs(count));
        fs::write(folder.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        fs::write(
            folder.join(format!("{split}-labels-idx1-ubyte")),
            idx(&[count], &labels(count)),
        )
        .unwrap();
    }
}
