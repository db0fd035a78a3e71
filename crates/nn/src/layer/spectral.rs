//! Spectral normalisation of a weight.

use super::Layer;
use crate::cell::{Buffer, Param};
use crate::context::{Context, Mode};
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Tensor};

/// A layer that can run with another weight than its own: one that was made of it.
pub trait Weighted: Send + Sync {
    /// The weight, [out, in, …] unless [`Weighted::out_dim`] says otherwise.
    fn weight(&self) -> &Param;
    /// The bias \[out\], if there is one.
    fn bias(&self) -> Option<&Param>;
    /// The dimension of the weight that counts the outputs: 1 for a transposed convolution, [in, out, …].
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
/// The weight as a matrix W [out, all the rest] has the singular value σ = uᵀ W v; a transposed convolution's is turned first, [in, out, …] to
/// [out, in, …]. Each forward pass in training improves u and v by one step of the power method, v ← Wᵀ u / |Wᵀ u| and u ← W v / |W v| (their algorithm 1);
/// evaluation leaves them as they are. In the gradient, u and v are constants (their section 2.3).
/// Names are those of PyTorch's `utils.spectral_norm`: `bias`, `weight_orig`, `weight_u` \[out\], `weight_v` [all the rest].
///
/// For a convolution, this is its method too, and PyTorch's: the matrix has a row for each output channel, though the largest stretch of the whole convolution is
/// another number.
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
    place: Place,
}

/// A length is not divided by where it is smaller than this, as in PyTorch.
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
        let matrix = matrix(&self.layer);
        if cx.mode == Mode::Training {
            let constant = matrix.detach();
            let v = unit(&self.weight_u.tensor().matmul(&constant));
            self.weight_u.set(&unit(&constant.matmul(&v)));
            self.weight_v.set(&v);
        }
        let sigma = self.weight_u.tensor().matmul(&matrix).matmul(&self.weight_v.tensor());
        self.layer.weight().tensor() / sigma
    }
}

/// A layer's weight as [out, all the rest].
#[track_caller]
fn matrix(layer: &impl Weighted) -> Tensor {
    layer.weight().tensor().transpose(0, layer.out_dim()).flatten(1, -1)
}

