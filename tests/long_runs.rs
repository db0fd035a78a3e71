//! Ten thousand steps leave as much memory in use as a hundred did. A test binary of its own, since the figures are those of the process; and its
//! tests take turns.

use genmodels::{Trainer, vae};
use nn::{Adam, AdamConfig, BatchNorm2d, Context, Conv2d, Ema, LSTM, Layer, Module, Optimiser, Visitor, clip, module};
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use tensor_core::storage::pool::stats;
use tensor_core::{DType, Random, Tensor};

/// Runs a test on a thread of its own while no other runs, and waits until that thread is gone: what it kept of the pool goes with it.
fn alone(test: impl FnOnce() + Send + 'static) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::spawn(test)
        .join()
        .unwrap_or_else(|panic| resume_unwind(panic));
}

fn small_vae(random: &Random) -> vae::Vae {
    let config = vae::Config {
        latent_dim: 2,
        hidden: vec![8],
        ..vae::Config::default()
    };
    vae::Vae::new(12, &config, &mut random.stream("init")).unwrap()
}

/// What keeps something from step to step, or has loops of its own: running statistics, a recurrent state, and around it clipping and an average.
struct Network {
    conv: Conv2d,
    norm: BatchNorm2d,
    lstm: LSTM,
}

impl Module for Network {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("conv", &self.conv);
        v.module("norm", &self.norm);
        v.module("lstm", &self.lstm);
    }
}

impl Network {
    fn new(init: &mut Random) -> Network {
        Network {
            conv: Conv2d::new(1, 2, 3, Default::default(), init),
            norm: BatchNorm2d::new(2),
            lstm: LSTM::new(4, 3, init),
        }
    }

    /// The last hidden state for images [batch, 1, 4, 4], whose two channels are the steps.
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let channels = self.norm.forward(&self.conv.forward(x, cx), cx);
        self.lstm.forward(&channels.flatten(2, 3), None).1[0].clone()
    }
}

/// Runs `step` 10,000 times: after the last one as many bytes are live and pooled as after the first hundred.
fn assert_bounded(mut step: impl FnMut(u64)) {
    (0..100).for_each(&mut step);
    let before = stats();
    (100..10_000).for_each(&mut step);
    let after = stats();
    assert_eq!(after.live_bytes, before.live_bytes, "live bytes");
    assert_eq!(after.pooled_bytes, before.pooled_bytes, "pooled bytes");
}

#[test]
fn ten_thousand_training_steps_leave_nothing() {
    alone(|| {
        let random = Random::new(1);
        let x = random.stream("data").uniform([4, 12], DType::F32);
        let mut trainer = Trainer::new(Box::new(small_vae(&random)), 0).unwrap();
        assert_bounded(|_| {
            trainer.step(&x).unwrap();
        });
    });
}

#[test]
fn ten_thousand_forward_passes_without_a_backward_pass_leave_nothing() {
    alone(|| {
        let random = Random::new(2);
        let (vae, x) = (small_vae(&random), random.stream("data").uniform([4, 12], DType::F32));
        assert_bounded(|step| {
            let loss = vae.elbo(&x, &mut Context::training(&random.at(step)));
            assert!(loss.kl.is_tracked());
        });
    });
}

#[test]
fn ten_thousand_steps_of_a_recurrent_network_on_images_leave_nothing() {
    alone(|| {
        let random = Random::new(3);
        let (network, x) = (
            Network::new(&mut random.stream("init")),
            random.stream("data").uniform([2, 1, 4, 4], DType::F32),
        );
        let mut adam = Adam::new(module::params(&network), AdamConfig::default());
        let mut average = Ema::new(&network, 0.99);
        assert_bounded(|step| {
            let loss = (network.forward(&x, &mut Context::training(&random.at(step))) - 0.5)
                .sqr()
                .sum(..);
            let (_, mut gradients) = loss.value_and_grad(adam.params());
            assert!(clip::by_global_norm(&mut gradients, 0.01).is_finite());
            adam.step(&gradients);
            average.update(&network);
        });
    });
}
