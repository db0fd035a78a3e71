//! Recurrent networks over a sequence, each a fused operation: what does not depend on the last step is computed for all steps at once, by one product, and
//! the steps by a kernel.

mod gru;
mod lstm;

use super::composition;
use super::elementwise::same_float_type;
use super::matmul::{all_rows, product};
use super::op::{Cost, Grad, Grads, Saved, bytes_moved};
use crate::error::ShapeError;
use crate::kernels::matmul::{Activation, Matrix, Prepacked};
use crate::kernels::recurrent::Sizes;
use crate::kernels::simd::Float;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// The inputs of a recurrent layer with H hidden units and G gates, in PyTorch's layout.
struct Inputs<'a> {
    /// [batch, time, features]
    x: &'a Tensor,
    /// [G H, features]
    weight_ih: &'a Tensor,
    /// [G H, H]
    weight_hh: &'a Tensor,
    /// [G H]: of the input, and of the hidden state.
    biases: [Option<&'a Tensor>; 2],
    /// What the sequence begins with, [batch, H] each; empty for zeros.
    state: Vec<&'a Tensor>,
}

/// Which of the inputs that may be left out an operation was given.
#[derive(Clone, Copy)]
struct Given {
    biases: [bool; 2],
}

impl Given {
    /// The inputs by their names, from those of the operation in order.
    fn inputs<'a>(self, all: impl IntoIterator<Item = &'a Tensor>) -> Inputs<'a> {
        let mut all = all.into_iter();
        let mut next = || all.next().expect("an operation keeps its inputs");
        Inputs {
            x: next(),
            weight_ih: next(),
            weight_hh: next(),
            biases: self.biases.map(|given| given.then(&mut next)),
            state: all.collect(),
        }
    }

    /// The inputs of a run, all of which it kept.
    fn saved<'a>(self, saved: &'a Saved<'_>) -> Inputs<'a> {
        self.inputs((0..saved.count()).map(|i| saved.input(i)))
    }
}

impl<'a> Inputs<'a> {
    fn given(&self) -> Given {
        Given {
            biases: self.biases.map(|bias| bias.is_some()),
        }
    }

