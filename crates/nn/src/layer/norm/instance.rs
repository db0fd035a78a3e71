//! Normalisation of each channel of a sample.

use super::{EPS, affine, eps_option};
use crate::cell::{Param, value_of};
use crate::context::Context;
use crate::layer::{IMAGES, Layer, SEQUENCES};
use crate::module::{Module, Place, Visitor};
use tensor_core::{Shape, ShapeError, Tensor};

/// Instance normalisation (Ulyanov et al. 2016): each channel of a sample by its own mean and variance over all places, in training and in evaluation; see
/// [`Tensor::instance_norm`]. `PLACES` is the number of dimensions behind the channels: [`InstanceNorm1d`] and [`InstanceNorm2d`] are the two that there are.
///
/// As in PyTorch, there are no weights by default. (Its `track_running_stats` has no counterpart here.)
///
/// ```
/// use nn::{Context, InstanceNorm2d, Layer, module};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from_slice(&[0.0f32, 2000.0, -4000.0, 0.0], [1, 2, 1, 2]);
/// let cx = &mut Context::training(&Random::new(0));
/// assert_eq!(InstanceNorm2d::new().forward(&x, cx).to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// let layer = InstanceNorm2d::with_affine(2);
/// let weighted = layer.forward(&x, cx) * Tensor::from([0.0, 5.0]); // the right place of both channels
/// let (_, gradients) = weighted.sum(..).value_and_grad(module::params(&layer));
/// assert_eq!(gradients.get(layer.weight.as_ref().unwrap()).unwrap().to_vec::<f32>(), [5.0, 5.0]);
/// ```
///
/// # Panics
/// At the caller's line, if the input has another number of dimensions, or of channels where there are weights, or if a channel is a single number: it would
/// always become 0.
#[derive(Debug)]
pub struct InstanceNorm<const PLACES: usize> {
    /// The factor of each channel, \[C\], if there is one.
    pub weight: Option<Param>,
    /// What is added to each channel, \[C\], if there is something.
    pub bias: Option<Param>,
    eps: f64,
    place: Place,
}

/// Instance normalisation of sequences [N, C, L].
pub type InstanceNorm1d = InstanceNorm<1>;
/// Instance normalisation of images [N, C, H, W].
pub type InstanceNorm2d = InstanceNorm<2>;

impl<const PLACES: usize> InstanceNorm<PLACES> {
    /// A layer without weights, for any number of channels. That `PLACES` is 1 or 2, the compiler sees to:
    ///
    /// ```compile_fail,E0080
    /// nn::InstanceNorm::<3>::new();
    /// ```
    pub fn new() -> InstanceNorm<PLACES> {
        const {
            assert!(
                PLACES == 1 || PLACES == 2,
                "there are InstanceNorm1d and InstanceNorm2d"
            )
        }
        InstanceNorm {
            weight: None,
            bias: None,
            eps: EPS,
            place: Place::default(),
        }
    }

    /// A layer with `weight` and `bias`, one number for each of the channels.
    pub fn with_affine(channels: usize) -> InstanceNorm<PLACES> {
        let [weight, bias] = affine(channels);
        InstanceNorm {
            weight,
            bias,
            ..InstanceNorm::new()
        }
    }

    eps_option!(Self::KIND);

    const KIND: &str = match PLACES == 1 {
        true => "InstanceNorm1d",
        false => "InstanceNorm2d",
    };

    fn check(x: Shape) -> Result<(), ShapeError> {
        match PLACES == 1 {
            true => SEQUENCES.check(Self::KIND, x, "InstanceNorm2d takes images")?,
            false => IMAGES.check(Self::KIND, x, "Unflatten makes images of vectors")?,
        }
        if x[2..].iter().product::<usize>() == 1 {
            let problem = format!("expected more than 1 place in a channel, the input is {x}");
            return Err(ShapeError::new(Self::KIND, problem).hint("a single number becomes 0, whatever it is"));
        }
        Ok(())
    }
}

impl<const PLACES: usize> Default for InstanceNorm<PLACES> {
    fn default() -> InstanceNorm<PLACES> {
        InstanceNorm::new()
    }
}

impl<const PLACES: usize> Module for InstanceNorm<PLACES> {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }

    fn kind(&self) -> &'static str {
        Self::KIND
    }
}

impl<const PLACES: usize> Layer for InstanceNorm<PLACES> {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        if let Err(error) = Self::check(x.shape()) {
            error.raise();
        }
        let (weight, bias) = (value_of(&self.weight), value_of(&self.bias));
        x.instance_norm(weight.as_ref(), bias.as_ref(), self.eps)
    }
}
