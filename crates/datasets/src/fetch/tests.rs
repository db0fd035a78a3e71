//! Whatever a server does, and whatever lies on the disk: a file has its own name only if it is right.

use super::*;
use server::{Server, found, ranges, redirect, status};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

mod failing;
mod resuming;
mod server;

/// The file that most tests fetch.
const SIZE: usize = 200_000;

fn content() -> Vec<u8> {
    (0..SIZE as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

fn file(name: &str, proof: Proof) -> File {
    File {
        name: name.into(),
        proof,
    }
}

/// A set of these files that knows no mirror.
fn set(files: Vec<File>) -> Set {
    Set {
        name: "toy".into(),
        about: "for tests".into(),
        form: "mnist".into(),
        mirrors: Vec::new(),
        files,
    }
}

fn one_file() -> Set {
    set(vec![file("a.bin", Proof::File(Digest::of(&content())))])
}

/// From these mirrors, whatever proxies the tester has.
fn options(mirrors: &[&str]) -> Options {
    Options {
        mirrors: mirrors.iter().map(|&url| url.into()).collect(),
        proxy_from_environment: false,
        ..Options::default()
    }
}

/// A folder that does not exist yet.
struct Place {
    _above: TempDir,
    dir: PathBuf,
}

impl Place {
    fn new() -> Place {
        let above = tempfile::tempdir().unwrap();
        let dir = above.path().join("sets/toy");
        Place { _above: above, dir }
    }

    /// With this beginning of `a.bin`.
    fn with_part(part: &[u8]) -> Place {
        let place = Place::new();
        fs::create_dir_all(&place.dir).unwrap();
        fs::write(place.dir.join("a.bin.part"), part).unwrap();
        place
    }

    fn fetch(&self, set: &Set, mirrors: &[&str]) -> Result<(), String> {
        self.fetch_as(set, &options(mirrors))
    }

    /// Fetches, and looks whether what lies under a file's own name is right.
    fn fetch_as(&self, set: &Set, options: &Options) -> Result<(), String> {
        let most = set.files.iter().map(|file| file.proof.most()).max().unwrap_or(0);
        let result = fetch(set, &self.dir, options, &mut |event| {
            if let Event::Bytes { done } = event {
                assert!(done <= most + 1, "{done} bytes were taken where {most} are the most");
            }
        });
        for (file, state) in set.files.iter().zip(check(set, &self.dir).unwrap()) {
            match state {
                State::Wrong(fault) => panic!("{} has its name, and {fault}", file.name),
                State::Missing { .. } => assert!(result.is_err(), "{} is missing", file.name),
                State::Sound => assert!(!Part::path_for(&self.dir.join(&file.name)).exists()),
            }
        }
        result.map_err(|error| {
            assert!(!error.hint().is_empty());
            error.to_string()
        })
    }

    /// What is left under the name of an unfinished file.
    fn part(&self) -> Option<Vec<u8>> {
        fs::read(self.dir.join("a.bin.part")).ok()
    }
}

#[test]
fn a_set_arrives_once() {
    let packed = server::gzip(&content());
    let set = set(vec![
        file("a.bin", Proof::File(Digest::of(&content()))),
        file("b.gz", Proof::Content(Digest::of(&content()))),
    ]);
    let answers = packed.clone();
    let server = Server::new(move |request| match request.path.as_str() {
        "/x/y/a.bin" => found(&content()),
        "/x/y/b.gz" => found(&answers),
        _ => status("404 Not Found"),
    });
    let place = Place::new();
    for url in [format!("{}/x/y", server.url), format!("{}/x/y/", server.url)] {
        place.fetch(&set, &[&url]).unwrap();
        assert_eq!(
            server.paths(),
            ["/x/y/a.bin", "/x/y/b.gz"],
            "what is here is not fetched again"
        );
    }
    assert_eq!(fs::read(place.dir.join("a.bin")).unwrap(), content());
    assert_eq!(fs::read(place.dir.join("b.gz")).unwrap(), packed);
}

#[test]
fn what_happens_is_told() {
    let (first, second) = (
        Server::new(|_| status("503 Service Unavailable")),
        Server::new(|_| found(&content())),
    );
    let place = Place::new();
    let options = options(&[&first.url, &second.url]);
    let mut told = Vec::new();
    for _ in 0..2 {
        let watch = &mut |event: Event<'_>| match event {
            Event::Start { url, kept, total, .. } => told.push(format!("{url} from {kept} of {total:?}")),
            Event::Failed(Try { url, reason }) => told.push(format!("{url}: {reason}")),
            Event::Bytes { done } if done < SIZE as u64 => {}
            Event::Bytes { done } => told.push(format!("{done} bytes")),
            Event::Done { file } => told.push(format!("{} done", file.name)),
            Event::Present { file } => told.push(format!("{} present", file.name)),
        };
        fetch(&one_file(), &place.dir, &options, watch).unwrap();
    }
    assert_eq!(
        told,
        [
            format!("{}/a.bin: the server answers 503 Service Unavailable", first.url),
            format!("{}/a.bin from 0 of Some(200000)", second.url),
            "200000 bytes".into(),
            "a.bin done".into(),
            "a.bin present".into(),
        ]
    );
}

#[test]
fn a_mirror_that_failed_is_tried_last_from_then_on() {
    let proof = || Proof::File(Digest::of(&content()));
    let set = set(vec![file("a.bin", proof()), file("b.bin", proof())]);
    let (bad, good) = (
        Server::new(|_| status("502 Bad Gateway")),
        Server::new(|_| found(&content())),
    );
    Place::new().fetch(&set, &[&bad.url, &good.url]).unwrap();
    assert_eq!((bad.paths().len(), good.paths().len()), (1, 2));
}

#[test]
fn redirections_are_followed() {
    let target = Server::new(|request| ranges(request, &content()));
    let url = format!("{}/elsewhere", target.url);
    let server = Server::new(move |_| redirect(&url));
    Place::new().fetch(&one_file(), &[&server.url]).unwrap();
    Place::with_part(&content()[..10])
        .fetch(&one_file(), &[&server.url])
        .unwrap();
    assert_eq!(target.asked(), [None, Some(10)]);
}

#[test]
fn a_wrong_file_is_refused_and_left_alone() {
    let server = Server::new(|_| found(&content()));
    let set = set(vec![
        file("a.bin", Proof::File(Digest::of(&content()))),
        file("b.gz", Proof::Content(Digest::of(&content()))),
    ]);
    let options = options(&[&server.url]);
    let place = Place::new();
    fs::create_dir_all(&place.dir).unwrap();
    fs::write(place.dir.join("b.gz"), "mine").unwrap();
    let error = fetch(&set, &place.dir, &options, &mut |_| {}).unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("b.gz is there, but is not the file of toy: its content ends after 4 of 200000 bytes"),
        "{message}"
    );
    assert!(error.hint().contains("move it away"));
    assert_eq!(fs::read(place.dir.join("b.gz")).unwrap(), b"mine");

    fs::rename(place.dir.join("b.gz"), place.dir.join("b")).unwrap();
    let message = fetch(&set, &place.dir, &options, &mut |_| {}).unwrap_err().to_string();
    assert!(
        message.ends_with("b is there, and would be read in the place of b.gz"),
        "{message}"
    );
    assert_eq!(fs::read(place.dir.join("b")).unwrap(), b"mine");
    assert!(server.paths().is_empty(), "nothing is fetched before all is looked at");
}

