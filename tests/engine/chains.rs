//! Random chains of operations on random shapes and views, twice: in the engine, and number by number in `micro`, which knows no tensor. Values and
//! gradients have to agree.

use crate::operations::array::index_of;
use proptest::prelude::*;
use tensor_core::autograd::check::gradgradcheck;
use tensor_core::micro::Value;
use tensor_core::{DType, Random, Shape, Tensor};

/// The same array as a tensor and as single numbers.
#[derive(Clone)]
struct Twin {
    tensor: Tensor,
    numbers: Vec<Value>,
}

impl Twin {
    fn of(tensor: Tensor) -> Twin {
        Twin {
            numbers: tensor.to_vec::<f64>().into_iter().map(Value::new).collect(),
            tensor,
        }
    }

    fn shape(&self) -> Shape {
        self.tensor.shape()
    }

    /// A function of single elements.
    fn map(&self, tensor: impl Fn(&Tensor) -> Tensor, number: impl Fn(&Value) -> Value) -> Twin {
        Twin {
            tensor: tensor(&self.tensor),
            numbers: self.numbers.iter().map(number).collect(),
        }
    }

    /// An operation that moves elements: each number of the result from its index.
    fn moved(&self, tensor: Tensor, number: impl Fn(&[usize]) -> Value) -> Twin {
        // Times 1, so that a number that only moved still has a gradient of its own.
        let numbers = (0..tensor.count()).map(|n| number(&index_of(n, &tensor.shape())) * 1.0);
        Twin {
            numbers: numbers.collect(),
            tensor,
        }
    }

    /// The number at an index, by the rules of broadcasting.
    fn at(&self, index: &[usize]) -> &Value {
        let shape = self.shape();
        let index = &index[index.len() - shape.rank()..];
        let place = |place, (&i, &size): (&usize, &usize)| place * size + if size == 1 { 0 } else { i };
        &self.numbers[index.iter().zip(shape.iter()).fold(0, place)]
    }

    /// Σ c_i x_i with a different factor for each element.
    fn weighted_sum(&self) -> (Tensor, Value) {
        let factor = |i: usize| (i * 7 % 11) as f64 / 11.0 + 0.5;
        let factors: Vec<f64> = (0..self.numbers.len()).map(factor).collect();
        let sum = self
            .numbers
            .iter()
            .zip(&factors)
            .fold(Value::new(0.0), |sum, (x, &c)| sum + x * c);
        let factors = Tensor::from_slice(&factors, self.shape());
        ((&self.tensor * factors).sum(..), sum)
    }
}

/// Decisions, one after the other, from the numbers that the test case consists of.
#[derive(Clone)]
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    /// A number below `n`, or `None` when the chain is at its end.
    fn below(&mut self, n: usize) -> Option<usize> {
        Some(usize::from(*self.0.next()?) % n)
    }

    fn some_dims(&mut self, rank: usize) -> Option<Vec<usize>> {
        let bits = self.below(1 << rank)?;
        Some((0..rank).filter(|dim| bits >> dim & 1 == 1).collect())
    }

    fn order(&mut self, rank: usize) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = (0..rank).collect();
        for last in (1..rank).rev() {
            order.swap(last, self.below(last + 1)?);
        }
        Some(order)
    }
}

/// Three inputs of shapes that broadcast against each other: parts of one shape, with sizes of 1 and dimensions missing.
fn inputs(choices: &mut Choices<'_>) -> Option<Vec<Tensor>> {
    let sizes = [choices.below(3)? + 1, choices.below(4)? + 1, choices.below(4)? + 1];
    let input = |i: u64, choices: &mut Choices<'_>| {
        let first = choices.below(4)?;
        let ones = choices.some_dims(3)?;
        let size = |dim| if i > 0 && ones.contains(&dim) { 1 } else { sizes[dim] };
        let shape: Vec<usize> = (first.min(2)..3).map(size).collect();
        Some(Random::new(5).at(i).normal(shape.as_slice(), DType::F64))
    };
    (0..3).map(|i| input(i, choices)).collect()
}

const KINDS: usize = 15;