    /// In the order in which an operation takes them.
    fn all(&self) -> Vec<&'a Tensor> {
        [self.x, self.weight_ih, self.weight_hh]
            .into_iter()
            .chain(self.biases.into_iter().flatten())
            .chain(self.state.iter().copied())
            .collect()
    }

    /// Checks all inputs of an operation with this many gates. Returns H.
    fn check(&self, name: &'static str, gates: usize) -> Result<usize, ShapeError> {
        same_float_type(name, &self.all())?;
        self.check_shapes(name, gates)
    }

    fn check_shapes(&self, name: &'static str, gates: usize) -> Result<usize, ShapeError> {
        let x = self.x.shape();
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
        let [_, hidden] = *self.weight_hh.shape().sizes() else {
            let problem = format!("needs a weight_hh [{gates} H, H], got {}", self.weight_hh.shape());
            return Err(ShapeError::new(name, problem));
        };
        let rows = gates.saturating_mul(hidden);
        if let [known_rows, taken] = *self.weight_ih.shape().sizes()
            && known_rows == rows
            && taken != features
        {
            let weight = self.weight_ih.shape();
            let problem = format!("input {x} has {features} features, weight_ih {weight} takes {taken}");
            return Err(ShapeError::new(name, problem));
        }
        let expected = [
            ("weight_hh", self.weight_hh, vec![rows, hidden]),
            ("weight_ih", self.weight_ih, vec![rows, features]),
        ];
        let biases = ["bias_ih", "bias_hh"].into_iter().zip(self.biases);
        let biases = biases.filter_map(|(name, bias)| bias.map(|bias| (name, bias, vec![rows])));
        let states = self
            .state
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

    fn sizes(&self) -> Sizes {
        Sizes {
            batch: self.x.size(0),
            time: self.x.size(1),
            hidden: self.weight_hh.size(1),
        }
    }

    /// Initial state number `i`.
    fn initial(&self, i: usize) -> Tensor {
        let Sizes { batch, hidden, .. } = self.sizes();
        let zeros = || Tensor::full_of([batch, hidden], 0.0, self.x.dtype());
        self.state.get(i).map_or_else(zeros, |&state| state.clone())
    }

    /// The share of the input in the gates of each step: one product for all steps.
    #[track_caller]
    fn share_of_input(&self) -> Vec<Tensor> {
        let mut steps = self.x.linear(self.weight_ih, self.biases[0]).split(1, 1);
        for step in &mut steps {
            *step = step.squeeze(1);
        }
        steps
    }

    /// The share of the last hidden state in the gates of a step.
    #[track_caller]
    fn share_of_hidden(&self, h: &Tensor) -> Tensor {
        h.linear(self.weight_hh, self.biases[1])
    }

    /// Refuses more gates than can be counted: an input that is repeated takes less memory than they do.
    fn check_gates(&self, name: &'static str) -> Result<(), ShapeError> {
        let sizes = [self.x.size(0), self.x.size(1), self.weight_ih.size(0)];
        Shape::try_new(&sizes)
            .map(|_| ())
            .map_err(|problem| ShapeError::new(name, problem))
    }

    /// The share of the input as a kernel takes it.
    fn input_product(&self) -> Storage {
        let mut out = Storage::for_overwrite(self.x.size(0) * self.x.size(1) * self.weight_ih.size(0), self.x.dtype());
        product(
            self.x,
            &self.weight_ih.permuted(&[1, 0]),
            self.biases[0],
            Activation::None,
            &mut out,
        );
        out
    }

    /// The bias of the share of the hidden state as a kernel takes it.
    fn hidden_bias(&self) -> Option<Tensor> {
        self.biases[1].map(Tensor::dense)
    }

    /// W_hh as the right operand of a step's product, or its transpose.
    fn packed<T: Float>(&self, transposed: bool) -> Prepacked {
        let weight = self.weight_hh.dense();
        let [rows, hidden] = [self.weight_hh.size(0), self.weight_hh.size(1)];
        let matrix = Matrix::of_rows(weight.as_slice::<T>(), hidden);
        match transposed {
            true => Prepacked::new(matrix.transposed(), hidden, rows),
            false => Prepacked::new(matrix, rows, hidden),
        }
    }

    /// The gradients of all inputs. `gates` are those of the shares of the input and of the hidden state in the gates of all steps, `hidden` is every h,
    /// and `states` are the gradients of the initial states.
    fn gradients(&self, saved: &Saved<'_>, gates: [&Tensor; 2], hidden: &Tensor, states: &[Tensor]) -> Grads {
        let [of_input, of_hidden] = gates.map(all_rows);
        let mut grads: Vec<Grad> = vec![
            saved.wants(0).then(|| gates[0].matmul(self.weight_ih)).into(),
            saved.wants(1).then(|| of_input.t().matmul(&all_rows(self.x))).into(),
            saved
                .wants(2)
                .then(|| of_hidden.t().matmul(&all_rows(&self.before_each_step(hidden))))
                .into(),
        ];
        for (bias, rows) in self.biases.iter().zip([&of_input, &of_hidden]) {
            if bias.is_some() {
                grads.push(saved.wants(grads.len()).then(|| rows.sum(0)).into());
            }
        }
        if !self.state.is_empty() {
            grads.extend(states.iter().cloned().map(Grad::Is));
        }
        grads.into()
    }

    /// Whether the gradient of an initial state is asked for.
    fn wants_state(&self, saved: &Saved<'_>) -> bool {
        (saved.count() - self.state.len()..saved.count()).any(|i| saved.wants(i))
    }

    /// The h that each step begins with, [batch, time, H], from every h.
    fn before_each_step(&self, hidden: &Tensor) -> Tensor {
        Tensor::cat(
            &[&self.initial(0).unsqueeze(1), &hidden.narrow(1, 0, hidden.size(1) - 1)],
            1,
        )
    }

    /// Two products, and some ten operations for each gate.
    fn cost(&self, shape: Shape) -> Cost {
        let gates = (self.x.size(0) * self.x.size(1) * self.weight_ih.size(0)) as f64;
        let terms = self.weight_ih.size(1) + self.weight_hh.size(1);
        Cost {
            flop: gates * (2.0 * terms as f64 + 10.0),
            bytes: bytes_moved(&self.all(), shape),
        }
    }
}

#[track_caller]
fn gate(gates: &Tensor, number: usize, hidden: usize) -> Tensor {
    gates.narrow(1, number * hidden, hidden)
}

/// The last step of [batch, time, H].
#[track_caller]
fn last(steps: &Tensor) -> Tensor {
    steps.narrow(1, steps.size(1) - 1, 1).squeeze(1)
}

/// All steps as one tensor, [batch, time, H].
#[track_caller]
fn in_one(steps: &[Tensor]) -> Tensor {
    Tensor::stack(&steps.iter().collect::<Vec<_>>(), 1)
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
        /// if none are given. Returns every h, [batch, time, H], and the last h and c. The rule is that of these operations, step by step from the last to the first; one
        /// product gives the gradient of each weight.
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
            let state = state.iter().flatten().copied().collect();
            lstm::run(&Inputs { x, weight_ih, weight_hh, biases: [bias_ih, bias_hh], state })
        }
    }

    composition! {
        /// A layer of gated recurrent units (Cho et al. 2014) over x [batch, time, feature], as in PyTorch. With a = W_ih x_t + b_ih and b = W_hh h + b_hh, both
        /// cut into three gates:
        ///
        /// r = σ(a_r + b_r), z = σ(a_z + b_z), n = tanh(a_n + r · b_n), h ← (1 - z) · n + z · h.
        ///
        /// `weight_ih` [3 H, feature], `weight_hh` [3 H, H] and the biases [3 H] hold the gates in the order r, z, n. The initial h is [batch, H], zeros if none is
        /// given. Returns every h, [batch, time, H], and the last one. The rule is that of these operations, step by step from the last to the first; one product
        /// gives the gradient of each weight.
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
            let state = state.into_iter().collect();
            gru::run(&Inputs { x, weight_ih, weight_hh, biases: [bias_ih, bias_hh], state })
        }
    }
}
