//! Batch normalisation, with the statistics of the batch and with given ones.

use super::{Affine, by_channel, channels, check_shape, standardise};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::norm::channels as kernel;
use crate::kernels::simd::Float;
use crate::ops::elementwise::same_float_type;
use crate::ops::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved, bytes_moved};
use crate::ops::{composition, with_float};
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::sync::{Arc, OnceLock};

/// Mean and biased variance of each channel, \[C\]. They are constants: the graph does not know how they came about.
///
/// ```
/// use tensor_core::Tensor;
/// let x = Tensor::from([[1.0, 30.0], [3.0, 10.0]]).requires_grad();
/// let (_, moments) = x.batch_norm_with_moments(None, None, 1e-5);
/// assert_eq!(moments.mean.to_vec::<f32>(), [2.0, 20.0]);
/// assert_eq!(moments.variance.to_vec::<f32>(), [1.0, 100.0]);
/// assert!(!moments.mean.is_tracked());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moments {
    /// The mean of the channel's numbers.
    pub mean: Tensor,
    /// Σ (x - mean)² / n.
    pub variance: Tensor,
}

const ONE_A_CHANNEL: &str = "one number a channel";

/// x [N, C, …] as [N, C, all the rest].
fn three_sizes(x: Shape) -> [usize; 3] {
    [x[0], x[1], x[2..].iter().product()]
}

/// The dimensions that a channel's moments are taken over.
fn all_but_channels(x: Shape) -> Vec<isize> {
    (0..x.rank() as isize).filter(|&dim| dim != 1).collect()
}

/// Normalises by the moments of the batch.
struct BatchNorm {
    affine: Affine,
    eps: f64,
    /// From the forward pass, for the first-order rule and for who asks.
    moments: Arc<OnceLock<Moments>>,
}

impl BatchNorm {
    fn compose(&self, inputs: &[Tensor]) -> Tensor {
        let x = &inputs[0];
        let y = standardise(x, &all_but_channels(x.shape()), self.eps);
        self.affine.compose(y, inputs, |values| by_channel(values, x.shape()))
    }
}

impl Op for BatchNorm {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "batch_norm",
            formula: "y = (x - mean) / √(var + eps) · w + b, with mean and biased variance of each channel over the batch",
            rule: "with x̂ = (x - mean) / √(var + eps): gx = w (gy - mean of gy - x̂ · mean of gy x̂) / √(var + eps), gw = Σ gy x̂, gb = Σ gy",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.eps.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        same_float_type("batch_norm", inputs)?;
        let channels = channels("batch_norm", inputs[0].shape(), 2)?;
        self.affine
            .check("batch_norm", inputs, Shape::from(channels), ONE_A_CHANNEL)?;
        Ok(inputs[0].shape())
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let x = inputs[0].dense();
        let moments = with_float!(x.dtype(), T => moments::<T>(&x));
        let moments = self.moments.get_or_init(|| moments);
        let [weight, bias] = self.affine.values(|i| inputs[i], Shape::from(shape[1]));
        normalised(&x, moments, self.eps, &weight, &bias)
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
        let moments = self.moments.get().expect("the forward pass kept them");
        let [weight, _] = self.affine.values(|i| saved.input(i), Shape::from(saved.shape(0)[1]));
        let (gy, x) = (gy.dense(), saved.input(0).dense());
        let [gx, gw, gb] = with_float!(gy.dtype(), T => backward::<T>(&gy, &x, moments, self.eps, &weight));
        Some(self.affine.gradients(saved, gx, || gw, || gb))
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            // A sum; a difference, a square and a sum; a difference, a product and a sum.
            flop: 7.0 * shape.count() as f64,
            bytes: bytes_moved(inputs, shape),
        }
    }
}

/// Normalises by given moments: inputs 1 and 2.
struct BatchNormInference {
    affine: Affine,
    eps: f64,
}

