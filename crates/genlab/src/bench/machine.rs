//! What the machine can do at most: multiply in registers, and read from each cache and from memory.

use super::lines::Lines;
use super::timing::{best_and_median, repeat};
use crate::cpu;
use serde_json::{Value, json};
use std::fmt;
use std::hint::black_box;
use tensor_core::kernels::machine::{OPERATIONS, multiply_adds, read};
use tensor_core::kernels::parallel::for_each_task;

/// Rounds in which everything is measured in turn.
pub(super) const ROUNDS: usize = 5;

/// Buffers that fit into a cache and not into the one before it: on most processors of today a core has 32 to 128 KiB, then 0.5 to 4 MiB, and all
/// share 6 MiB and more.
const LEVELS: [(&str, usize); 4] = [
    ("L1", 16 << 10),
    ("L2", 256 << 10),
    ("L3", 5 << 20),
    ("memory", 128 << 20),
];

/// Steps in a call of the loop of multiply-adds: some microseconds.
const STEPS: usize = 2000;

/// The machine in numbers. Each is the fastest of several rounds.
pub(super) struct Machine {
    name: String,
    pub(super) threads: usize,
    pub(super) peak: Peak,
    pub(super) bandwidths: Vec<Bandwidth>,
}

/// Floating-point operations in a second (GFLOP/s) of a loop that only multiplies and adds in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    pub(super) one_core: f64,
    pub(super) all_cores: f64,
}

/// How fast one core reads.
pub(super) struct Bandwidth {
    /// From where.
    pub(super) level: &'static str,
    /// The size of what is read.
    bytes: usize,
    /// 10⁹ bytes in a second.
    pub(super) gigabytes: f64,
}

impl Machine {
    /// Measures everything in turn, in all for so many seconds each.
    pub(super) fn measure(seconds: f64) -> Self {
        let slice = seconds / ROUNDS as f64;
        let buffers = LEVELS.map(|(_, bytes)| Lines::of(1.0, bytes / size_of::<f32>()));
        let peaks: Vec<Peak> = (0..ROUNDS).map(|_| Peak::measure(slice)).collect();
        let mut reads = LEVELS.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (times, buffer) in reads.iter_mut().zip(&buffers) {
                times.push(repeat(slice, || _ = black_box(read(black_box(buffer)))).each());
            }
        }
        let bandwidth = |((level, bytes), times): ((&'static str, usize), Vec<f64>)| Bandwidth {
            level,
            bytes,
            gigabytes: bytes as f64 / best_and_median(&times).0 / 1e9,
        };
        Self {
            name: cpu::detect().name,
            threads: rayon::current_num_threads(),
            peak: Peak::best(&peaks),
            bandwidths: LEVELS.into_iter().zip(reads).map(bandwidth).collect(),
        }
    }

    /// The event for `--json`.
    pub(super) fn to_json(&self) -> Value {
        let reads = self.bandwidths.iter().map(|bandwidth| {
            json!({"level": bandwidth.level, "bytes": bandwidth.bytes, "gigabytes_per_second": bandwidth.gigabytes})
        });
        json!({
            "v": 1, "event": "machine", "cpu": self.name, "vectors": cpu::BUILD.name(), "threads": self.threads,
            "peak_one_core": self.peak.one_core, "peak_all_cores": self.peak.all_cores, "reads": reads.collect::<Vec<_>>(),
        })
    }
}

impl Peak {
    /// One short round of the loop, on one core and on all.
    pub(super) fn measure(seconds: f64) -> Self {
        let run = || _ = black_box(multiply_adds(STEPS, black_box(0.5), 1.0));
        // So many tasks that none of the threads waits long for the last one.
        let tasks = 16 * rayon::current_num_threads();
        let gflops = |times: usize, seconds: f64| (times * STEPS * OPERATIONS) as f64 / seconds / 1e9;
        Self {
            one_core: gflops(1, repeat(seconds, run).each()),
            all_cores: gflops(tasks, repeat(seconds, || for_each_task(tasks, |_| run())).each()),
        }
    }

    /// The fastest of some rounds. All cores do at least what one does, also where others kept them busy in every round.
    pub(super) fn best(rounds: &[Peak]) -> Self {
        let one_core = rounds.iter().map(|peak| peak.one_core).fold(0.0, f64::max);
        Self {
            one_core,
            all_cores: rounds.iter().map(|peak| peak.all_cores).fold(one_core, f64::max),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Peak { one_core, all_cores } = self.peak;
        writeln!(f, "{}, {}, threads: {}", self.name, cpu::BUILD.name(), self.threads)?;
        writeln!(
            f,
            "multiply-adds in registers: {one_core:.1} GFLOP/s on one core, {all_cores:.1} on all threads"
        )?;
        let reads = self.bandwidths.iter().map(|bandwidth| {
            let size = match bandwidth.bytes >> 20 {
                0 => format!("{} KiB", bandwidth.bytes >> 10),
                mebibytes => format!("{mebibytes} MiB"),
            };
            format!("{} {:.1} ({size})", bandwidth.level, bandwidth.gigabytes)
        });
        write!(f, "reading by one core, GB/s: {}", reads.collect::<Vec<_>>().join(", "))
    }
}
