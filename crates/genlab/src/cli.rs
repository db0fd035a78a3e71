//! The command line: what can be asked for, and the help texts.

use crate::bench::{Size, parse_size};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Trains generative models, keeps their runs and draws what they make.
#[derive(Debug, Parser)]
#[command(
    name = "genlab",
    version,
    max_term_width = 100,
    after_help = "Start here:\n  \
        genlab train vae                     train on the embedded digits; pictures and a report appear in runs/\n  \
        genlab train vae --data mnist:DIR    the same on MNIST's four files in the folder DIR\n  \
        genlab train vae --data images:DIR   the same on your own PNG files in the folder DIR\n  \
        genlab list                          every model with its presets\n\n\
        Exit codes: 0 done, 1 the data or the configuration, 2 the command line, 3 training diverged,\n\
        130 interrupted (a checkpoint is kept, and `genlab resume` goes on).\n\
        NO_COLOR=1 turns colours off."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a model and keep the run in a folder.
    Train(TrainArgs),
    /// Go on with a run that was stopped, as if it had never been.
    Resume(ResumeArgs),
    /// Draw new samples from a trained run.
    Sample(SampleArgs),
    /// Evaluate a trained run on the test split.
    Eval(EvalArgs),
    /// List the models, their presets and their settings.
    List,
    /// Download a data set, say what one holds, or list them.
    #[command(subcommand)]
    Data(DataCommand),
    /// Measure this machine and the kernels.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Check this machine, this build and this folder.
    Doctor,
}

/// `genlab train`.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  \
    genlab train vae\n  \
    genlab train vae --preset pytorch-example --data mnist:DIR --epochs 10\n  \
    genlab train vae -s model.latent_dim=2 -s model.hidden=[512,256] -s optimiser.learning_rate=3e-4\n  \
    genlab train gan --preset ring8 --data ring8 --out runs/ring --json > events.jsonl\n  \
    genlab train gan --preset ring8 --data csv:points.csv\n\n\
    A setting is taken from the first of: its flag, -s, the file, the preset, the default.\n\
    The folder keeps all of them in config.toml; `-c RUN/config.toml` repeats a run."
)]
pub(crate) struct TrainArgs {
    /// The model: `genlab list` has them all.
    pub(crate) model: String,
    /// The data set: NAME, or NAME:PATH where the files are on your disk [default: glyphs, or the
    /// preset's].
    #[arg(long, value_name = "NAME[:PATH]")]
    pub(crate) data: Option<String>,
    /// A named configuration of the model [default: default].
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// A TOML file of settings.
    #[arg(short, long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
    /// One setting by its dotted name; may be repeated, the last one counts.
    #[arg(short, long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// How many times to go through the training set [default: train.epochs].
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    pub(crate) epochs: Option<u32>,
    /// Stop after this many steps instead.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    pub(crate) steps: Option<u32>,
    /// Everything random follows from this number [default: train.seed].
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// When a loss or gradient is not finite: `stop`, or `retry:N` to go back to the last checkpoint with half
    /// the learning rate, N times at most [default: stop].
    #[arg(long, value_name = "stop|retry:N")]
    pub(crate) on_divergence: Option<String>,
    /// The run's folder; it must not exist yet, or be empty [default: runs/MODEL-DATA-N].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Threads to compute with; the result is the same for any number [default: one per core].
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object a line on stdout, and no bar.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `genlab resume`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  genlab resume runs/vae-glyphs-1\n  genlab resume runs/vae-glyphs-1 --epochs 20\n  \
    genlab resume runs/vae-mnist-1 --data mnist:elsewhere/mnist\n\n\
    Goes on from the newest checkpoint that is sound, in the middle of an epoch too. What it computes is, bit for\n\
    bit, what the run would have computed without the stop."
)]
pub(crate) struct ResumeArgs {
    /// The folder of the run.
    pub(crate) run: PathBuf,
    /// Where the data set is now; the training set must have the bytes that it had [default: where it was].
    #[arg(long, value_name = "NAME[:PATH]")]
    pub(crate) data: Option<String>,
    /// How many times to go through the training set in all [default: as the run was started].
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    pub(crate) epochs: Option<u32>,
    /// Stop after this many steps in all instead.
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=u32::MAX.into()))]
    pub(crate) steps: Option<u32>,
    /// When a loss or gradient is not finite: `stop`, or `retry:N` to go back to the last checkpoint with half
    /// the learning rate, N times at most [default: as the run was started].
    #[arg(long, value_name = "stop|retry:N")]
    pub(crate) on_divergence: Option<String>,
    /// Threads to compute with; the result is the same for any number [default: one per core].
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object a line on stdout, and no bar.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `genlab sample`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  genlab sample runs/vae-glyphs-1 -n 64 -o grid.png --seed 7")]
pub(crate) struct SampleArgs {
    /// The folder of a run.
    pub(crate) run: PathBuf,
    /// How many samples.
    #[arg(short, long, value_name = "N", default_value_t = 64, value_parser = whole::<u32>(1..=100_000))]
    pub(crate) n: u32,
    /// The picture to write.
    #[arg(short, long, value_name = "FILE.png", default_value = "grid.png", value_parser = PathBufValueParser::new().try_map(png))]
    pub(crate) output: PathBuf,
    /// Another number, other samples.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u64>(0..=i64::MAX as u64))]
    pub(crate) seed: u64,
    /// Print one JSON object a line on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `genlab eval`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  genlab eval runs/vae-mnist-1 --data mnist:DIR\n\n\
    Prints one loss a line: its name and its mean over the test split, in nats per sample.")]
pub(crate) struct EvalArgs {
    /// The folder of a run.
    pub(crate) run: PathBuf,
    /// Another data set than the one it was trained on.
    #[arg(long, value_name = "NAME[:PATH]")]
    pub(crate) data: Option<String>,
    /// Print one JSON object a line on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `genlab data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the data sets.
    List,
    /// Open a data set and say what it holds.
    #[command(
        after_help = "Examples:\n  genlab data info glyphs\n  genlab data info mnist:DIR\n  genlab data info csv:FILE"
    )]
    Info {
        /// The data set.
        #[arg(value_name = "NAME[:PATH]")]
        data: String,
    },
    /// Download a data set and check it.
    Fetch(FetchArgs),
}

