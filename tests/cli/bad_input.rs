//! Whatever a user gets wrong: one clear line and a hint, the documented exit code, and nothing left behind.

use crate::files::{TRAIN, blobs, idx, labels, write_set};
use crate::program::{Place, stderr, stdout};
use std::fs;

/// Runs a line that must fail with this code and exactly these lines for a person, leaving the folder as it was.
#[track_caller]
pub(crate) fn refused(place: &Place, line: &str, code: i32, message: &str, hint: &str) {
    let before = place.names(".");
    let assert = place.command(line).assert().code(code);
    assert_eq!(stderr(&assert), format!("error: {message}\nhint: {hint}\n"), "{line}");
    assert_eq!(stdout(&assert), "", "{line}");
    assert_eq!(place.names("."), before, "`{line}` left something behind");
}

/// A place with a sound small set in the folder `set`.
pub(crate) fn place() -> Place {
    let place = Place::new();
    write_set(&place.path("set"));
    place
}

const TRAIN_SET: &str = "train vae --data mnist:set";

#[test]
fn no_such_folder_file_or_set() {
    let place = place();
    refused(
        &place,
        "train vae --data mnist:nowhere",
        1,
        "nowhere: no such folder",
        "name the folder that holds train-images-idx3-ubyte and its three companions",
    );
    refused(
        &place,
        "train vae --data mnits:set",
        1,
        "no data set is called `mnits`",
        "did you mean `mnist`?",
    );
    refused(
        &place,
        "train vae --data mnist",
        1,
        "`mnist` needs the folder that its files are in",
        "write `mnist:DIR`; `genlab data fetch mnist` downloads them",
    );
    refused(
        &place,
        "train vae --data images",
        1,
        "`images` needs the folder that its files are in",
        "write `images:DIR`",
    );
    fs::remove_file(place.path("set/t10k-labels-idx1-ubyte")).unwrap();
    refused(
        &place,
        TRAIN_SET,
        1,
        "set/t10k-labels-idx1-ubyte: no such file",
        "t10k-labels-idx1-ubyte.gz is not there either",
    );
    let assert = place.command("train vae -c nowhere.toml").assert().code(1);
    let told = stderr(&assert);
    assert!(told.starts_with("error: cannot read nowhere.toml: "), "{told}");
    assert!(told.ends_with("\nhint: check the path for typing mistakes\n"), "{told}");
    refused(
        &place,
        "sample nowhere",
        1,
        "nowhere is not the folder of a run",
        "give a folder that `genlab train` has made, such as runs/vae-glyphs-1",
    );
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let images = |sizes: &[u32]| idx(sizes, &blobs(TRAIN));
    let whole = images(&[TRAIN, 28, 28]);
    let bytes = whole.len();
    let again = "fetch or copy it again";
    let cases: [(Vec<u8>, String, &str); 9] = [
        (
            whole[..1000].into(),
            format!("it ends after 1000 of {bytes} bytes"),
            again,
        ),
        (whole[..6].into(), "it ends after 6 of 16 bytes".into(), again),
        (
            [whole.as_slice(), &[0]].concat(),
            format!("it goes on after the {bytes} bytes that its header promises"),
            again,
        ),
        (
            images(&[u32::MAX, 28, 28]),
            format!("its header claims {} samples, expected at most 2739137", u32::MAX),
            "the header is damaged",
        ),
        (
            [b"PK".as_slice(), &whole[2..]].concat(),
            "not an IDX file: it begins with the bytes [50, 4b], expected 00 00".into(),
            "is it another file under this name?",
        ),
        (
            [&whole[..2], &[0x0d], &whole[3..]].concat(),
            "the elements have type 0x0d, expected 0x08 (unsigned bytes)".into(),
            "convert the file",
        ),
        (
            idx(&[TRAIN], &labels(TRAIN)),
            "it has 1 dimension(s), expected 3".into(),
            "were images and labels exchanged?",
        ),
        (
            images(&[TRAIN, 16, 49]),
            "its samples have the size [16, 49], expected [28, 28]".into(),
            "resize the images",
        ),
        (
            idx(&[0, 28, 28], &[]),
            "it holds 0 samples, expected at least 1".into(),
            "was writing it interrupted?",
        ),
    ];
    let place = place();
    for (file, message, hint) in cases {
        fs::write(place.path("set/train-images-idx3-ubyte"), file).unwrap();
        let message = format!("set/train-images-idx3-ubyte: {message}");
        refused(&place, TRAIN_SET, 1, &message, hint);
    }
}

