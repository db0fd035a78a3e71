//! Which operation a divergence began with: the steps are repeated, and the last of them watched.

use crate::errors::Failure;
use crate::library::{Diagnosis, Workload};
use crate::signals::Stop;
use serde_json::{Value, json};
use std::panic::Location;
use tensor_core::autograd::observe::{Anomaly, Finding, Place, Statistics, observe};

/// Repeats the steps after `loaded` up to `diverged`, since a step's losses show at the earliest what went wrong in the step before: two are watched.
pub(super) fn diagnose(
    work: &mut dyn Workload,
    loaded: u64,
    diverged: u64,
    stop: &Stop,
) -> Result<Option<Diagnosis>, Failure> {
    let per_epoch = work.steps_per_epoch();
    for step in loaded..diverged {
        if stop.is_asked_for() {
            return Ok(None);
        }
        let (epoch, index) = (step / per_epoch, step % per_epoch);
        if diverged - step > 2 {
            work.step(epoch, index)?;
            continue;
        }
        // Whether the losses are finite was known before.
        let (_, anomaly) = observe(Anomaly::remember(), || work.step(epoch, index));
        if let Some(finding) = anomaly.finding() {
            return Ok(Some(diagnosis(finding, &format!("in step {}", step + 1))));
        }
    }
    let (_, anomaly) = observe(Anomaly::remember(), || work.evaluate());
    Ok(anomaly.finding().map(|finding| diagnosis(finding, "in the evaluation")))
}

fn diagnosis(finding: &Finding, when: &str) -> Diagnosis {
    let (operation, line) = match &finding.place {
        Place::Forward { operation, location } => (operation.name, Some(*location)),
        Place::Rule { rule, .. } | Place::RuleItself { rule, .. } => (rule.of.name, Some(rule.location)),
        Place::Gradient { .. } => ("gradient", None),
    };
    let mut detail = vec![("operation", json!(operation)), ("pass", json!(pass(&finding.place)))];
    detail.extend(line.map(|line| ("line", json!(at(line)))));
    detail.extend(finding.scope.as_ref().map(|scope| ("scope", json!(&**scope))));
    detail.push(("inputs", finding.inputs.iter().map(statistics).collect()));
    Diagnosis {
        text: format!("{when}: {finding}"),
        detail,
    }
}

fn pass(place: &Place) -> &'static str {
    match place {
        Place::Forward { .. } => "forward",
        Place::Rule { .. } | Place::RuleItself { .. } | Place::Gradient { .. } => "backward",
    }
}

fn at(line: &Location<'_>) -> String {
    format!("{}:{}", line.file(), line.line())
}

/// Numbers that there are none of become `null`.
fn statistics(of: &Statistics) -> Value {
    json!({
        "role": of.role, "shape": of.shape.sizes(), "min": of.min, "max": of.max, "mean": of.mean, "not_finite": of.not_finite,
    })
}
