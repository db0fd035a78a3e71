//! `genlab bench matmul`: how fast each rung of the ladder of matrix products is here, beside what the machine can do at most.
//!
//! The kernels are in `tensor_core::kernels::{matmul, machine}`; here are the clock, the table and the charts.

mod charts;
mod ladder;
mod lines;
mod machine;
mod product;
mod table;
mod timing;

pub(crate) use product::{Size, parse_size};

use crate::cli::MatmulArgs;
use crate::errors::Failure;
use crate::files::write_whole;
use crate::pool::in_pool;
use crate::{cpu, output, plan};
use ladder::Ladder;
use machine::Machine;
use product::Product;
use serde_json::json;
use std::path::Path;
use tensor_core::kernels::matmul::{RUNGS, Rung, WIDE};
use tensor_core::parallel_region;

/// The sizes of the table: small ones, those on both sides of a power of two, tall, wide, and products of a training step: of a few samples, with a
/// transposed operand, and with a vector.
const SIZES: [&str; 21] = [
    "1",
    "7",
    "63",
    "64",
    "65",
    "127",
    "128",
    "256",
    "512",
    "1000",
    "1023",
    "1024",
    "4096x64x64",
    "64x64x4096",
    "32x784x400",
    "32x784x400nt",
    "128x784x400nt",
    "784x128x400tn",
    "64x256x1",
    "1x784x400nt",
    "64x1x512",
];

/// Seconds for each rung and size of the table.
const TABLE_SECONDS: f64 = 0.05;
/// Seconds of the plain loop.
const LOOP_SECONDS: f64 = 3.0;
/// Seconds of a product of which a person is warned. (They are told from a smaller one: where the caches are too small for it, it takes several times as long.)
const LONG_SECONDS: f64 = 2.0;

/// `genlab bench matmul`.
pub(crate) fn matmul(args: &MatmulArgs) -> Result<(), Failure> {
    // In a region, since kernels follow each other in a training step, too.
    match &args.rung {
        Some(name) => {
            let (rung, size) = (rung(name)?, only_size(name, &args.size)?);
            warn_of_the_build();
            in_pool(args.threads, |_| parallel_region(|| plain_loop(rung, size, args)))
        }
        None => {
            // Before anything is measured: that a folder cannot be made is better known at once.
            if args.out.is_file() {
                let message = format!("{} is a file, and the charts need a folder", args.out.display());
                return Err(Failure::input(message, "--out DIR"));
            }
            std::fs::create_dir_all(&args.out).map_err(|error| Failure::file("make", &args.out, &error))?;
            warn_of_the_build();
            in_pool(args.threads, |_| parallel_region(|| table(args)))
        }
    }
}

/// A line on stderr for each reason why this build is slower than the machine.
fn warn_of_the_build() {
    let cpu = cpu::detect();
    for warning in cpu::build_warnings(&cpu) {
        output::warn(&warning);
    }
    if !WIDE {
        output::warn(
            "the engine multiplies by `matrixmultiply` in this build, and so does the rung `parallel`; that crate finds its instructions when it runs, and so \
             its shares of this build's peak are above 100 %",
        );
    }
}

fn rung(name: &str) -> Result<&'static dyn Rung, Failure> {
    let names = RUNGS.iter().map(|rung| rung.name());
    let found = RUNGS.iter().find(|rung| rung.name() == name);
    found
        .copied()
        .ok_or_else(|| plan::unknown("there is no rung", name, names))
}

fn only_size<'a>(rung: &str, sizes: &'a [Size]) -> Result<&'a Size, Failure> {
    match sizes {
        [size] => Ok(size),
        _ => Err(Failure::usage(
            "the plain loop of a rung has one size",
            format!("say which: --rung {rung} --size 512"),
        )),
    }
}

/// One rung at one size and nothing else, for a profiler.
fn plain_loop(rung: &dyn Rung, size: &Size, args: &MatmulArgs) -> Result<(), Failure> {
    let seconds = ladder::seconds_of_an_operation(rung) * size.operations();
    if seconds > LONG_SECONDS {
        output::warn(&format!(
            "one product takes {seconds:.0} s or more here, and the loop ends behind one"
        ));
    }
    let mut product = Product::new(size);
    let time = timing::repeat(args.seconds.unwrap_or(LOOP_SECONDS), || product.run(rung));
    let gflops = size.operations() / time.each() / 1e9;
    if args.json {
        let line = json!({
            "v": 1, "event": "loop", "rung": rung.name(), "size": size.to_string(),
            "gflops": gflops, "products": time.calls, "seconds": time.seconds,
        });
        return output::line(&line.to_string());
    }
    output::line(&format!(
        "{} at {size}: {gflops:.1} GFLOP/s, {} products in {:.2} s",
        rung.name(),
        time.calls,
        time.seconds
    ))
}

/// All rungs at all sizes: the table, and the charts into a folder.
fn table(args: &MatmulArgs) -> Result<(), Failure> {
    let seconds = args.seconds.unwrap_or(TABLE_SECONDS);
    let sizes = match args.size.as_slice() {
        [] => SIZES.map(|size| size.parse().expect("a size")).to_vec(),
        given => given.to_vec(),
    };
    output::tell("measuring the machine");
    let machine = Machine::measure(seconds);
    if args.json {
        output::line(&machine.to_json().to_string())?;
    }
    let ladder = Ladder::new(seconds);
    let mut rows = Vec::new();
    for size in sizes {
        output::tell(&format!("measuring {size}"));
        let row = ladder.measure(size);
        if args.json {
            for line in table::json_lines(&row) {
                output::line(&line.to_string())?;
            }
        }
        rows.push(row);
    }
    if !args.json {
        output::line(&machine.to_string())?;
        output::line(&table::tables(&rows))?;
    }
    let speed = write(&args.out, "speed.svg", &charts::speed(&machine, &rows))?;
    let roofline = write(&args.out, "roofline.svg", &charts::roofline(&machine, &rows))?;
    match args.json {
        true => output::line(&json!({"v": 1, "event": "done", "files": [speed, roofline]}).to_string()),
        false => {
            output::tell(&format!("charts: {speed}, {roofline}"));
            Ok(())
        }
    }
}

/// Writes a chart and gives its path.
fn write(folder: &Path, name: &str, svg: &str) -> Result<String, Failure> {
    let path = folder.join(name);
    write_whole(&path, svg.as_bytes())?;
    Ok(path.display().to_string())
}