#[test]
fn labels_that_do_not_match() {
    let place = place();
    let file = place.path("set/train-labels-idx1-ubyte");
    fs::write(&file, idx(&[TRAIN - 1], &labels(TRAIN - 1))).unwrap();
    refused(
        &place,
        TRAIN_SET,
        1,
        "set/train-images-idx3-ubyte has 96 images, but set/train-labels-idx1-ubyte has 95 labels",
        "the two files must be of the same set",
    );
    let mut digits = labels(TRAIN);
    digits[3] = 10;
    fs::write(&file, idx(&[TRAIN], &digits)).unwrap();
    refused(
        &place,
        TRAIN_SET,
        1,
        "set/train-labels-idx1-ubyte: label 3 is 10, expected 0 to 9",
        "is it the label file of another set?",
    );
}

#[test]
fn an_output_folder_in_use_or_out_of_reach() {
    let place = place();
    refused(
        &place,
        "train vae --data mnist:set --out set",
        1,
        "the output folder set exists and is not empty",
        "choose another with --out, or leave --out away for a fresh folder in runs/",
    );
    // Below a regular file nobody can write, not even root.
    fs::write(place.path("file"), "").unwrap();
    for out in ["file", "file/run"] {
        let line = format!("train vae --data mnist:set --out {out}");
        let before = place.names(".");
        let assert = place.command(&line).assert().code(1);
        let message = stderr(&assert);
        let lines: Vec<&str> = message.lines().collect();
        assert!(lines[0].starts_with(&format!("error: cannot write the output folder {out}: ")));
        assert_eq!(lines[1..], ["hint: choose a folder that you may write to with --out"]);
        assert_eq!(place.names("."), before);
    }
}

#[test]
fn the_folder_where_the_user_stands_may_be_the_run() {
    let place = place();
    fs::create_dir(place.path("here")).unwrap();
    let mut command = place.command("train vae --data mnist:../set --steps 1 -s train.batch_size=32 --out .");
    command.current_dir(place.path("here")).assert().success();
    assert_eq!(place.json("here/run.json")["status"], "done");
    assert!(place.path("here/checkpoints/step-1").is_dir());
    assert!(place.names("here").iter().all(|name| !name.starts_with('.')));
}

#[test]
fn points_for_a_model_that_cannot_reach_them() {
    let place = Place::new();
    refused(
        &place,
        "train vae --data ring8",
        1,
        "vae makes values from 0 to 1, but the points of ring8 lie anywhere in the plane",
        "for points: genlab train gan --preset ring8",
    );
    refused(
        &place,
        "train gan --data moons",
        1,
        "gan makes values from -1 to 1, but the points of moons lie anywhere in the plane",
        "let its last layer be linear with -s model.output=linear, or use --preset ring8",
    );
    refused(
        &place,
        "train gan --preset ring8 -s data.binarise=true",
        1,
        "points cannot be sampled to 0 and 1",
        "only sets of images can be binarised",
    );
}

#[test]
fn under_json_the_error_is_an_event_too() {
    let place = Place::new();
    let assert = place.command("train vae --json --data mnist:nowhere").assert().code(1);
    assert_eq!(
        stdout(&assert),
        "{\"v\":1,\"event\":\"error\",\"exit\":1,\"message\":\"nowhere: no such folder\",\
         \"hint\":\"name the folder that holds train-images-idx3-ubyte and its three companions\"}\n"
    );
}
