//! `benches/compare` as a contributor has it: what it makes of measured lines, in which order it runs the programs, and what it says is missing. It is a
//! Python program, so that without a `python3` these tests are skipped, and say so.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/compare");

/// A folder with what the script is to find, if there is a Python to run it.
struct Place(TempDir);

impl Place {
    fn new(test: &str) -> Option<Place> {
        let version = Command::new("python3")
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"])
            .status();
        if version.is_ok_and(|status| status.success()) {
            return Some(Place(tempfile::tempdir().unwrap()));
        }
        // What eprintln! says is swallowed when a test passes.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped: {test} needs python3, 3.9 or newer").unwrap();
        None
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the script. Python finds its modules in the folder.
    fn compare(&self, arguments: &[&str]) -> Output {
        let output = Command::new("python3")
            .arg(SCRIPT)
            .args(arguments)
            .env("PYTHONPATH", self.0.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code(),
        }
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

struct Output {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

/// Lines as a run of two rounds saves them.
fn recorded(times: &[(&str, &str, [f64; 2])]) -> String {
    let mut lines = String::new();
    for (case, engine, rounds) in times {
        for (round, ms) in rounds.iter().enumerate() {
            let line = json!({
                "case": case, "engine": engine, "threads": 2, "median_ms": ms, "min_ms": ms, "runs": 9, "round": round,
            });
            writeln!(lines, "{line}").unwrap();
        }
    }
    lines
}

fn two_cases() -> String {
    recorded(&[
        ("iwae_step/b20k1", "genmodels", [1.0, 3.0]),
        ("iwae_step/b20k1", "torch", [2.5, 2.5]),
        ("iwae_step/b20k1", "jax", [3.0, 7.0]),
        ("vae_mlp_step/b128", "torch", [4.5, 4.75]),
        ("vae_mlp_step/b128", "torch-compile", [4.0, 4.4]),
        ("vae_mlp_step/b128", "genmodels", [2.0, 2.2]),
        ("lstm_step/b32", "genmodels", [1234.4, 1234.4]),
        ("exp/4096", "torch", [0.00401, 0.00401]),
    ])
}

#[test]
fn the_table_has_medians_and_the_ratio_to_the_fastest_of_the_others() {
    let Some(place) = Place::new("the table of `compare`") else {
        return;
    };
    let file = place.file("lines", &two_cases());
    let output = place.compare(&["--replay", file.to_str().unwrap()]);
    // Cases in the order of the programs. 2.5 / ((1 + 3) / 2) = 1.25, by rounds 2.5 / 1 and 2.5 / 3; and 4.2 / 2.1 = 2 in all of them.
    let wanted = "\
case (ms)               genmodels     torch torch-compile       jax  ratio      rounds  wanted
exp/4096                        -   0.00401             -         -      -           -     1.5
vae_mlp_step/b128             2.1     4.625           4.2         -   2.00   2.00-2.00     1.4 yes
iwae_step/b20k1                 2       2.5             -         5   1.25   0.83-2.50       2 no
lstm_step/b32                1234         -             -         -      -           -     1.4
";
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), (wanted, ""));
    assert!(wanted.lines().all(|line| line.len() <= 100));
}

#[test]
fn as_json_a_case_is_an_object_and_only_chooses() {
    let Some(place) = Place::new("the JSON of `compare`") else {
        return;
    };
    let file = place.file("lines", &two_cases());
    let output = place.compare(&["--json", "--only", "iwae", "--replay", file.to_str().unwrap()]);
    let row: Value = serde_json::from_str(&output.stdout).unwrap(); // one object, so one case
    let wanted = json!({
        "case": "iwae_step/b20k1", "median_ms": {"genmodels": 2.0, "torch": 2.5, "jax": 5.0}, "wanted": 2.0,
        "fastest": "torch", "ratio": 1.25, "rounds": [2.5 / 3.0, 2.5],
    });
    assert_eq!(row, wanted);
}

#[test]
fn what_nobody_knows_is_a_usage_error() {
    let Some(place) = Place::new("the usage of `compare`") else {
        return;
    };
    for (arguments, problem) in [
        (["--only", "vea"], "no case contains `vea`"),
        (["--engines", "torch,tf"], "there is no engine tf"),
        (["--rounds", "0"], "there is at least one round"),
        (["--seconds", "nan"], "seconds are a number above 0"),
        (["--threads", "0"], "from 1 to 1024 threads"),
        (["--save", "/no/such/folder"], "cannot be written"),
        (["--save=a", "--replay=a"], "--replay runs nothing"),
    ] {
        let output = place.compare(&arguments);
        assert_eq!(output.code, Some(2));
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}

#[test]
fn a_file_to_replay_that_is_none_is_an_error() {
    let Some(place) = Place::new("what `compare` replays") else {
        return;
    };
    for (name, content, problem) in [
        ("absent", None, "cannot be read"),
        ("empty", Some(""), "is not what --save keeps"),
        ("other", Some("{\"case\": \"exp/4096\"}"), "is not what --save keeps"),
        ("cut", Some("{\"case\": \"exp"), "is not what --save keeps"),
        (
            "text",
            Some("{\"case\": \"exp/4096\", \"engine\": \"torch\", \"round\": 0, \"median_ms\": \"x\"}"),
            "is not what --save keeps",
        ),
    ] {
        let file = content.map_or_else(|| place.0.path().join(name), |content| place.file(name, content));
        let output = place.compare(&["--replay", file.to_str().unwrap()]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{name}");
        assert!(output.stderr.starts_with("compare: "), "{name}: {}", output.stderr);
        assert!(output.stderr.contains(problem), "{name}: {}", output.stderr);
    }
}

/// Stand-ins for both programs, and the options that point to them.
#[cfg(unix)]
struct StandIns {
    place: Place,
    steps: PathBuf,
}

#[cfg(unix)]
impl StandIns {
    /// Each notes with what it was run, and tells of a case that was not asked for, too. Torch is there, JAX is not.
    fn new(test: &str) -> Option<StandIns> {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new(test)?;
        place.file("torch.py", "");
        place.file("jax.py", "raise ImportError('no jax here')");
        place.file("peers.py", &StandIns::program(&place, "torch", 3.0));
        let ours = format!(
            "#!/usr/bin/env python3\n{}",
            StandIns::program(&place, "genmodels", 1.5)
        );
        let steps = place.file("steps", &ours);
        fs::set_permissions(&steps, fs::Permissions::from_mode(0o755)).unwrap();
        Some(StandIns { place, steps })
    }

    fn program(place: &Place, engine: &str, ms: f64) -> String {
        let line =
            |case, ms| json!({"case": case, "engine": engine, "threads": 3, "median_ms": ms, "min_ms": ms, "runs": 5});
        let (asked, other) = (line("iwae_step/b20k1", ms), line("iwae_step/b20k5", 99.0));
        let printed = format!("{asked}\nno line\n{other}");
        let log = place.0.path().join("log");
        format!(
            "import sys\nwith open({log:?}, 'a') as log: print({engine:?}, *sys.argv[1:], file=log)\n\
             on_one = sys.argv[-1] == '1'\nprint({printed:?}.replace('1.5', '2.7' if on_one else '1.5'))\n"
        )
    }

    /// Of several values of an option, the last one counts.
    fn compare(&self, arguments: &[&str]) -> Output {
        let steps = self.steps.to_str().unwrap();
        let usual = ["--only", "b20k1", "--seconds", "0.5", "--threads", "3", "--rounds", "2"];
        let places = ["--python", "python3", "--peers", self.place.path(), "--steps", steps];
        self.place.compare(&[&usual[..], &places, arguments].concat())
    }
}

#[test]
#[cfg(unix)]
fn the_programs_take_turns_with_the_same_options() {
    let Some(programs) = StandIns::new("the turns of `compare`") else {
        return;
    };
    let saved = programs.place.0.path().join("saved");
    let save = ["--engines", "torch", "--save", saved.to_str().unwrap()];
    let output = programs.compare(&save);

    let log = fs::read_to_string(programs.place.0.path().join("log")).unwrap();
    let with = "--only iwae_step/b20k1 --seconds 0.5 --threads 3";
    let ours = format!("genmodels --json {with}");
    let theirs = format!("torch --engine torch {with}");
    let turns: Vec<&str> = log.lines().collect();
    assert_eq!(turns, [&ours, &theirs, &theirs, &ours], "{}", output.stderr);

    let wanted = "\
case (ms)               genmodels     torch  ratio      rounds  wanted
iwae_step/b20k1               1.5         3   2.00   2.00-2.00       2 yes
";
    assert_eq!(output.stdout, wanted);
    let replayed = programs.compare(&["--replay", saved.to_str().unwrap()]);
    assert_eq!(replayed.stdout, wanted);
}

#[test]
#[cfg(unix)]
fn several_threads_are_compared_with_one() {
    let Some(programs) = StandIns::new("`compare` with one thread") else {
        return;
    };
    let beside_torch = programs.compare(&["--engines", "torch,one-thread", "--rounds", "1"]);
    assert!(
        beside_torch
            .stdout
            .contains("iwae_step/b20k1               1.5         3        2.7   2.00"),
        "{}",
        beside_torch.stdout
    );
    fs::remove_file(programs.place.0.path().join("log")).unwrap();
    let output = programs.compare(&["--engines", "one-thread", "--rounds", "1"]);
    let log = fs::read_to_string(programs.place.0.path().join("log")).unwrap();
    let with = |threads| format!("genmodels --json --only iwae_step/b20k1 --seconds 0.5 --threads {threads}");
    assert_eq!(log.lines().collect::<Vec<_>>(), [with(3), with(1)]);
    let wanted = "\
case (ms)               genmodels one-thread  ratio      rounds  wanted
iwae_step/b20k1               1.5        2.7   1.80   1.80-1.80       1 yes
";
    assert_eq!(output.stdout, wanted);
}

#[test]
#[cfg(unix)]
fn what_is_missing_is_named_and_left_out() {
    let Some(programs) = StandIns::new("what `compare` says is missing") else {
        return;
    };
    let no_folder = "torch, jax: there is no /no/such/peers.py (--peers takes its folder)\n";
    let no_jax = "jax: python3: ImportError: no jax here (--python takes an interpreter)\n";
    let no_python = "torch: /no/such cannot be run (No such file or directory) (--python takes an interpreter)\n";
    let no_steps = "genmodels, iwae_step: /no/such cannot be run (No such file or directory)\n\
        missing: genmodels has no figure for iwae_step/b20k1\n";
    for (arguments, engines, missing) in [
        (
            ["--engines", "torch,jax", "--rounds", "1"],
            "     1.5         3 ",
            no_jax,
        ),
        (
            ["--engines", "torch", "--python", "/no/such"],
            "     1.5      - ",
            no_python,
        ),
        (
            ["--engines", "torch,jax", "--peers", "/no/such"],
            "     1.5      - ",
            no_folder,
        ),
        (
            ["--engines", "torch", "--steps", "/no/such"],
            "       3      - ",
            no_steps,
        ),
    ] {
        let output = programs.compare(&arguments);
        let (table, named) = output.stdout.split_once("missing: ").unwrap();
        let row = table.lines().nth(1).unwrap();
        assert!(row.starts_with("iwae_step/b20k1 ") && row.contains(engines), "{row}");
        let code = i32::from(arguments.contains(&"--steps")); // then there is no figure of ours
        assert_eq!((named, output.code), (missing, Some(code)));
    }
}

#[test]
#[cfg(unix)]
fn what_a_program_complains_of_stands_below_the_table() {
    let Some(programs) = StandIns::new("the complaints in `compare`") else {
        return;
    };
    programs.place.file("peers.py", "import sys\nsys.exit('out of memory')");
    let ours = fs::read_to_string(&programs.steps).unwrap();
    let warning = "print('warning: narrow vectors', file=sys.stderr)\n";
    fs::write(&programs.steps, ours + warning).unwrap();
    let output = programs.compare(&["--engines", "torch"]);
    let (_, below) = output.stdout.split_once("missing: ").unwrap();
    let wanted = "genmodels: narrow vectors\nmissing: torch, iwae_step: exit code 1: out of memory\n";
    assert_eq!(below, wanted);
}
