//! Spectral normalisation of a weight.

use super::{Layer, Linear};
use crate::cell::{Buffer, Param};
use crate::context::{Context, Mode};
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Tensor};

/// A layer that can run with another weight than its own: one that was made of it.
pub trait Weighted: Send + Sync {
    /// The weight [out, in, …].
    fn weight(&self) -> &Param;
    /// The bias [out], if there is one.
    fn bias(&self) -> Option<&Param>;
    /// The layer's output with this weight.
    ///
    /// # Panics
    /// At the caller's line, if the input does not fit.
    #[track_caller]
    fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor;
}

impl Weighted for Linear {
    fn weight(&self) -> &Param {
        &self.weight
    }

    fn bias(&self) -> Option<&Param> {
        self.bias.as_ref()
    }

    #[track_caller]
    fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor {
        x.linear(weight, self.bias.as_ref().map(Param::tensor).as_ref())
    }
}

/// A layer with its weight divided by its largest singular value, so that the layer stretches nothing (Miyato et al. 2018).
///
/// The weight as a matrix W [out, all the rest] has the singular value σ = uᵀ W v. Each forward pass in training improves u and v by one step of
/// the power method, v ← Wᵀ u / |Wᵀ u| and u ← W v / |W v| (their algorithm 1). In the gradient, u and v are constants (their section 2.3).
/// Names are those of PyTorch's `utils.spectral_norm`: `bias`, `weight_orig`, `weight_u`, `weight_v`.
///
/// ```
/// use nn::{Context, Layer, Linear, SpectralNorm};
/// use tensor_core::{Random, Tensor};
/// let random = &mut Random::new(0);
/// let linear = Linear::new(2, 2, random).without_bias();
/// linear.weight.set(&Tensor::from([[3.0, 0.0], [0.0, 6.0]]));
/// let layer = SpectralNorm::new(linear, random);
/// let mut cx = Context::training(random);
/// let y = (0..30).map(|_| layer.forward(&Tensor::from([[1.0, 1.0]]), &mut cx)).last().unwrap();
/// assert_eq!(y.to_vec::<f32>(), [0.5, 1.0]); // W / 6
/// ```
#[derive(Debug)]
pub struct SpectralNorm<L> {
    layer: L,
    weight_u: Buffer,
    weight_v: Buffer,
    place: Place,
}

/// A length is not divided by where it is smaller than this, as in PyTorch.
const EPS: f64 = 1e-12;

impl<L: Weighted> SpectralNorm<L> {
    /// The layer with normalised weight; u and v start in a random direction.
    pub fn new(layer: L, random: &mut Random) -> SpectralNorm<L> {
        let shape = layer.weight().shape();
        let (rows, columns) = (shape[0], shape[1..].iter().product::<usize>());
        let mut direction =
            |size: usize| Buffer::new(unit(&random.normal(size, DType::F32)).to_dtype(layer.weight().dtype()));
        let (weight_u, weight_v) = (direction(rows), direction(columns));
        SpectralNorm {
            layer,
            weight_u,
            weight_v,
            place: Place::default(),
        }
    }

    /// W / σ, tracked. In training, u and v are improved first.
    #[track_caller]
    fn weight(&self, cx: &Context) -> Tensor {
        let weight = self.layer.weight().tensor();
        let (rows, columns) = (self.weight_u.tensor().count(), self.weight_v.tensor().count());
        let matrix = weight.reshape([rows, columns]);
        if cx.mode == Mode::Training {
            let constant = matrix.detach();
            let v = unit(&self.weight_u.tensor().matmul(&constant));
            self.weight_u.set(&unit(&constant.matmul(&v)));
            self.weight_v.set(&v);
        }
        let sigma = self.weight_u.tensor().matmul(&matrix).matmul(&self.weight_v.tensor());
        weight / sigma
    }
}

/// The vector of length 1 in this direction.
fn unit(x: &Tensor) -> Tensor {
    let length = x.sqr().sum(..).sqrt().item();
    x / length.max(EPS)
}

impl<L: Weighted> Module for SpectralNorm<L> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        if let Some(bias) = self.layer.bias() {
            v.param("bias", bias);
        }
        v.param("weight_orig", self.layer.weight());
        v.buffer("weight_u", &self.weight_u);
        v.buffer("weight_v", &self.weight_v);
    }
}

impl<L: Weighted> Layer for SpectralNorm<L> {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        self.layer.forward_with(&self.weight(cx), x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, module};

    fn layer(random: &mut Random) -> SpectralNorm<Linear> {
        let layer = SpectralNorm::new(Linear::new(5, 4, random), random);
        module::to_dtype(&layer, DType::F64);
        layer
    }

    #[test]
    fn the_largest_stretch_becomes_1() {
        let random = &mut Random::new(2);
        let layer = layer(random);
        let mut cx = Context::training(random);
        (0..200).for_each(|_| drop(layer.weight(&cx)));
        cx.mode = Mode::Evaluation;
        let weight = layer.weight(&cx).detach();
        // The largest eigenvalue of WᵀW, by many more steps of the power method from another direction.
        let mut x = random.normal([5], DType::F64);
        (0..500).for_each(|_| x = unit(&weight.t().matmul(&weight.matmul(&x))));
        let stretch = weight.matmul(&x).sqr().sum(..).item().sqrt();
        assert!((stretch - 1.0).abs() < 1e-9, "{stretch}");
    }

    #[test]
    fn evaluation_changes_nothing() {
        let random = &mut Random::new(2);
        let layer = layer(random);
        let before = (layer.weight_u.tensor(), layer.weight_v.tensor());
        let first = layer.weight(&Context::evaluation(random));
        assert_eq!(layer.weight(&Context::evaluation(random)), first);
        assert_eq!((layer.weight_u.tensor(), layer.weight_v.tensor()), before);
        layer.weight(&Context::training(random));
        assert_ne!(layer.weight_u.tensor(), before.0);
    }

    #[test]
    fn gradients_agree_with_differences_and_names_with_pytorch() {
        let random = &mut Random::new(2);
        let layer = layer(random);
        let x = random.normal([3, 5], DType::F64);
        let loss = || {
            layer
                .forward(&x, &mut Context::evaluation(&Random::new(0)))
                .sqr()
                .sum(..)
        };
        check::gradcheck(&layer, loss).unwrap();
        let names: Vec<String> = module::entries(&layer).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["bias", "weight_orig", "weight_u", "weight_v"]);
    }
}
