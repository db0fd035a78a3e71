//! What a run leaves behind: pictures, checkpoints, the report, and the last words.

use super::Run;
use crate::checkpoint::{self, Order, State};
use crate::errors::Failure;
use crate::events::Event;
use crate::library::{Sample, Workload};
use crate::pictures::{self, Pictures};
use crate::progress::{clock, counted, thousands};
use crate::report::{Report, Shot};
use crate::{cpu, output, terminal};
use std::path::PathBuf;

/// Reconstructions in a picture.
const RECONSTRUCTIONS: usize = 32;
/// Points in a picture, at least: a cloud needs more of them than a grid needs images.
const POINTS: usize = 1000;
/// How the files of both kinds of pictures begin.
const SAMPLES: &str = "epoch";
const RECONSTRUCTED: &str = "reconstruction";
/// At most so many pictures of a kind in the report: it must still open at once.
const PICTURES: u64 = 40;

impl Run {
    pub(super) fn draw(&mut self, work: &dyn Workload) -> Result<(), Failure> {
        let least = match self.summary.sample {
            Sample::Point => POINTS,
            Sample::Image => 1,
        };
        let count = (self.plan.settings.sample.count as usize).max(least);
        let samples = work.sample(count)?;
        self.keep(SAMPLES, &pictures::to_png(&samples, work.backdrop().as_ref()))?;
        if let Some((originals, made)) = work.reconstruct(RECONSTRUCTIONS)? {
            self.keep(RECONSTRUCTED, &pictures::reconstructions(&originals, &made).to_png())?;
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, png: &[u8]) -> Result<(), Failure> {
        let file = picture(name, self.epoch);
        self.folder.write(&file, png)?;
        self.emit(&Event::Sample {
            epoch: self.epoch,
            step: self.step,
            file: &file,
        })
    }

    /// Writes a checkpoint of this moment, unless what is learnt is spoilt, and removes those that are not kept.
    pub(super) fn checkpoint(&mut self, work: &dyn Workload) -> Result<(), Failure> {
        work.check_finite()?;
        let state = State {
            program: env!("CARGO_PKG_VERSION").into(),
            lanes: cpu::BUILD.lanes() as u64,
            step: self.step,
            epoch: self.epoch,
            streams: State::streams_at(self.step, self.epoch),
            order: Order {
                epoch: self.epoch,
                batch: self.step % self.schedule.per_epoch(),
            },
            retries: self.retries,
            metrics_bytes: self.folder.sync_metrics()?,
            best: self.best.clone(),
            history: self.history.clone(),
            ..self.last.clone()
        };
        checkpoint::write(self.folder.path(), &state, |folder| work.save(folder))?;
        let epoch = state.epoch_of_step();
        self.last = state;
        let best = self.best.as_ref().map(|best| best.step);
        checkpoint::prune(self.folder.path(), self.step, &self.schedule, best)?;
        let name = format!("checkpoints/step-{}", self.step);
        self.emit(&Event::Checkpoint {
            epoch,
            step: self.step,
            folder: &name,
        })
    }

    /// The folder of the last checkpoint.
    pub(super) fn last_folder(&self) -> PathBuf {
        checkpoint::folder_of(self.folder.path(), self.last.step)
    }

    /// Pictures of the epochs that are done, evenly spread over them. They stay in their files: a run holds none of them.
    fn pictures(&self, name: &str) -> Vec<Shot> {
        let shot = |epoch: u64| {
            // A picture that was removed is missing in the report, and nowhere else.
            let file = self.folder.path().join(picture(name, epoch));
            let caption = format!("epoch {epoch}");
            file.is_file().then_some(Shot { caption, file })
        };
        spread(self.epoch, PICTURES).into_iter().filter_map(shot).collect()
    }

    pub(super) fn report(&self, status: &str, ended: Option<&Failure>) -> Result<(), Failure> {
        let config = crate::config::to_toml(&self.plan.config);
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.into(), value));
        fact("trained on", self.summary.data.clone());
        fact("parameters", thousands(self.summary.parameters));
        fact(
            "steps",
            format!("{} in {}", thousands(self.step), counted(self.epoch, "epoch")),
        );
        fact("time", clock(self.time()));
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
            ended,
            sample: self.summary.sample,
            facts,
            history: &self.history,
            samples: &self.pictures(SAMPLES),
            reconstructions: &self.pictures(RECONSTRUCTED),
            config: &config,
        };
        self.folder.write_with("report.html", |html| report.write_html(html))
    }

    /// The last words on stderr: a look at the samples where the terminal can, and where to look further.
    pub(super) fn farewell(&self, work: &dyn Workload) -> Result<(), Failure> {
        if let Some(depth) = terminal::depth()
            && let Pictures::Images(images) = work.sample(self.plan.settings.sample.count as usize)?
        {
            output::tell(&format!("\n{}", terminal::render(&images, terminal::width(), depth)));
        }
        let report = self.folder.path().join("report.html");
        let in_all = if self.earlier.is_zero() { "" } else { " in all" };
        let time = clock(self.time());
        output::tell(&format!("done in {time}{in_all}; look at {}", report.display()));
        Ok(())
    }
}

fn picture(name: &str, epoch: u64) -> String {
    format!("samples/{name}-{epoch:04}.png")
}

/// At most `most` of the epochs from 1 to `last`, evenly spread, with the first and the last.
pub(super) fn spread(last: u64, most: u64) -> Vec<u64> {
    match last <= most {
        true => (1..=last).collect(),
        // In wide numbers: the product need not fit.
        false => (0..most)
            .map(|i| 1 + (u128::from(i) * u128::from(last - 1) / u128::from(most - 1)) as u64)
            .collect(),
    }
}
