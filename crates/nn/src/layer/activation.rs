//! Activations as layers, and the choice of one by name.

use super::{Epilogue, Layer};
use crate::context::Context;
use std::fmt;
use std::str::FromStr;
use tensor_core::Tensor;

macro_rules! activation {
    ($(#[$doc:meta])* $name:ident => |$x:ident| $y:expr $(, stored as $epilogue:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        has_no_parts!($name);

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, $x: &Tensor, _: &mut Context) -> Tensor {
                $y
            }
            $(
                fn as_epilogue(&self) -> Option<Epilogue> {
                    Some($epilogue)
                }
            )?
        }
    };
}

activation! {
    /// y = max(x, 0); see [`Tensor::relu`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, ReLU, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([-3.0, 2.0]).requires_grad();
    /// let y = ReLU.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [0.0, 2.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0]);
    /// ```
    ReLU => |x| x.relu(), stored as Epilogue::Relu
}
activation! {
    /// y = tanh x; see [`Tensor::tanh`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, Tanh, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = Tanh.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [0.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0]); // 1 - tanh² 0
    /// ```
    Tanh => |x| x.tanh(), stored as Epilogue::Tanh
}
activation! {
    /// y = 1 / (1 + e⁻ˣ); see [`Tensor::sigmoid`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, Sigmoid, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = Sigmoid.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [0.5]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.25]); // y (1 - y)
    /// ```
    Sigmoid => |x| x.sigmoid(), stored as Epilogue::Sigmoid
}
activation! {
    /// y = ln(1 + eˣ); see [`Tensor::softplus`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, Softplus, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = Softplus.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [std::f32::consts::LN_2]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5]); // σ(0)
    /// ```
    Softplus => |x| x.softplus()
}

activation! {
    /// y = ln σ(x); see [`Tensor::log_sigmoid`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, LogSigmoid, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = LogSigmoid.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [-std::f32::consts::LN_2]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5]); // σ(-0)
    /// ```
    LogSigmoid => |x| x.log_sigmoid()
}
activation! {
    /// y = x σ(x) (Elfwing et al. 2018); see [`Tensor::silu`]. Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, SiLU, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = SiLU.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [0.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5]); // σ(0)
    /// ```
    SiLU => |x| x.silu()
}
activation! {
    /// y = x Φ(x), with the distribution function of N(0, 1) (Hendrycks & Gimpel 2016); see [`Tensor::gelu`]. ([`Tensor::gelu_tanh`] is its
    /// approximation.) Any shape, F32 or F64.
    ///
    /// ```
    /// use nn::{Context, GELU, Layer};
    /// use tensor_core::{Random, Tensor};
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let y = GELU.forward(&x, &mut Context::evaluation(&Random::new(0)));
    /// assert_eq!(y.to_vec::<f32>(), [0.0]);
    /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5]); // Φ(0)
    /// ```
    GELU => |x| x.gelu()
}

/// y = x where x > 0, else `alpha` (eˣ - 1) (Clevert et al. 2016); see [`Tensor::elu`]. Any shape, F32 or F64.
///
/// ```
/// use nn::{Context, ELU, Layer};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([-1e3, 3.0]).requires_grad();
/// let y = ELU::new(0.5).forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-0.5, 3.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ELU {
    /// Minus the limit for negative x.
    pub alpha: f64,
}

impl ELU {
    /// The activation that goes to -`alpha` for negative x.
    pub fn new(alpha: f64) -> ELU {
        ELU { alpha }
    }
}

impl Layer for ELU {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.elu(self.alpha)
    }
}

/// y = x where x > 0, else `slope` · x (Maas et al. 2013); see [`Tensor::leaky_relu`]. Any shape, F32 or F64.
///
/// ```
/// use nn::{Context, LeakyReLU, Layer};
/// use tensor_core::{Random, Tensor};
/// let x = Tensor::from([-8.0, 3.0]).requires_grad();
/// let y = LeakyReLU::new(0.25).forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-2.0, 3.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.25, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LeakyReLU {
    /// The slope for negative x.
    pub slope: f64,
}

