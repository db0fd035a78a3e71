//! Good folders, and each way in which a folder or a file can be bad.

use super::*;
use png::{BitDepth, ColorType, Encoder};

/// A PNG file of `bytes` as they are.
fn png(size: [u32; 2], kind: ColorType, depth: BitDepth, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size[0], size[1]);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if kind == ColorType::Indexed {
        encoder.set_palette(vec![0, 0, 0, 255, 0, 0, 255, 255, 255]);
        encoder.set_trns(vec![255, 255, 51]);
    }
    encoder.write_header().unwrap().write_image_data(bytes).unwrap();
    file
}

/// A grey image of one level.
fn level([width, height]: [u32; 2], level: u8) -> Vec<u8> {
    let bytes = vec![level; (width * height) as usize];
    png([width, height], ColorType::Grayscale, BitDepth::Eight, &bytes)
}

/// A folder of `count` images, the level of each its number.
fn folder(size: [u32; 2], count: u8) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..count {
        fs::write(dir.path().join(format!("{i:03}.png")), level(size, i)).unwrap();
    }
    dir
}

fn grey(file: &[u8]) -> Vec<u8> {
    decode(file, Path::new("x.png")).unwrap().grey
}

fn message(dir: &Path) -> String {
    let error = open(dir).unwrap_err();
    assert!(!error.hint().is_empty());
    error.to_string().replace(&format!("{}/", dir.display()), "")
}

#[test]
fn files_are_read_in_the_order_of_their_names_and_every_tenth_is_one_to_test_on() {
    let dir = folder([3, 2], 21);
    fs::write(dir.path().join("0035.PNG"), level([3, 2], 99)).unwrap();
    for left_alone in ["notes.txt", ".hidden.png"] {
        fs::write(dir.path().join(left_alone), "not an image").unwrap();
    }
    let set = open(dir.path()).unwrap();
    assert_eq!((set.name.as_str(), set.shape.as_slice()), ("images", &[2, 3][..]));
    let levels = |split: &Split| -> Vec<u8> { split.bytes().unwrap().chunks(6).map(|image| image[0]).collect() };
    assert_eq!(levels(&set.test), [8, 18]);
    let train = [
        &[0, 1, 2, 3, 99, 4, 5, 6, 7][..],
        &[9, 10, 11, 12, 13, 14, 15, 16, 17],
        &[19, 20],
    ];
    assert_eq!(levels(&set.train), train.concat());
}

#[test]
fn more_files_than_are_decoded_at_once_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..2 * BATCH + 3 {
        fs::write(dir.path().join(format!("{i:03}.png")), level([1, 1], (i / 3) as u8)).unwrap();
    }
    let set = open(dir.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (464, 51));
    let test: Vec<u8> = (0..51).map(|i| ((10 * i + 9) / 3) as u8).collect();
    assert_eq!(set.test.bytes().unwrap(), test);
}

#[test]
fn every_kind_of_png_becomes_grey() {
    use BitDepth::*;
    use ColorType::*;
    assert_eq!(grey(&png([3, 1], Grayscale, Eight, &[0, 7, 255])), [0, 7, 255]);
    assert_eq!(grey(&png([3, 1], Grayscale, One, &[0b1010_0000])), [255, 0, 255]);
    assert_eq!(
        grey(&png([2, 1], Grayscale, Sixteen, &[0x12, 0x34, 0xff, 0xff])),
        [0x12, 255]
    );
    assert_eq!(
        grey(&png([3, 1], GrayscaleAlpha, Eight, &[200, 255, 200, 0, 200, 51])),
        [200, 0, 40]
    );
    // Red, green and blue by their shares of what is seen; white stays white.
    let rgb = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    assert_eq!(grey(&png([4, 1], Rgb, Eight, &rgb)), [76, 150, 29, 255]);
    assert_eq!(grey(&png([1, 1], Rgba, Eight, &[255, 255, 255, 128])), [128]);
    assert_eq!(grey(&png([1, 1], Rgba, Sixteen, &[255; 8])), [255]);
    assert_eq!(grey(&png([3, 1], Indexed, Eight, &[0, 1, 2])), [0, 76, 51]);
}

#[test]
fn a_folder_that_is_not_one_of_images_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    assert_eq!(message(&nowhere), format!("{}: no such folder", nowhere.display()));
    let at = dir.path().display();
    assert_eq!(
        message(dir.path()),
        format!("{at}: there is no PNG file in this folder")
    );
    fs::write(dir.path().join("a.png"), level([1, 1], 0)).unwrap();
    let few = format!("{at}: there are 1 PNG file(s) in this folder, expected at least 10");
    assert_eq!(message(dir.path()), few);
    let file = dir.path().join("a.png");
    assert_eq!(message(&file), format!("{}: no such folder", file.display()));
}

