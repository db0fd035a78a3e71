//! Normalisation over groups of channels of a sample.

use super::{EPS, affine, affine_option, check_channels, eps_option};
use crate::cell::{Param, value_of};
use crate::context::Context;
use crate::layer::{BATCHES, Layer};
use crate::module::{Module, Place, Visitor};
use tensor_core::{Shape, ShapeError, Tensor};

/// Group normalisation (Wu & He 2018) of x [N, C, …], with `weight` and `bias` \[C\]; see [`Tensor::group_norm`].
///
/// ```
/// use nn::{Context, GroupNorm, Layer, module};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([[0.0, 2000.0, -4000.0, 0.0]]);
/// let layer = GroupNorm::new(2, 4);
/// let y = layer.forward(&x, &mut Context::training(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0, -1.0, 1.0]);
/// let (_, gradients) = (y * 3.0).sum(..).value_and_grad(module::params(&layer));
/// let [weight, bias] = [&layer.weight, &layer.bias].map(|param| gradients.get(param.as_ref().unwrap()).unwrap());
/// assert_eq!(weight.to_vec::<f32>(), [-3.0, 3.0, -3.0, 3.0]);
/// assert_eq!(bias.to_vec::<f32>(), [3.0; 4]);
/// ```
///
/// # Panics
/// At the caller's line, if the input has another number of channels or no dimension of them.
#[derive(Debug)]
pub struct GroupNorm {
    /// The factor of each channel, \[C\], if there is one.
    pub weight: Option<Param>,
    /// What is added to each channel, \[C\], if there is something.
    pub bias: Option<Param>,
    groups: usize,
    channels: usize,
    eps: f64,
    place: Place,
}

impl GroupNorm {
    /// A layer for this many channels, in so many groups of neighbours.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    #[track_caller]
    pub fn new(groups: usize, channels: usize) -> GroupNorm {
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "{}: {channels} channels do not make {groups} groups of one size",
            Self::KIND
        );
        let [weight, bias] = affine(channels);
        GroupNorm {
            weight,
            bias,
            groups,
            channels,
            eps: EPS,
            place: Place::default(),
        }
    }

    eps_option!(Self::KIND);
    affine_option!();

    const KIND: &str = "GroupNorm";

    fn check(&self, x: Shape) -> Result<(), ShapeError> {
        BATCHES.check(Self::KIND, x, "a single number has no channels")?;
        check_channels(Self::KIND, self.channels, x)
    }
}

impl Module for GroupNorm {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight", &self.weight);
        v.param("bias", &self.bias);
    }
}

impl Layer for GroupNorm {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        let _scope = self.place.enter();
        if let Err(error) = self.check(x.shape()) {
            error.raise();
        }
        let (weight, bias) = (value_of(&self.weight), value_of(&self.bias));
        x.group_norm(self.groups, weight.as_ref(), bias.as_ref(), self.eps)
    }
}
