//! Layer, group and instance normalisation: what is normalised together lies side by side in a sample.

use super::{Affine, by_channel, channels, standardise};
use crate::error::ShapeError;
use crate::kernels::norm::rows::{self, Rows};
use crate::kernels::simd::Float;
use crate::ops::elementwise::same_float_type;
use crate::ops::op::{Cost, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use crate::ops::{composition, with_float};
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::sync::OnceLock;

#[derive(Clone, Copy)]
enum Over {
    /// The last dimensions, which have these sizes.
    Layer(Shape),
    /// Each of so many groups of channels.
    Groups(usize),
    /// Each channel.
    Instance,
}

struct RowNorm {
    over: Over,
    affine: Affine,
    eps: f64,
    /// Mean and 1 / √(var + eps) of each row, from the forward pass, for the first-order rule.
    stats: OnceLock<Tensor>,
}

impl RowNorm {
    fn name(&self) -> &'static str {
        match self.over {
            Over::Layer(_) => "layer_norm",
            Over::Groups(_) => "group_norm",
            Over::Instance => "instance_norm",
        }
    }

    /// How x is cut into rows. Its shape was checked.
    fn rows(&self, x: Shape) -> Rows {
        let (width, inner, channels) = match self.over {
            Over::Layer(shape) => (shape.count(), 1, shape.count()),
            Over::Groups(groups) => (x[1..].iter().product::<usize>() / groups, x[2..].iter().product(), x[1]),
            Over::Instance => (x[2..].iter().product(), x[2..].iter().product(), x[1]),
        };
        Rows { width, inner, channels }
    }

    /// The shape of weight and bias, with what it means.
    fn affine_shape(&self, x: Shape) -> (Shape, &'static str) {
        match self.over {
            Over::Layer(shape) => (shape, "the normalised shape"),
            _ => (Shape::from(x[1]), "one number a channel"),
        }
    }

    fn check_input(&self, x: Shape) -> Result<(), ShapeError> {
        let name = self.name();
        match self.over {
            Over::Layer(shape) if shape.rank() == 0 || !x.ends_with(&shape) => {
                let problem = format!("input {x} does not end in the normalised shape {shape}");
                Err(ShapeError::new(name, problem))
            }
            Over::Layer(_) => Ok(()),
            Over::Groups(groups) => match channels(name, x, 2)? {
                channels if groups > 0 && channels.is_multiple_of(groups) => Ok(()),
                channels => {
                    let problem = format!("the {channels} channels of {x} do not make {groups} groups of one size");
                    Err(ShapeError::new(name, problem))
                }
            },
            Over::Instance => channels(name, x, 3).map(|_| ()),
        }
    }

    fn compose(&self, inputs: &[Tensor]) -> Tensor {
        let x = &inputs[0];
        let (shape, width) = (x.shape(), self.rows(x.shape()).width);
        let rows = x.reshape([shape.count() / width.max(1), width]);
        let y = standardise(&rows, &[1], self.eps).reshape(shape);
        self.affine.compose(y, inputs, |values| match self.over {
            Over::Layer(_) => values.clone(),
            _ => by_channel(values, shape),
        })
    }
}

impl Op for RowNorm {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: self.name(),
            formula: "y = (x - mean) / √(var + eps) · w + b, with mean and biased variance of a layer, a group of channels, or a channel",
            rule: "with g = gy · w and x̂ = (x - mean) / √(var + eps): gx = (g - mean of g - x̂ · mean of g x̂) / √(var + eps), gw = Σ gy x̂, gb = Σ gy",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let over = match self.over {
            Over::Layer(shape) => Some(("normalized_shape", shape.to_string())),
            Over::Groups(groups) => Some(("groups", groups.to_string())),
            Over::Instance => None,
        };
        over.into_iter().chain([("eps", self.eps.to_string())]).collect()
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type(self.name(), inputs)?;
        let x = inputs[0].shape();
        self.check_input(x)?;
        let (wanted, what) = self.affine_shape(x);
        self.affine.check(self.name(), inputs, wanted, what)?;
        Ok(x)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let x = inputs[0].dense();
        let rows = self.rows(shape);
        let [weight, bias] = self.affine.values(|i| inputs[i], self.affine_shape(shape).0);
        let count = shape.count() / rows.width.max(1);
        let (mut y, mut stats) = (
            Storage::for_overwrite(shape.count(), x.dtype()),
            Storage::for_overwrite(2 * count, x.dtype()),
        );
        let mut run = Run {
            rows,
            eps: self.eps,
            y: &mut y,
            stats: &mut stats,
        };
        with_float!(x.dtype(), T => run.normalise::<T>(&x, &weight, &bias));
        let first_run = self.stats.set(Tensor::from_storage(stats, Shape::from([count, 2])));
        first_run.expect("an operation runs once");
        Tensor::from_storage(y, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::all_inputs()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| self.compose(inputs))
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        if !saved.wants(0) {
            // Only weights: the composition computes no more than them.
            return None;
        }
        let shape = saved.shape(0);
        let [weight, _] = self.affine.values(|i| saved.input(i), self.affine_shape(shape).0);
        let stats = self.stats.get().expect("the forward pass kept them");
        let (rows, inputs) = (self.rows(shape), [&gy.dense(), &saved.input(0).dense(), stats, &weight]);
        let [gx, sums] = with_float!(gy.dtype(), T => backward::<T>(inputs, rows));
        let sum = |first| sums.narrow(0, first, rows.channels).reshape(weight.shape());
        Some(self.affine.gradients(saved, gx, || sum(0), || sum(rows.channels)))
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            // A sum; a difference, a square and a sum; a difference, a product and a sum.
            flop: 7.0 * shape.count() as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

struct Run<'a> {
    rows: Rows,
    eps: f64,
    y: &'a mut Storage,
    stats: &'a mut Storage,
}