#[test]
fn images_of_two_sizes_are_both_named() {
    let dir = folder([20, 12], 12);
    fs::write(dir.path().join("007.png"), level([12, 20], 0)).unwrap();
    fs::write(dir.path().join("008.png"), "damaged too, but later").unwrap();
    assert_eq!(
        message(dir.path()),
        "007.png: it has 12 x 20 pixels, but 000.png has 20 x 12"
    );
}

#[test]
fn a_damaged_file_is_named() {
    let good = level([20, 12], 3);
    let mut flipped = good.clone();
    flipped[45] ^= 1;
    let cut = good[..good.len() - 20].to_vec();
    let no_end = good[..good.len() - 12].to_vec();
    for bad in [flipped, cut, no_end, b"GIF89a".to_vec(), Vec::new()] {
        let dir = folder([20, 12], 12);
        fs::write(dir.path().join("005.png"), bad).unwrap();
        let message = message(dir.path());
        assert!(message.starts_with("005.png: not a sound PNG file: "), "{message}");
    }
}

/// A header of a PNG file with its checksum, which claims this size.
fn header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    [width, height].iter().for_each(|side| chunk.extend(side.to_be_bytes()));
    chunk.extend([8, 0, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d".as_slice();
    [
        head,
        &chunk,
        &crc.sum().to_be_bytes(),
        b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e",
    ]
    .concat()
}

#[test]
fn the_greatest_size_is_read_and_what_claims_more_is_refused_by_its_header() {
    assert_eq!(grey(&level([1024, 1024], 9)).len(), 1 << 20);
    for (size, said) in [
        ([1025, 1], "1025 x 1"),
        ([1, 1025], "1 x 1025"),
        ([1 << 16, 1 << 15], "65536 x 32768"),
        ([i32::MAX as u32; 2], "2147483647 x 2147483647"),
    ] {
        let error = decode(&header(size[0], size[1]), Path::new("x.png")).unwrap_err();
        let expected = format!("x.png: it claims {said} pixels, expected at most 1024 x 1024");
        assert_eq!(error.to_string(), expected);
    }
    for none in [[0, 5], [5, 0]] {
        let error = decode(&header(none[0], none[1]), Path::new("x.png")).unwrap_err();
        assert!(error.to_string().contains("not a sound PNG file"), "{error}");
    }
}

#[test]
fn files_and_folders_that_are_too_large_are_refused() {
    let dir = folder([1, 1], 12);
    let large = fs::File::create(dir.path().join("003.png")).unwrap();
    large.set_len(MOST_FILE + 1).unwrap();
    assert_eq!(message(dir.path()), "003.png: it is larger than 33554432 bytes");
    // 2049 images of a mebibyte: only the first is looked at.
    let dir = folder([1024, 1024], 1);
    for i in 1..2049 {
        fs::write(dir.path().join(format!("{i:04}.png")), "").unwrap();
    }
    let message = message(dir.path());
    let expected = ": its 2049 images of 1024 x 1024 have more than 2147483648 pixels together";
    assert!(message.ends_with(expected), "{message}");
}

#[cfg(unix)]
#[test]
fn links_stay_in_the_folder_and_only_files_are_read() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let dir = folder([1, 1], 10);
    symlink("004.png", dir.path().join("inside.png")).unwrap();
    assert_eq!(open(dir.path()).unwrap().train.len(), 10);

    let (elsewhere, link) = (folder([1, 1], 1), dir.path().join("outside.png"));
    symlink(elsewhere.path().join("000.png"), &link).unwrap();
    let target = elsewhere.path().canonicalize().unwrap().join("000.png");
    let expected = format!(
        "outside.png: it is a link that leads out of the folder, to {}",
        target.display()
    );
    assert_eq!(message(dir.path()), expected);
    fs::remove_file(&link).unwrap();

    symlink("nothing.png", &link).unwrap();
    assert!(message(dir.path()).starts_with("outside.png: cannot be read: "));
    fs::remove_file(&link).unwrap();

    fs::create_dir(dir.path().join("folder.png")).unwrap();
    assert_eq!(message(dir.path()), "folder.png: it is not a file");
    fs::remove_dir(dir.path().join("folder.png")).unwrap();

    fs::write(dir.path().join(OsStr::from_bytes(b"\xff.png")), "").unwrap();
    assert_eq!(message(dir.path()), "\u{fffd}.png: its name is not UTF-8");
}
