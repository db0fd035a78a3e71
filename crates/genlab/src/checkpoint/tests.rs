use super::*;
use crate::settings::Settings;
use genmodels::Losses;

fn config() -> Table {
    "[model]\nlatent_dim = 2\n[optimiser]\nlearning_rate = 1e-3"
        .parse()
        .unwrap()
}

pub(crate) fn state(step: u64) -> State {
    let mut history = History::default();
    for i in 1..=step {
        history.add(i, Losses::new([("elbo", -0.1 * i as f64)]));
        if i % 4 == 0 {
            history.end_epoch();
        }
    }
    State {
        v: VERSION,
        program: "0.1.0".into(),
        lanes: 16,
        model: "vae".into(),
        shape: vec![28, 28],
        step,
        epoch: step / 4,
        seed: 7,
        streams: State::streams_at(step, step / 4),
        order: Order {
            epoch: step / 4,
            batch: step % 4,
        },
        retries: 1,
        metrics_bytes: 123,
        best: Some(Best {
            step: 4,
            name: "elbo".into(),
            value: -0.1 - 0.2,
        }),
        history,
        data_sha256: sha256(b"data"),
        config_sha256: config::sha256_of(&config()),
        config: config(),
    }
}

fn run_with(steps: &[u64]) -> tempfile::TempDir {
    let run = tempfile::tempdir().unwrap();
    fs::create_dir(run.path().join("checkpoints")).unwrap();
    steps.iter().for_each(|&step| write_one(run.path(), step));
    run
}

fn write_one(run: &Path, step: u64) {
    write(run, &state(step), |folder| {
        for name in &FILES[..2] {
            fs::write(folder.join(name), format!("{name} of {step}")).unwrap();
        }
        Ok(())
    })
    .unwrap();
}

fn steps(run: &Path) -> Vec<u64> {
    list(run).into_iter().map(|(step, _)| step).collect()
}

#[test]
fn a_state_is_read_as_it_was_written() {
    let run = run_with(&[9]);
    let (found, passed_over) = newest(run.path(), |_| Ok(())).unwrap();
    assert!(passed_over.is_empty());
    assert_eq!((found.step, found.epoch, found.shape), (9, 3, vec![28, 28]));
    assert_eq!(*found.state.unwrap(), state(9));
}

#[test]
fn a_checkpoint_of_the_same_step_is_replaced() {
    let run = run_with(&[3]);
    write_one(run.path(), 3);
    assert_eq!(steps(run.path()), [3]);
}

#[test]
fn the_newest_sound_one_is_found_and_the_others_are_named_with_a_reason() {
    let run = run_with(&[1, 2, 3, 4, 5, 6, 7]);
    let file = |step: u64, name: &str| path_of(run.path(), step, name);
    fs::create_dir(run.path().join("checkpoints/.step-99.part-1")).unwrap();
    fs::write(file(7, FILES[0]), "one bit").unwrap();
    fs::remove_file(file(6, FILES[1])).unwrap();
    fs::remove_file(file(5, STATE)).unwrap();
    fs::write(file(4, STATE), "{\"v\": 2").unwrap();
    let newer = fs::read_to_string(file(3, STATE))
        .unwrap()
        .replacen("\"v\": 2", "\"v\": 9", 1);
    fs::write(file(3, STATE), newer).unwrap();
    let (found, passed_over) = newest(run.path(), |_| Ok(())).unwrap();
    assert_eq!(found.step, 2);
    let reasons: Vec<String> = passed_over
        .iter()
        .map(|line| line.split_once(" was passed over: ").unwrap().1.to_owned())
        .collect();
    assert!(
        reasons[0].starts_with("model.safetensors is damaged: its SHA-256 is "),
        "{}",
        reasons[0]
    );
    assert!(
        reasons[1].starts_with("optimiser.safetensors cannot be read: "),
        "{}",
        reasons[1]
    );
    assert!(reasons[2].starts_with("state.json cannot be read: "), "{}", reasons[2]);
    assert!(reasons[3].starts_with("state.json is damaged: EOF"), "{}", reasons[3]);
    assert_eq!(reasons[4], "its format is version 9, and this program reads 1 and 2");
    let (found, passed_over) = newest(run.path(), |found| match found.step {
        2 => Err("it is even".into()),
        _ => Ok(()),
    })
    .unwrap();
    assert_eq!((found.step, passed_over.len()), (1, 6));
    let message = newest(run.path(), |_| Err("no".into())).unwrap_err().to_string();
    assert!(
        message.contains("no checkpoint of ") && message.matches("was passed over: ").count() == 7,
        "{message}"
    );
}