impl Op for BatchNormInference {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "batch_norm_inference",
            formula: "y = (x - mean) / √(var + eps) · w + b, with given mean and variance of each channel",
            rule: "gx = gy · w / √(var + eps), and the others from the same composition",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("eps", self.eps.to_string())]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let name = self.info().name;
        same_float_type(name, inputs)?;
        let wanted = Shape::from(channels(name, inputs[0].shape(), 2)?);
        check_shape(name, inputs, ("mean", 1), wanted, ONE_A_CHANNEL)?;
        check_shape(name, inputs, ("variance", 2), wanted, ONE_A_CHANNEL)?;
        self.affine.check(name, inputs, wanted, ONE_A_CHANNEL)?;
        Ok(inputs[0].shape())
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        let moments = Moments {
            mean: inputs[1].dense(),
            variance: inputs[2].dense(),
        };
        let [weight, bias] = self.affine.values(|i| inputs[i], Shape::from(shape[1]));
        normalised(&inputs[0].dense(), &moments, self.eps, &weight, &bias)
    }

    fn keeps(&self) -> Keeps {
        Keeps::all_inputs()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        saved.differentiate(gy, |inputs| {
            let (x, deviation) = (&inputs[0], (&inputs[2] + self.eps).sqrt());
            let fit = |values: &Tensor| by_channel(values, x.shape());
            let y = (x - fit(&inputs[1])) * fit(&deviation.recip());
            self.affine.compose(y, inputs, fit)
        })
    }

    fn vjp_fast(&self, saved: &Saved<'_>, gy: &Tensor) -> Option<Grads> {
        if saved.wants(1) || saved.wants(2) {
            // Running statistics are constants as a rule.
            return None;
        }
        let (x, mean) = (saved.input(0), saved.input(1));
        let inverse = (saved.input(2) + self.eps).rsqrt();
        let fit = |values: &Tensor| by_channel(values, x.shape());
        let sum = |values: &Tensor| values.sum(&*all_but_channels(x.shape()));
        let gx = saved.wants(0).then(|| match self.affine.weight() {
            Some(weight) => gy * fit(&(saved.input(weight) * &inverse)),
            None => gy * fit(&inverse),
        });
        let mut grads = grads![gx, Grad::Unwanted, Grad::Unwanted];
        if let Some(weight) = self.affine.weight() {
            let gw = saved.wants(weight).then(|| sum(&((x - fit(mean)) * gy)) * inverse);
            grads.push(gw.into());
        }
        if let Some(bias) = self.affine.bias() {
            grads.push(saved.wants(bias).then(|| sum(gy)).into());
        }
        Some(grads)
    }
}

fn moments<T: Float>(x: &Tensor) -> Moments {
    let sizes = three_sizes(x.shape());
    let [mut mean, mut variance] = [(); 2].map(|()| Storage::for_overwrite(sizes[1], T::DTYPE));
    kernel::moments::<T>(x.as_slice(), sizes, mean.as_mut_slice(), variance.as_mut_slice());
    let [mean, variance] = [mean, variance].map(|storage| Tensor::from_storage(storage, Shape::from(sizes[1])));
    Moments { mean, variance }
}

fn normalised(x: &Tensor, moments: &Moments, eps: f64, weight: &Tensor, bias: &Tensor) -> Tensor {
    fn run<T: Float>(x: &Tensor, [mean, variance, weight, bias]: [&Tensor; 4], eps: f64) -> Tensor {
        let mut y = Storage::for_overwrite(x.count(), T::DTYPE);
        let [mean, variance, weight, bias] = [mean, variance, weight, bias].map(Tensor::as_slice::<T>);
        let sizes = three_sizes(x.shape());
        kernel::normalise(x.as_slice(), sizes, mean, variance, eps, weight, bias, y.as_mut_slice());
        Tensor::from_storage(y, x.shape())
    }
    let by_channel = [&moments.mean, &moments.variance, weight, bias];
    with_float!(x.dtype(), T => run::<T>(x, by_channel, eps))
}

/// gx, gw and gb.
fn backward<T: Float>(gy: &Tensor, x: &Tensor, moments: &Moments, eps: f64, weight: &Tensor) -> [Tensor; 3] {
    let sizes = three_sizes(x.shape());
    let mut gx = Storage::for_overwrite(x.count(), T::DTYPE);
    let [mut gw, mut gb] = [(); 2].map(|()| Storage::for_overwrite(sizes[1], T::DTYPE));
    let [gy, numbers, mean, variance, weight] =
        [gy, x, &moments.mean, &moments.variance, weight].map(Tensor::as_slice::<T>);
    let gradients = (gx.as_mut_slice(), gw.as_mut_slice(), gb.as_mut_slice());
    kernel::backward(gy, numbers, sizes, mean, variance, eps, weight, gradients);
    let of_channels = Shape::from(sizes[1]);
    [(gx, x.shape()), (gw, of_channels), (gb, of_channels)].map(|(storage, shape)| Tensor::from_storage(storage, shape))
}