/// `genlab data fetch`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    genlab data fetch mnist\n  \
    genlab data fetch fashion-mnist --out data/fashion --mirror http://cache.example.org/fashion/\n  \
    genlab data fetch mnist --offline\n\n\
    Each file is checked by its size and SHA-256 before it gets its name. What was interrupted is continued,\n\
    and what is here already is not fetched again. stdout carries one line, the name for --data: mnist:data/mnist.\n\
    HTTPS_PROXY and NO_PROXY count.")]
pub(crate) struct FetchArgs {
    /// The data set: `genlab data list` has them all.
    pub(crate) name: String,
    /// The folder for its files [default: data/NAME].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Use no network: say which files are here and right, and what is missing.
    #[arg(long, conflicts_with = "mirror")]
    pub(crate) offline: bool,
    /// A folder on a server that is tried before the set's own, by http or https; may be repeated.
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Vec<String>,
}

/// `genlab bench`.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Time the rungs of the ladder of matrix products beside what the machine can do at most.
    Matmul(MatmulArgs),
}

/// `genlab bench matmul`.
#[derive(Args, Debug)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  \
    genlab bench matmul\n  \
    genlab bench matmul --size 64,65,128x784x400nt --seconds 0.2\n  \
    genlab bench matmul --rung packed --size 512 --seconds 5\n\n\
    Prints GFLOP/s, shares of the measured peak and factors from rung to rung, and draws speed over size and\n\
    a roofline. With --rung it runs that rung alone, for a profiler."
)]
pub(crate) struct MatmulArgs {
    /// Run this rung alone in a plain loop; it needs one --size.
    #[arg(long, value_name = "RUNG")]
    pub(crate) rung: Option<String>,
    /// Sizes: N or MxKxN, with nt, tn or tt behind them where B, A or both are transposed (nn: neither);
    /// may be repeated [default: those of the table in the book].
    #[arg(long, value_name = "SIZE", value_delimiter = ',', value_parser = parse_size)]
    pub(crate) size: Vec<Size>,
    /// Seconds for each rung and size [default: 0.05, with --rung 3].
    #[arg(long, value_name = "S", value_parser = parse_seconds)]
    pub(crate) seconds: Option<f64>,
    /// The folder of the charts.
    #[arg(long, value_name = "DIR", default_value = "bench-matmul", conflicts_with = "rung")]
    pub(crate) out: PathBuf,
    /// Threads of the rung that uses several, and of the measured peak [default: one per core].
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object a line on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Takes a whole number in this range.
fn whole<T: TryFrom<u64>>(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            format!("a whole number from {first} to {last} is needed")
        })
    }
}

