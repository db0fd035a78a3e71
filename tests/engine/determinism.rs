//! One seed, same bits: for any number of threads, with and without an observer.

use genmodels::{Losses, Model, vae};
use nn::{Context, state};
use std::collections::BTreeMap;
use tensor_core::autograd::observe::{Anomaly, Counter, Profiler, Recorder, observe};
use tensor_core::{DType, Random, Tensor, parallel_region};

/// Three steps of a VAE large enough that its kernels use several threads.
fn train() -> (Vec<Losses>, BTreeMap<String, Tensor>) {
    let random = Random::new(8);
    let vae = vae::Vae::new(784, &vae::Config::default(), &mut random.stream("init")).unwrap();
    let mut optimisers = vae.optimisers();
    let x = random.stream("data").uniform([300, 784], DType::F32);
    let step = |step| Model::train_step(&vae, &x, &mut optimisers, &mut Context::training(&random.at(step)));
    let losses = (0..3).map(step).collect();
    (losses, state::state_dict(&vae))
}

fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(|| parallel_region(f))
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let one = on_threads(1, train);
    for threads in [2, 5] {
        assert!(
            on_threads(threads, train) == one,
            "{threads} threads give another result than one"
        );
    }
}

#[test]
fn an_observer_changes_no_bit() {
    let mut ticks = 0;
    let clock = move || {
        ticks += 1;
        std::time::Duration::from_nanos(ticks)
    };
    let (((watched, profiler), anomaly), counter) = observe(Counter::default(), || {
        observe(Anomaly::remember(), || observe(Profiler::new(clock), train))
    });
    assert!(counter.count("linear") > 0 && anomaly.finding().is_none() && !profiler.total().is_zero());
    assert!(watched == train());
    // A recorder keeps every buffer, so that nothing is changed in place any more.
    let (recorded, recorder) = observe(Recorder::with_values(0), train);
    assert!(recorder.operations().count() == counter.names().len());
    assert!(recorded == watched);
}
