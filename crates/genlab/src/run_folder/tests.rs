use super::*;

fn facts() -> Facts {
    Facts(Map::from_iter([
        ("model".to_string(), json!("vae")),
        ("seed".to_string(), json!(3)),
    ]))
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
    let mut run = RunFolder::create(&path, "x = 1\n", facts()).unwrap();
    assert_eq!(
        names(&path),
        [
            "checkpoints",
            "config.toml",
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
    RunFolder::create(&path, "", facts()).unwrap();
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
        let chosen = choose(Some(&path), "vae", "glyphs");
        let failure = chosen
            .and_then(|p| RunFolder::create(&p, "", facts()).map(|_| ()))
            .unwrap_err();
        let message = failure.to_string();
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
fn a_folder_appears_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&place.path().join("run"), "", facts()).unwrap();
    let failed = run.write_folder("checkpoints/step-1", |folder| {
        fs::write(folder.join("model.safetensors"), "half").unwrap();
        Err(Failure::input("the disk is full", "make room"))
    });
    assert_eq!(failed.unwrap_err().message(), "the disk is full");
    assert!(names(&run.path().join("checkpoints")).is_empty());
    run.write_folder("checkpoints/step-1", |folder| {
        fs::write(folder.join("model.safetensors"), "whole").unwrap();
        assert!(!run.path().join("checkpoints/step-1").exists());
        Ok(())
    })
    .unwrap();
    assert_eq!(names(&run.path().join("checkpoints")), ["step-1"]);
    run.write("report.html", b"one").unwrap();
    run.write("report.html", b"two").unwrap();
    assert_eq!(fs::read(run.path().join("report.html")).unwrap(), b"two");
}

#[test]
fn a_past_run_opens_at_its_last_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("run");
    let refused = |path: &Path| open(path).unwrap_err().to_string();
    assert!(refused(&path).starts_with(&format!("error: {} is not the folder of a run", path.display())));
    let run = RunFolder::create(&path, "model.x = 1\n", facts()).unwrap();
    assert!(refused(&path).starts_with(&format!("error: the run {} has no checkpoint yet", path.display())));
    for (epoch, step) in [(1, 9), (2, 18), (12, 108)] {
        run.write_folder(&format!("checkpoints/step-{step}"), |folder| {
            write_whole(
                &folder.join("state.json"),
                format!("{{\"epoch\":{epoch},\"shape\":[2]}}").as_bytes(),
            )
        })
        .unwrap();
    }
    fs::create_dir(path.join("checkpoints/.step-999.part-1")).unwrap();
    let past = open(&path).unwrap();
    assert_eq!((past.model.as_str(), past.step, past.epoch), ("vae", 108, 12));
    assert_eq!(past.config, "model.x = 1".parse().unwrap());
    assert!(past.checkpoint.ends_with("step-108"));
    fs::write(path.join("run.json"), "{").unwrap();
    assert!(refused(&path).contains("run.json is damaged: "));
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
                errors.get(calls - 1).map_or(Ok(()), |&kind| Err(kind.into()))
            },
            tries,
        );
        (made.map_err(|e| e.to_string()), calls)
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
    RunFolder::create(&path, "x = 1\n", facts()).unwrap();
    assert_eq!(names(&path).len(), 6);
    assert_eq!(names(place.path()), ["run"]);
    // Another run that found the folder empty at the same time.
    let error = make(&path, "", &facts()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(names(&path).len(), 6);
}

#[test]
fn an_unfinished_run_says_what_is_used_of_it() {
    let place = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&place.path().join("run"), "", facts()).unwrap();
    run.write_folder("checkpoints/step-9", |folder| {
        write_whole(&folder.join("state.json"), b"{\"epoch\":2,\"shape\":[2]}")
    })
    .unwrap();
    let told = |status| {
        run.set_status(status).unwrap();
        open(run.path()).unwrap().unfinished()
    };
    assert_eq!(told("done"), None);
    for (status, how) in [
        ("running", "it is still under way, or was stopped"),
        ("diverged", "it diverged"),
        ("failed", "it failed"),
    ] {
        assert_eq!(
            told(status).unwrap(),
            format!("the run has not finished ({how}): this is its checkpoint of step 9, epoch 2")
        );
    }
}