/// Refuses the name of another kind of picture than the one that is written.
fn png(path: PathBuf) -> Result<PathBuf, String> {
    match path.extension() {
        Some(kind) if !kind.eq_ignore_ascii_case("png") => Err(format!(
            "the picture is a PNG: call it {}",
            path.with_extension("png").display()
        )),
        _ => Ok(path),
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("seconds are a number above 0 and up to 3600".into()),
    }
}

impl Command {
    /// Whether stdout is to carry JSON events.
    pub(crate) fn json(&self) -> bool {
        match self {
            Command::Train(args) => args.json,
            Command::Resume(args) => args.json,
            Command::Sample(args) => args.json,
            Command::Eval(args) => args.json,
            Command::Bench(BenchCommand::Matmul(args)) => args.json,
            Command::List | Command::Data(_) | Command::Doctor => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, error::ErrorKind};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("genlab").chain(line.split(' ')))
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn train_takes_what_the_help_shows() {
        let cli = parse(
            "train vae --data mnist:some/dir --preset p -c f.toml -s a.b=1 -s c=[1,2] --epochs 3 \
             --seed 9 --out o --threads 2 --json",
        )
        .unwrap();
        assert!(cli.command.json());
        let Command::Train(args) = cli.command else {
            panic!("not train")
        };
        assert_eq!(args.model, "vae");
        assert_eq!(args.data.as_deref(), Some("mnist:some/dir"));
        assert_eq!(args.set, ["a.b=1", "c=[1,2]"]);
        assert_eq!(
            (args.epochs, args.steps, args.seed, args.threads),
            (Some(3), None, Some(9), Some(2))
        );
    }

    #[test]
    fn usage_errors_have_exit_code_2() {
        for (line, kind) in [
            ("train", ErrorKind::MissingRequiredArgument),
            ("train vae --epochs 1 --steps 2", ErrorKind::ArgumentConflict),
            ("train vae --epochs 0", ErrorKind::ValueValidation),
            ("train vae --seed -1", ErrorKind::ValueValidation),
            ("train vae --threads 0", ErrorKind::ValueValidation),
            ("trian vae", ErrorKind::InvalidSubcommand),
            ("sample runs/x -n 0", ErrorKind::ValueValidation),
            ("data fetch", ErrorKind::MissingRequiredArgument),
            (
                "data fetch mnist --offline --mirror http://x/",
                ErrorKind::ArgumentConflict,
            ),
            ("bench", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("bench matmul --size 0", ErrorKind::ValueValidation),
            ("bench matmul --size 2x3", ErrorKind::ValueValidation),
            ("bench matmul --seconds 0", ErrorKind::ValueValidation),
            ("bench matmul --seconds -1", ErrorKind::ValueValidation),
            ("bench matmul --seconds inf", ErrorKind::ValueValidation),
            ("bench matmul --seconds NaN", ErrorKind::ValueValidation),
            ("bench matmul --rung naive --out x", ErrorKind::ArgumentConflict),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_told_which_are() {
        for text in ["x", "1.5", "", "-1", "0", "1025", "99999999999999999999"] {
            let error = parse(&format!("train vae --threads={text}")).unwrap_err().to_string();
            let wanted = "for '--threads <N>': a whole number from 1 to 1024 is needed";
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn sample_and_eval_have_defaults() {
        let Command::Sample(args) = parse("sample runs/x").unwrap().command else {
            panic!()
        };
        assert_eq!((args.n, args.output, args.seed), (64, PathBuf::from("grid.png"), 0));
        let Command::Eval(args) = parse("eval runs/x --data ring8").unwrap().command else {
            panic!()
        };
        assert_eq!(args.data.as_deref(), Some("ring8"));
    }
}
