//! Whole training steps and large operations, timed: `cargo bench -p benches --bench steps -- --json [--only S] [--seconds S] [--threads N]`.
//!
//! Without `--json` a table is printed; with it one JSON line a case: `{"case", "engine", "threads", "median_ms", "min_ms", "runs"}`. Cases and lines are
//! those of the programs that `benches/compare` runs in turn with this one.

#[path = "steps/operations.rs"]
mod operations;
#[path = "steps/training.rs"]
mod training;

use clap::Parser;
use serde_json::json;
use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tensor_core::parallel_region;

/// What to time, and how.
#[derive(Parser)]
#[command(name = "steps")]
struct Arguments {
    /// One JSON line a case on stdout.
    #[arg(long)]
    json: bool,
    /// Only cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// How long each case is repeated, in seconds.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Threads; by default as many as the machine has cores.
    #[arg(long, value_parser = threads)]
    threads: Option<usize>,
    /// Given by cargo; it means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|&seconds| seconds > 0.0 && seconds <= 3600.0);
    seconds.ok_or("seconds are a number above 0 and up to 3600")
}

fn threads(text: &str) -> Result<usize, &'static str> {
    let threads = text.parse().ok().filter(|threads| (1..=1024).contains(threads));
    threads.ok_or("a whole number from 1 to 1024 is needed")
}

/// Times the cases whose names were asked for.
struct Timer {
    arguments: Arguments,
    threads: usize,
    /// How many cases were asked for so far.
    cases: Cell<usize>,
}

impl Timer {
    /// Prepares a case and repeats it: at least five times, and for the time that was asked for. That the result is freed is part of the time.
    fn case<R, F: FnMut() -> R>(&self, name: &str, prepare: impl FnOnce() -> F) {
        if !name.contains(&self.arguments.only) {
            return;
        }
        self.cases.set(self.cases.get() + 1);
        let mut run = prepare();
        (0..5).for_each(|_| drop(run()));
        let mut times = Vec::new();
        let began = Instant::now();
        while times.len() < 5 || began.elapsed().as_secs_f64() < self.arguments.seconds {
            let start = Instant::now();
            drop(black_box(run()));
            times.push(start.elapsed());
        }
        times.sort_unstable();
        self.report(name, times[times.len() / 2], times[0], times.len());
    }

    fn report(&self, case: &str, median: Duration, min: Duration, runs: usize) {
        let ms = |time: Duration| (time.as_secs_f64() * 1e7).round() / 1e4;
        let (median, min, threads) = (ms(median), ms(min), self.threads);
        if self.arguments.json {
            let line = json!({
                "case": case, "engine": "genmodels", "threads": threads, "median_ms": median, "min_ms": min, "runs": runs,
            });
            println!("{line}");
        } else {
            println!("{case:32} {median:10.4} ms   (least {min:.4}, {runs} runs, {threads} threads)");
        }
    }
}

/// A line on stderr if this processor has wider vectors than this build uses.
fn warn_of_narrow_vectors() {
    #[cfg(target_arch = "x86_64")]
    for (is_here, is_used, name) in [
        (
            is_x86_feature_detected!("avx512f"),
            cfg!(target_feature = "avx512f"),
            "AVX-512",
        ),
        (is_x86_feature_detected!("avx2"), cfg!(target_feature = "avx2"), "AVX2"),
    ] {
        if is_here && !is_used {
            eprintln!(
                "warning: the CPU has {name}, which this build does not use: build in the project's folder and without RUSTFLAGS"
            );
            return;
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    warn_of_narrow_vectors();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool of threads");
    pool.install(|| {
        let timer = Timer {
            arguments,
            threads,
            cases: Cell::new(0),
        };
        // Operations follow each other as in a step; each step is a region by itself.
        parallel_region(|| operations::all(&timer));
        training::all(&timer);
        match timer.cases.get() {
            0 => {
                eprintln!(
                    "error: no case contains `{}`\nhint: without --only, all are timed and named",
                    timer.arguments.only
                );
                ExitCode::from(2)
            }
            _ => ExitCode::SUCCESS,
        }
    })
}
