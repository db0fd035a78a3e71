//! One request, and what of a file the answer holds.

use super::Options;
use super::error::{FetchError, Reason};
use std::io::Read;
use ureq::http::{HeaderMap, StatusCode, Uri, header};
use ureq::{Agent, Body, Error, Proxy};

/// The file from byte `from` on.
pub(super) struct Answer {
    /// The first byte that is sent: 0 also where the server does not know how to begin elsewhere.
    pub(super) from: u64,
    /// The size of the whole file, where the server says it.
    pub(super) total: Option<u64>,
    /// The bytes.
    pub(super) body: Box<dyn Read>,
}

/// The URL of a folder, to which a file's name can be added.
pub(super) fn folder(url: &str) -> Result<String, FetchError> {
    let wrong = |reason: &str| FetchError::Url {
        url: url.into(),
        reason: reason.into(),
    };
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(wrong("it does not begin with https:// or http://"));
    }
    let parsed: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    if parsed.host().is_none_or(str::is_empty) {
        return Err(wrong("it names no server"));
    }
    if url.contains(['?', '#']) {
        return Err(wrong("a file's name cannot be added behind a question or a fragment"));
    }
    Ok(format!("{}/", url.trim_end_matches('/')))
}

pub(super) fn agent(options: &Options) -> Agent {
    let mut config = Agent::config_builder()
        .user_agent(concat!("genmodels/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity") // the file as it lies there: what is compressed on the way has another size
        .http_status_as_error(false)
        .timeout_resolve(Some(options.connect))
        .timeout_connect(Some(options.connect))
        .timeout_recv_response(Some(options.silence))
        .timeout_per_read(Some(options.silence));
    if !options.proxy_from_environment {
        config = config.proxy(None::<Proxy>);
    }
    config.build().into()
}

/// Asks for a file, from byte `from` on.
pub(super) fn get(agent: &Agent, url: &str, from: u64, options: &Options) -> Result<Answer, Reason> {
    // Who asks over TLS is not sent elsewhere without it.
    let mut request = agent.get(url).config().https_only(url.starts_with("https:")).build();
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    let answer = request.call().map_err(|error| no_answer(error, from, options))?;
    let (head, body) = answer.into_parts();
    let (from, total) = match head.status {
        StatusCode::OK => (0, length(&head.headers)),
        StatusCode::PARTIAL_CONTENT if from > 0 => {
            let range = text(&head.headers, header::CONTENT_RANGE);
            match first_and_total(range) {
                Some((first, total)) if first == from => (from, total),
                _ => return Err(wrong_range(from, format!("with the range `{range}`"))),
            }
        }
        StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => return Err(wrong_range(from, "that there are none".into())),
        status => {
            let status = status.to_string();
            return Err(Reason::Status { status });
        }
    };
    Ok(Answer {
        from,
        total,
        body: Box::new(Body::into_reader(body)),
    })
}

fn wrong_range(from: u64, answer: String) -> Reason {
    Reason::Range { from, answer }
}

fn no_answer(error: Error, from: u64, options: &Options) -> Reason {
    match error {
        Error::Timeout(ureq::Timeout::RecvResponse | ureq::Timeout::PerRead) => Reason::Silence {
            silence: options.silence,
            received: from,
        },
        error => Reason::NoAnswer {
            reason: error.into_io().to_string(),
        },
    }
}

/// What went wrong while the body came, after `received` bytes.
pub(super) fn broken(error: std::io::Error, received: u64, options: &Options) -> Reason {
    match Error::from(error) {
        Error::Timeout(_) => Reason::Silence {
            silence: options.silence,
            received,
        },
        error => Reason::Broken {
            received,
            reason: error.into_io().to_string(),
        },
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, header::CONTENT_LENGTH).parse().ok()
}

/// `bytes 200-999/1000` or `bytes 200-999/*`: the first byte, and the size of the whole.
fn first_and_total(range: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_or_refused() {
        assert_eq!(first_and_total("bytes 200-999/1000"), Some((200, Some(1000))));
        assert_eq!(first_and_total("bytes 0-0/*"), Some((0, None)));
        for range in ["", "bytes", "bytes */1000", "bytes -5/10", "items 1-2/3", "bytes 1-2"] {
            assert_eq!(first_and_total(range), None, "{range}");
        }
    }
}
