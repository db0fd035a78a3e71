//! Mirrors that fail, each in its own way.

use super::server::{Request, Say, Server, bytes, found, gzip, ranges, redirect, status};
use super::{Place, SIZE, content, file, one_file, options, set};
use crate::fetch::{Digest, Options, Proof};
use std::fs;
use std::time::Duration;

/// What a server does, what is said about it, and how many bytes are worth keeping.
#[test]
fn a_server_that_fails_leaves_nothing_under_the_name() {
    type Answer = fn(&Request) -> Vec<Say>;
    let bad: [(&str, Answer, &str, Option<usize>); 12] = [
        (
            "missing",
            |_| status("404 Not Found"),
            "the server answers 404 Not Found",
            None,
        ),
        (
            "failing",
            |_| status("500 Internal Server Error"),
            "the server answers 500 Internal Server Error",
            None,
        ),
        (
            "a part that nobody asked for",
            |_| {
                bytes(
                    "206 Partial Content",
                    &["Content-Range: bytes 0-9/200000"],
                    &content()[..10],
                )
            },
            "the server answers 206 Partial Content",
            None,
        ),
        (
            "truncating",
            |_| bytes("200 OK", &["Content-Length: 200000"], &content()[..70_000]),
            "the connection broke after 70000 bytes: Peer disconnected",
            Some(70_000),
        ),
        (
            "announcing too much",
            |_| bytes("200 OK", &["Content-Length: 200001"], &content()),
            "the server announces 200001 bytes, expected 200000",
            None,
        ),
        (
            "announcing too little",
            |_| bytes("200 OK", &["Content-Length: 199999"], &content()),
            "the server announces 199999 bytes, expected 200000",
            None,
        ),
        (
            "endless, with no length",
            |_| bytes("200 OK", &[], &vec![7; 30_000_000]),
            "what was sent is not the file: it goes on after 200000 bytes, where it should end",
            None,
        ),
        (
            "short, with no length",
            |_| bytes("200 OK", &[], &content()[..5]),
            "what was sent is not the file: it ends after 5 of 200000 bytes",
            None,
        ),
        (
            "sending other bytes",
            |_| found(&vec![0; SIZE]),
            "what was sent is not the file: the SHA-256 of it is ",
            None,
        ),
        (
            "going in circles",
            |_| redirect("/a.bin"),
            "there is no answer: too many redirects",
            None,
        ),
        (
            "speaking no HTTP",
            |_| vec![Say::Bytes(b"220 ready\r\n\r\n".to_vec())],
            "there is no answer: ",
            None,
        ),
        (
            "hanging up",
            |_| Vec::new(),
            "there is no answer: Peer disconnected",
            None,
        ),
    ];
    for (name, answer, reason, kept) in bad {
        let server = Server::new(answer);
        let place = Place::new();
        let message = place.fetch(&one_file(), &[&server.url]).unwrap_err();
        let start = format!("a.bin could not be fetched:\n  {}/a.bin: {reason}", server.url);
        assert!(message.starts_with(&start), "{name}: {message}");
        assert_eq!(place.part().map(|part| part.len()), kept, "{name}");
        assert!(kept.is_some() || !place.dir.exists() || fs::read_dir(&place.dir).unwrap().next().is_none());
        // Another mirror makes it good.
        let sound = Server::new(|request| ranges(request, &content()));
        place.fetch(&one_file(), &[&server.url, &sound.url]).unwrap();
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let place = Place::new();
    let silent = Server::new(|_| vec![Say::Nothing]);
    let stalling = Server::new(|_| {
        let mut says = bytes("200 OK", &["Content-Length: 200000"], &content()[..70_000]);
        says.push(Say::Nothing);
        says
    });
    let options = Options {
        silence: Duration::from_millis(1500),
        ..options(&[&silent.url, &stalling.url])
    };
    let message = place.fetch_as(&one_file(), &options).unwrap_err();
    let lines: Vec<&str> = message.lines().skip(1).collect();
    let expected = [
        format!("  {}/a.bin: the server was silent for 1.5 s after 0 bytes", silent.url),
        format!(
            "  {}/a.bin: the server was silent for 1.5 s after 70000 bytes",
            stalling.url
        ),
    ];
    assert_eq!(lines, expected);
    assert_eq!(place.part().unwrap(), content()[..70_000]);
}

#[test]
fn a_server_that_does_not_exist_is_named() {
    let place = Place::new();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let message = place.fetch(&one_file(), &[&url]).unwrap_err();
    assert!(
        message.contains(&format!("{url}/a.bin: there is no answer: ")),
        "{message}"
    );
    assert!(!place.dir.exists());
}

#[test]
fn a_bomb_is_refused() {
    let proof = Proof::Content(Digest::of(&content()));
    let bomb = gzip(&vec![0; 20_000_000]);
    assert!(proof.allows(bomb.len() as u64), "its size alone does not give it away");
    let set = set(vec![file("a.bin", proof)]);
    let server = Server::new(move |_| found(&bomb));
    let message = Place::new().fetch(&set, &[&server.url]).unwrap_err();
    let reason = "what was sent is not the file: its content goes on after 200000 bytes, where it should end";
    assert!(message.ends_with(reason), "{message}");
    // One that says how large it is need not be sent at all.
    let server = Server::new(move |_| bytes("200 OK", &["Content-Length: 99999999"], b"x"));
    let message = Place::new().fetch(&set, &[&server.url]).unwrap_err();
    assert!(message.contains("announces 99999999 bytes, expected "), "{message}");
}

#[test]
fn every_mirror_is_listed_with_its_reason() {
    let servers = [
        Server::new(|_| status("404 Not Found")),
        Server::new(|_| found(b"a page")),
        Server::new(|_| bytes("200 OK", &["Content-Length: 200000"], &content()[..9])),
    ];
    let urls: Vec<&str> = servers.iter().map(|server| server.url.as_str()).collect();
    let message = Place::new().fetch(&one_file(), &urls).unwrap_err();
    let reasons = [
        "the server answers 404 Not Found",
        "the server announces 6 bytes, expected 200000",
        "the connection broke after 9 bytes: Peer disconnected",
    ];
    let lines: Vec<String> = (0..3).map(|i| format!("  {}/a.bin: {}", urls[i], reasons[i])).collect();
    assert_eq!(message, format!("a.bin could not be fetched:\n{}", lines.join("\n")));
}

#[test]
fn a_mirror_must_be_a_folder_on_a_server() {
    for (url, reason) in [
        ("ftp://example.org/", "it does not begin with https:// or http://"),
        ("example.org/mnist", "it does not begin with https:// or http://"),
        ("/data", "it does not begin with https:// or http://"),
        ("http://", "it is not a URL"),
        ("http://a b/", "it is not a URL"),
        ("http://:80/", "it names no server"),
        (
            "https://example.org/?file=",
            "a file's name cannot be added behind a question or a fragment",
        ),
    ] {
        let message = Place::new().fetch(&one_file(), &[url]).unwrap_err();
        assert_eq!(message, format!("`{url}` is not a mirror: {reason}"));
    }
}
