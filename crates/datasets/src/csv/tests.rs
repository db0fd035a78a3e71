//! Good files, and each way in which a file can be bad.

use super::*;
use std::io::Write;

fn rows(text: impl AsRef<[u8]>) -> Result<Rows, CsvFault> {
    match parse(&mut text.as_ref(), Path::new("points.csv")) {
        Ok(rows) => Ok(rows),
        Err(DataError::Csv { path, fault }) => {
            assert_eq!(path, Path::new("points.csv"));
            Err(fault)
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// `count` rows `i,-i`, from 0.
fn lines(count: usize) -> String {
    (0..count).map(|i| format!("{i},-{i}\n")).collect()
}

#[test]
fn every_tenth_row_is_one_to_test_on() {
    let Rows { train, test } = rows(lines(25)).unwrap();
    assert_eq!(test, [9.0, -9.0, 19.0, -19.0]);
    assert_eq!((train.len(), &train[16..20]), (46, &[8.0, -8.0, 10.0, -10.0][..]));
}

#[test]
fn what_people_and_their_programs_write_is_read() {
    let plain = rows(lines(10)).unwrap();
    let same = |text: String| assert_eq!(rows(&text).unwrap(), plain, "{text:?}");
    same(lines(10).replace('\n', "\r\n"));
    same(lines(10).trim_end().into());
    same(format!("x,y\n{}", lines(10)));
    same(format!("\u{feff}# mark\n\n \"first\" , größe\n\n{}  \n#", lines(10)));
    same(
        lines(10)
            .replace(',', " ,\t")
            .replace('\n', " \n  # a comment, or two, or three\n"),
    );
    same(lines(10).replace("3,", "+3.0e0,").replace('5', ".5e1"));
}

#[test]
fn each_fault_is_named_with_its_place_and_a_way_out() {
    let ten = lines(10);
    let cases: [(Vec<u8>, &str); 19] = [
        ("".into(), "it holds no row of numbers"),
        ("x,y\n# 1,2\n\n".into(), "it holds no row of numbers"),
        ("1,2\n3,4".into(), "it holds 2 row(s) of numbers, expected at least 10"),
        (
            ten.replace(',', ";").into(),
            "line 1 has 1 column(s), expected 2: points of the plane",
        ),
        (
            format!("\nx,y,z\n{ten}").into(),
            "line 2 has 3 column(s), expected 2: points of the plane",
        ),
        (
            format!("{ten}\n1,2,3").into(),
            "line 12 has 3 column(s), but those before it have 2",
        ),
        (
            format!("{ten}7").into(),
            "line 11 has 1 column(s), but those before it have 2",
        ),
        (format!("x,1\n{ten}").into(), "line 1, column 1: `x` is not a number"),
        (format!("1,\n{ten}").into(), "line 1, column 2: `` is not a number"),
        (
            format!("x,y\nx,y\n{ten}").into(),
            "line 2, column 1: `x` is not a number",
        ),
        (
            format!("{ten}1,0x10").into(),
            "line 11, column 2: `0x10` is not a number",
        ),
        (
            format!("{ten}1,\x1b[2J{}", "9".repeat(50)).into(),
            "line 11, column 2: `\u{fffd}[2J999999999999999999999999999999999999…` is not a number",
        ),
        (
            format!("nan,NaN\n{ten}").into(),
            "line 1, column 1: `nan` is not a finite number of 32 bits",
        ),
        (
            format!("{ten}1,-inf").into(),
            "line 11, column 2: `-inf` is not a finite number of 32 bits",
        ),
        (
            format!("{ten}1e39,0").into(),
            "line 11, column 1: `1e39` is not a finite number of 32 bits",
        ),
        (
            [ten.as_bytes(), b"1,\xff"].concat(),
            "line 11: byte 52 of the file is not UTF-8",
        ),
        (
            [MARK, b"x\n\xe9"].concat(),
            "line 1 has 1 column(s), expected 2: points of the plane",
        ),
        ([MARK, b"\xe9"].concat(), "line 1: byte 3 of the file is not UTF-8"),
        (
            format!("{ten}{}", " ".repeat(MOST_LINE + 1)).into(),
            "line 11 is longer than 65536 bytes",
        ),
    ];
    for (text, message) in cases {
        let fault = rows(&text).unwrap_err();
        assert_eq!(fault.to_string(), message);
        assert!(!fault.hint().is_empty());
    }
}

#[test]
fn a_file_is_opened_as_points_of_the_plane() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines(20).as_bytes()).unwrap();
    let set = open(file.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.dim()), (18, 2, 2));
    assert_eq!(set.test.values(), Some(&[9.0, -9.0, 19.0, -19.0][..]));
}

#[test]
fn what_is_no_file_or_too_large_a_one_is_refused_at_once() {
    let error = open(Path::new("/nowhere/at-all")).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/at-all: no such file");
    assert_eq!(error.hint(), "name a text file with a point a line: x,y");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(folder.path()), Err(DataError::Unreadable { .. })));
    // A file of holes, which takes no room on the disk.
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MOST_BYTES + 1).unwrap();
    let message = open(file.path()).unwrap_err().to_string();
    assert!(message.ends_with(": it is larger than 1073741824 bytes"), "{message}");
}

#[test]
fn what_does_not_tell_its_size_is_bounded_as_it_is_read() {
    let blank = [b" ".repeat(MOST_LINE - 1).as_slice(), b"\n"].concat();
    assert_eq!(text(&blank, 9, MOST_BYTES - MOST_LINE as u64), Ok(""));
    let fault = text(&blank, 9, MOST_BYTES - MOST_LINE as u64 + 1);
    assert_eq!(fault, Err(CsvFault::TooLarge));
}
