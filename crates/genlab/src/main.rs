//! genlab, the program: trains generative models, keeps their runs and draws what they make.

mod bench;
mod check;
mod checkpoint;
mod cli;
mod commands;
mod config;
mod cpu;
mod curves;
mod doctor;
mod errors;
mod events;
mod files;
mod history;
mod library;
mod output;
mod pictures;
mod plan;
mod progress;
mod quantity;
mod report;
mod run_folder;
mod scatter;
mod settings;
mod signals;
#[cfg(test)]
mod stand_in;
mod terminal;
mod train;
mod wiring;

use clap::Parser;
use cli::{BenchCommand, Cli, Command};
use errors::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
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
