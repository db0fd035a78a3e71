//! How much memory a run will take at its most, told from a rehearsal with few samples, and how much there is.

use super::work::Judged;
use crate::errors::Failure;
use std::fs;
use tensor_core::storage::pool;

/// What is taken to be free where the system does not say.
const USUAL: u128 = 4 << 30;
/// The program itself, where the system does not say what it takes.
const PROGRAM: u64 = 16 << 20;
/// Samples of the largest batch in the smaller one of two rehearsals; the other has twice as many.
const FEW: f64 = 32.0;

/// Rehearses a run of the model that `judged` makes. Refuses one that would not fit, or says how many bytes it will take.
pub(super) fn check(judged: &dyn Fn() -> Result<Judged, Failure>) -> Result<u64, Failure> {
    let before = resident().unwrap_or(PROGRAM);
    // The first rehearsal counts for nothing: in it, each thread gets what it keeps for itself.
    let (share, copies) = {
        let mut judged = judged()?;
        let share = (FEW / judged.largest_batch() as f64).min(0.5);
        judged.rehearse(share);
        (share, judged.bytes_of_copies())
    };
    let (few, _) = footprint(judged, share)?;
    let (twice, state) = footprint(judged, 2.0 * share)?;
    let of_threads = held();
    let whole = at_full_size(few, twice, share);
    // A checkpoint's larger file, two thirds of the state, is put together in memory, from copies of its tensors.
    let saving = 2 * state * 2 / 3;
    let most = [of_threads, whole, saving, copies]
        .into_iter()
        .fold(before, u64::saturating_add);
    refuse_more_than(free() + u128::from(before), most)?;
    Ok(most)
}

/// What the share of a run takes, and what of that is its state.
fn footprint(judged: &dyn Fn() -> Result<Judged, Failure>, share: f64) -> Result<(u64, u64), Failure> {
    pool::release();
    let before = held();
    let mut judged = judged()?;
    judged.rehearse(share);
    let (taken, state) = (held().saturating_sub(before), judged.state_bytes());
    drop(judged);
    pool::release();
    Ok((taken, state))
}

/// The state takes the same for any number of samples, and all else grows with it.
fn at_full_size(few: u64, twice: u64, share: f64) -> u64 {
    let all = twice.saturating_sub(few) as f64 / share;
    twice.saturating_add((all * (1.0 - 2.0 * share)) as u64)
}

/// Bytes in buffers of tensors, used or waiting.
fn held() -> u64 {
    let stats = pool::stats();
    (stats.live_bytes + stats.pooled_bytes) as u64
}

fn refuse_more_than(free: u128, most: u64) -> Result<(), Failure> {
    if u128::from(most) <= free {
        return Ok(());
    }
    let gibibytes = |bytes: f64| format!("{:.1} GiB", bytes / f64::from(1 << 30));
    Err(Failure::input(
        format!(
            "the run needs about {} of memory, but only {} can be had",
            gibibytes(most as f64),
            gibibytes(free as f64)
        ),
        "choose smaller batches with -s train.batch_size=N, or fewer or narrower layers",
    ))
}

/// What this process takes now, where Linux tells.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// Memory that this process may still take: the machine's, or what is left of the bound that its group has.
pub(super) fn free() -> u128 {
    let group = |folder: &str, [most, used, files]: [&str; 3]| {
        let text = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{folder}{name}")).ok();
        let stat = text("memory.stat").unwrap_or_default();
        left_of_group(&text(most)?, &text(used)?, &stat, files)
    };
    let second = group("", ["memory.max", "memory.current", "inactive_file"]);
    let first = group(
        "memory/",
        ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"],
    );
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| available(&text));
    second.into_iter().chain(first).chain(machine).min().unwrap_or(USUAL)
}

/// What is left of a group's bound. What it holds of files it would give back: a build, or a few checkpoints, fill a container with them.
fn left_of_group(most: &str, used: &str, stat: &str, files: &str) -> Option<u128> {
    let number = |text: &str| text.trim().parse::<u128>().ok();
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix(files)?.strip_prefix(' '));
    let files = line.and_then(number).unwrap_or(0);
    Some(number(most)?.saturating_sub(number(used)?.saturating_sub(files)))
}

/// The bytes that Linux calls available.
fn available(meminfo: &str) -> Option<u128> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u128>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_what_is_available() {
        let text = "MemTotal:       32000000 kB\nMemFree: 1 kB\nMemAvailable:   22835248 kB\n";
        assert_eq!(available(text), Some(22_835_248 << 10));
        assert_eq!(available("MemTotal: 3 kB\n"), None);
    }

    #[test]
    fn a_group_gives_back_what_it_holds_of_files() {
        let stat = "anon 100\nfile 900\nactive_file 5\ninactive_file 700\n";
        assert_eq!(left_of_group("1000\n", "990\n", stat, "inactive_file"), Some(710));
        assert_eq!(left_of_group("1000\n", "990\n", "", "inactive_file"), Some(10));
        assert_eq!(left_of_group("max\n", "990\n", stat, "inactive_file"), None);
    }

    #[test]
    fn two_rehearsals_tell_the_whole() {
        // A state of 1000 bytes, and 80 for all samples.
        assert_eq!(at_full_size(1010, 1020, 0.125), 1080);
        assert_eq!(at_full_size(1040, 1080, 0.5), 1080);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        refuse_more_than(3 << 30, 3 << 30).unwrap();
        assert_eq!(
            refuse_more_than(3 << 30, 5 << 30).unwrap_err().to_string(),
            "error: the run needs about 5.0 GiB of memory, but only 3.0 GiB can be had\n\
             hint: choose smaller batches with -s train.batch_size=N, or fewer or narrower layers"
        );
    }
}
