//! An LSTM that reads tokens: Hochreiter & Schmidhuber (1997), in PyTorch's form.

use nn::loss::cross_entropy;
use nn::{Adam, AdamConfig, Context, Embedding, LSTM, Layer, Linear, Module, Optimiser, Visitor, module};
use tensor_core::{Random, Tensor};

/// Embedding, LSTM, and the logits of a token at each step.
struct Reader {
    embedding: Embedding,
    lstm: LSTM,
    output: Linear,
}

impl Reader {
    /// Tokens [B, T] to logits [B T, V].
    fn forward(&self, tokens: &Tensor, cx: &mut Context) -> Tensor {
        let (hidden, _) = self.lstm.forward(&self.embedding.forward(tokens, cx), None);
        self.output.forward(&hidden.flatten(0, 1), cx)
    }
}

impl Module for Reader {
    fn visit(&self, v: &mut Visitor<'_>) {
        v.module("embedding", &self.embedding);
        v.module("lstm", &self.lstm);
        v.module("output", &self.output);
    }
}

/// How much there is to read, and by whom.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// B: sequences.
    pub batch: usize,
    /// T: tokens in each.
    pub time: usize,
    /// V: different tokens.
    pub vocabulary: usize,
    /// The size of a token's vector.
    pub embedding: usize,
    /// H: units of the LSTM.
    pub hidden: usize,
}

/// A step that learns to say the token that is being read.
pub struct Step {
    model: Reader,
    adam: Adam,
    tokens: Tensor,
    cx: Context,
}

impl Step {
    /// A new model and sequences to read.
    pub fn new(sizes: Sizes) -> Step {
        let Sizes {
            batch,
            time,
            vocabulary,
            embedding,
            hidden,
        } = sizes;
        let random = Random::new(0);
        let init = &mut random.stream("init");
        let model = Reader {
            embedding: Embedding::new(vocabulary, embedding, init),
            lstm: LSTM::new(embedding, hidden, init),
            output: Linear::new(hidden, vocabulary, init),
        };
        let mut data = random.stream("data");
        let tokens: Vec<u32> = (0..batch * time).map(|_| data.uniform_u32(vocabulary as u32)).collect();
        Step {
            adam: Adam::new(module::params(&model), AdamConfig::default()),
            model,
            tokens: Tensor::from_slice(&tokens, [batch, time]),
            cx: Context::training(&random),
        }
    }

    /// Returns the loss, the mean cross entropy in nats.
    pub fn step(&mut self) -> f64 {
        let loss = {
            // Kept until Adam's step, the logits would keep the graph, and with it what the parameters were: Adam would have to copy them.
            let logits = self.model.forward(&self.tokens, &mut self.cx);
            cross_entropy(&logits, &self.tokens.flatten(0, 1)).mean(..)
        };
        let (value, gradients) = loss.value_and_grad(self.adam.params());
        self.adam.step(&gradients);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_falls;

    #[test]
    fn the_loss_begins_at_that_of_a_guess_and_falls() {
        let mut step = Step::new(Sizes {
            batch: 3,
            time: 5,
            vocabulary: 7,
            embedding: 4,
            hidden: 8,
        });
        let first = step.step();
        assert!((first - 7f64.ln()).abs() < 0.3, "{first} is not about ln 7");
        assert_falls(100, || step.step());
    }
}
