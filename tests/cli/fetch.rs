//! `data fetch`: what it refuses, what it sees without the network, and what it brings from a server on this machine.

use crate::bad_input::refused;
use crate::program::{Place, stderr, stdout};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// A server of the files in a folder, as long as the test runs. It knows ranges. Gives its URL.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away is no fault of the server's.
            let _ = answer(stream.unwrap(), &folder);
        }
    });
    url
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let (mut path, mut from) = (String::new(), 0);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET /") {
            path = rest.split(' ').next().unwrap_or("").into();
        } else if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let Ok(file) = fs::read(folder.join(path)) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let (size, rest) = (file.len(), &file[from.min(file.len())..]);
    let status = match from {
        0 => "200 OK".into(),
        _ => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{size}", size - 1),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(rest)
}

/// The command, which reaches no server but those of this machine: all others are behind a proxy that is not there.
fn command(place: &Place, line: &str) -> assert_cmd::Command {
    let mut command = place.command(line);
    for variable in [
        "ALL_PROXY",
        "all_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "no_proxy",
    ] {
        command.env_remove(variable);
    }
    // Port 9, discard, is closed wherever tests run.
    command.env("HTTPS_PROXY", "http://127.0.0.1:9");
    command.env("NO_PROXY", "127.0.0.1");
    command
}

#[test]
fn what_cannot_be_fetched_is_refused() {
    let place = Place::new();
    refused(
        &place,
        "data fetch mnits",
        1,
        "no data set that can be fetched is called `mnits`",
        "did you mean `mnist`?",
    );
    refused(
        &place,
        "data fetch moons",
        1,
        "moons is nowhere to be fetched: the program makes it itself",
        "use it as it is: --data moons",
    );
    refused(
        &place,
        "data fetch mnist --mirror localhost:8000",
        1,
        "`localhost:8000` is not a mirror: it does not begin with https:// or http://",
        "name the folder that holds the files, such as https://example.org/mnist/",
    );
    let usage = place.command("data fetch mnist --offline --mirror http://x/").assert();
    assert!(stderr(&usage.code(2)).contains("--help"));
}

#[test]
fn without_the_network_what_is_missing_is_named() {
    let place = Place::new();
    let missing = |names: &[&str]| -> String { names.iter().map(|name| format!("{name}: missing\n")).collect() };
    let names = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
    ];
    let assert = place.command("data fetch kmnist --offline").assert().code(1);
    assert_eq!(
        stderr(&assert),
        missing(&names)
            + &missing(&["t10k-labels-idx1-ubyte.gz"])
            + "error: data/kmnist does not hold all of kmnist: of 4 files, 4 missing and 0 wrong\n\
               hint: the same command without --offline fetches what is missing\n"
    );
    assert_eq!(stdout(&assert), "");
    assert!(place.names(".").is_empty());

    fs::create_dir(place.path("here")).unwrap();
    fs::write(place.path("here/t10k-labels-idx1-ubyte.gz"), "mine").unwrap();
    fs::write(place.path("here/t10k-images-idx3-ubyte.gz.part"), [0; 1500]).unwrap();
    let assert = place.command("data fetch kmnist --offline --out here").assert().code(1);
    assert_eq!(
        stderr(&assert),
        missing(&names[..2])
            + "t10k-images-idx3-ubyte.gz: missing; 1.5 kB of an unfinished download are here\n\
               t10k-labels-idx1-ubyte.gz: wrong: it ends after 4 of 5120 bytes\n\
               error: here does not hold all of kmnist: of 4 files, 3 missing and 1 wrong\n\
               hint: move the wrong ones away; the same command without --offline then fetches what is missing\n"
    );
    refused(
        &place,
        "data fetch kmnist --out here",
        1,
        "here/t10k-labels-idx1-ubyte.gz is there, but is not the file of kmnist: it ends after 4 of 5120 bytes",
        "it is left as it was; move it away, or choose another folder with --out DIR",
    );
    assert_eq!(place.text("here/t10k-labels-idx1-ubyte.gz"), "mine");
}

#[test]
fn every_mirror_is_named_with_its_reason() {
    let place = Place::new();
    fs::create_dir(place.path("www")).unwrap();
    fs::write(place.path("www/train-images-idx3-ubyte.gz"), "a page").unwrap();
    let (wrong, empty) = (serve(place.path("www")), serve(place.path("nowhere")));
    let line = format!("data fetch mnist --mirror {wrong} --mirror {empty}");
    let assert = command(&place, &line).assert().code(1);
    let told = stderr(&assert);
    let lines: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("error: ")).collect();
    let name = "train-images-idx3-ubyte.gz";
    assert_eq!(lines[0], format!("error: {name} could not be fetched:"), "{told}");
    assert_eq!(
        lines[1],
        format!("  {wrong}/{name}: what was sent is not the file: its content ends after 6 of 47040016 bytes")
    );
    assert_eq!(lines[2], format!("  {empty}/{name}: the server answers 404 Not Found"));
    assert!(lines[3].starts_with("  https://") && lines[3].contains(&format!("/{name}: there is no answer: ")));
    assert!(lines[5].starts_with("hint: what has arrived is kept, "), "{told}");
    assert!(
        lines[5].ends_with(" or name another mirror with --mirror URL"),
        "{told}"
    );
    assert_eq!(stdout(&assert), "");
    assert!(place.names("data/mnist").is_empty());
}

#[test]
fn the_real_mnist_is_fetched_from_a_mirror() {
    let data = std::env::var_os("GENMODELS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let mnist = data.join("mnist");
    if !mnist.is_dir() {
        // Not eprintln!, which is swallowed where the test passes.
        let folder = mnist.display();
        writeln!(
            std::io::stderr(),
            "skipped the_real_mnist_is_fetched_from_a_mirror: no folder {folder}"
        )
        .unwrap();
        return;
    }
    let place = Place::new();
    let images = fs::read(mnist.join("t10k-images-idx3-ubyte.gz")).unwrap();
    let url = serve(mnist);
    // The beginning of one file is here from an attempt before.
    fs::create_dir_all(place.path("data/mnist")).unwrap();
    fs::write(
        place.path("data/mnist/t10k-images-idx3-ubyte.gz.part"),
        &images[..1_000_000],
    )
    .unwrap();
    let line = format!("data fetch mnist --mirror {url}");
    let assert = command(&place, &line).assert().success();
    assert_eq!(stdout(&assert), "mnist:data/mnist\n");
    let told = stderr(&assert);
    let resumed = format!("{url}/t10k-images-idx3-ubyte.gz, going on after 1.0 MB\n");
    assert!(told.contains(&resumed), "{told}");
    assert!(
        told.ends_with("next: genlab train vae --data mnist:data/mnist\n"),
        "{told}"
    );
    assert_eq!(place.names("data/mnist").len(), 4);
    assert!(stdout(&place.run("data info mnist:data/mnist")).contains("60,000 images of 28 x 28"));

    let assert = command(&place, "data fetch mnist").assert().success();
    assert_eq!(stderr(&assert).matches("here already, verified").count(), 4);
    let assert = command(&place, "data fetch mnist --offline").assert().success();
    assert_eq!(stdout(&assert), "mnist:data/mnist\n");
}
