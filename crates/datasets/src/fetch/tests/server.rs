//! A server on this machine that says whatever a test wants.

use flate2::{Compression, write::GzEncoder};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a client asks for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) path: String,
    /// The first byte of `Range: bytes=N-`.
    pub(super) from: Option<usize>,
}

/// One thing that the server does.
pub(super) enum Say {
    Bytes(Vec<u8>),
    /// Waits until the client hangs up.
    Nothing,
}

/// Answers until the test's process ends.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(super) fn new(answer: impl Fn(&Request) -> Vec<Say> + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that hangs up in the middle is part of many tests.
                let _ = serve(stream.unwrap(), &log, &answer);
            }
        });
        Server { url, requests }
    }

    /// The paths that were asked for.
    pub(super) fn paths(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| request.path.clone()).collect()
    }

    /// The first bytes that were asked for.
    pub(super) fn asked(&self) -> Vec<Option<usize>> {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .map(|request| request.from)
            .collect()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Vec<Say>,
) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?).lines();
    let first = head.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut request = Request {
        path: first.split(' ').nth(1).unwrap_or("").into(),
        from: None,
    };
    for line in head {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            request.from = range.strip_suffix('-').and_then(|from| from.parse().ok());
        }
    }
    log.lock().unwrap().push(request.clone());
    for say in answer(&request) {
        match say {
            Say::Bytes(bytes) => stream.write_all(&bytes)?,
            Say::Nothing => drop(stream.read(&mut [0])?),
        }
    }
    Ok(())
}

/// An answer with these headers and this body, whether they fit together or not.
pub(super) fn bytes(status: &str, headers: &[&str], body: &[u8]) -> Vec<Say> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    vec![Say::Bytes(head.into_bytes()), Say::Bytes(body.to_vec())]
}

/// The whole file.
pub(super) fn found(body: &[u8]) -> Vec<Say> {
    bytes("200 OK", &[&format!("Content-Length: {}", body.len())], body)
}

pub(super) fn status(status: &str) -> Vec<Say> {
    bytes(status, &["Content-Length: 5"], b"sorry")
}

pub(super) fn redirect(to: &str) -> Vec<Say> {
    bytes("302 Found", &["Content-Length: 0", &format!("Location: {to}")], b"")
}

/// What was asked for of the file, as a good server does.
pub(super) fn ranges(request: &Request, body: &[u8]) -> Vec<Say> {
    let size = body.len();
    match request.from {
        None => found(body),
        Some(from) if from >= size => bytes(
            "416 Range Not Satisfiable",
            &["Content-Length: 0", &format!("Content-Range: bytes */{size}")],
            b"",
        ),
        Some(from) => bytes(
            "206 Partial Content",
            &[
                &format!("Content-Length: {}", size - from),
                &format!("Content-Range: bytes {from}-{}/{size}", size - 1),
            ],
            &body[from..],
        ),
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