impl LeakyReLU {
    /// The activation with this slope for negative x.
    pub fn new(slope: f64) -> LeakyReLU {
        LeakyReLU { slope }
    }
}

has_no_parts!(ELU, LeakyReLU);

impl Layer for LeakyReLU {
    #[track_caller]
    fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
        x.leaky_relu(self.slope)
    }

    fn as_epilogue(&self) -> Option<Epilogue> {
        (self.slope >= 0.0).then_some(Epilogue::LeakyRelu(self.slope))
    }
}

/// An activation chosen by name, as in a configuration.
///
/// ```
/// use nn::{Activation, Context, Layer};
/// use tensor_core::{Random, Tensor};
/// let activation: Activation = "leaky_relu".parse().unwrap();
/// assert_eq!(activation, Activation::LeakyReLU);
/// let x = Tensor::from([-5.0, 1.0]).requires_grad();
/// let y = activation.layer().forward(&x, &mut Context::evaluation(&Random::new(0)));
/// assert_eq!(y.to_vec::<f32>(), [-1.0, 1.0]);
/// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.2, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `relu`
    ReLU,
    /// `leaky_relu`, with slope 0.2 as in GANs (PyTorch's default is 0.01)
    LeakyReLU,
    /// `elu`, with α = 1
    ELU,
    /// `silu`
    SiLU,
    /// `gelu`
    GELU,
    /// `tanh`
    Tanh,
    /// `sigmoid`
    Sigmoid,
    /// `softplus`
    Softplus,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 8] = [
        Activation::ReLU,
        Activation::LeakyReLU,
        Activation::ELU,
        Activation::SiLU,
        Activation::GELU,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
    ];

    /// The name, as in PyTorch's `functional`.
    pub fn name(self) -> &'static str {
        match self {
            Activation::ReLU => "relu",
            Activation::LeakyReLU => "leaky_relu",
            Activation::ELU => "elu",
            Activation::SiLU => "silu",
            Activation::GELU => "gelu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softplus => "softplus",
        }
    }

    /// The layer.
    pub fn layer(self) -> Box<dyn Layer> {
        match self {
            Activation::ReLU => Box::new(ReLU),
            Activation::LeakyReLU => Box::new(LeakyReLU::new(0.2)),
            Activation::ELU => Box::new(ELU::new(1.0)),
            Activation::SiLU => Box::new(SiLU),
            Activation::GELU => Box::new(GELU),
            Activation::Tanh => Box::new(Tanh),
            Activation::Sigmoid => Box::new(Sigmoid),
            Activation::Softplus => Box::new(Softplus),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is not that of an activation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is no activation: relu, leaky_relu, elu, silu, gelu, tanh, sigmoid and softplus are")]
pub struct UnknownActivation(String);

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(name: &str) -> Result<Activation, UnknownActivation> {
        let known = Activation::ALL.into_iter().find(|activation| activation.name() == name);
        known.ok_or_else(|| UnknownActivation(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::Random;

    #[test]
    fn names_and_activations_are_one_to_one() {
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse(), Ok(activation));
        }
        let message = "swish".parse::<Activation>().unwrap_err().to_string();
        assert_eq!(
            message,
            "`swish` is no activation: relu, leaky_relu, elu, silu, gelu, tanh, sigmoid and softplus are"
        );
    }

    #[test]
    fn layers_compute_what_their_names_say() {
        let x = Tensor::from_slice(&[-1.5, 0.0, 2.0], [3]);
        let of = |layer: &dyn Layer| layer.forward(&x, &mut Context::evaluation(&Random::new(0)));
        for (activation, wanted) in Activation::ALL.into_iter().zip([
            x.relu(),
            x.leaky_relu(0.2),
            x.elu(1.0),
            x.silu(),
            x.gelu(),
            x.tanh(),
            x.sigmoid(),
            x.softplus(),
        ]) {
            assert_eq!(of(&*activation.layer()), wanted, "{activation}");
        }
        assert_eq!(of(&LogSigmoid), x.log_sigmoid());
        assert_eq!(of(&ELU::new(0.5)), x.elu(0.5));
    }
}
