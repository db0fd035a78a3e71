//! A model, its optimisers and its data, as the loop drives them.

use super::{check_reach, data_failure, divergence, info, train_failure};
use crate::checkpoint::sha256;
use crate::errors::Failure;
use crate::library::{Diagnosis, Sample, Summary, Workload};
use crate::pictures::{Images, Pictures};
use crate::settings::Settings;
use crate::signals::Stop;
use datasets::{Batches, Dataset, Epoch, LastBatch, Presentation, Range};
use genmodels::{Losses, Trainer, metrics};
use nn::{Context, module};
use std::path::Path;
use tensor_core::{Random, Tensor, no_grad};

/// Samples of an evaluation batch, at least: larger ones are faster.
const EVALUATION_BATCH: usize = 500;
/// Values of an evaluation batch, where the samples are large: 8 MiB of them.
const EVALUATION_VALUES: usize = 1 << 21;
/// Samples of the test split in a picture of reconstructions.
const RECONSTRUCTIONS: usize = 32;
/// Points that the coverage of modes is counted on, as in the papers.
const COVERAGE_POINTS: usize = 2500;
/// Real points behind generated ones.
const BACKDROP_POINTS: usize = 2000;

/// A model and the data that it is judged by: all that an evaluation needs.
pub(super) struct Judged {
    trainer: Trainer,
    data: Dataset,
    test: Batches,
    presentation: Presentation,
    batch_size: usize,
    /// In a picture.
    samples: usize,
    seed: u64,
}

/// A training run and what it learns from.
pub(super) struct Work {
    judged: Judged,
    /// See [`Summary::memory`].
    memory: u64,
    train: Batches,
    /// The epoch under way: its order costs a shuffle.
    epoch: Option<(u64, Epoch)>,
    /// The batch under way: its memory is used again.
    values: Vec<f32>,
}

impl Judged {
    pub(super) fn new(trainer: Trainer, data: Dataset, settings: &Settings) -> Result<Judged, Failure> {
        check_reach(trainer.model(), &data)?;
        let presentation = Presentation {
            range: match trainer.model().value_range() {
                (low, _) if low < 0.0 => Range::MinusOneToOne,
                _ => Range::ZeroToOne,
            },
            binarised: settings.data.binarise,
        };
        let batch_size = usize::try_from(settings.train.batch_size).unwrap_or(usize::MAX);
        let many = EVALUATION_BATCH.min(EVALUATION_VALUES / data.dim());
        let evaluation_batch = batch_size.max(many).min(data.test.len());
        let test = Batches::in_order(&data.test, evaluation_batch, presentation);
        Ok(Judged {
            trainer,
            test: test.map_err(data_failure)?,
            data,
            presentation,
            batch_size,
            samples: settings.sample.count as usize,
            seed: settings.train.seed,
        })
    }

    /// Mean losses over the test split, if the model has something to evaluate.
    pub(super) fn evaluate(&self) -> Option<Losses> {
        let batches = self.test.epoch(0);
        let losses = self.trainer.evaluate((0..batches.len()).map(|i| batches.batch(i)));
        losses.map(|losses| Losses::new(losses.iter().chain(self.coverage())))
    }

    /// Everything that takes memory in a run, once, with this share of its samples.
    pub(super) fn rehearse(&mut self, share: f64) {
        let part = |count: usize| (count as f64 * share).ceil() as usize;
        let zeros = |count| Tensor::zeros([part(count), self.data.dim()]);
        // On such a batch losses mean nothing.
        let _ = self.trainer.step(&zeros(self.batch_size));
        self.trainer.evaluate([zeros(self.test.batch_size())]);
        self.trainer.sample(part(self.drawn()));
        self.trainer.reconstruct(&zeros(RECONSTRUCTIONS));
    }

    /// The bytes of samples outside of tensors: of the batch under way, and of what is evaluated or drawn in its turn.
    pub(super) fn bytes_of_copies(&self) -> u64 {
        // Pictures are put together beside what they show: originals and reconstructions, each twice.
        let in_turn = self.test.batch_size().max(2 * self.drawn()).max(4 * RECONSTRUCTIONS);
        4 * (self.data.dim() * (self.batch_size + in_turn)) as u64
    }

    /// Samples that are drawn at once.
    fn drawn(&self) -> usize {
        match self.data.modes {
            Some(_) => COVERAGE_POINTS,
            None => self.samples,
        }
    }

    /// Samples of the largest of all batches.
    pub(super) fn largest_batch(&self) -> usize {
        self.batch_size.max(self.test.batch_size()).max(self.drawn())
    }

    /// The bytes of all that is learnt and of the optimisers' moments.
    pub(super) fn state_bytes(&self) -> u64 {
        // Adam has two moments for each parameter; no optimiser here has more.
        3 * 4 * module::count_params(self.trainer.model()) as u64
    }

    /// How well generated points cover the modes, where the set is made of modes. The same noise each time.
    fn coverage(&self) -> Vec<(&'static str, f64)> {
        let Some(modes) = &self.data.modes else {
            return Vec::new();
        };
        let mut cx = Context::evaluation(&Random::new(self.seed).stream("coverage"));
        let points = no_grad(|| self.trainer.model().sample(COVERAGE_POINTS, &mut cx));
        let found = metrics::coverage(&points.to_vec::<f32>(), &modes.centres, modes.sigma);
        let mut values = vec![("modes", found.modes as f64), ("high_quality", found.high_quality)];
        values.extend(found.reverse_kl.map(|kl| ("reverse_kl", kl)));
        values
    }
}

