//! What happens in a run, one JSON object a line: on stdout under `--json`, and in `metrics.jsonl`.
//!
//! No event that goes into `metrics.jsonl` carries a time: two runs of one seed leave the same file.

use genmodels::Losses;
use serde_json::{Map, Value, json};

/// Something that happened. Steps count from 1 and say how many are done; the epoch, from 1 too, is the one that the last of them belongs to.
#[derive(Clone, Debug)]
pub(crate) enum Event<'a> {
    /// A training step, with its batch's losses.
    Step { epoch: u64, step: u64, losses: &'a Losses },
    /// The end of an epoch, with the mean of its steps' losses.
    Epoch { epoch: u64, step: u64, losses: &'a Losses },
    /// The test split was evaluated.
    Eval { epoch: u64, step: u64, losses: &'a Losses },
    /// A picture was written.
    Sample { epoch: u64, step: u64, file: &'a str },
    /// A checkpoint was written.
    Checkpoint { epoch: u64, step: u64, folder: &'a str },
    /// The run diverged and went back to a checkpoint, with `factor` times the learning rate that the settings ask for.
    Retry { step: u64, diverged_at: u64, factor: f64 },
    /// The run is complete.
    Done {
        epoch: u64,
        step: u64,
        run: &'a str,
        seconds: f64,
    },
}

impl Event<'_> {
    /// The event as its line, without the line's end.
    pub(crate) fn to_line(&self) -> String {
        let mut line = Map::new();
        let mut put = |key: &str, value: Value| {
            line.insert(key.into(), value);
        };
        put("v", json!(1));
        match self {
            Event::Step { epoch, step, losses } => head(put, "step", *epoch, *step, "train", losses),
            Event::Epoch { epoch, step, losses } => head(put, "epoch", *epoch, *step, "train", losses),
            Event::Eval { epoch, step, losses } => head(put, "eval", *epoch, *step, "test", losses),
            Event::Sample { epoch, step, file } => {
                put("event", json!("sample"));
                put("epoch", json!(epoch));
                put("step", json!(step));
                put("file", json!(file));
            }
            Event::Checkpoint { epoch, step, folder } => {
                put("event", json!("checkpoint"));
                put("epoch", json!(epoch));
                put("step", json!(step));
                put("folder", json!(folder));
            }
            Event::Retry {
                step,
                diverged_at,
                factor,
            } => {
                put("event", json!("retry"));
                put("step", json!(step));
                put("diverged_at", json!(diverged_at));
                put("learning_rate_factor", json!(factor));
            }
            Event::Done {
                epoch,
                step,
                run,
                seconds,
            } => {
                put("event", json!("done"));
                put("epoch", json!(epoch));
                put("step", json!(step));
                put("run", json!(run));
                put("seconds", json!(seconds));
            }
        }
        Value::Object(line).to_string()
    }

    /// Whether the event is a measurement, which `metrics.jsonl` keeps.
    pub(crate) fn is_metric(&self) -> bool {
        matches!(self, Event::Step { .. } | Event::Epoch { .. } | Event::Eval { .. })
    }
}

fn head(mut put: impl FnMut(&str, Value), name: &str, epoch: u64, step: u64, split: &str, losses: &Losses) {
    put("event", json!(name));
    put("epoch", json!(epoch));
    put("step", json!(step));
    put("split", json!(split));
    for (loss, value) in losses.iter() {
        put(loss, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vae() -> Losses {
        Losses::new([("elbo", -104.9), ("reconstruction", 79.8), ("kl", 25.1)])
    }

    #[test]
    fn the_eval_event_is_the_documented_line() {
        assert_eq!(
            Event::Eval {
                epoch: 3,
                step: 1407,
                losses: &vae()
            }
            .to_line(),
            r#"{"v":1,"event":"eval","epoch":3,"step":1407,"split":"test","elbo":-104.9,"reconstruction":79.8,"kl":25.1}"#
        );
    }

    #[test]
    fn every_event_is_one_line_of_json_with_version_and_name() {
        let losses = vae();
        let events = [
            (
                Event::Step {
                    epoch: 1,
                    step: 1,
                    losses: &losses,
                },
                "step",
                true,
            ),
            (
                Event::Epoch {
                    epoch: 1,
                    step: 9,
                    losses: &losses,
                },
                "epoch",
                true,
            ),
            (
                Event::Eval {
                    epoch: 1,
                    step: 9,
                    losses: &losses,
                },
                "eval",
                true,
            ),
            (
                Event::Sample {
                    epoch: 1,
                    step: 9,
                    file: "samples/\"1\"\n.png",
                },
                "sample",
                false,
            ),
            (
                Event::Checkpoint {
                    epoch: 1,
                    step: 9,
                    folder: "checkpoints/step-9",
                },
                "checkpoint",
                false,
            ),
            (
                Event::Done {
                    epoch: 1,
                    step: 9,
                    run: "runs/x",
                    seconds: 1.5,
                },
                "done",
                false,
            ),
        ];
        for (event, name, metric) in events {
            let line = event.to_line();
            assert!(!line.contains('\n'));
            let read: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&read["v"], &read["event"]), (&json!(1), &json!(name)));
            assert!(read["epoch"].is_u64() && read["step"].is_u64());
            assert_eq!(event.is_metric(), metric);
            assert!(!metric || (!line.contains("second") && !line.contains("time")));
        }
    }

    #[test]
    fn a_loss_keeps_every_digit() {
        let losses = Losses::new([("elbo", -104.123_456_789_012_34)]);
        let line = Event::Step {
            epoch: 1,
            step: 1,
            losses: &losses,
        }
        .to_line();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            read["elbo"].as_f64().unwrap().to_bits(),
            losses.get("elbo").unwrap().to_bits()
        );
    }
}
