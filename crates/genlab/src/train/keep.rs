//! What a run leaves behind: pictures, checkpoints, the report, and the last words.

use super::Run;
use crate::errors::Failure;
use crate::events::Event;
use crate::library::{Sample, Workload};
use crate::pictures::{self, Pictures};
use crate::progress::{clock, counted, thousands};
use crate::report::{Report, Shot};
use crate::run_folder::write_whole;
use crate::terminal;
use serde_json::json;

/// Reconstructions in a picture.
const RECONSTRUCTIONS: usize = 32;
/// Points in a picture, at least: a cloud needs more of them than a grid needs images.
const POINTS: usize = 1000;
/// Pictures kept for the report before every other one is let go.
pub(super) const SHOTS: usize = 80;

impl Run {
    pub(super) fn draw(&mut self, work: &dyn Workload) -> Result<(), Failure> {
        let least = match self.summary.sample {
            Sample::Point => POINTS,
            Sample::Image => 1,
        };
        let count = (self.plan.settings.sample.count as usize).max(least);
        let samples = work.sample(count)?;
        let png = pictures::to_png(&samples, work.backdrop().as_ref());
        let shot = self.keep("epoch", png)?;
        add(&mut self.samples, shot);
        if let Some((originals, made)) = work.reconstruct(RECONSTRUCTIONS)? {
            let png = pictures::reconstructions(&originals, &made).to_png();
            let shot = self.keep("reconstruction", png)?;
            add(&mut self.reconstructions, shot);
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, png: Vec<u8>) -> Result<Shot, Failure> {
        let file = format!("samples/{name}-{:04}.png", self.epoch);
        self.folder.write(&file, &png)?;
        self.emit(&Event::Sample {
            epoch: self.epoch,
            step: self.step,
            file: &file,
        })?;
        Ok(Shot {
            caption: format!("epoch {}", self.epoch),
            png,
        })
    }

    pub(super) fn checkpoint(&mut self, work: &dyn Workload) -> Result<(), Failure> {
        let state = json!({
            "v": 1, "model": self.plan.model.name, "seed": self.plan.settings.train.seed,
            "epoch": self.epoch, "step": self.step, "shape": self.summary.shape,
        });
        let name = format!("checkpoints/step-{}", self.step);
        self.folder.write_folder(&name, |folder| {
            work.save(folder)?;
            write_whole(&folder.join("state.json"), format!("{state:#}\n").as_bytes())
        })?;
        self.emit(&Event::Checkpoint {
            epoch: self.epoch,
            step: self.step,
            folder: &name,
        })
    }

    pub(super) fn report(&self, status: &str) -> Result<(), Failure> {
        let config = crate::config::to_toml(&self.plan.config);
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.into(), value));
        fact("trained on", self.summary.data.clone());
        fact("parameters", thousands(self.summary.parameters));
        fact(
            "steps",
            format!("{} in {}", thousands(self.step), counted(self.epoch, "epoch")),
        );
        fact("time", clock(self.started.elapsed()));
        let rate = thousands(self.progress.rate() as u64);
        fact("speed", format!("{rate} {}s a second", self.summary.sample));
        for (name, value) in &self.folder.facts().0 {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
            fact(name, text);
        }
        let report = Report {
            model: self.plan.model.name,
            about: self.plan.model.about,
            data: &self.plan.settings.data.name,
            status,
            sample: self.summary.sample,
            facts,
            history: &self.history,
            samples: &self.samples,
            reconstructions: &self.reconstructions,
            config: &config,
        };
        self.folder.write("report.html", report.to_html().as_bytes())
    }

    /// The last words on stderr: a look at the samples where the terminal can, and where to look further.
    pub(super) fn farewell(&self, work: &dyn Workload) -> Result<(), Failure> {
        if let Some(depth) = terminal::depth()
            && let Pictures::Images(images) = work.sample(self.plan.settings.sample.count as usize)?
        {
            eprint!("\n{}\n", terminal::render(&images, terminal::width(), depth));
        }
        anstream::eprintln!(
            "done in {}; look at {}",
            clock(self.started.elapsed()),
            self.folder.path().join("report.html").display()
        );
        Ok(())
    }
}

/// Adds a picture; a long run lets go of every other one, so that memory stays bounded.
pub(super) fn add(shots: &mut Vec<Shot>, shot: Shot) {
    if shots.len() >= SHOTS {
        let mut index = 0;
        shots.retain(|_| {
            index += 1;
            index % 2 == 1
        });
    }
    shots.push(shot);
}
