//! Spectral normalisation of a weight.

#[cfg(test)]
mod tests;

use super::Layer;
use super::norm::check_eps;
use crate::cell::{Buffer, Param};
use crate::context::{Context, Mode};
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Tensor};

/// A layer that can run with another weight than its own: one that was made of it.
///
/// ```
/// use nn::{Context, Layer, Module, Param, SpectralNorm, Visitor, Weighted};
/// use tensor_core::{Random, Tensor};
///
/// /// Y = X W: X [n, in], W [in, out].
/// struct Product {
///     weight: Param,
/// }
///
/// impl Module for Product {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.param("weight", &self.weight);
///     }
/// }
///
/// impl Weighted for Product {
///     fn weight(&self) -> &Param {
///         &self.weight
///     }
///     fn bias(&self) -> Option<&Param> {
///         None
///     }
///     fn out_dim(&self) -> isize {
///         1
///     }
///     #[track_caller]
///     fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor {
///         x.matmul(weight)
///     }
/// }
///
/// impl Layer for Product {
///     #[track_caller]
///     fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
///         self.forward_with(&self.weight.tensor(), x)
///     }
/// }
///
/// let random = &mut Random::new(0);
/// let product = Product { weight: Param::new(Tensor::from([[3.0], [4.0]])) };
/// let weight = product.weight.clone();
/// let (x, mut cx) = (Tensor::from([[1.0, 2.0]]), Context::training(random));
/// assert_eq!(product.forward(&x, &mut cx).item(), 11.0); // 1 · 3 + 2 · 4
/// let y = SpectralNorm::new(product, random).forward(&x, &mut cx);
/// assert!((y.item() - 2.2).abs() < 1e-6); // 11 / σ, and σ = 5, the length of W
/// let (_, gradients) = y.sum(..).value_and_grad([&weight]);
/// // x / σ - 11 / σ² · W / σ: (0.2, 0.4) - 0.44 · (0.6, 0.8).
/// let slopes = gradients.get(&weight).unwrap().to_vec::<f32>();
/// assert!((slopes[0] + 0.064).abs() < 1e-6 && (slopes[1] - 0.048).abs() < 1e-6);
/// ```
pub trait Weighted: Send + Sync {
    /// The weight. [`Weighted::out_dim`] says which of its dimensions, two or more, counts the outputs.
    fn weight(&self) -> &Param;
    /// The bias \[out\], if there is one.
    fn bias(&self) -> Option<&Param>;
    /// The dimension of the weight that counts the outputs, or those of a group: 0, as in [out, in, …], or 1, as in a transposed convolution's
    /// [in, out / groups, …].
    fn out_dim(&self) -> isize {
        0
    }
    /// The layer's output with this weight.
    ///
    /// # Panics
    /// At the caller's line, if the input does not fit.
    #[track_caller]
    fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor;
}

/// A layer with its weight divided by its largest singular value, so that the layer stretches nothing (Miyato et al. 2018).
///
/// The weight as a matrix W [out, all the rest] has the singular value σ = uᵀ W v; a transposed convolution's is turned first, [in, out / groups, …] to
/// [out / groups, in, …]. Each forward pass in training improves u and v by a step of the power method, v ← Wᵀ u / |Wᵀ u| and u ← W v / |W v| (their
/// algorithm 1), or by several ([`SpectralNorm::n_power_iterations`]); evaluation leaves them as they are. In the gradient, u and v are constants (their
/// section 2.3).
/// Names are those of PyTorch's `utils.spectral_norm`: `bias`, `weight_orig`, `weight_u` with a number for each row of W, `weight_v` with one for each
/// column.
///
/// For a convolution, this is its method too, and PyTorch's: the matrix has a row for each output channel, though the largest stretch of the whole
/// convolution is another number.
///
/// ```
/// use nn::{Context, Layer, Linear, SpectralNorm, module};
/// use tensor_core::{Random, Tensor};
/// let random = &mut Random::new(0);
/// let linear = Linear::new(2, 2, random).without_bias();
/// linear.weight.set(&Tensor::from([[3.0, 0.0], [0.0, 6.0]]));
/// let layer = SpectralNorm::new(linear, random);
/// let mut cx = Context::training(random);
/// let y = (0..30).map(|_| layer.forward(&Tensor::from([[1.0, 1.0]]), &mut cx)).last().unwrap();
/// assert_eq!(y.to_vec::<f32>(), [0.5, 1.0]); // W / 6
/// let weight = &module::params(&layer)[0];
/// let (_, gradients) = y.sum(..).value_and_grad([weight]);
/// // The sum is Σ W / σ: 1 / 6 by each number, and by the 6, which is σ, -Σ W / σ² = -9 / 36 besides.
/// let slopes = gradients.get(weight).unwrap().to_vec::<f32>();
/// for (slope, wanted) in slopes.iter().zip([1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, -1.0 / 12.0]) {
///     assert!((slope - wanted).abs() < 1e-6);
/// }
/// ```
///
/// # Panics
/// As the layer.
#[derive(Debug)]
pub struct SpectralNorm<L> {
    layer: L,
    weight_u: Buffer,
    weight_v: Buffer,
    n_power_iterations: usize,
    eps: f64,
    place: Place,
}