/// Normalisation of channels over a batch.
impl Tensor {
    composition! {
        /// Batch normalisation (Ioffe & Szegedy 2015) as in training: y = (x - mean) / √(var + eps) · w + b for x [N, C], [N, C, L] or [N, C, H, W], with mean
        /// and biased variance of each channel over the batch and all places; `weight` and `bias` have one number a channel, \[C\]. F32 or F64;
        /// PyTorch's eps is 1e-5. A channel with a single number becomes its bias.
        ///
        /// With x̂ the normalised x: gx = w (gy - mean of gy - x̂ · mean of gy x̂) / √(var + eps), gw = Σ gy x̂, gb = Σ gy.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 30.0], [3.0, 10.0]]).requires_grad();
        /// let w = Tensor::from([1.0, 2.0]).requires_grad();
        /// let y = x.batch_norm(Some(&w), None, 0.0);
        /// assert_eq!(y.to_vec::<f32>(), [-1.0, 2.0, 1.0, -2.0]);
        /// let grads = y.narrow(0, 0, 1).sum(..).grad(&[&x, &w]);
        /// assert_eq!(grads[0].to_vec::<f32>(), [0.0; 4]); // two numbers always become -1 and 1
        /// assert_eq!(grads[1].to_vec::<f32>(), [-1.0, 1.0]);
        /// ```
        ///
        /// # Panics
        /// If the input has fewer than two dimensions, or weight or bias has another shape.
        pub fn batch_norm / try_batch_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Tensor = |x| {
            Ok(x.try_batch_norm_with_moments(weight, bias, eps)?.0)
        }
    }

    composition! {
        /// [`Tensor::batch_norm`], and the moments that it found on the way, for running statistics.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let (x, w) = (Tensor::from([[1.0, 30.0], [3.0, 10.0]]), Tensor::from([1.0, 2.0]).requires_grad());
        /// let (y, moments) = x.batch_norm_with_moments(Some(&w), None, 0.0);
        /// assert_eq!(moments.mean.to_vec::<f32>(), [2.0, 20.0]);
        /// assert_eq!(moments.variance.to_vec::<f32>(), [1.0, 100.0]);
        /// assert_eq!(y.to_vec::<f32>(), [-1.0, 2.0, 1.0, -2.0]);
        /// let weighed = (y * Tensor::from([[0.0, 0.0], [5.0, 7.0]])).sum(..); // the last row, which is (1, -1) before the weights
        /// assert_eq!(weighed.grad(&[&w])[0].to_vec::<f32>(), [5.0, -7.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::batch_norm`].
        pub fn batch_norm_with_moments / try_batch_norm_with_moments(
            &self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64
        ) -> (Tensor, Moments) = |x| {
            let inputs: Vec<&Tensor> = [x].into_iter().chain(weight).chain(bias).collect();
            let moments = Arc::new(OnceLock::new());
            let op = BatchNorm { affine: Affine::new(1, weight, bias), eps, moments: Arc::clone(&moments) };
            let y = crate::ops::try_apply(op, &inputs)?;
            Ok((y, moments.get().expect("the forward pass found them").clone()))
        }
    }

    composition! {
        /// Batch normalisation as in evaluation: y = (x - mean) / √(var + eps) · w + b, with given `mean` and `variance` of each channel, \[C\], such as
        /// running statistics. Shapes and types are those of [`Tensor::batch_norm`].
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 30.0]]).requires_grad();
        /// let (mean, variance) = (Tensor::from([0.0, 20.0]), Tensor::from([4.0, 25.0]));
        /// let y = x.batch_norm_inference(&mean, &variance, None, Some(&Tensor::from([1.0, 1.0])), 0.0);
        /// assert_eq!(y.to_vec::<f32>(), [1.5, 3.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 0.2]); // 1 / √var
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::batch_norm`], and if mean or variance has another shape.
        pub fn batch_norm_inference / try_batch_norm_inference(
            &self, mean: &Tensor, variance: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64
        ) -> Tensor = |x| {
            let inputs: Vec<&Tensor> = [x, mean, variance].into_iter().chain(weight).chain(bias).collect();
            let op = BatchNormInference { affine: Affine::new(3, weight, bias), eps };
            crate::ops::try_apply(op, &inputs)
        }
    }
}
