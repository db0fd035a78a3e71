//! What averages promise, against PyTorch's figures and the formula.

use super::*;
use crate::testing::panic_of;
use crate::{Adam, AdamConfig, Buffer, Optimiser, Param, Visitor};
use approx::assert_relative_eq;

/// What PyTorch has as `Sequential(Linear(2, 1), BatchNorm1d(1))`, in F64, with a counter that is no number of the model.
struct Net {
    weight: Param,
    bias: Param,
    mean: Buffer,
    batches: Buffer,
}

impl Net {
    fn new() -> Net {
        Net {
            weight: Param::new(Tensor::from_slice(&[1.0, -2.0], [1, 2])),
            bias: Param::new(Tensor::from_slice(&[0.5], [1])),
            mean: Buffer::new(Tensor::from_slice(&[0.0], [1])),
            batches: Buffer::new(Tensor::from_slice(&[0u32], [1])),
        }
    }

    fn change(&self, t: u32) {
        let factor = -0.5 * f64::from(t);
        self.weight.set(&(self.weight.tensor().detach() * factor));
        self.bias.set(&(self.bias.tensor().detach() + f64::from(t)));
        self.mean.set(&Tensor::from_slice(&[f64::from(t)], [1]));
        self.batches.set(&counter(t));
    }

    fn values(&self) -> [Vec<f64>; 4] {
        let tensors = [
            self.weight.tensor(),
            self.bias.tensor(),
            self.mean.tensor(),
            self.batches.tensor(),
        ];
        tensors.map(|tensor| tensor.to_dtype(DType::F64).to_vec())
    }
}

impl Module for Net {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.param("0.weight", &self.weight);
        v.param("0.bias", &self.bias);
        v.buffer("1.running_mean", &self.mean);
        v.buffer("1.num_batches_tracked", &self.batches);
    }
}

/// The values that PyTorch 2.15 gives in F64:
///
/// ```python
/// ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9)); ema.update_parameters(net)
/// for t in range(1, 4):
///     net[0].weight.mul_(-0.5 * t); net[0].bias.add_(t); net[1].running_mean.fill_(t)
///     ema.update_parameters(net)
/// ```
#[test]
fn the_average_is_that_of_pytorch() {
    let net = Net::new();
    let mut ema = Ema::new(&net, 0.9);
    for t in 1..4 {
        net.change(t);
        ema.update(&net);
    }
    let state = ema.state();
    let number = |name: &str| state[name].to_dtype(DType::F64).to_vec::<f64>();
    let weight = [0.6585000000000001, -1.3170000000000002];
    assert_relative_eq!(
        number("module.0.weight").as_slice(),
        weight.as_slice(),
        max_relative = 1e-15
    );
    assert_relative_eq!(number("module.0.bias")[0], 1.4509999999999998, max_relative = 1e-15);
    assert_eq!(number("module.1.running_mean"), [3.0]);
    assert_eq!(number("module.1.num_batches_tracked"), [3.0]);
    assert_eq!(number("n_averaged"), [4.0]);
    assert_eq!(state.len(), 5);
}

#[test]
fn another_module_is_refused_at_the_users_line() {
    let random = &mut tensor_core::Random::new(0);
    let mut ema = Ema::new(&crate::Linear::new(2, 3, random), 0.5);
    let other = crate::Linear::new(4, 3, random);
    let (line, (message, at)) = (line!(), panic_of(|| ema.update(&other)));
    assert_eq!(at, (file!().to_owned(), line));
    assert_eq!(
        message,
        "the module is not the one of the average: that has `weight` F32 [3, 2], this `weight` F32 [3, 4]"
    );
    let smaller = crate::Linear::new(2, 3, random).without_bias();
    let (line, (message, at)) = (line!(), panic_of(|| drop(ema.apply_to(&smaller))));
    assert_eq!(at, (file!().to_owned(), line));
    assert_eq!(
        message,
        "the module is not the one of the average: that has 2 parameters and buffers, this 1"
    );
}

