use super::*;

fn facts() -> Facts {
    Facts(Map::from_iter([
        ("model".to_string(), json!("vae")),
        ("seed".to_string(), json!(3)),
    ]))
}

fn first<'a>(config: &'a str, facts: &'a Facts) -> First<'a> {
    let checkpoint = &|folder: &Path| {
        fs::create_dir(folder.join("checkpoints/step-0")).map_err(|e| Failure::file("write", folder, &e))
    };
    First {
        config,
        facts,
        checkpoint,
    }
}

/// Makes this very folder.
fn create(path: &Path, config: &str) -> Result<RunFolder, Failure> {
    RunFolder::begin(Some(path), "vae", "glyphs", &first(config, &facts()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_folder_has_its_first_files_and_no_leftovers() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a/b/run");
    let mut run = create(&path, "x = 1\n").unwrap();
    assert_eq!(
        names(&path),
        [
            "checkpoints",
            "config.toml",
            "lock",
            "metrics.jsonl",
            "run.json",
            "samples",
            "timing.jsonl"
        ]
    );
    assert_eq!(names(path.parent().unwrap()), ["run"]);
    run.metric(r#"{"v":1}"#).unwrap();
    run.metric(r#"{"v":1}"#).unwrap();
    run.time(&json!({"v": 1, "ms": 2.5})).unwrap();
    run.flush().unwrap();
    run.set_status("done").unwrap();
    let read = |name| fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(read("metrics.jsonl"), "{\"v\":1}\n{\"v\":1}\n");
    assert_eq!(read("timing.jsonl"), "{\"v\":1,\"ms\":2.5}\n");
    let status: Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!(status, json!({"v": 1, "status": "done", "model": "vae", "seed": 3}));
}

#[test]
fn an_empty_folder_may_be_used_and_a_full_one_may_not() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    fs::create_dir(&path).unwrap();
    assert_eq!(choose(Some(&path), "vae", "glyphs").unwrap(), path);
    create(&path, "").unwrap();
    assert_eq!(
        choose(Some(&path), "vae", "glyphs").unwrap_err().to_string(),
        format!(
            "error: the output folder {} exists and is not empty\n\
             hint: choose another with --out, or leave --out away for a fresh folder in runs/",
            path.display()
        )
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_one_clear_error() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("run")] {
        let message = create(&path, "").unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("error: cannot write the output folder {}: ", path.display())),
            "{message}"
        );
        assert!(message.ends_with("hint: choose a folder that you may write to with --out"));
    }
    assert_eq!(names(place.path()), ["file"], "nothing half-written stays");
}

#[test]
fn without_out_the_name_says_model_and_data() {
    // No `runs` folder beside the sources.
    let chosen = choose(None, "vae", "mnist:/some/dir").unwrap();
    assert_eq!(chosen, Path::new("runs/vae-mnist-1"));
}

#[test]
fn a_place_is_chosen_again_only_where_another_run_took_it() {
    let tried = |errors: &[ErrorKind], tries| {
        let mut calls = 0;
        let mut number = 0;
        let made = claim(
            || {
                number += 1;
                Ok(PathBuf::from(number.to_string()))
            },
            |_| {
                calls += 1;
                errors
                    .get(calls - 1)
                    .map_or(Ok(()), |&kind| Err(NotMade::Io(kind.into())))
            },
            tries,
        );
        (made.map(|(path, ())| path).map_err(|e| e.to_string()), calls)
    };
    use ErrorKind::{AlreadyExists, DirectoryNotEmpty, PermissionDenied};
    assert_eq!(tried(&[AlreadyExists, DirectoryNotEmpty], 9), (Ok("3".into()), 3));
    let (made, calls) = tried(&[PermissionDenied], 9);
    assert!(
        made.unwrap_err()
            .contains("cannot write the output folder 1: permission denied")
    );
    assert_eq!(calls, 1);
    assert_eq!(tried(&[AlreadyExists; 20], 9).1, 9, "not without end");
}

#[test]
fn an_empty_folder_is_filled_and_stays_the_same_folder() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    fs::create_dir(&path).unwrap();
    create(&path, "x = 1\n").unwrap();
    assert_eq!(names(&path).len(), 7);
    assert_eq!(
        (names(place.path()), names(&path.join("checkpoints"))),
        (vec!["run".to_owned()], vec!["step-0".to_owned()])
    );
    // Another run that found the folder empty at the same time.
    let Err(NotMade::Io(error)) = make(&path, &first("", &facts())) else {
        panic!("made twice")
    };
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(names(&path).len(), 7);
}

#[test]
fn a_first_checkpoint_that_cannot_be_written_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let (fresh, empty) = (place.path().join("fresh"), place.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    let full = |_: &Path| Err(Failure::input("the disk is full", "make room"));
    let facts = facts();
    let first = First {
        checkpoint: &full,
        ..first("", &facts)
    };
    for path in [&fresh, &empty] {
        let failure = RunFolder::begin(Some(path), "vae", "glyphs", &first).unwrap_err();
        assert_eq!(failure.message(), "the disk is full");
    }
    assert_eq!(
        (names(place.path()), names(&empty)),
        (vec!["empty".to_owned()], Vec::new())
    );
}

#[test]
fn a_run_is_opened_again_by_one_writer_at_a_time() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let mut run = create(&path, "").unwrap();
    for line in [r#"{"v":1,"step":1}"#, r#"{"v":1,"step":2}"#] {
        run.metric(line).unwrap();
    }
    run.time(&json!({"v": 1, "event": "step", "step": 1, "ms": 250.0}))
        .unwrap();
    run.time(&json!({"v": 1, "event": "step", "step": 2, "ms": 1.0}))
        .unwrap();
    assert_eq!(run.sync_metrics().unwrap(), 34);
    let refused = RunFolder::again(&path).unwrap_err();
    assert!(
        refused
            .message()
            .ends_with(&format!("is writing to the run {}", path.display())),
        "{refused}"
    );
    drop(run);
    // What a process that was killed leaves.
    fs::create_dir(path.join("checkpoints/.step-9.part-1")).unwrap();
    fs::write(path.join(".report.html.part-1"), "").unwrap();
    let mut run = RunFolder::again(&path).unwrap();
    assert_eq!(run.facts(), &facts());
    assert_eq!(names(&path.join("checkpoints")), ["step-0"]);
    assert_eq!(names(&path).len(), 7);
    assert_eq!(run.cut_back(1, 17).unwrap(), Duration::from_millis(250));
    run.metric(r#"{"v":1,"step":2,"again":true}"#).unwrap();
    run.flush().unwrap();
    let read = |name| fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(
        read("metrics.jsonl"),
        "{\"v\":1,\"step\":1}\n{\"v\":1,\"step\":2,\"again\":true}\n"
    );
    assert_eq!(read("timing.jsonl").lines().count(), 1);
}
