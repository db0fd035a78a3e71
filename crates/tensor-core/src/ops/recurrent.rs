//! Recurrent networks over a sequence. What does not depend on the last step is computed for all steps at once, and all gates of a step by
//! one product.

use super::composition;
use super::elementwise::same_float_type;
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The weights of a recurrent layer with H hidden units and G gates, in PyTorch's layout.
struct Weights<'a> {
    /// [G H, features]
    input: &'a Tensor,
    /// [G H, H]
    hidden: &'a Tensor,
    /// [G H]
    biases: [Option<&'a Tensor>; 2],
}

impl Weights<'_> {
    /// Checks all inputs of an operation with this many gates. Returns H.
    fn check(&self, name: &'static str, gates: usize, x: &Tensor, state: &[&Tensor]) -> Result<usize, ShapeError> {
        let biases = self.biases.into_iter().flatten();
        let all: Vec<&Tensor> = [x, self.input, self.hidden]
            .into_iter()
            .chain(biases)
            .chain(state.iter().copied())
            .collect();
        same_float_type(name, &all)?;
        self.check_shapes(name, gates, x.shape(), state)
    }

    fn check_shapes(&self, name: &'static str, gates: usize, x: Shape, state: &[&Tensor]) -> Result<usize, ShapeError> {
        let [batch, time, features] = *x.sizes() else {
            let error = ShapeError::new(name, format!("needs an input [batch, time, feature], got {x}"));
            return Err(match x.rank() {
                2 => error.hint("is the batch dimension missing? unsqueeze(0) makes a batch of one"),
                _ => error,
            });
        };
        if time == 0 {
            return Err(ShapeError::new(name, format!("the input {x} has no step")));
        }
        let [_, hidden] = *self.hidden.shape().sizes() else {
            let problem = format!("needs a weight_hh [{gates} H, H], got {}", self.hidden.shape());
            return Err(ShapeError::new(name, problem));
        };
        let rows = gates.saturating_mul(hidden);
        if let [known_rows, taken] = *self.input.shape().sizes()
            && known_rows == rows
            && taken != features
        {
            let weight = self.input.shape();
            let problem = format!("input {x} has {features} features, weight_ih {weight} takes {taken}");
            return Err(ShapeError::new(name, problem));
        }
        let expected = [
            ("weight_hh", self.hidden, vec![rows, hidden]),
            ("weight_ih", self.input, vec![rows, features]),
        ];
        let biases = ["bias_ih", "bias_hh"].into_iter().zip(self.biases);
        let biases = biases.filter_map(|(name, bias)| bias.map(|bias| (name, bias, vec![rows])));
        let states = state
            .iter()
            .map(|state| ("an initial state", *state, vec![batch, hidden]));
        for (what, tensor, wanted) in expected.into_iter().chain(biases).chain(states) {
            if *tensor.shape() != *wanted {
                let problem = format!(
                    "{what} has shape {}, {wanted:?} fits the input {x} and {gates} gates of {hidden} hidden units",
                    tensor.shape()
                );
                return Err(ShapeError::new(name, problem));
            }
        }
        Ok(hidden)
    }

    /// The share of the input in the gates of each step: one product for all steps.
    #[track_caller]
    fn of_inputs(&self, x: &Tensor) -> Vec<Tensor> {
        let mut steps = x.linear(self.input, self.biases[0]).split(1, 1);
        for step in &mut steps {
            *step = step.squeeze(1);
        }
        steps
    }

    /// The share of the last hidden state in the gates of a step.
    #[track_caller]
    fn of_hidden(&self, h: &Tensor) -> Tensor {
        h.linear(self.hidden, self.biases[1])
    }
}

/// The state that a sequence begins with: zeros if none is given.
fn initial(state: Option<&Tensor>, x: &Tensor, hidden: usize) -> Tensor {
    let zeros = || Tensor::full_of([x.size(0), hidden], 0.0, x.dtype());
    state.cloned().unwrap_or_else(zeros)
}

#[track_caller]
fn gate(gates: &Tensor, number: usize, hidden: usize) -> Tensor {
    gates.narrow(1, number * hidden, hidden)
}

#[track_caller]
fn in_one(steps: &[Tensor]) -> Result<Tensor, ShapeError> {
    Tensor::try_stack(&steps.iter().collect::<Vec<_>>(), 1)
}

