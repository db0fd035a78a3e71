//! Brings data sets here: from one of their mirrors, whole, and never under their own names before they are known to be right.
//!
//! ```no_run
//! use datasets::{Dataset, fetch};
//! use std::path::Path;
//!
//! let set = fetch::find("mnist")?;
//! fetch::fetch(&set, Path::new("data/mnist"), &fetch::Options::default(), &mut |event| println!("{event:?}"))?;
//! let digits = Dataset::open("mnist:data/mnist", 0)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod http;
mod part;
mod proof;
mod sets;

pub use error::{FetchError, Reason, Try};
pub use proof::{Digest, Fault, Proof};
pub use sets::{File, Set, find, sets};

use part::Part;
use proof::Refusal;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// How to fetch.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folders to try before the set's own mirrors, as URLs with `http` or `https`.
    pub mirrors: Vec<String>,
    /// How long to wait for a connection.
    pub connect: Duration,
    /// How long a server may be silent.
    pub silence: Duration,
    /// Whether `HTTPS_PROXY` and its relatives count.
    pub proxy_from_environment: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mirrors: Vec::new(),
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            proxy_from_environment: true,
        }
    }
}

/// What happens while a set is fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A file is here already, and is right.
    Present {
        /// The file.
        file: &'a File,
    },
    /// A mirror begins to send.
    Start {
        /// The file.
        file: &'a File,
        /// Its address.
        url: &'a str,
        /// Bytes that an earlier attempt has left and that are kept.
        kept: u64,
        /// The size of the whole file, where it is known.
        total: Option<u64>,
    },
    /// Some bytes have come.
    Bytes {
        /// Bytes of the file that are here.
        done: u64,
    },
    /// A mirror failed, and the next one is tried.
    Failed(&'a Try),
    /// A file is here, and is right.
    Done {
        /// The file.
        file: &'a File,
    },
}

/// What is on the disk of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The right file.
    Sound,
    /// Nothing, or the beginning, so many bytes, under the name of an unfinished file.
    Missing {
        /// How many bytes.
        part: u64,
    },
    /// Another file under its name.
    Wrong(Fault),
}

/// Looks at what is in the folder, without the network: the state of each of the set's files.
///
/// # Errors
///
/// If a file is there and cannot be read, or one lies beside it that would be read in its place.
pub fn check(set: &Set, dir: &Path) -> Result<Vec<State>, FetchError> {
    set.files.iter().map(|file| state(file, dir)).collect()
}

/// Brings the files of `set` that are not there yet into the folder `dir`.
///
/// Each is written as `NAME.part` and renamed once its size and SHA-256 are right. What an earlier attempt has left is
/// continued. The mirrors of `options` are tried first, then those of the set; one that failed is tried last for the files after.
///
/// # Errors
///
/// If a mirror's URL makes no sense, if a wrong file is already there (it is left as it is), if the disk does not take the
/// files, or if no mirror has a file: then with the reason of each.
pub fn fetch(set: &Set, dir: &Path, options: &Options, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), FetchError> {
    let mut mirrors = Vec::new();
    for url in options.mirrors.iter().chain(&set.mirrors) {
        mirrors.push(http::folder(url)?);
    }
    // All are looked at before the first is fetched, so that a wrong one is known at once.
    let mut missing = Vec::new();
    for (file, state) in set.files.iter().zip(check(set, dir)?) {
        match state {
            State::Sound => watch(Event::Present { file }),
            State::Missing { .. } => missing.push(file),
            State::Wrong(fault) => {
                let (set, path) = (set.name.clone(), dir.join(&file.name));
                return Err(FetchError::Wrong { set, path, fault });
            }
        }
    }
    let agent = http::agent(options);
    for file in missing {
        Fetching {
            agent: &agent,
            options,
            file,
        }
        .run(dir, &mut mirrors, watch)?;
        watch(Event::Done { file });
    }
    Ok(())
}

