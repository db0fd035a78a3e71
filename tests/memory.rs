//! The steady state of training and evaluation takes no memory from the system. A test binary of its own, since the figures are those of the process.

use genmodels::{Trainer, vae};
use std::io::Write;
use tensor_core::kernels::matmul::WIDE;
use tensor_core::storage::pool::stats;
use tensor_core::{DType, Random, Tensor};

/// How often the kernel had to provide a page of memory since the process began (Linux: the tenth field of /proc/self/stat).
fn page_faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_the_name = stat.rsplit_once(')')?.1;
    after_the_name.split_whitespace().nth(7)?.parse().ok()
}

/// Steps of training and evaluation between two looks at the pool.
const STEPS: usize = 100;

/// A VAE that trains and evaluates on a batch: each call does so [`STEPS`] times.
fn training() -> impl FnMut() {
    let random = Random::new(0);
    let config = vae::Config {
        hidden: vec![128, 128],
        ..vae::Config::default()
    };
    let vae = vae::Vae::new(784, &config, &mut random.stream("init")).unwrap();
    let mut trainer = Trainer::new(Box::new(vae), 0).unwrap();
    let x = random.stream("data").uniform([64, 784], DType::F32);
    move || {
        for _ in 0..STEPS {
            trainer.step(&x).unwrap();
            trainer.evaluate([x.clone()]).unwrap();
        }
    }
}

fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(f)
}

// One test, since the figures are those of the process: two would count each other's buffers.
#[test]
fn the_steady_state_takes_no_memory_from_the_system() {
    on_threads(1, || {
        let mut train = training();
        train();
        let (before, faults) = (stats(), page_faults());
        train();
        let after = stats();
        assert_eq!(
            after, before,
            "buffers come from the pool, none is kept, and it does not grow"
        );

        // A step works on more than 2 MB, which is 500 pages: a fiftieth of that would show.
        match (faults, page_faults()) {
            _ if !WIDE => writeln!(
                std::io::stderr(),
                "page faults were not checked: in this build, products go to matrixmultiply, which asks the system for room each time"
            )
            .unwrap(),
            (Some(before), Some(after)) => {
                assert!(after - before < 1000, "{} page faults in {STEPS} steps", after - before);
            }
            _ => writeln!(
                std::io::stderr(),
                "page faults were not checked: this system has no /proc/self/stat"
            )
            .unwrap(),
        }
    });

    // On several threads, which one packs which operand is a matter of chance, and each keeps the room that it packs into. So the steady state
    // comes when each has had its turn at each: a few times ten buffers later, where a buffer lost in each step would be a hundred in each look.
    on_threads(3, || {
        let mut train = training();
        train();
        let live = stats().live_bytes;
        let is_steady = (0..20).any(|_| {
            let before = stats();
            train();
            assert_eq!(stats().live_bytes, live, "nothing is kept");
            stats() == before
        });
        assert!(is_steady, "still growing: {:?}", stats());
    });

    let before = stats();
    let big = Tensor::zeros([1 << 16]);
    assert!(
        stats().live_bytes >= before.live_bytes + (4 << 16),
        "the figures do count"
    );
    drop(big);
}