/// PyTorch's default.
const EPS: f64 = 1e-12;

impl<L: Weighted> SpectralNorm<L> {
    /// The layer with normalised weight; u and v start in a random direction.
    pub fn new(layer: L, random: &mut Random) -> SpectralNorm<L> {
        let [rows, columns] = matrix(&layer)
            .shape()
            .sizes()
            .try_into()
            .expect("a matrix has two sizes");
        let mut direction =
            |size: usize| Buffer::new(unit(&random.normal(size, DType::F32), EPS).to_dtype(layer.weight().dtype()));
        let (weight_u, weight_v) = (direction(rows), direction(columns));
        SpectralNorm {
            layer,
            weight_u,
            weight_v,
            n_power_iterations: 1,
            eps: EPS,
            place: Place::default(),
        }
    }

    /// The same with so many steps of the power method in each forward pass in training. It is 1 otherwise, which is enough
    /// where the weight changes little from pass to pass.
    ///
    /// ```
    /// use nn::{Context, Layer, Linear, SpectralNorm};
    /// use tensor_core::{Random, Tensor};
    /// let random = &mut Random::new(0);
    /// let linear = Linear::new(2, 2, random).without_bias();
    /// linear.weight.set(&Tensor::from([[3.0, 0.0], [0.0, 6.0]]));
    /// let layer = SpectralNorm::new(linear, random).n_power_iterations(30);
    /// let y = layer.forward(&Tensor::from([[1.0, 1.0]]), &mut Context::training(random));
    /// assert_eq!(y.to_vec::<f32>(), [0.5, 1.0]); // W / 6 after one pass
    /// ```
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn n_power_iterations(self, n_power_iterations: usize) -> SpectralNorm<L> {
        assert!(
            n_power_iterations > 0,
            "SpectralNorm: n_power_iterations is 0, each pass in training takes a step at least"
        );
        SpectralNorm {
            n_power_iterations,
            ..self
        }
    }

    /// The same with another least length: where Wᵀ u or W v is shorter than this, it is divided by this and not by its length. It is 1e-12 otherwise.
    /// (That does not help a W of zeros: its σ is 0, as in PyTorch.)
    ///
    /// ```
    /// use nn::{Context, Layer, Linear, SpectralNorm};
    /// use tensor_core::{Random, Tensor};
    /// let random = &mut Random::new(0);
    /// let linear = Linear::new(1, 1, random).without_bias();
    /// linear.weight.set(&Tensor::from([[2.0]]));
    /// let layer = SpectralNorm::new(linear, random).eps(4.0); // u is 1 or -1
    /// let y = layer.forward(&Tensor::from([[1.0]]), &mut Context::training(random));
    /// assert_eq!(y.item(), 8.0); // v = 2 u / 4 and u = 2 v / 4, so σ = ¼ · 2 · ½
    /// ```
    ///
    /// # Panics
    /// If it is not a normal number of F32 above 0: what is smaller, F32 rounds, in the end to 0. (PyTorch takes any number.)
    #[must_use]
    #[track_caller]
    pub fn eps(self, eps: f64) -> SpectralNorm<L> {
        check_eps("SpectralNorm", eps);
        SpectralNorm { eps, ..self }
    }

    /// The weight divided by σ, tracked. In training, u and v are improved first.
    #[track_caller]
    fn weight(&self, cx: &Context) -> Tensor {
        let matrix = matrix(&self.layer);
        if cx.mode == Mode::Training {
            let constant = matrix.detach();
            for _ in 0..self.n_power_iterations {
                let v = unit(&self.weight_u.tensor().matmul(&constant), self.eps);
                self.weight_u.set(&unit(&constant.matmul(&v), self.eps));
                self.weight_v.set(&v);
            }
        }
        let sigma = self.weight_u.tensor().matmul(&matrix).matmul(&self.weight_v.tensor());
        self.layer.weight().tensor() / sigma
    }
}

/// A layer's weight as [out, all the rest], with the outputs of a group if the layer is a transposed convolution with groups.
#[track_caller]
fn matrix(layer: &impl Weighted) -> Tensor {
    layer.weight().tensor().transpose(0, layer.out_dim()).flatten(1, -1)
}

/// The vector of length 1 in this direction, or a shorter one if `x` is shorter than `eps`.
fn unit(x: &Tensor, eps: f64) -> Tensor {
    let length = x.sqr().sum(..).sqrt().item();
    x / length.max(eps)
}

impl<L: Weighted> Module for SpectralNorm<L> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("bias", self.layer.bias());
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
