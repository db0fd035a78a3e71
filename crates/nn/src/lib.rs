//! Layers, initialisers, losses, optimisers, schedules and state dictionaries, on the tensors of `tensor-core`.
//!
//! A layer holds its parameters in shared cells ([`Param`]) and runs with `&self`. An optimiser holds handles on the same cells. Everything
//! else that is done with parameters, such as saving, counting, naming, conversion, is one walk over the module ([`Module::visit`]).
//!
//! ```
//! use nn::{Adam, AdamConfig, Context, Layer, Linear, Optimiser, Sequential, Tanh, loss, module};
//! use tensor_core::{DType, Random};
//!
//! let random = Random::new(0);
//! let init = &mut random.stream("init");
//! let mlp = Sequential::new().with(Linear::new(2, 16, init)).with(Tanh).with(Linear::new(16, 1, init));
//! let mut adam = Adam::new(module::params(&mlp), AdamConfig { learning_rate: 0.02, ..AdamConfig::default() });
//! let mut losses = Vec::new();
//! for step in 0..200 {
//!     let mut cx = Context::training(&random.at(step));
//!     let x = cx.noise.normal([64, 2], DType::F32);
//!     let y = x.narrow(1, 0, 1) * x.narrow(1, 1, 1); // to learn: the product of the two
//!     let loss = loss::squared_error(&mlp.forward(&x, &mut cx), &y).mean(..);
//!     let (value, gradients) = loss.value_and_grad(adam.params());
//!     adam.step(&gradients);
//!     losses.push(value);
//! }
//! assert!(losses[199] < 0.3 * losses[0]);
//! ```

#![forbid(unsafe_code)]

mod cell;
pub mod check;
pub mod clip;
mod context;
mod dictionary;
mod ema;
mod init;
mod layer;
pub mod loss;
pub mod module;
mod optim;
mod pass;
mod schedule;
pub mod state;
mod summary;
#[cfg(test)]
mod testing;

pub use cell::{Buffer, Param};
pub use context::{Context, Mode, Noise};
pub use ema::{Applied, Ema};
pub use init::Init;
pub use layer::{
    Activation, AvgPool1d, AvgPool2d, BatchNorm, BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, ConvTranspose1d,
    ConvTranspose2d, Dropout, ELU, Embedding, Epilogue, Flatten, GELU, GRU, GroupNorm, InstanceNorm, InstanceNorm1d,
    InstanceNorm2d, LSTM, Layer, LayerNorm, LeakyReLU, Linear, LogSigmoid, MaxPool1d, MaxPool2d, ReLU, RunningMoments,
    Sequential, SiLU, Sigmoid, Softplus, SpectralNorm, Tanh, Unflatten, UnknownActivation, Upsample, Weighted,
};
pub use module::{Module, Visitor};
pub use optim::{Adagrad, AdagradConfig, Adam, AdamConfig, Optimiser, RmsProp, RmsPropConfig, Sgd, SgdConfig};
pub use schedule::{Schedule, WarmUp};
pub use state::StateError;
pub use summary::{Summary, SummaryRow};
