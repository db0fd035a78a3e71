//! `genlab bench matmul`: what it refuses, prints and draws. How fast anything was is no part of these tests.

use crate::bad_input::refused;
use crate::program::{Place, json_lines, stderr, stdout};
use serde_json::Value;

const RUNGS: [&str; 13] = [
    "naive",
    "reordered",
    "register_tile",
    "cache_blocks",
    "packed",
    "simd",
    "edges",
    "strided",
    "small",
    "flipped",
    "vector",
    "parallel",
    "matrixmultiply",
];
const TINY: &str = "bench matmul --size 1,9,3x4x50tn --seconds 0.0001";

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let place = Place::new();
    refused(
        &place,
        "bench matmul --rung pakced --size 8",
        2,
        "there is no rung pakced",
        &format!("did you mean packed? There is: {}", RUNGS.join(", ")),
    );
    for line in ["bench matmul --rung simd", "bench matmul --rung simd --size 1,2"] {
        let message = "the plain loop of a rung has one size";
        refused(&place, line, 2, message, "say which: --rung simd --size 512");
    }
    for (line, wanted) in [
        ("--size 0", "invalid value '0' for '--size <SIZE>': sizes are 1 to 8192"),
        (
            "--size 9000",
            "invalid value '9000' for '--size <SIZE>': sizes are 1 to 8192",
        ),
        (
            "--size 2x3",
            "a size is N or MxKxN, such as 512, 64x64x4096 or 128x784x400nt",
        ),
        ("--seconds 0", "seconds are a number above 0 and up to 3600"),
        ("--seconds -1", "seconds are a number above 0 and up to 3600"),
        ("--seconds x", "seconds are a number above 0 and up to 3600"),
    ] {
        let told = stderr(&place.command(&format!("bench matmul {line}")).assert().code(2));
        assert!(told.contains(wanted), "{line}: {told}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_known_before_anything_is_measured() {
    let place = Place::new();
    std::fs::write(place.path("file"), "").unwrap();
    let assert = place.command(&format!("{TINY} --out file/charts")).assert().code(1);
    let told = stderr(&assert);
    assert!(told.starts_with("error: cannot make file/charts: "), "{told}");
    assert_eq!(stdout(&assert), "");
    let assert = place.command(&format!("{TINY} --out file")).assert().code(1);
    let told = stderr(&assert);
    assert!(
        told.starts_with("error: file is a file, and the charts need a folder\nhint: "),
        "{told}"
    );
    assert_eq!(stdout(&assert), "");
}

#[test]
fn a_program_reads_the_machine_and_each_rung_at_each_size() {
    let place = Place::new();
    let lines = json_lines(&stdout(&place.run(&format!("{TINY} --json --out charts"))));
    let (machine, done) = (&lines[0], &lines[lines.len() - 1]);
    let products = &lines[1..lines.len() - 1];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"));

    assert_eq!(machine["event"], "machine");
    assert!(number(&machine["threads"]) >= 1.0);
    let on_three = json_lines(&stdout(&place.run(&format!("{TINY} --json --threads 3"))));
    assert_eq!(on_three[0]["threads"], 3);
    assert!(number(&machine["peak_one_core"]) > 0.0 && number(&machine["peak_all_cores"]) > 0.0);
    let reads = machine["reads"].as_array().unwrap();
    let levels: Vec<&Value> = reads.iter().map(|read| &read["level"]).collect();
    assert_eq!(levels, ["L1", "L2", "L3", "memory"]);
    assert!(reads.iter().all(|read| number(&read["gigabytes_per_second"]) > 0.0));

    let names = |lines: &[Value]| -> Vec<(String, String)> {
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        lines
            .iter()
            .map(|line| (text(line, "size"), text(line, "rung")))
            .collect()
    };
    let wanted = ["1", "9", "3x4x50tn"].map(|size| RUNGS.map(|rung| (size.to_owned(), rung.to_owned())));
    assert_eq!(names(products), wanted.concat());
    for line in products {
        assert_eq!(line["event"], "product");
        // Generous: the machine may be busy in one moment and idle in the next.
        assert!((1e-9..10.0).contains(&number(&line["share"])), "{line}");
        assert!(number(&line["gflops_median"]) <= number(&line["gflops"]), "{line}");
        let follows = line["rung"] != "naive" && line["rung"] != "matrixmultiply";
        assert_eq!(line["factor"].is_number(), follows, "{line}");
    }
    let transposed = &products[products.len() - 1];
    let sizes = ["m", "k", "n"].map(|key| number(&transposed[key]));
    assert_eq!(
        (sizes, &transposed["a_transposed"]),
        ([3.0, 4.0, 50.0], &Value::Bool(true))
    );

    assert_eq!(
        (&done["event"], &done["files"][0]),
        (&"done".into(), &"charts/speed.svg".into())
    );
    assert_eq!(place.names("charts"), ["roofline.svg", "speed.svg"]);
    for name in ["speed", "roofline"] {
        is_well_formed(&place.text(&format!("charts/{name}.svg")));
    }
}

#[test]
fn a_person_reads_tables() {
    let place = Place::new();
    let assert = place.run(TINY);
    let text = stdout(&assert);
    for title in [
        "multiply-adds in registers: ",
        "GFLOP/s in the fastest of",
        "share of the peak",
        "times as fast as",
    ] {
        assert!(text.contains(title), "{title} in {text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("3x4x50tn ")).count(), 3);
    assert!(stderr(&assert).contains("charts: bench-matmul/speed.svg, bench-matmul/roofline.svg\n"));
}

#[test]
fn a_plain_loop_runs_one_rung() {
    let place = Place::new();
    let line = "bench matmul --rung packed --size 9 --seconds 0.001";
    assert!(stdout(&place.run(line)).starts_with("packed at 9: "));
    let lines = json_lines(&stdout(&place.run(&format!("{line} --json"))));
    assert_eq!(
        (&lines[0]["event"], &lines[0]["rung"]),
        (&"loop".into(), &"packed".into())
    );
    assert!(lines[0]["products"].as_u64().unwrap() >= 1 && lines[0]["gflops"].as_f64().unwrap() > 0.0);
    assert!(place.names(".").is_empty());
}

/// Every element that is opened is closed, in order, around the whole file.
#[track_caller]
fn is_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (i, part) in svg.split('<').skip(1).enumerate() {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("<{part} does not end"));
        let name = tag.split([' ', '/', '\n']).find(|name| !name.is_empty()).unwrap();
        assert!(i == 0 || !open.is_empty(), "<{tag} stands outside");
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, true) => {}
            (false, false) => open.push(name),
        }
    }
    assert!(svg.starts_with("<svg ") && open.is_empty(), "{open:?} are not closed");
}