/// The vector of length 1 in this direction.
fn unit(x: &Tensor) -> Tensor {
    let length = x.sqr().sum(..).sqrt().item();
    x / length.max(EPS)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear, check, module};
    use approx::assert_relative_eq;
    use tensor_core::Shape;
    use tensor_core::ops::ConvTranspose2dOptions;

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
    /// sin 1, sin 2, … in this shape.
    fn wave(shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let values: Vec<f64> = (1..=shape.count()).map(|i| (i as f64).sin()).collect();
        Tensor::from_slice(&values, shape)
    }

    /// The output, u, and the gradient by the weight of what PyTorch 2.15 computes in float64 by
    ///
    /// ```python
    /// layer.weight, layer.bias = wave(...), wave(...)
    /// layer = torch.nn.utils.spectral_norm(layer); layer.weight_u[:], layer.weight_v[:] = of equal numbers, of length 1
    /// y = layer(wave(...)); (y * wave(...)).sum().backward()
    /// ```
    ///
    /// where `wave` gives sin 1, sin 2, … in a shape.
    fn assert_as_in_pytorch<L: Layer + Weighted>(
        layer: L,
        x: impl Into<Shape>,
        output: &[f64],
        u: &[f64],
        slope: &[f64],
    ) {
        module::params(&layer)
            .iter()
            .for_each(|param| param.set(&wave(param.shape())));
        let layer = SpectralNorm::new(layer, &mut Random::new(0));
        for direction in [&layer.weight_u, &layer.weight_v] {
            let size = direction.tensor().count();
            direction.set(&Tensor::full_of(size, 1.0 / (size as f64).sqrt(), DType::F64));
        }
        let y = layer.forward(&wave(x), &mut Context::training(&Random::new(0)));
        let close = |found: &Tensor, wanted: &[f64]| {
            assert_relative_eq!(
                found.to_vec::<f64>().as_slice(),
                wanted,
                max_relative = 1e-12,
                epsilon = 1e-13
            );
        };
        close(&y, output);
        close(&layer.weight_u.tensor(), u);
        let weight = layer.layer.weight();
        let (_, gradients) = (&y * wave(y.shape())).sum(..).value_and_grad([weight]);
        close(gradients.get(weight).unwrap(), slope);
    }

    #[test]
    fn convolutions_are_divided_as_in_pytorch() {
        let init = &mut Random::new(0);
        let output = [
            1.858739356408466,
            1.2994265266475773,
            -0.27474196018573194,
            0.05072104164141253,
            0.6717312208018418,
            0.8055704206198602,
        ];
        let u = [0.5225971384354025, -0.7329298147966674, 0.4355526575297778];
        let slope = [
            0.5631740614735198,
            0.3748560444185984,
            -0.6017748773434263,
            -0.33420390170254466,
            -0.04205517497343994,
            0.07627442680254792,
            0.13687650813592894,
            -0.19812287144442386,
            -0.635939950215292,
            -0.4697407149090317,
            0.5616884809783245,
            0.6102887630656088,
        ];
        assert_as_in_pytorch(
            Conv1d::new(2, 3, 2, Default::default(), init),
            [1, 2, 3],
            &output,
            &u,
            &slope,
        );
        // PyTorch's figures for images of one row are the same.
        assert_as_in_pytorch(
            Conv2d::new(2, 3, [1, 2], Default::default(), init),
            [1, 2, 1, 3],
            &output,
            &u,
            &slope,
        );
    }

    #[test]
    fn transposed_convolutions_are_divided_as_in_pytorch() {
        let init = &mut Random::new(0);
        let output = [
            1.4517124185736892,
            1.7351321036638472,
            0.9009666682979709,
            1.0441093808736834,
            0.22560603718895766,
            0.698634290819198,
            -0.5813245621175549,
            -0.1835090928523986,
            0.25695791982218985,
        ];
        let u = [-0.6198865737228153, 0.784012210822916, -0.032641828973760355];
        let slope = [
            1.2473515825257373,
            0.26427338857717925,
            -1.24801403513089,
            -0.28162494667972093,
            1.110937272901805,
            0.8980534981769265,
            -0.20706225270547615,
            -0.2830664446682749,
            0.18472399503486753,
            0.4367764225231623,
            -0.48798668833530584,
            -0.1470509448506923,
        ];
        assert_as_in_pytorch(
            ConvTranspose1d::new(2, 3, 2, Default::default(), init),
            [1, 2, 2],
            &output,
            &u,
            &slope,
        );
    }

    #[test]
    fn transposed_convolutions_in_groups_are_divided_as_in_pytorch() {
        let init = &mut Random::new(0);
        let output = [
            0.7352933500697905,
            1.172608403629007,
            1.3733036834603276,
            1.0795673087984572,
            -0.02722666552950706,
            -0.3943662104600315,
            -1.1671046989723775,
            -0.6646907302733917,
        ];
        let u = [0.7585723969534887, 0.6515887649278789];
        let slope = [
            0.39642423085031636,
            0.48607935923535667,
            0.023381001386514062,
            -0.42092695034352634,
            0.514916399334918,
            0.4906654994474585,
            0.09959938667749792,
            -0.4845707971239404,
            -0.05037436707909817,
            0.04302320645173551,
            0.0921149902892741,
            0.14936249087067194,
            0.40227984180400855,
            0.09241956536272328,
            -0.38050101233405037,
            -0.5234340079124589,
        ];
        assert_as_in_pytorch(
            ConvTranspose2d::new(4, 4, [1, 2], ConvTranspose2dOptions::default().groups(2), init),
            [1, 4, 1, 1],
            &output,
            &u,
            &slope,
        );
    }
    #[test]
    fn a_transposed_convolution_is_measured_by_its_outputs() {
        // W [in, out, place] = [2, 1, 1]: one row of two numbers, whose singular value is its length, 5.
        let random = &mut Random::new(0);
        let layer = ConvTranspose1d::new(2, 1, 1, Default::default(), random).without_bias();
        layer.weight.set(&Tensor::from([3.0, 4.0]).reshape([2, 1, 1]));
        let layer = SpectralNorm::new(layer, random);
        assert_eq!(
            (layer.weight_u.tensor().shape(), layer.weight_v.tensor().shape()),
            (1.into(), 2.into())
        );
        let weight = layer.weight(&Context::training(random));
        assert_relative_eq!(
            weight.to_vec::<f32>().as_slice(),
            [0.6, 0.8].as_slice(),
            max_relative = 1e-6
        );
    }
}