#[test]
fn a_checkpoint_under_another_number_is_not_sound() {
    let run = run_with(&[3]);
    fs::rename(folder_of(run.path(), 3), folder_of(run.path(), 30)).unwrap();
    let message = newest(run.path(), |_| Ok(())).unwrap_err().to_string();
    assert!(message.contains("state.json is that of step 3"), "{message}");
}

#[test]
fn the_first_format_is_read_without_what_it_did_not_have() {
    let run = run_with(&[]);
    let folder = run.path().join("checkpoints/step-6");
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join(STATE),
        r#"{"v":1,"model":"vae","seed":0,"epoch":2,"step":6,"shape":[28,28]}"#,
    )
    .unwrap();
    let (found, _) = newest(run.path(), |_| Ok(())).unwrap();
    assert_eq!((found.step, found.epoch, found.shape), (6, 2, vec![28, 28]));
    assert!(found.state.is_none());
    fs::write(
        folder.join(STATE),
        r#"{"v":1,"shape":[9999999999, 9999999999, 9999999999]}"#,
    )
    .unwrap();
    let message = newest(run.path(), |_| Ok(())).unwrap_err().to_string();
    assert!(message.contains("`shape` is not the size of a sample"), "{message}");
}

#[test]
fn a_state_that_cannot_be_is_refused() {
    let refused = |text: String| State::parse(&text).unwrap_err();
    let good = state(5).to_json();
    State::parse(&good).unwrap();
    assert!(refused(good.replace("\"seed\"", "\"sed\"")).contains("unknown field `sed`"));
    assert_eq!(
        refused(good.replace("\"latent_dim\": 2", "\"latent_dim\": 3")),
        "`config_sha256` is not that of `config`"
    );
    assert_eq!(
        refused(good.replace("\"halvings\": 0", "\"halvings\": 64")),
        "`history`: it was halved too often"
    );
    assert_eq!(
        refused(good.replace("\"steps\": 1,", "\"steps\": 0,")),
        "`history`: a point stands for no steps"
    );
    assert_eq!(
        refused(good.replace("\"train\": 5", "\"train\": 6")),
        "`streams` are elsewhere than this program would have them"
    );
    assert_eq!(
        refused(good.replace("\"retries\": 1", "\"retries\": 2147483648")),
        "`retries` is 2147483648, and no run goes back more than 20 times"
    );
    assert_eq!(
        refused(good.replace("\"batch\": 1", "\"batch\": 2")),
        "`history`: it has another number of steps of the epoch under way"
    );
    let flat: String = good.lines().map(str::trim).collect();
    assert_eq!(
        refused(flat.replace("[28,28]", "[]")),
        "`shape` is not the size of a sample"
    );
}

#[test]
fn the_last_ones_the_best_and_the_present_one_are_kept() {
    let mut settings = Settings::default();
    settings.train.epochs = 10;
    let schedule = Schedule::new(&settings, 4);
    // 7 is of an interruption: it counts for nothing, and goes with the next one that is due.
    let run = run_with(&[0, 4, 7]);
    prune(run.path(), 7, &schedule, Some(4)).unwrap();
    assert_eq!(steps(run.path()), [7, 4, 0]);
    write_one(run.path(), 8);
    prune(run.path(), 8, &schedule, Some(4)).unwrap();
    assert_eq!(steps(run.path()), [8, 4, 0]);
    for step in [12, 16, 20] {
        write_one(run.path(), step);
        prune(run.path(), step, &schedule, Some(4)).unwrap();
    }
    assert_eq!(steps(run.path()), [20, 16, 12, 4]);
}
