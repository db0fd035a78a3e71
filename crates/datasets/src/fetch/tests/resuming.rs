//! Going on with what an earlier attempt has left, whatever it is and whatever the server makes of it.

use super::server::{self, Server, bytes, found, ranges, status};
use super::{Place, SIZE, content, file, one_file, set};
use crate::fetch::{Digest, Proof};
use std::fs;

#[test]
fn the_rest_alone_is_fetched() {
    let server = Server::new(|request| ranges(request, &content()));
    Place::with_part(&content()[..150_000])
        .fetch(&one_file(), &[&server.url])
        .unwrap();
    assert_eq!(server.asked(), [Some(150_000)]);
}

#[test]
fn another_mirror_goes_on_where_one_broke_off() {
    let first = Server::new(|_| bytes("200 OK", &["Content-Length: 200000"], &content()[..70_000]));
    let second = Server::new(|request| ranges(request, &content()));
    Place::new().fetch(&one_file(), &[&first.url, &second.url]).unwrap();
    assert_eq!((first.asked(), second.asked()), (vec![None], vec![Some(70_000)]));
}

/// Each kind of beginning, with each kind of server: the file comes, with no more requests than needed.
#[test]
fn every_beginning_comes_to_a_good_end() {
    let whole = content();
    let mut wrong = whole.clone();
    wrong[3] ^= 1;
    let longer = [&whole[..], b"more"].concat();
    let (right_start, wrong_start) = (whole[..1000].to_vec(), wrong[..1000].to_vec());

    type Answer = fn(&server::Request) -> Vec<server::Say>;
    let good: Answer = |request| ranges(request, &content());
    let ignoring: Answer = |_| found(&content());
    let shifted: Answer = |request| match request.from {
        None => found(&content()),
        Some(from) => {
            let range = format!("Content-Range: bytes {}-{}/{SIZE}", from + 1, SIZE - 1);
            bytes("206 Partial Content", &[&range], &content()[from + 1..])
        }
    };
    let from_zero: Answer = |request| match request.from {
        None => found(&content()),
        Some(_) => bytes(
            "206 Partial Content",
            &["Content-Range: bytes 0-199999/200000"],
            &content(),
        ),
    };
    let unnamed: Answer = |request| match request.from {
        None => found(&content()),
        Some(from) => bytes("206 Partial Content", &[], &content()[from..]),
    };
    let refusing: Answer = |request| match request.from {
        None => found(&content()),
        Some(_) => status("416 Range Not Satisfiable"),
    };
    let lying: Answer = |request| match request.from {
        None => found(&content()),
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-{}/{SIZE}", SIZE - 1);
            bytes("206 Partial Content", &[&range], &content()[..SIZE - from])
        }
    };

    let afresh = [Some(1000), None];
    let once = [Some(1000)];
    for (name, answer, requests_right, requests_wrong) in [
        ("good", good, &once[..], &afresh[..]),
        ("ignoring", ignoring, &once, &once),
        ("shifted", shifted, &afresh, &afresh),
        ("from zero", from_zero, &afresh, &afresh),
        ("unnamed", unnamed, &afresh, &afresh),
        ("refusing", refusing, &afresh, &afresh),
        ("lying", lying, &afresh, &afresh),
    ] {
        for (part, requests) in [
            (&right_start, requests_right),
            (&wrong_start, requests_wrong),
            (&whole, &[]),
            (&wrong, &[None]),
            (&longer, &[None]),
            (&Vec::new(), &[None]),
        ] {
            let server = Server::new(answer);
            let place = Place::with_part(part);
            place.fetch(&one_file(), &[&server.url]).unwrap();
            assert_eq!(server.asked(), requests, "{name}, {} bytes", part.len());
            assert_eq!(fs::read(place.dir.join("a.bin")).unwrap(), whole);
        }
    }
}

#[test]
fn an_answer_of_no_use_costs_nothing_of_what_is_here() {
    type Answer = fn(&server::Request) -> Vec<server::Say>;
    let answers: [Answer; 3] = [
        |request| match request.from {
            None => status("500 Internal Server Error"),
            Some(_) => bytes("206 Partial Content", &["Content-Range: bytes 7-199999/200000"], b"x"),
        },
        |_| status("416 Range Not Satisfiable"),
        |_| found(b"a page"),
    ];
    for answer in answers {
        let server = Server::new(answer);
        let place = Place::with_part(&content()[..1000]);
        place.fetch(&one_file(), &[&server.url]).unwrap_err();
        assert_eq!(place.part().unwrap(), content()[..1000]);
    }
}

/// Where only the content is known, so is not how long a file is.
#[test]
fn a_beginning_that_was_packed_otherwise_is_given_up() {
    let plain = content();
    let packed = server::gzip(&plain);
    let only = set(vec![file("a.bin", Proof::Content(Digest::of(&plain)))]);
    let answer = packed.clone();
    for part in [
        &plain[..500],
        &packed[..500],
        &packed,
        &vec![9; 190_000],
        &vec![9; 300_000],
    ] {
        let answer = answer.clone();
        let server = Server::new(move |request| ranges(request, &answer));
        let place = Place::with_part(part);
        place.fetch(&only, &[&server.url]).unwrap();
        assert_eq!(fs::read(place.dir.join("a.bin")).unwrap(), packed);
    }
}

#[test]
fn what_broke_off_twice_is_longer_than_before() {
    let server = Server::new(|request| match request.from {
        None => bytes("200 OK", &["Content-Length: 200000"], &content()[..1000]),
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-199999/200000");
            let length = format!("Content-Length: {}", SIZE - from);
            let end = SIZE.min(from + 100_000);
            bytes("206 Partial Content", &[&range, &length], &content()[from..end])
        }
    });
    let place = Place::new();
    for kept in [1000, 101_000] {
        place.fetch(&one_file(), &[&server.url]).unwrap_err();
        assert_eq!(place.part().unwrap(), content()[..kept]);
    }
    place.fetch(&one_file(), &[&server.url]).unwrap();
    assert_eq!(server.asked(), [None, Some(1000), Some(101_000)]);
}

#[test]
fn a_beginning_that_another_program_writes_is_not_touched() {
    let server = Server::new(|request| ranges(request, &content()));
    let place = Place::with_part(&content()[..10]);
    let other = fs::File::open(place.dir.join("a.bin.part")).unwrap();
    other.lock().unwrap();
    let message = place.fetch(&one_file(), &[&server.url]).unwrap_err();
    assert!(
        message.ends_with("a.bin.part is being written by another program"),
        "{message}"
    );
    assert_eq!(place.part().unwrap(), content()[..10]);
    drop(other);
    place.fetch(&one_file(), &[&server.url]).unwrap();
}
