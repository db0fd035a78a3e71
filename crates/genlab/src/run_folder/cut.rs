//! `timing.jsonl` up to a step.

use crate::errors::Failure;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// How many bytes of the file are of steps up to `step`, and the time that these took: each step, and what else there was to do after epochs.
pub(super) fn timing(path: &Path, step: u64) -> Result<(u64, Duration), Failure> {
    let failed = |e| Failure::file("read", path, &e);
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut kept, mut milliseconds) = (0, 0.0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = lines.read_until(b'\n', &mut line).map_err(failed)?;
        // A line that was torn, and what comes after it, is of no use.
        let Some(event) = read(&line).filter(|event| event.step <= step) else {
            break;
        };
        kept += length as u64;
        milliseconds += event.milliseconds;
    }
    let taken = Duration::try_from_secs_f64(milliseconds / 1e3);
    Ok((kept, taken.unwrap_or_default()))
}

struct Timed {
    step: u64,
    milliseconds: f64,
}

fn read(line: &[u8]) -> Option<Timed> {
    let event: Value = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let time = |name: &str| event.get(name)?.as_f64();
    // An epoch's line has the time of its steps too, or of those since a stop.
    let milliseconds = match event.get("event")?.as_str()? {
        "epoch" => time("all_ms")? - time("training_ms")?,
        _ => time("ms")?,
    };
    Some(Timed {
        step: event.get("step")?.as_u64()?,
        milliseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_up_to_the_step_are_kept_and_their_time_is_summed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("timing.jsonl");
        let lines = [
            r#"{"event":"step","step":1,"ms":1.0}"#,
            r#"{"event":"step","step":2,"ms":2.0}"#,
            r#"{"event":"epoch","step":2,"training_ms":3.5,"all_ms":10.5}"#,
            r#"{"event":"step","step":3,"ms":4.0}"#,
            r#"{"event":"step","step":4,"m"#,
        ];
        fs::write(&path, lines.join("\n")).unwrap();
        let lengths: Vec<u64> = lines.iter().map(|line| line.len() as u64 + 1).collect();
        let cut = |step| timing(&path, step).unwrap();
        let milliseconds = Duration::from_millis;
        assert_eq!(cut(0), (0, milliseconds(0)));
        assert_eq!(cut(1), (lengths[0], milliseconds(1)));
        assert_eq!(cut(2), (lengths[..3].iter().sum(), milliseconds(10)));
        assert_eq!(cut(9), (lengths[..4].iter().sum(), milliseconds(14)));
    }
}
