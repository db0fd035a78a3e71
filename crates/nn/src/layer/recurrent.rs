//! Recurrent layers: one layer, one direction, batch first. State goes in and comes out; nothing is hidden.

use crate::cell::Param;
use crate::module::{Module, Place, Visitor};
use tensor_core::{DType, Random, Shape, Tensor};

/// The four parameters of a recurrent layer, under PyTorch's names.
#[derive(Debug)]
struct Weights {
    input: Param,
    hidden: Param,
    bias_input: Param,
    bias_hidden: Param,
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
            bias_input: uniform(rows.into()),
            bias_hidden: uniform(rows.into()),
            place: Place::default(),
        }
    }

    fn tensors(&self) -> [Tensor; 4] {
        [&self.input, &self.hidden, &self.bias_input, &self.bias_hidden].map(Param::tensor)
    }

    fn visit(&self, v: &mut Visitor<'_>) {
        v.place(&self.place);
        v.param("weight_ih_l0", &self.input);
        v.param("weight_hh_l0", &self.hidden);
        v.param("bias_ih_l0", &self.bias_input);
        v.param("bias_hh_l0", &self.bias_hidden);
    }
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
/// ```
#[derive(Debug)]
pub struct LSTM(Weights);

impl LSTM {
    /// A layer from `features` numbers a step to `hidden` units.
    pub fn new(features: usize, hidden: usize, random: &mut Random) -> LSTM {
        LSTM(Weights::new(4, features, hidden, random))
    }

    /// Every hidden state [batch, time, H] for x [batch, time, feature], and the last hidden state and memory, [batch, H] each. They begin as `state`,
    /// or with zeros.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, state: Option<[&Tensor; 2]>) -> (Tensor, [Tensor; 2]) {
        let _scope = self.0.place.enter();
        let [w_ih, w_hh, b_ih, b_hh] = self.0.tensors();
        x.lstm(&w_ih, &w_hh, Some(&b_ih), Some(&b_hh), state)
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
/// ```
#[derive(Debug)]
pub struct GRU(Weights);

impl GRU {
    /// A layer from `features` numbers a step to `hidden` units.
    pub fn new(features: usize, hidden: usize, random: &mut Random) -> GRU {
        GRU(Weights::new(3, features, hidden, random))
    }

    /// Every hidden state [batch, time, H] for x [batch, time, feature], and the last one, [batch, H]. They begin as `state`, or with zeros.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, state: Option<&Tensor>) -> (Tensor, Tensor) {
        let _scope = self.0.place.enter();
        let [w_ih, w_hh, b_ih, b_hh] = self.0.tensors();
        x.gru(&w_ih, &w_hh, Some(&b_ih), Some(&b_hh), state)
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
    fn weights_are_drawn_as_in_pytorch() {
        let lstm = LSTM::new(3, 16, &mut Random::new(4));
        for param in module::params(&lstm) {
            let values = param.tensor().to_vec::<f32>();
            assert!(values.iter().all(|w| w.abs() <= 0.25) && values.iter().any(|w| w.abs() > 0.2));
        }
    }
}
