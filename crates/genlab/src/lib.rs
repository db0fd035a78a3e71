//! genlab, the program: trains generative models, keeps their runs and draws what they make.
//!
//! It is a library only so that a fuzzer can reach what reads files; `main.rs` is the program.

// Only `cpu` asks the processor itself.
#[forbid(unsafe_code)]
mod bench;
#[forbid(unsafe_code)]
mod check;
#[forbid(unsafe_code)]
mod checkpoint;
#[forbid(unsafe_code)]
mod cli;
#[forbid(unsafe_code)]
mod commands;
#[forbid(unsafe_code)]
mod config;
mod cpu;
#[forbid(unsafe_code)]
mod curves;
#[forbid(unsafe_code)]
mod doctor;
#[forbid(unsafe_code)]
mod errors;
#[forbid(unsafe_code)]
mod events;
#[cfg(feature = "fetch")]
#[forbid(unsafe_code)]
mod fetch;
#[cfg(not(feature = "fetch"))]
#[path = "fetch/absent.rs"]
#[forbid(unsafe_code)]
mod fetch;
#[forbid(unsafe_code)]
mod files;
#[forbid(unsafe_code)]
mod history;
#[forbid(unsafe_code)]
mod library;
#[forbid(unsafe_code)]
mod output;
#[forbid(unsafe_code)]
mod pictures;
#[forbid(unsafe_code)]
mod plan;
#[forbid(unsafe_code)]
mod pool;
#[forbid(unsafe_code)]
mod progress;
#[forbid(unsafe_code)]
mod quantity;
#[forbid(unsafe_code)]
mod report;
#[forbid(unsafe_code)]
mod run_folder;
#[forbid(unsafe_code)]
mod scatter;
#[forbid(unsafe_code)]
mod settings;
#[forbid(unsafe_code)]
mod signals;
#[cfg(test)]
#[forbid(unsafe_code)]
mod stand_in;
#[forbid(unsafe_code)]
mod terminal;
#[forbid(unsafe_code)]
mod train;
#[doc(hidden)]
#[forbid(unsafe_code)]
pub mod untrusted;
#[forbid(unsafe_code)]
mod wiring;

use clap::Parser;
use cli::{BenchCommand, Cli, Command};
use errors::Failure;
use std::process::ExitCode;

/// The program: reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    // First of all: a build for another CPU would crash at its first wide instruction, without a word.
    if let Some(message) = cpu::too_new(&cpu::missing()) {
        Failure::input(message, "build it on this machine: cargo build --release").report(false);
        return ExitCode::from(1);
    }
    let command = Cli::parse().command;
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(command.json());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    let library = &wiring::Crates;
    match command {
        Command::Train(args) => train::train(library, args),
        Command::Resume(args) => train::resume(library, args),
        Command::Sample(args) => commands::sample(library, args),
        Command::Eval(args) => commands::eval(library, args),
        Command::List => commands::list(library),
        Command::Data(command) => commands::data(library, command),
        Command::Bench(BenchCommand::Matmul(args)) => bench::matmul(args),
        Command::Doctor => doctor::doctor(library),
    }
}
