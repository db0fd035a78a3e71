//! Batches of a split: in which order, and as which numbers.
//!
//! Nothing here advances: a batch is a function of the generator, the epoch and its number, so that a run can be
//! continued in the middle of an epoch, and looking at a batch twice gives the same numbers twice.

use crate::{DataError, Split};
use tensor_core::Tensor;
use tensor_core::rng::Random;

/// As which numbers the grey bytes of an image are given to a model. Points are given as they are, in either range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    /// The numbers of black and white.
    pub range: Range,
    /// Whether each pixel is sampled to black or white, white with probability byte / 255, afresh in each epoch
    /// (Salakhutdinov and Murray, 2008): then a Bernoulli likelihood is one.
    pub binarised: bool,
}

/// The numbers that the bytes 0 and 255 become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// From 0 to 1, as a sigmoid gives: byte / 255.
    #[default]
    ZeroToOne,
    /// From -1 to 1, as a tanh gives: 2 byte / 255 - 1.
    MinusOneToOne,
}

/// What becomes of the samples that do not fill a batch at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBatch {
    /// They make a smaller batch.
    Keep,
    /// They are left out; another order leaves out others.
    Drop,
}

/// A split cut into batches, for any number of epochs.
#[derive(Clone, Debug)]
pub struct Batches {
    split: Split,
    batch_size: usize,
    last: LastBatch,
    presentation: Presentation,
    random: Random,
    shuffled: bool,
}

/// The seed by which a split that is not shuffled is binarised: the same test images for every model and run.
const EVALUATION_SEED: u64 = 0;

impl Batches {
    /// Batches to train on: the order of an epoch is the permutation that `random` gives for it.
    pub fn shuffled(
        split: &Split,
        batch_size: usize,
        last: LastBatch,
        presentation: Presentation,
        random: &Random,
    ) -> Result<Batches, DataError> {
        let batches = Batches::in_order(split, batch_size, presentation)?;
        Ok(Batches {
            last,
            random: random.clone(),
            shuffled: true,
            ..batches
        })
    }

    /// Batches to evaluate on: all samples once, in the order of the split. Binarised pixels are the same ones in
    /// every epoch and run and for every batch size.
    pub fn in_order(split: &Split, batch_size: usize, presentation: Presentation) -> Result<Batches, DataError> {
        if batch_size == 0 {
            return Err(DataError::BatchOfNothing);
        }
        if batch_size > split.len() {
            return Err(DataError::BatchTooLarge {
                batch_size,
                samples: split.len(),
            });
        }
        if presentation.binarised && split.bytes().is_none() {
            return Err(DataError::BinarisedPoints);
        }
        let random = Random::new(EVALUATION_SEED).stream("evaluation");
        Ok(Batches {
            split: split.clone(),
            batch_size,
            last: LastBatch::Keep,
            presentation,
            random,
            shuffled: false,
        })
    }

    /// How many batches an epoch has.
    pub fn per_epoch(&self) -> usize {
        match self.last {
            LastBatch::Keep => self.split.len().div_ceil(self.batch_size),
            LastBatch::Drop => self.split.len() / self.batch_size,
        }
    }

    /// Samples of each batch but perhaps the last.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The split that the batches are of.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// The order of epoch number `epoch`, from 0. Costs a shuffle; its batches are then made one by one.
    pub fn epoch(&self, epoch: u64) -> Epoch {
        let n = self.split.len();
        if self.shuffled {
            let order = self.random.stream("order").at(epoch).permutation(n);
            Epoch {
                batches: self.clone(),
                order,
                pixels: self.random.stream("binarise").at(epoch),
            }
        } else {
            let order = (0..n).map(|i| i as u32).collect();
            Epoch {
                batches: self.clone(),
                order,
                pixels: self.random.stream("binarise"),
            }
        }
    }
}

/// The batches of one epoch, by number.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// A copy is cheap: the samples are shared.
    batches: Batches,
    order: Vec<u32>,
    /// Parent of the generators by which samples are binarised, one for each sample of the split.
    pixels: Random,
}

impl Epoch {
    /// How many batches there are.
    pub fn len(&self) -> usize {
        self.batches.per_epoch()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which samples of the split are in batch `i`: `[B]`. Panics if there is no such batch.
    #[track_caller]
    pub fn indices(&self, i: usize) -> &[u32] {
        assert!(i < self.len(), "batch {i} of an epoch of {} batches", self.len());
        let start = i * self.batches.batch_size;
        &self.order[start..self.order.len().min(start + self.batches.batch_size)]
    }

    /// Makes `out` the samples of batch `i`, `[B, dim]` row by row. Panics if there is no such batch.
    #[track_caller]
    pub fn fill(&self, i: usize, out: &mut Vec<f32>) {
        let split = &self.batches.split;
        let indices = self.indices(i);
        out.resize(indices.len() * split.dim(), 0.0);
        for (&index, out) in indices.iter().zip(out.chunks_exact_mut(split.dim())) {
            let at = index as usize * split.dim()..(index as usize + 1) * split.dim();
            match (split.bytes(), split.values()) {
                (Some(bytes), _) => self.present(u64::from(index), &bytes[at], out),
                (_, Some(values)) => out.copy_from_slice(&values[at]),
                (None, None) => unreachable!("samples are bytes or values"),
            }
        }
    }

    /// Batch `i` as a tensor, `[B, dim]`, F32. Panics if there is no such batch.
    #[track_caller]
    pub fn batch(&self, i: usize) -> Tensor {
        let mut values = Vec::new();
        self.fill(i, &mut values);
        let dim = self.batches.split.dim();
        Tensor::from_slice(&values, [values.len() / dim, dim])
    }

    /// The labels of batch `i`, `[B]`, where the split has labels. Panics if there is no such batch.
    #[track_caller]
    pub fn labels(&self, i: usize) -> Option<Vec<u32>> {
        let indices = self.indices(i);
        let labels = self.batches.split.labels()?;
        Some(indices.iter().map(|&index| u32::from(labels[index as usize])).collect())
    }

    /// Writes the bytes of sample `index` as the numbers that were asked for.
    fn present(&self, index: u64, bytes: &[u8], out: &mut [f32]) {
        let Presentation { range, binarised } = self.batches.presentation;
        if binarised {
            // A number uniform in [0, 1) is below p with probability p: never for byte 0, always for byte 255.
            self.pixels.at(index).fill_uniform(out);
            out.iter_mut()
                .zip(bytes)
                .for_each(|(x, &byte)| *x = f32::from(u8::from(*x * 255.0 < f32::from(byte))));
        } else {
            out.iter_mut()
                .zip(bytes)
                .for_each(|(x, &byte)| *x = f32::from(byte) / 255.0);
        }
        if range == Range::MinusOneToOne {
            out.iter_mut().for_each(|x| *x = 2.0 * *x - 1.0);
        }
    }
}

#[cfg(test)]
mod tests;
