//! A fully connected layer and the activation after it, as one operation.

use super::activation::{Sigmoid, Tanh};
use super::composition;
use super::function::slope;
use super::linear::{Linear, map_rows};
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::rectifier::{LeakyRelu, Relu};
use crate::error::ShapeError;
use crate::kernels::matmul::Activation;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Y = σ(X Wᵀ + b). Fused: σ is applied to each tile as it is stored, which saves a pass over Y and the memory of what σ is applied to.
struct LinearActivation {
    activation: Activation,
}

impl LinearActivation {
    /// gZ = gY · σ'(Z), which Y tells.
    fn slope(&self, gy: &Tensor, y: &Tensor) -> Tensor {
        match self.activation {
            Activation::None => gy.clone(),
            Activation::Relu => slope(Relu, gy, y),
            Activation::LeakyRelu(below) => slope(LeakyRelu { slope: below }, gy, y),
            Activation::Tanh => slope(Tanh, gy, y),
            Activation::Sigmoid => slope(Sigmoid, gy, y),
        }
    }
}

impl Op for LinearActivation {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "linear_activation",
            formula: "Y = σ(X Wᵀ + b)",
            rule: "gZ = gY · σ'(Z), where Z = X Wᵀ + b; gX = gZ W, gW = gZᵀ X, gb = Σ gZ over all rows",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("activation", format!("{:?}", self.activation))]
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        if let Activation::LeakyRelu(below) = self.activation
            && below < 0.0
        {
            let problem = format!(
                "a slope of {below} turns negative numbers into positive ones, so that Y does not tell them apart"
            );
            return Err(ShapeError::new("linear_activation", problem).hint("linear, then leaky_relu"));
        }
        Linear.infer(inputs)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        map_rows(inputs, self.activation, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0, 1]).and_output()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        Linear.vjp(saved, &self.slope(gy, &saved.output()))
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Linear.cost(inputs, shape)
    }
}

impl Tensor {
    composition! {
        /// A fully connected layer and its activation: Y = σ(X Wᵀ + b), in one pass, with the bits of [`Tensor::linear`] and the activation after it.
        /// X […, in], `weight` [out, in], `bias` \[out\], Y […, out], F32 or F64. The rule: gZ = gY · σ'(Z) for Z = X Wᵀ + b, then that of `linear`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// use tensor_core::kernels::matmul::Activation;
        /// let x = Tensor::from([[1.0, 2.0]]);
        /// let w = Tensor::from([[3.0, 4.0], [-5.0, -6.0]]).requires_grad();
        /// let y = x.linear_activation(&w, Some(&Tensor::from([0.5, 0.5])), Activation::Relu);
        /// assert_eq!(y.to_vec::<f32>(), [11.5, 0.0]);
        /// assert_eq!(y.sum(..).grad(&[&w])[0].to_vec::<f32>(), [1.0, 2.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not fit, or the activation is a leaky ReLU with a negative slope.
        pub fn linear_activation / try_linear_activation(
            &self, weight: &Tensor, bias: Option<&Tensor>, activation: Activation
        ) -> Tensor = |x| {
            let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
            super::try_apply(LinearActivation { activation }, &inputs)
        }
    }
}
