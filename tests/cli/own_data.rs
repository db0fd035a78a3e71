//! Data of the user's own: points from a text file, images from a folder.

use crate::bad_input::refused;
use crate::program::{Place, json_lines, stderr, stdout};
use std::fs;
use std::path::Path;

/// Three clusters of points, one row each.
fn write_points(file: &Path, count: usize) {
    let row = |i: usize| {
        let (x, y) = [(-2.0, 0.0), (2.0, 0.5), (0.0, 3.0)][i % 3];
        let off = (i * 7 % 11) as f64 / 100.0;
        format!("{}, {}\n", x + off, y - off)
    };
    let rows: String = (0..count).map(row).collect();
    fs::write(file, format!("# three clusters\nx,y\n{rows}")).unwrap();
}

/// A grey image with a white bar, in another place for another number.
fn bar(width: usize, height: usize, number: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..width * height)
        .map(|i| if i % width == number % width { 255 } else { 16 })
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    file
}

fn write_images(folder: &Path, width: usize, height: usize, count: usize) {
    fs::create_dir(folder).unwrap();
    for i in 0..count {
        fs::write(folder.join(format!("{i:03}.png")), bar(width, height, i)).unwrap();
    }
}

fn size_of(picture: &Path) -> (u32, u32) {
    let file = std::io::Cursor::new(fs::read(picture).unwrap());
    let reader = png::Decoder::new(file).read_info().unwrap();
    (reader.info().width, reader.info().height)
}

#[test]
fn points_that_are_hard_to_learn_are_told_when_a_run_begins() {
    let place = Place::new();
    let row = |i: usize| format!("{},{}\n", i % 3, 40 + i % 5);
    fs::write(place.path("far.csv"), (0..100).map(row).collect::<String>()).unwrap();
    let told =
        stderr(&place.run("train gan --preset ring8 --data csv:far.csv --steps 2 -s train.batch_size=30 --out run"));
    assert!(
        told.contains("note: points are used as they stand") && told.contains("(y: mean 41.7778, "),
        "{told}"
    );
    let told = stderr(&place.run("resume run --steps 3"));
    assert!(!told.contains("as they stand"), "too late: {told}");
}

#[test]
fn a_gan_learns_points_from_a_file_and_samples_without_it() {
    let place = Place::new();
    write_points(&place.path("points.csv"), 200);
    let info = stdout(&place.run("data info csv:points.csv"));
    assert!(
        info.contains("180 points of the plane") && info.contains("20 points of the plane"),
        "{info}"
    );

    let line = "train gan --preset ring8 --data csv:points.csv --epochs 1 -s train.batch_size=60 --json";
    let events = json_lines(&stdout(&place.run(line)));
    assert_eq!(events.last().unwrap()["run"], "runs/gan-csv-1");
    assert!(
        events.iter().all(|event| event.get("modes").is_none()),
        "nobody knows the modes"
    );
    assert_eq!(
        size_of(&place.path("runs/gan-csv-1/samples/epoch-0001.png")),
        (480, 480)
    );
    assert!(place.text("runs/gan-csv-1/report.html").contains("csv:points.csv"));

    place.run("sample runs/gan-csv-1 -o with.png");
    fs::remove_file(place.path("points.csv")).unwrap();
    let told = stderr(&place.run("sample runs/gan-csv-1 -o without.png"));
    assert!(
        told.contains("note: the points that the run was trained on are not here"),
        "{told}"
    );
    let told = stderr(&place.command("eval runs/gan-csv-1").assert().code(1));
    let expected = "error: the run was trained on csv:points.csv, and there is no file points.csv here\n\
                    hint: say where the data are with --data csv:FILE\n";
    assert_eq!(told, expected);
}

#[test]
fn a_vae_learns_images_of_any_size() {
    for (width, height, scale) in [(28, 28, 2), (20, 12, 2), (3, 70, 1)] {
        let place = Place::new();
        write_images(&place.path("bars"), width, height, 60);
        let info = stdout(&place.run("data info images:bars"));
        assert!(info.contains(&format!("54 images of {width} x {height}")), "{info}");
        let line = "train vae --data images:bars --epochs 1 -s train.batch_size=18 -s model.hidden=[8] --out run";
        place.run(line);
        let cell = |side: usize, count: usize| (scale * (count * (side + 2) + 2)) as u32;
        let samples = (cell(width, 8), cell(height, 8));
        assert_eq!(size_of(&place.path("run/samples/epoch-0001.png")), samples);
        // All six test images, over their reconstructions.
        let made = (cell(width, 6), cell(height, 2));
        assert_eq!(size_of(&place.path("run/samples/reconstruction-0001.png")), made);
        assert!(stdout(&place.run("eval run")).starts_with("elbo -"));
        // Images of the same number of pixels are no images of the same size.
        write_images(&place.path("turned"), height, width, 10);
        let mut eval = place.command("eval run --data images:turned");
        let told = stderr(&eval.assert().code(if width == height { 0 } else { 1 }));
        assert!(
            width == height || told.contains(&format!("images of {height} x {width}, but")),
            "{told}"
        );
    }
}

#[test]
fn files_that_are_not_points_are_refused_with_their_place() {
    let place = Place::new();
    let train = "train gan --preset ring8 --data csv:points.csv";
    refused(
        &place,
        train,
        1,
        "points.csv: no such file",
        "name a text file with a point a line: x,y",
    );
    refused(
        &place,
        "train gan --data csv",
        1,
        "`csv` needs the file that its points are in",
        "write `csv:FILE`",
    );
    write_points(&place.path("points.csv"), 200);
    let good = place.text("points.csv");
    for (text, message, hint) in [
        (
            format!("{good}1,NaN\n"),
            "line 203, column 2: `NaN` is not a finite number of 32 bits",
            "leave such rows out, and scale what is too large",
        ),
        (
            good.replacen("y", "y,z", 1),
            "line 2 has 3 column(s), expected 2: points of the plane",
            "keep the two columns that are x and y",
        ),
        (
            "1,2\n".into(),
            "it holds 1 row(s) of numbers, expected at least 10",
            "every tenth row is one to test on: add some",
        ),
    ] {
        fs::write(place.path("points.csv"), text).unwrap();
        refused(&place, train, 1, &format!("points.csv: {message}"), hint);
    }
    write_points(&place.path("points.csv"), 50);
    refused(
        &place,
        "train gan --preset ring8 --data csv:points.csv -s train.batch_size=64",
        1,
        "train.batch_size = 64: a batch cannot be larger than the training set (45 points of the plane)",
        "choose a smaller one with -s train.batch_size=N",
    );
}

#[test]
fn folders_that_are_not_of_images_are_refused() {
    let place = Place::new();
    let train = "train vae --data images:bars";
    refused(&place, train, 1, "bars: no such folder", "name a folder of PNG files");
    write_images(&place.path("bars"), 20, 12, 12);
    fs::write(place.path("bars/005.png"), bar(12, 20, 0)).unwrap();
    refused(
        &place,
        train,
        1,
        "bars/005.png: it has 12 x 20 pixels, but bars/000.png has 20 x 12",
        "crop or resize them to one size",
    );
    fs::write(place.path("bars/005.png"), bar(1025, 1, 0)).unwrap();
    refused(
        &place,
        train,
        1,
        "bars/005.png: it claims 1025 x 1 pixels, expected at most 1024 x 1024",
        "make it smaller",
    );
    fs::write(place.path("bars/005.png"), "not an image at all").unwrap();
    let told = stderr(&place.command(train).assert().code(1));
    assert!(
        told.starts_with("error: bars/005.png: not a sound PNG file: "),
        "{told}"
    );
}
