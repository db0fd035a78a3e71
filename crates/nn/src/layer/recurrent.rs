//! Recurrent layers: one layer, one direction, batch first. State goes in and comes out; nothing is hidden.

use crate::cell::{Param, value_of};
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Shape, Tensor};

/// The parameters of a recurrent layer.
#[derive(Debug)]
struct Weights {
    input: Param,
    hidden: Param,
    /// Of the input, and of the hidden state.
    biases: [Option<Param>; 2],
    place: Place,
}

impl Weights {
    /// PyTorch's initialisation: all of them from U(-b, b) with b = 1 / √hidden.
    fn new(gates: usize, features: usize, hidden: usize, random: &mut Random) -> Weights {
        let bound = 1.0 / (hidden as f64).sqrt();
        let mut uniform = |shape: Shape| Param::new((random.uniform(shape, DType::F32) * 2.0 - 1.0) * bound);
        let rows = gates * hidden;
        Weights {
            input: uniform([rows, features].into()),
            hidden: uniform([rows, hidden].into()),
            biases: [(); 2].map(|()| Some(uniform(rows.into()))),
            place: Place::default(),
        }
    }

    /// Under PyTorch's names.
    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight_ih_l0", &self.input);
        v.param("weight_hh_l0", &self.hidden);
        v.param("bias_ih_l0", &self.biases[0]);
        v.param("bias_hh_l0", &self.biases[1]);
    }
}

/// What both kinds of layers say about their parameters.
macro_rules! weights {
    () => {
        /// The same without biases: PyTorch's `bias=False`.
        #[must_use]
        pub fn without_bias(mut self) -> Self {
            self.0.biases = [None, None];
            self
        }

        /// The weight of the input, [gates · H, features].
        pub fn weight_ih(&self) -> &Param {
            &self.0.input
        }

        /// The weight of the hidden state, [gates · H, H].
        pub fn weight_hh(&self) -> &Param {
            &self.0.hidden
        }

        /// The bias that goes with the weight of the input, [gates · H], if there is one.
        pub fn bias_ih(&self) -> Option<&Param> {
            self.0.biases[0].as_ref()
        }

        /// The bias that goes with the weight of the hidden state, [gates · H], if there is one.
        pub fn bias_hh(&self) -> Option<&Param> {
            self.0.biases[1].as_ref()
        }
    };
}

/// Long short-term memory; see [`Tensor::lstm`]. Names and initialisation are PyTorch's: `weight_ih_l0` [4 H, features], `weight_hh_l0` [4 H, H],
/// `bias_ih_l0` and `bias_hh_l0` [4 H], with the gates in the order i, f, g, o.
///
/// ```
/// use nn::LSTM;
/// use tensor_core::{Random, Tensor};
/// let lstm = LSTM::new(3, 5, &mut Random::new(0));
/// let x = Tensor::ones([2, 4, 3]); // [batch, time, feature]
/// let (all, [h, c]) = lstm.forward(&x, None);
/// assert_eq!((all.shape(), h.shape(), c.shape()), ([2, 4, 5].into(), [2, 5].into(), [2, 5].into()));
/// // A sequence can be gone on with where it stopped.
/// let (first, [h, c]) = lstm.forward(&x.narrow(1, 0, 2), None);
/// let (second, _) = lstm.forward(&x.narrow(1, 2, 2), Some([&h, &c]));
/// assert_eq!(Tensor::cat(&[&first, &second], 1), all);
///
/// // Without news and with gates of σ(0) = 1/2, the memory is halved in each step; of the forget gate's slope, 1/4, one step of 8 makes 2.
/// let lstm = LSTM::new(1, 1, &mut Random::new(0)).without_bias();
/// lstm.weight_ih().set(&Tensor::zeros([4, 1]));
/// lstm.weight_hh().set(&Tensor::zeros([4, 1]));
/// let state = [&Tensor::zeros([1, 1]), &Tensor::from([[8.0]])];
/// let (_, [_, c]) = lstm.forward(&Tensor::ones([1, 3, 1]), Some(state));
/// assert_eq!(c.item(), 1.0);
/// let (_, [_, c]) = lstm.forward(&Tensor::ones([1, 1, 1]), Some(state));
/// let (_, gradients) = c.sum(..).value_and_grad([lstm.weight_ih()]);
/// assert_eq!(gradients.get(lstm.weight_ih()).unwrap().to_vec::<f32>(), [0.0, 2.0, 0.5, 0.0]); // i, f, g, o
/// ```
#[derive(Debug)]
pub struct LSTM(Weights);

