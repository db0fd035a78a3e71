//! The program as a user has it: run as a process, judged by what it prints, leaves behind and returns.

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/bad_settings.rs"]
mod bad_settings;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/fetch.rs"]
mod fetch;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/kills.rs"]
mod kills;
#[path = "cli/memory.rs"]
mod memory;
#[path = "cli/other_commands.rs"]
mod other_commands;
#[path = "cli/own_data.rs"]
mod own_data;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/resume.rs"]
mod resume;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/soak.rs"]
mod soak;
#[path = "cli/too_new.rs"]
mod too_new;
#[path = "cli/training.rs"]
mod training;
