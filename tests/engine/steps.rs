//! What a training step computes, counted.

use genmodels::{Losses, Model, NamedOptimiser, TrainError, Trainer, gan, vae};
use nn::{Context, Module, Param, Visitor, module};
use tensor_core::autograd::observe::{Counter, observe};
use tensor_core::{DType, Random, Tensor};

fn addresses(model: &impl Module) -> Vec<*const f32> {
    module::params(model)
        .iter()
        .map(|param| param.tensor().as_slice::<f32>().as_ptr())
        .collect()
}

#[test]
fn a_step_of_the_default_vae_runs_17_products_and_copies_no_parameter() {
    let random = Random::new(0);
    let vae = vae::Vae::new(784, &vae::Config::default(), &mut random.stream("init")).unwrap();
    let mut optimisers = vae.optimisers();
    let x = random.stream("data").uniform([32, 784], DType::F32);
    let before = addresses(&vae);
    let step = || Model::train_step(&vae, &x, &mut optimisers, &mut Context::training(&random));
    let (_, counter) = observe(Counter::default(), step);
    // 6 forward; 6 for weights and 5 for inputs, since nobody asks for the gradient of the images.
    assert_eq!((counter.count("linear"), counter.count("matmul")), (6, 11));
    assert_eq!(counter.leaves().len(), 12);
    assert_eq!(addresses(&vae), before, "parameters change in place");
}

#[test]
fn a_step_of_the_gan_copies_no_parameter() {
    let random = Random::new(0);
    let gan = gan::Gan::new(784, &gan::Config::default(), &mut random.stream("init")).unwrap();
    let mut optimisers = gan.optimisers();
    let x = random.stream("data").uniform([32, 784], DType::F32);
    let before = addresses(&gan);
    Model::train_step(&gan, &x, &mut optimisers, &mut Context::training(&random));
    assert_eq!(addresses(&gan), before, "parameters change in place");
}

/// Which parameters the optimisers of [`Careless`] hold.
enum Held {
    Used,
    Both,
    UsedTwice,
}

/// A model whose second parameter its loss does not use.
struct Careless {
    used: Param,
    forgotten: Param,
    held: Held,
    frozen: &'static [&'static str],
}

impl Module for Careless {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.param("used", &self.used);
        v.param("forgotten", &self.forgotten);
    }
}

impl Model for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn optimisers(&self) -> Vec<NamedOptimiser> {
        let adam = |params: Vec<Param>| nn::Adam::new(params, nn::AdamConfig::default());
        let first = NamedOptimiser::new("first", adam(vec![self.used.clone()]));
        let second = |params| NamedOptimiser::new("second", adam(params));
        match self.held {
            Held::Used => vec![first],
            Held::Both => vec![NamedOptimiser::new("first", adam(module::params(self)))],
            Held::UsedTwice => vec![first, second(module::params(self))],
        }
    }

    fn frozen(&self) -> &[&str] {
        self.frozen
    }

    fn train_step(&self, x: &Tensor, optimisers: &mut [NamedOptimiser], _: &mut Context) -> Losses {
        let loss = (self.used.tensor() * x).sum(..);
        let (value, gradients) = loss.value_and_grad(optimisers[0].optimiser.params());
        optimisers[0].optimiser.step(&gradients);
        Losses::new([("loss", value)])
    }

    fn evaluate(&self, _: &Tensor, _: &mut Context) -> Option<Losses> {
        None
    }

    fn sample(&self, n: usize, _: &mut Context) -> Tensor {
        Tensor::zeros([n, 1])
    }

    fn reconstruct(&self, _: &Tensor, _: &mut Context) -> Option<Tensor> {
        None
    }

    fn value_range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn is_bounded(&self) -> bool {
        false
    }
}

fn careless(held: Held, frozen: &'static [&'static str]) -> Result<Trainer, TrainError> {
    let model = Careless {
        used: Param::new(Tensor::from([1.0])),
        forgotten: Param::new(Tensor::from([1.0])),
        held,
        frozen,
    };
    Trainer::new(Box::new(model), 0)
}

#[test]
fn a_parameter_that_no_optimiser_holds_is_named() {
    let error = careless(Held::Used, &[]).err().unwrap();
    assert_eq!(
        error.to_string(),
        "no optimiser of `careless` holds the parameter `forgotten`"
    );
    assert_eq!(error.hint(), "give it to one, or name it in Model::frozen");
    assert!(careless(Held::Used, &["forgotten"]).is_ok(), "frozen on purpose");
}

#[test]
fn a_parameter_that_two_optimisers_hold_is_named() {
    let error = careless(Held::UsedTwice, &[]).err().unwrap();
    assert_eq!(
        error.to_string(),
        "two optimisers of `careless` hold the parameter `used`"
    );
}

#[test]
#[should_panic(expected = "value_and_grad: the loss does not depend on `forgotten` [1]")]
fn a_parameter_that_the_loss_does_not_reach_is_named() {
    let _ = careless(Held::Both, &[]).unwrap().step(&Tensor::from([1.0]));
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run() {
    let mut trainer = careless(Held::Used, &["forgotten"]).unwrap();
    trainer.step(&Tensor::from([1.0])).unwrap();
    let error = trainer.step(&Tensor::from([f32::NAN])).unwrap_err();
    assert_eq!(error.to_string(), "step 2: the loss `loss` is NaN");
    assert_eq!(error.hint(), "a smaller learning rate often helps");
}
