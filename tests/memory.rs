//! The steady state of training and evaluation takes no memory from the system. A test binary of its own, since the figures are those of the process.

use benches::{dcgan, iwae, lstm, wgan_gp};
use genmodels::{Trainer, gan, vae};
use std::io::Write;
use tensor_core::kernels::matmul::WIDE;
use tensor_core::storage::pool::stats;
use tensor_core::{DType, Random, Tensor, parallel_region};

/// How often the kernel had to provide a page of memory since the process began (Linux: the tenth field of /proc/self/stat).
fn page_faults() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_the_name = stat.rsplit_once(')')?.1;
    after_the_name.split_whitespace().nth(7)?.parse().ok()
}

/// Steps between two looks at the pool.
const STEPS: usize = 100;

/// A model that trains: each call does so [`STEPS`] times.
type Training = Box<dyn FnMut()>;
/// Makes one.
type Start = fn() -> Training;

/// [`STEPS`] times this step, in a region each.
fn repeated<R>(mut step: impl FnMut() -> R + 'static) -> Training {
    Box::new(move || (0..STEPS).for_each(|_| drop(parallel_region(&mut step))))
}

/// A VAE that trains and evaluates on a batch.
fn vae() -> Training {
    let random = Random::new(0);
    let config = vae::Config {
        hidden: vec![128, 128],
        ..vae::Config::default()
    };
    let vae = vae::Vae::new(784, &config, &mut random.stream("init")).unwrap();
    let mut trainer = Trainer::new(Box::new(vae), 0).unwrap();
    let x = random.stream("data").uniform([64, 784], DType::F32);
    repeated(move || {
        trainer.step(&x).unwrap();
        trainer.evaluate([x.clone()]).unwrap();
    })
}

fn gan() -> Training {
    let random = Random::new(0);
    let gan = gan::Gan::new(784, &gan::Config::default(), &mut random.stream("init")).unwrap();
    let mut trainer = Trainer::new(Box::new(gan), 0).unwrap();
    let x = random.stream("data").uniform([16, 784], DType::F32);
    repeated(move || trainer.step(&x).unwrap())
}

fn dcgan() -> Training {
    let mut step = dcgan::Step::new(8, 8);
    repeated(move || step.step())
}

fn iwae() -> Training {
    let mut step = iwae::Step::published(2);
    repeated(move || step.step())
}

fn wgan_gp() -> Training {
    let mut step = wgan_gp::CriticStep::of_images(8);
    repeated(move || step.step())
}

fn lstm() -> Training {
    let mut step = lstm::Step::new(lstm::Sizes {
        batch: 8,
        time: 10,
        vocabulary: 50,
        embedding: 16,
        hidden: 32,
    });
    repeated(move || step.step())
}

fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(f)
}

// One test, since the figures are those of the process: two would count each other's buffers.
#[test]
fn the_steady_state_takes_no_memory_from_the_system() {
    let kinds: [(&str, Start); 6] = [
        ("vae", vae),
        ("gan", gan),
        ("dcgan", dcgan),
        ("iwae", iwae),
        ("wgan_gp", wgan_gp),
        ("lstm", lstm),
    ];
    for (name, training) in kinds {
        on_threads(1, || {
            let mut train = training();
            train();
            let (before, faults) = (stats(), page_faults());
            train();
            let after = stats();
            assert_eq!(
                after, before,
                "{name}: buffers come from the pool, none is kept, and it does not grow"
            );

            // A step works on megabytes, which are hundreds of pages: ten of them would show.
            match (faults, page_faults()) {
                _ if !WIDE => writeln!(
                    std::io::stderr(),
                    "page faults were not checked: in this build, products go to matrixmultiply, which asks the system for room each time"
                )
                .unwrap(),
                (Some(before), Some(after)) => {
                    assert!(
                        after - before < 10 * STEPS as u64,
                        "{name}: {} page faults in {STEPS} steps",
                        after - before
                    );
                }
                _ => writeln!(
                    std::io::stderr(),
                    "page faults were not checked: this system has no /proc/self/stat"
                )
                .unwrap(),
            }
        });
    }

    // On several threads, which one packs which operand is a matter of chance, and each keeps the room that it packs into. So the steady state
    // comes when each has had its turn at each: a few times ten buffers later, where a buffer lost in each step would be a hundred in each look.
    on_threads(3, || {
        let mut train = vae();
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
