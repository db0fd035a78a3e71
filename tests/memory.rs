//! The steady state of training and evaluation takes no memory from the system. A test binary of its own, since the figures are those of the process.

use genmodels::{Trainer, vae};
use std::io::Write;
use tensor_core::storage::pool::stats;
use tensor_core::{DType, Random, Tensor};

/// How often the kernel had to provide a page of memory since the process began (Linux: the tenth field of /proc/self/stat).
fn page_faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_the_name = stat.rsplit_once(')')?.1;
    after_the_name.split_whitespace().nth(7)?.parse().ok()
}

#[test]
fn the_steady_state_takes_no_memory_from_the_system() {
    let random = Random::new(0);
    let config = vae::Config {
        hidden: vec![128, 128],
        ..vae::Config::default()
    };
    let vae = vae::Vae::new(784, &config, &mut random.stream("init")).unwrap();
    let mut trainer = Trainer::new(Box::new(vae), 0).unwrap();
    let x = random.stream("data").uniform([64, 784], DType::F32);
    let mut steps = |count: usize| {
        for _ in 0..count {
            trainer.step(&x).unwrap();
            trainer.evaluate([x.clone()]).unwrap();
        }
    };
    steps(300);
    let (before, faults) = (stats(), page_faults());
    steps(200);
    let after = stats();
    assert_eq!(
        after.system_allocations, before.system_allocations,
        "buffers come from the pool"
    );
    assert_eq!(after.live_bytes, before.live_bytes, "nothing is kept");
    assert_eq!(after.pooled_bytes, before.pooled_bytes, "the pool does not grow");

    // A step works on more than 2 MB, which is 500 pages: a hundredth of that would show.
    match (faults, page_faults()) {
        (Some(before), Some(after)) => assert!(after - before < 1000, "{} page faults in 200 steps", after - before),
        _ => writeln!(
            std::io::stderr(),
            "page faults were not checked: this system has no /proc/self/stat"
        )
        .unwrap(),
    }

    let big = Tensor::zeros([1 << 16]);
    assert!(
        stats().live_bytes >= before.live_bytes + (4 << 16),
        "the figures do count"
    );
    drop(big);
}