/// Refuses a batch that the training set cannot fill.
pub(super) fn check_batch(data: &Dataset, settings: &Settings) -> Result<(), Failure> {
    let batch_size = settings.train.batch_size;
    if batch_size <= data.train.len() as u64 {
        return Ok(());
    }
    let samples = info::samples(data, &data.train);
    Err(Failure::input(
        format!("train.batch_size = {batch_size}: a batch cannot be larger than the training set ({samples})"),
        "choose a smaller one with -s train.batch_size=N",
    ))
}

impl Work {
    pub(super) fn new(judged: Judged, memory: u64) -> Result<Work, Failure> {
        let Judged { data, batch_size, .. } = &judged;
        let order = Random::new(judged.seed).stream("data");
        let train = Batches::shuffled(&data.train, *batch_size, LastBatch::Keep, judged.presentation, &order);
        Ok(Work {
            train: train.map_err(data_failure)?,
            judged,
            memory,
            epoch: None,
            values: Vec::new(),
        })
    }
}

impl Workload for Work {
    fn summary(&self) -> Summary {
        Summary {
            sample: match self.judged.data.train.values() {
                Some(_) => Sample::Point,
                None => Sample::Image,
            },
            data: info::samples(&self.judged.data, &self.judged.data.train),
            shape: self.judged.data.shape.clone(),
            parameters: module::count_params(self.judged.trainer.model()) as u64,
            batch_size: self.train.batch_size() as u64,
            memory: self.memory,
            judged_by: self.judged.trainer.model().judged_by(),
            advice: info::hard_to_learn(&self.judged.data),
        }
    }

    fn steps_per_epoch(&self) -> u64 {
        self.train.per_epoch() as u64
    }

    fn step(&mut self, epoch: u64, index: u64) -> Result<Losses, Failure> {
        if self.epoch.as_ref().is_none_or(|(number, _)| *number != epoch) {
            self.epoch = None;
        }
        let (_, batches) = self.epoch.get_or_insert_with(|| (epoch, self.train.epoch(epoch)));
        batches.fill(index as usize, &mut self.values);
        let dim = self.judged.data.dim();
        let x = Tensor::from_slice(&self.values, [self.values.len() / dim, dim]);
        self.judged.trainer.step(&x).map_err(train_failure)
    }

    fn evaluate(&self) -> Result<Option<Losses>, Failure> {
        Ok(self.judged.evaluate())
    }

    fn sample(&self, count: usize) -> Result<Pictures, Failure> {
        let samples = self.judged.trainer.sample(count);
        Ok(pictures(
            &samples,
            &self.judged.data.shape,
            self.judged.trainer.model().value_range(),
        ))
    }

    fn reconstruct(&self, count: usize) -> Result<Option<(Images, Images)>, Failure> {
        let first = Batches::in_order(
            &self.judged.data.test,
            count.min(self.judged.data.test.len()),
            self.judged.presentation,
        );
        let x = first.map_err(data_failure)?.epoch(0).batch(0);
        let range = self.judged.trainer.model().value_range();
        let as_images = |x: &Tensor| match pictures(x, &self.judged.data.shape, range) {
            Pictures::Images(images) => Some(images),
            Pictures::Points(_) => None,
        };
        let made = self.judged.trainer.reconstruct(&x);
        Ok(made.and_then(|made| Some((as_images(&x)?, as_images(&made)?))))
    }

    fn backdrop(&self) -> Option<Pictures> {
        backdrop(&self.judged.data)
    }

    fn save(&self, folder: &Path) -> Result<(), Failure> {
        self.judged.trainer.save(folder).map_err(train_failure)
    }

    fn load(&mut self, folder: &Path, step: u64, halvings: u32) -> Result<(), Failure> {
        self.judged.trainer.load(folder, step).map_err(train_failure)?;
        self.judged.trainer.scale_learning_rates(0.5f64.powi(halvings as i32));
        Ok(())
    }

    fn check_finite(&self) -> Result<(), Failure> {
        self.judged.trainer.check_finite().map_err(train_failure)
    }

    fn diagnose(&mut self, loaded: u64, diverged: u64, stop: &Stop) -> Result<Option<Diagnosis>, Failure> {
        divergence::diagnose(self, loaded, diverged, stop)
    }

    fn fingerprint(&self) -> String {
        let train = &self.judged.data.train;
        match (train.bytes(), train.values()) {
            (Some(bytes), _) => sha256(bytes),
            (_, Some(values)) => sha256(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()),
            (None, None) => unreachable!("samples are bytes or values"),
        }
    }
}

/// Rows \[n, D\] as images of that shape, or as points of the plane.
pub(super) fn pictures(samples: &Tensor, shape: &[usize], (low, high): (f64, f64)) -> Pictures {
    let values = samples.to_vec::<f32>();
    match *shape {
        [height, width] => Pictures::Images(Images {
            height,
            width,
            range: (low as f32, high as f32),
            values,
        }),
        _ => Pictures::Points(values.as_chunks().0.to_vec()),
    }
}

/// Some of the test points.
pub(super) fn backdrop(data: &Dataset) -> Option<Pictures> {
    let (points, _) = data.test.values()?.as_chunks();
    Some(Pictures::Points(points[..points.len().min(BACKDROP_POINTS)].to_vec()))
}