impl LSTM {
    /// A layer from `features` numbers a step to `hidden` units.
    pub fn new(features: usize, hidden: usize, random: &mut Random) -> LSTM {
        LSTM(Weights::new(4, features, hidden, random))
    }

    weights!();

    /// The same with a forget gate that begins at σ(`bias`), in place of a random number about 1/2: with a bias of 1 or 2, the memory lasts long enough to be
    /// learnt from (Gers et al. 2000; Jozefowicz et al. 2015, section 5). It is put into `bias_ih_l0`; the other bias of the gate is 0.
    ///
    /// ```
    /// let lstm = nn::LSTM::new(3, 2, &mut tensor_core::Random::new(0)).forget_bias(1.0);
    /// assert_eq!(lstm.bias_ih().unwrap().tensor().narrow(0, 2, 2).to_vec::<f32>(), [1.0, 1.0]);
    /// assert_eq!(lstm.bias_hh().unwrap().tensor().narrow(0, 2, 2).to_vec::<f32>(), [0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no biases.
    #[must_use]
    #[track_caller]
    pub fn forget_bias(self, bias: f64) -> LSTM {
        for (param, value) in self.0.biases.iter().zip([bias, 0.0]) {
            let param = param.as_ref().expect("a layer without biases has no forget bias");
            let [i, f, g, o] = param
                .tensor()
                .detach()
                .split(self.0.hidden.shape()[1], 0)
                .try_into()
                .expect("there are four gates");
            param.set(&Tensor::cat(&[&i, &(f.zeros_like() + value), &g, &o], 0));
        }
        self
    }

    /// Every hidden state [batch, time, H] for x [batch, time, feature], and the last hidden state and memory, [batch, H] each. They begin as `state`,
    /// or with zeros.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, state: Option<[&Tensor; 2]>) -> (Tensor, [Tensor; 2]) {
        let _scope = self.0.place.enter();
        let Weights {
            input, hidden, biases, ..
        } = &self.0;
        let [b_ih, b_hh] = biases.each_ref().map(value_of);
        x.lstm(&input.tensor(), &hidden.tensor(), b_ih.as_ref(), b_hh.as_ref(), state)
    }
}

impl Module for LSTM {
    fn visit(&self, v: &mut Visitor<'_>) {
        self.0.visit(v);
    }
}

/// Gated recurrent units; see [`Tensor::gru`]. Names and initialisation are PyTorch's: `weight_ih_l0` [3 H, features], `weight_hh_l0` [3 H, H],
/// `bias_ih_l0` and `bias_hh_l0` [3 H], with the gates in the order r, z, n.
///
/// ```
/// use nn::GRU;
/// use tensor_core::{Random, Tensor};
/// let gru = GRU::new(3, 5, &mut Random::new(0));
/// let (all, h) = gru.forward(&Tensor::ones([2, 4, 3]), None);
/// assert_eq!((all.shape(), h.shape()), ([2, 4, 5].into(), [2, 5].into()));
/// assert_eq!(all.narrow(1, 3, 1).squeeze(1), h);
///
/// // Without news and with gates of σ(0) = 1/2, the state is halved in each step; z has the slope 1/4, and n = 0 the slope 1 - z = 1/2.
/// let gru = GRU::new(1, 1, &mut Random::new(0)).without_bias();
/// gru.weight_ih().set(&Tensor::zeros([3, 1]));
/// gru.weight_hh().set(&Tensor::zeros([3, 1]));
/// let state = Tensor::from([[8.0]]);
/// assert_eq!(gru.forward(&Tensor::ones([1, 3, 1]), Some(&state)).1.item(), 1.0);
/// let (_, h) = gru.forward(&Tensor::ones([1, 1, 1]), Some(&state));
/// let (_, gradients) = h.sum(..).value_and_grad([gru.weight_ih()]);
/// assert_eq!(gradients.get(gru.weight_ih()).unwrap().to_vec::<f32>(), [0.0, 2.0, 0.5]); // r, z, n
/// ```
#[derive(Debug)]
pub struct GRU(Weights);

