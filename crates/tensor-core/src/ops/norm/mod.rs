//! Normalisation: y = (x - mean) / √(var + eps) · w + b, with mean and variance of some of the numbers of x.
//!
//! | operation        | what has a mean and a variance of its own                  | weights and biases   |
//! |------------------|------------------------------------------------------------|----------------------|
//! | `batch_norm`     | a channel, over all samples and places                     | one a channel        |
//! | `layer_norm`     | the last dimensions of a sample                            | one for each of them |
//! | `group_norm`     | a group of channels of a sample                            | one a channel        |
//! | `instance_norm`  | a channel of a sample                                      | one a channel        |
//!
//! The variance is the biased one, Σ (x - mean)² / n, as in PyTorch. First order is two passes forward and two back; every other order
//! goes through [`standardise`], which states what is meant.

mod batch;
mod rows;

pub use batch::Moments;

use super::op::{Grads, Saved};
use crate::error::ShapeError;
use crate::grads;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Which inputs of an operation are a weight and a bias: they follow on the `first` others.
#[derive(Clone, Copy)]
struct Affine {
    first: usize,
    weight: bool,
    bias: bool,
}

impl Affine {
    fn new(first: usize, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Affine {
        Affine {
            first,
            weight: weight.is_some(),
            bias: bias.is_some(),
        }
    }

    fn weight(self) -> Option<usize> {
        self.weight.then_some(self.first)
    }

    fn bias(self) -> Option<usize> {
        self.bias.then_some(self.first + usize::from(self.weight))
    }

    /// Checks that weight and bias, where they are given, have the shape that `what` names.
    fn check(self, operation: &'static str, inputs: &[&Tensor], wanted: Shape, what: &str) -> Result<(), ShapeError> {
        for (name, index) in [("weight", self.weight()), ("bias", self.bias())] {
            if let Some(index) = index {
                check_shape(operation, inputs, (name, index), wanted, what)?;
            }
        }
        Ok(())
    }

    /// The weights and biases to compute with: 1 and 0 where none are given.
    fn values<'a>(self, input: impl Fn(usize) -> &'a Tensor, wanted: Shape) -> [Tensor; 2] {
        let dtype = input(0).dtype();
        let given = |index: Option<usize>, otherwise: f64| match index {
            Some(index) => input(index).dense(),
            None => Tensor::full_of(wanted, otherwise, dtype),
        };
        [given(self.weight(), 1.0), given(self.bias(), 0.0)]
    }

    /// The gradients of x, weight and bias, of those that there are and that are wanted.
    fn gradients(
        self,
        saved: &Saved<'_>,
        gx: Tensor,
        gw: impl FnOnce() -> Tensor,
        gb: impl FnOnce() -> Tensor,
    ) -> Grads {
        let mut grads = grads![gx];
        if let Some(weight) = self.weight() {
            grads.push(saved.wants(weight).then(gw).into());
        }
        if let Some(bias) = self.bias() {
            grads.push(saved.wants(bias).then(gb).into());
        }
        grads
    }

    /// y · w + b, as a composition. `fit` gives both the shape that is broadcast against y.
    fn compose(self, y: Tensor, inputs: &[Tensor], fit: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let y = match self.weight() {
            Some(weight) => y * fit(&inputs[weight]),
            None => y,
        };
        match self.bias() {
            Some(bias) => y + fit(&inputs[bias]),
            None => y,
        }
    }
}

fn check_shape(
    operation: &'static str,
    inputs: &[&Tensor],
    (name, index): (&str, usize),
    wanted: Shape,
    what: &str,
) -> Result<(), ShapeError> {
    let (x, shape) = (inputs[0].shape(), inputs[index].shape());
    if shape == wanted {
        return Ok(());
    }
    let problem = format!("{name} has shape {shape}, input {x} takes {wanted}: {what}");
    Err(ShapeError::new(operation, problem))
}

/// The channels of x [N, C, …], which has a rank of at least `rank`.
fn channels(operation: &'static str, x: Shape, rank: usize) -> Result<usize, ShapeError> {
    if x.rank() >= rank {
        return Ok(x[1]);
    }
    let wanted = ["[N, C, …]", "[N, C, L] or [N, C, H, W]"][usize::from(rank > 2)];
    let error = ShapeError::new(operation, format!("needs an input {wanted}, got {x}"));
    Err(match x.rank() {
        0 => error,
        _ => error.hint("is the batch dimension missing? a batch of one has N = 1"),
    })
}

/// One number a channel, in the shape that is broadcast against x [N, C, …].
fn by_channel(values: &Tensor, x: Shape) -> Tensor {
    let mut sizes = vec![1; x.rank() - 1];
    sizes[0] = x[1];
    values.reshape(sizes.as_slice())
}

/// (x - mean) / √(var + eps), with mean and biased variance over `dims`.
fn standardise(x: &Tensor, dims: &[isize], eps: f64) -> Tensor {
    let n = dims.iter().map(|&dim| x.size(dim)).product::<usize>() as f64;
    let distance = x - x.sum_keepdim(dims) / n;
    let variance = distance.sqr().sum_keepdim(dims) / n;
    &distance / (variance + eps).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::{Counter, observe};

    /// The operations that the rule runs on the way from the sum of y to `target`.
    fn in_the_rule(y: &Tensor, target: &Tensor) -> Vec<&'static str> {
        let loss = y.sum(..);
        observe(Counter::default(), || loss.grad(&[target])).1.names().to_vec()
    }

    #[test]
    fn fast_rules_compute_only_what_is_wanted() {
        let x = Tensor::from([[1.0, 3.0], [2.0, 6.0]]).requires_grad();
        let constant = Tensor::from([1.0, 2.0]);
        let bias = Tensor::from([0.0, 1.0]).requires_grad();
        for weight in [None, Some(&constant)] {
            let y = x.layer_norm([2], weight, None, 1e-5);
            assert!(!in_the_rule(&y, &x).contains(&"narrow"), "no sums for weights");
        }
        let y = x
            .detach()
            .batch_norm_inference(&constant, &constant, Some(&constant), Some(&bias), 1e-5);
        assert!(!in_the_rule(&y, &bias).contains(&"mul"), "no scale for x");
    }
}