impl Run<'_> {
    fn normalise<T: Float>(&mut self, x: &Tensor, weight: &Tensor, bias: &Tensor) {
        let (y, stats) = (self.y.as_mut_slice::<T>(), self.stats.as_mut_slice());
        rows::normalise(
            x.as_slice(),
            self.rows,
            self.eps,
            weight.as_slice(),
            bias.as_slice(),
            y,
            stats,
        );
    }
}

/// gx, and the sums that are the gradients of the weights and the biases.
fn backward<T: Float>([gy, x, stats, weight]: [&Tensor; 4], rows: Rows) -> [Tensor; 2] {
    let mut gx = Storage::for_overwrite(x.count(), T::DTYPE);
    let mut sums = Storage::for_overwrite(2 * rows.channels, T::DTYPE);
    let inputs = (gy.as_slice::<T>(), x.as_slice(), stats.as_slice(), weight.as_slice());
    let (gy, numbers, stats, weight) = inputs;
    rows::backward(gy, numbers, rows, stats, weight, gx.as_mut_slice(), sums.as_mut_slice());
    [
        Tensor::from_storage(gx, x.shape()),
        Tensor::from_storage(sums, Shape::from(2 * rows.channels)),
    ]
}

/// Runs the operation on x, weight and bias, as far as they are given.
#[track_caller]
fn normalise(
    over: Over,
    x: &Tensor,
    weight: Option<&Tensor>,
    bias: Option<&Tensor>,
    eps: f64,
) -> Result<Tensor, ShapeError> {
    let inputs: Vec<&Tensor> = [x].into_iter().chain(weight).chain(bias).collect();
    let op = RowNorm {
        over,
        affine: Affine::new(1, weight, bias),
        eps,
        stats: OnceLock::new(),
    };
    crate::ops::try_apply(op, &inputs)
}

/// Normalisation over parts of a sample.
impl Tensor {
    composition! {
        /// Layer normalisation (Ba et al. 2016): y = (x - mean) / √(var + eps) · w + b, with mean and biased variance over the last dimensions, which
        /// have the sizes `normalized_shape`; `weight` and `bias` have that shape too. F32 or F64; PyTorch's eps is 1e-5.
        ///
        /// In F32, numbers further than 10¹⁹ from their mean have an infinite variance: all of the row becomes 0 before the bias (PyTorch's is not a
        /// number there).
        ///
        /// With g = gy · w and x̂ the normalised x: gx = (g - mean of g - x̂ · mean of g x̂) / √(var + eps), gw = Σ gy x̂, gb = Σ gy.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 3.0], [5.0, 5.0]]).requires_grad();
        /// let w = Tensor::from([1.0, 10.0]).requires_grad();
        /// let y = x.layer_norm([2], Some(&w), None, 3.0);
        /// // The first row has mean 2 and variance 1, so the numbers are divided by √(1 + 3). Equal numbers become 0.
        /// assert_eq!(y.to_vec::<f32>(), [-0.5, 5.0, 0.0, 0.0]);
        /// let grads = y.narrow(0, 0, 1).sum(..).grad(&[&x, &w]);
        /// // g = (1, 10) with mean 5.5, and g x̂ = (-0.5, 5) with mean 2.25: (1 - 5.5 + 0.5 · 2.25) / 2, …
        /// assert_eq!(grads[0].to_vec::<f32>(), [-1.6875, 1.6875, 0.0, 0.0]);
        /// assert_eq!(grads[1].to_vec::<f32>(), [-0.5, 0.5]);
        /// ```
        ///
        /// # Panics
        /// If the input does not end in `normalized_shape`, or weight or bias has another shape.
        pub fn layer_norm / try_layer_norm(
            &self, normalized_shape: impl Into<Shape>, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64
        ) -> Tensor = |x| { normalise(Over::Layer(normalized_shape.into()), x, weight, bias, eps) }
    }

    composition! {
        /// Group normalisation (Wu & He 2018): the channels of x [N, C, …] are `groups` groups of neighbours, each normalised in each sample by itself;
        /// `weight` and `bias` have one number a channel, \[C\]. Formula, rule and types are those of [`Tensor::layer_norm`].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 3.0, 30.0, 10.0]]).requires_grad(); // one sample of four channels
        /// let y = x.group_norm(2, None, Some(&Tensor::from([0.0, 0.0, 0.0, 5.0])), 0.0);
        /// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, 1.0, 4.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0; 4]); // the sum of what is centred is constant
        /// ```
        ///
        /// # Panics
        /// If the input has fewer than two dimensions, the groups do not divide the channels, or weight or bias has another shape.
        pub fn group_norm / try_group_norm(
            &self, groups: usize, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64
        ) -> Tensor = |x| { normalise(Over::Groups(groups), x, weight, bias, eps) }
    }

    composition! {
        /// Instance normalisation (Ulyanov et al. 2016): each channel of each sample of x [N, C, L] or [N, C, H, W] is normalised by itself; `weight` and
        /// `bias` have one number a channel, \[C\]. Formula, rule and types are those of [`Tensor::layer_norm`].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from_slice(&[1.0f32, 3.0, 30.0, 10.0], [1, 2, 2]).requires_grad();
        /// let y = x.instance_norm(Some(&Tensor::from([1.0, 2.0])), None, 0.0);
        /// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, 2.0, -2.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0; 4]); // the sum of what is centred is constant
        /// ```
        ///
        /// # Panics
        /// If the input has fewer than three dimensions, or weight or bias has another shape.
        pub fn instance_norm / try_instance_norm(
            &self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64
        ) -> Tensor = |x| { normalise(Over::Instance, x, weight, bias, eps) }
    }
}