impl GRU {
    /// A layer from `features` numbers a step to `hidden` units.
    pub fn new(features: usize, hidden: usize, random: &mut Random) -> GRU {
        GRU(Weights::new(3, features, hidden, random))
    }

    weights!();

    /// Every hidden state [batch, time, H] for x [batch, time, feature], and the last one, [batch, H]. They begin as `state`, or with zeros.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, state: Option<&Tensor>) -> (Tensor, Tensor) {
        let _scope = self.0.place.enter();
        let Weights {
            input, hidden, biases, ..
        } = &self.0;
        let [b_ih, b_hh] = biases.each_ref().map(value_of);
        x.gru(&input.tensor(), &hidden.tensor(), b_ih.as_ref(), b_hh.as_ref(), state)
    }
}

impl Module for GRU {
    fn visit(&self, v: &mut Visitor<'_>) {
        self.0.visit(v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, module};

    const NAMES: [&str; 4] = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];

    fn names(module: &impl Module) -> Vec<String> {
        module::entries(module).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn gradients_agree_with_differences_and_names_with_pytorch() {
        let random = &mut Random::new(4);
        let (lstm, gru) = (LSTM::new(3, 2, random), GRU::new(3, 2, random));
        assert_eq!(
            (names(&lstm), names(&gru)),
            (NAMES.map(String::from).to_vec(), NAMES.map(String::from).to_vec())
        );
        module::to_dtype(&lstm, DType::F64);
        module::to_dtype(&gru, DType::F64);
        let x = random.normal([2, 3, 3], DType::F64);
        let lstm_loss = || {
            let (all, [h, c]) = lstm.forward(&x, None);
            all.sqr().sum(..) + (h * c).sum(..)
        };
        check::gradcheck(&lstm, lstm_loss).unwrap();
        check::gradcheck(&gru, || gru.forward(&x, None).0.sqr().sum(..)).unwrap();
    }

    #[test]
    fn without_biases_they_count_as_zeros() {
        let random = Random::new(4);
        let x = random.stream("x").normal([2, 3, 3], DType::F32);
        let zero = |biases: [Option<&Param>; 2]| {
            for bias in biases {
                let bias = bias.expect("there are biases");
                bias.set(&bias.tensor().zeros_like());
            }
        };
        let new = || LSTM::new(3, 2, &mut random.stream("init"));
        let (with, without) = (new(), new().without_bias());
        zero([with.bias_ih(), with.bias_hh()]);
        assert_eq!(names(&without), NAMES[..2]);
        assert_eq!(without.forward(&x, None), with.forward(&x, None));
        let new = || GRU::new(3, 2, &mut random.stream("init"));
        let (with, without) = (new(), new().without_bias());
        zero([with.bias_ih(), with.bias_hh()]);
        assert_eq!(names(&without), NAMES[..2]);
        assert_eq!(without.forward(&x, None), with.forward(&x, None));
    }

    #[test]
    fn weights_are_drawn_as_in_pytorch() {
        let lstm = LSTM::new(3, 16, &mut Random::new(4));
        for param in module::params(&lstm) {
            let values = param.tensor().to_vec::<f32>();
            assert!(values.iter().all(|w| w.abs() <= 0.25) && values.iter().any(|w| w.abs() > 0.2));
        }
    }
}