#[test]
fn without_the_network_it_is_known_what_is_there() {
    let place = Place::with_part(b"seven..");
    assert_eq!(check(&one_file(), &place.dir).unwrap(), [State::Missing { part: 7 }]);
    fs::write(place.dir.join("a.bin"), content()).unwrap();
    assert_eq!(check(&one_file(), &place.dir).unwrap(), [State::Sound]);
    fs::write(place.dir.join("a.bin"), "").unwrap();
    let [State::Wrong(fault)] = &check(&one_file(), &place.dir).unwrap()[..] else {
        panic!("it is wrong");
    };
    assert_eq!(fault.to_string(), "it ends after 0 of 200000 bytes");
    assert_eq!(
        check(&one_file(), &Place::new().dir).unwrap(),
        [State::Missing { part: 0 }]
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let server = Server::new(|_| found(&content()));
    let place = Place::new();
    fs::create_dir_all(place.dir.parent().unwrap()).unwrap();
    fs::write(&place.dir, "a file").unwrap();
    let options = options(&[&server.url]);
    let error = fetch(&one_file(), &place.dir, &options, &mut |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::File { .. }), "{error}");
    assert!(error.to_string().contains("toy"), "{error}");
    assert_eq!(fs::read(&place.dir).unwrap(), b"a file");
}