/// One more operation on the arrays so far. `smooth` leaves out those that have a kink.
fn step(twins: &[Twin], choices: &mut Choices<'_>, smooth: bool) -> Option<Twin> {
    let kind = choices.below(KINDS)?;
    let x = &twins[choices.below(twins.len())?];
    let (shape, rank) = (x.shape(), x.shape().rank());
    let signed = |dims: &[usize]| dims.iter().map(|&dim| dim as isize).collect::<Vec<_>>();
    Some(match kind {
        0 => x.map(Tensor::tanh, Value::tanh),
        1 => x.map(|x| x.tanh().exp(), |x| x.tanh().exp()),
        2 => x.map(|x| (x.sqr() + 1.0).ln(), |x| (x.powi(2) + 1.0).ln()),
        3 if !smooth => x.map(Tensor::relu, Value::relu),
        4 => x.map(|x| -(x * 0.5 - 0.1), |x| -&(x * 0.5 - 0.1)),
        5..=8 => {
            let fitting: Vec<&Twin> = twins.iter().filter(|y| shape.broadcast(&y.shape()).is_some()).collect();
            let y = fitting[choices.below(fitting.len())?];
            let (a, b) = (&x.tensor, &y.tensor);
            match kind {
                5 => x.moved(a + b, |i| x.at(i) + y.at(i)),
                6 => x.moved(a - b, |i| x.at(i) - y.at(i)),
                7 => x.moved(a * b, |i| x.at(i) * y.at(i)),
                _ => x.moved(a / (b.sqr() + 1.0), |i| x.at(i) / (y.at(i).powi(2) + 1.0)),
            }
        }
        9 => {
            let order = choices.order(rank)?;
            x.moved(x.tensor.permute(&signed(&order)), |i| {
                let mut from = vec![0; rank];
                order.iter().zip(i).for_each(|(&dim, &i)| from[dim] = i);
                x.at(&from).clone()
            })
        }
        10 if rank > 0 => {
            let dim = choices.below(rank)?;
            let start = choices.below(shape[dim])?;
            let length = choices.below(shape[dim] - start)? + 1;
            x.moved(x.tensor.narrow(dim as isize, start, length), |i| {
                let mut from = i.to_vec();
                from[dim] += start;
                x.at(&from).clone()
            })
        }
        11 => x.map(|x| x.reshape(x.count()), |x| x * 1.0),
        12 if rank < 4 => {
            let repeated = [&[2], shape.sizes()].concat();
            x.moved(x.tensor.expand(repeated.as_slice()), |i| x.at(i).clone())
        }
        13 => {
            let dims = choices.some_dims(rank)?;
            let tensor = x.tensor.sum_keepdim(signed(&dims).as_slice());
            let mut sums = vec![Value::new(0.0); tensor.count()];
            for (n, number) in x.numbers.iter().enumerate() {
                let mut to = index_of(n, &shape);
                dims.iter().for_each(|&dim| to[dim] = 0);
                let place = to
                    .iter()
                    .zip(tensor.shape().iter())
                    .fold(0, |place, (i, size)| place * size + i);
                sums[place] = &sums[place] + number;
            }
            Twin { tensor, numbers: sums }
        }
        14 if rank == 2 => {
            let (inner, columns) = (shape[1], shape[0]);
            x.moved(x.tensor.matmul(&x.tensor.t().tanh()), |i| {
                let product = |k| x.at(&[i[0], k]) * x.at(&[i[1] % columns, k]).tanh();
                (0..inner).map(product).fold(Value::new(0.0), |sum, p| sum + p)
            })
        }
        _ => x.map(|x| x + 0.3, |x| x + 0.3),
    })
}

/// All arrays of a chain that begins with these. What would grow large, in size or in value, is kept out of it.
fn chain(inputs: impl Iterator<Item = Tensor>, choices: &mut Choices<'_>, smooth: bool) -> Vec<Twin> {
    let mut twins: Vec<Twin> = inputs.map(Twin::of).collect();
    while let Some(next) = step(&twins, choices, smooth) {
        let tame = next.numbers.iter().all(|x| x.value().abs() < 50.0);
        if next.numbers.len() <= 100 && tame {
            twins.push(next);
        }
    }
    twins
}

fn total(twins: &[Twin]) -> (Tensor, Value) {
    let (tensors, numbers): (Vec<_>, Vec<_>) = twins.iter().map(Twin::weighted_sum).unzip();
    let tensor = tensors.into_iter().reduce(|sum, x| sum + x).expect("there are inputs");
    let number = numbers.into_iter().reduce(|sum, x| sum + x).expect("there are inputs");
    (tensor, number)
}

/// Failures are printed in full; a file of them beside the source would serve nobody.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn values_and_gradients_are_those_of_single_numbers(codes in prop::collection::vec(any::<u8>(), 12..90)) {
        let mut choices = Choices(codes.iter());
        let inputs = inputs(&mut choices).expect("there are enough codes for the inputs");
        let twins = chain(inputs.iter().map(Tensor::requires_grad), &mut choices, false);
        for twin in &twins {
            let values = twin.tensor.to_vec::<f64>();
            let agree = values.iter().zip(&twin.numbers).all(|(a, b)| close(*a, b.value()));
            prop_assert!(agree, "values differ at shape {}", twin.shape());
        }
        // By the inputs, and by everything that was computed on the way.
        let (tensor, number) = total(&twins);
        let targets: Vec<&Tensor> = twins.iter().map(|twin| &twin.tensor).collect();
        for (gradient, twin) in tensor.grad(&targets).iter().zip(&twins) {
            let wanted = number.grad(&twin.numbers.iter().collect::<Vec<_>>());
            let agree = gradient.to_vec::<f64>().iter().zip(&wanted).all(|(a, b)| close(*a, *b));
            prop_assert!(agree, "gradients differ at shape {}: {gradient} is not {wanted:?}", twin.shape());
        }
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn second_derivatives_agree_with_differences(codes in prop::collection::vec(any::<u8>(), 12..40)) {
        let mut choices = Choices(codes.iter());
        let inputs = inputs(&mut choices).expect("there are enough codes for the inputs");
        let loss = |inputs: &[Tensor]| {
            let twins = chain(inputs.iter().cloned(), &mut choices.clone(), true);
            let sums = twins.iter().map(|twin| twin.tensor.tanh().sum(..));
            sums.reduce(|sum, x| sum + x).expect("there are inputs")
        };
        let checked = gradgradcheck(loss, &inputs);
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }
}