fn state(file: &File, dir: &Path) -> Result<State, FetchError> {
    let path = dir.join(&file.name);
    let unreadable = |source| FetchError::File {
        path: path.clone(),
        done: "read",
        source,
    };
    if let Some(unpacked) = file.name.strip_suffix(".gz").map(|name| dir.join(name))
        && unpacked.exists()
    {
        let name = file.name.clone();
        return Err(FetchError::Shadowed { path: unpacked, name });
    }
    match std::fs::File::open(&path) {
        Ok(found) => match file.proof.check(found) {
            Ok(()) => Ok(State::Sound),
            Err(Refusal::Fault(fault)) => Ok(State::Wrong(fault)),
            Err(Refusal::Unreadable(error)) => Err(unreadable(error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing {
            part: std::fs::metadata(Part::path_for(&path)).map_or(0, |part| part.len()),
        }),
        Err(error) => Err(unreadable(error)),
    }
}

/// Why a file did not come: the mirror's fault, or this machine's, where no other mirror would help.
enum Stop {
    Mirror(Reason),
    Here(FetchError),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Stop {
        Stop::Mirror(reason)
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Stop {
        Stop::Here(error)
    }
}

/// One file on its way.
struct Fetching<'a> {
    agent: &'a Agent,
    options: &'a Options,
    file: &'a File,
}

impl Fetching<'_> {
    fn run(&self, dir: &Path, mirrors: &mut [String], watch: &mut dyn FnMut(Event<'_>)) -> Result<(), FetchError> {
        let path = dir.join(&self.file.name);
        let mut part = Part::of(&path)?;
        let mut tries = Vec::new();
        for i in 0..mirrors.len() {
            let url = format!("{}{}", mirrors[i], self.file.name);
            match self.fetch_from(&url, &mut part, watch) {
                Ok(()) => {
                    mirrors.rotate_left(i);
                    return part.publish(&path);
                }
                Err(Stop::Here(error)) => return Err(error),
                Err(Stop::Mirror(reason)) => {
                    let failed = Try { url, reason };
                    if i + 1 < mirrors.len() {
                        watch(Event::Failed(&failed));
                    }
                    tries.push(failed);
                }
            }
        }
        let file = self.file.name.clone();
        Err(FetchError::NoMirror { file, tries })
    }

    /// Goes on with what is there. If that leads to nothing, what is there may be to blame: then once more from the start.
    fn fetch_from(&self, url: &str, part: &mut Part, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), Stop> {
        // It may be whole, if the attempt before this one was stopped late.
        if part.len() > 0 && part.check(&self.file.proof)?.is_ok() {
            return Ok(());
        }
        if part.len() >= self.file.proof.most() {
            part.discard()?;
        }
        let answer = match http::get(self.agent, url, part.len(), self.options) {
            Err(Reason::Range { .. }) => http::get(self.agent, url, 0, self.options),
            answer => answer,
        }?;
        let resumed = answer.from > 0;
        match self.receive(url, answer, part, watch) {
            Err(Stop::Mirror(Reason::Fault(_))) if resumed => {
                let answer = http::get(self.agent, url, 0, self.options)?;
                self.receive(url, answer, part, watch)
            }
            received => received,
        }
    }

    /// Takes what a server sends, and no more than the file can have. What came whole and is wrong is thrown away.
    fn receive(
        &self,
        url: &str,
        answer: http::Answer,
        part: &mut Part,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Stop> {
        let http::Answer { from, total, body } = answer;
        let (file, most) = (self.file, self.file.proof.most());
        if let Some(found) = total
            && !file.proof.allows(found)
        {
            let expected = most;
            return Err(Reason::Announced { found, expected }.into());
        }
        part.cut(from)?;
        let (kept, total) = (from, total.or(file.proof.size()));
        watch(Event::Start { file, url, kept, total });
        let mut body = body.take(most - from + 1);
        let mut buffer = vec![0; 1 << 16];
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => part.append(&buffer[..read])?,
                Err(error) => return Err(http::broken(error, part.len(), self.options).into()),
            }
            watch(Event::Bytes { done: part.len() });
        }
        if let Err(fault) = part.check(&file.proof)? {
            part.discard()?;
            return Err(Reason::Fault(fault).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