#[test]
fn the_module_gets_its_own_values_back() {
    let net = Net::new();
    let mut ema = Ema::new(&net, 0.5);
    net.change(1);
    ema.update(&net);
    let before = net.values();
    let applied = ema.apply_to(&net);
    assert_eq!(net.values(), [vec![0.25, -0.5], vec![1.0], vec![1.0], vec![1.0]]);
    drop(applied);
    assert_eq!(net.values(), before);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _applied = ema.apply_to(&net);
        panic!("evaluation failed");
    }));
    assert!(panic.is_err());
    assert_eq!(net.values(), before);
}

#[test]
fn the_average_is_the_optimisers_only_where_it_was_made() {
    let net = Net::new();
    let mut adam = Adam::new([net.weight.clone()], AdamConfig::default());
    let mut ema = Ema::new(&net, 0.5);
    let mut step = |ema: &mut Ema| {
        let (_, gradients) = net.weight.tensor().sum(..).value_and_grad(adam.params());
        adam.step(&gradients);
        ema.update(&net);
        drop(ema.apply_to(&net));
        net.weight.tensor().as_slice::<f64>().as_ptr()
    };
    let after_first = step(&mut ema);
    assert_eq!(step(&mut ema), after_first, "a step copies no parameter");
    let average = ema.state()["module.0.weight"].to_vec::<f64>()[0];
    assert_relative_eq!(average, 1.0 - 0.00125, max_relative = 1e-6); // 1, 0.999, 0.998: 1/4, 1/4 and 1/2 of them
}

#[test]
fn a_warm_up_forgets_the_beginning() {
    let net = Net::new();
    let mut ema = Ema::new(&net, 0.15).with_warm_up();
    assert_eq!(ema.decay(), 0.1);
    net.change(1);
    ema.update(&net);
    assert_relative_eq!(
        ema.state()["module.0.bias"].item(),
        0.1 * 0.5 + 0.9 * 1.5,
        max_relative = 1e-15
    );
    assert_eq!(ema.decay(), 0.15); // 2 / 11 is more
}

#[test]
fn a_saved_average_goes_on_as_if_nothing_had_happened() {
    let net = Net::new();
    let mut whole = Ema::new(&net, 0.9).with_warm_up();
    let mut second = Ema::new(&net, 0.9).with_warm_up();
    net.change(1);
    whole.update(&net);
    second.load_state(&whole.state()).unwrap();
    net.change(2);
    whole.update(&net);
    second.update(&net);
    assert_eq!(second.state(), whole.state());

    let mut state = whole.state();
    state.insert("module.2.weight".to_owned(), Tensor::zeros([1]));
    let refused = second.load_state(&state);
    assert_eq!(refused, Err("there are 6 entries, the average has 5".to_owned()));
    state.insert("module.0.bias".to_owned(), Tensor::zeros([7]));
    let refused = second.load_state(&state);
    assert_eq!(
        refused,
        Err("`module.0.bias` has shape [7], the average has [1]".to_owned())
    );
    state.insert("n_averaged".to_owned(), counter(0));
    assert!(second.load_state(&state).unwrap_err().starts_with("`n_averaged` is 0"));
    assert_eq!(second.state(), whole.state());
}

#[test]
fn averages_go_into_a_module_once_at_a_time() {
    let (net, other) = (Net::new(), Net::new());
    let ema = Ema::new(&net, 0.5);
    net.change(1);
    let before = net.values();
    let first = ema.apply_to(&net);
    drop(ema.apply_to(&other)); // another module is free
    for second in [&ema, &Ema::new(&net, 0.9)] {
        let apply = std::panic::AssertUnwindSafe(|| drop(second.apply_to(&net)));
        let message = *std::panic::catch_unwind(apply)
            .unwrap_err()
            .downcast::<String>()
            .unwrap();
        let wanted = "apply_to: an average is in `0.weight` already\n  hint: drop the guard of the first `apply_to` before the second";
        assert_eq!(message, wanted);
    }
    drop(first);
    assert_eq!(net.values(), before);
    drop(ema.apply_to(&net));
    assert_eq!(net.values(), before);
}

#[test]
#[should_panic(
    expected = "the module is not the one of the average: that has `0.weight` F64 [1, 2], this `0.weight` F32 [1, 2]"
)]
fn another_module_is_refused() {
    let net = Net::new();
    let mut ema = Ema::new(&net, 0.9);
    module::to_dtype(&net, DType::F32);
    ema.update(&net);
}