/// Recurrent networks. F32 or F64, batch first.
impl Tensor {
    composition! {
        /// A layer of long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000) over x [batch, time, feature], as in PyTorch. With
        /// a = W_ih x_t + b_ih + W_hh h + b_hh, cut into four gates:
        ///
        /// i = σ(a_i), f = σ(a_f), g = tanh(a_g), o = σ(a_o), c ← f · c + i · g, h ← o · tanh(c).
        ///
        /// `weight_ih` [4 H, feature], `weight_hh` [4 H, H] and the biases [4 H] hold the gates in the order i, f, g, o. The initial h and c are [batch, H], zeros
        /// if none are given. Returns every h, [batch, time, H], and the last h and c. The rule is that of the operations that it is made of.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::ones([1, 3, 2]);
        /// let (w_ih, w_hh) = (Tensor::zeros([4, 2]), Tensor::zeros([4, 1]));
        /// // Gates of 1/2 and no news: the memory is halved in each step.
        /// let c = Tensor::from([[8.0]]).requires_grad();
        /// let (h, [_, last]) = x.lstm(&w_ih, &w_hh, None, None, Some([&Tensor::zeros([1, 1]), &c]));
        /// assert_eq!((h.shape(), last.item()), ([1, 3, 1].into(), 1.0));
        /// assert_eq!(last.grad(&[&c])[0].item(), 0.125);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit, or there is no step.
        pub fn lstm / try_lstm(
            &self, weight_ih: &Tensor, weight_hh: &Tensor, bias_ih: Option<&Tensor>, bias_hh: Option<&Tensor>, state: Option<[&Tensor; 2]>
        ) -> (Tensor, [Tensor; 2]) = |x| {
            let weights = Weights { input: weight_ih, hidden: weight_hh, biases: [bias_ih, bias_hh] };
            let hidden = weights.check("lstm", 4, x, state.iter().flatten().copied().collect::<Vec<_>>().as_slice())?;
            let mut h = initial(state.map(|state| state[0]), x, hidden);
            let mut c = initial(state.map(|state| state[1]), x, hidden);
            let mut outputs = Vec::with_capacity(x.size(1));
            for of_input in weights.of_inputs(x) {
                let gates = of_input + weights.of_hidden(&h);
                let i = gate(&gates, 0, hidden).sigmoid();
                let f = gate(&gates, 1, hidden).sigmoid();
                let g = gate(&gates, 2, hidden).tanh();
                let o = gate(&gates, 3, hidden).sigmoid();
                c = f * c + i * g;
                h = o * c.tanh();
                outputs.push(h.clone());
            }
            Ok((in_one(&outputs)?, [h, c]))
        }
    }

    composition! {
        /// A layer of gated recurrent units (Cho et al. 2014) over x [batch, time, feature], as in PyTorch. With a = W_ih x_t + b_ih and b = W_hh h + b_hh, both
        /// cut into three gates:
        ///
        /// r = σ(a_r + b_r), z = σ(a_z + b_z), n = tanh(a_n + r · b_n), h ← (1 - z) · n + z · h.
        ///
        /// `weight_ih` [3 H, feature], `weight_hh` [3 H, H] and the biases [3 H] hold the gates in the order r, z, n. The initial h is [batch, H], zeros if none is
        /// given. Returns every h, [batch, time, H], and the last one. The rule is that of the operations that it is made of.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::ones([1, 3, 2]);
        /// let (w_ih, w_hh) = (Tensor::zeros([3, 2]), Tensor::zeros([3, 1]));
        /// // Gates of 1/2 and no news: the state is halved in each step.
        /// let h = Tensor::from([[8.0]]).requires_grad();
        /// let (all, last) = x.gru(&w_ih, &w_hh, None, None, Some(&h));
        /// assert_eq!((all.to_vec::<f32>(), last.item()), (vec![4.0, 2.0, 1.0], 1.0));
        /// assert_eq!(last.grad(&[&h])[0].item(), 0.125);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit, or there is no step.
        pub fn gru / try_gru(
            &self, weight_ih: &Tensor, weight_hh: &Tensor, bias_ih: Option<&Tensor>, bias_hh: Option<&Tensor>, state: Option<&Tensor>
        ) -> (Tensor, Tensor) = |x| {
            let weights = Weights { input: weight_ih, hidden: weight_hh, biases: [bias_ih, bias_hh] };
            let hidden = weights.check("gru", 3, x, state.as_slice())?;
            let mut h = initial(state, x, hidden);
            let mut outputs = Vec::with_capacity(x.size(1));
            for of_input in weights.of_inputs(x) {
                let of_hidden = weights.of_hidden(&h);
                let r = (gate(&of_input, 0, hidden) + gate(&of_hidden, 0, hidden)).sigmoid();
                let z = (gate(&of_input, 1, hidden) + gate(&of_hidden, 1, hidden)).sigmoid();
                let n = (gate(&of_input, 2, hidden) + r * gate(&of_hidden, 2, hidden)).tanh();
                h = &n + z * (&h - &n); // (1 - z) n + z h
                outputs.push(h.clone());
            }
            Ok((in_one(&outputs)?, h))
        }
    }
}
