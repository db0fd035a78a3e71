//! Activations: the functions between the layers of a network.

use super::elementwise::{Elementwise, Map};
use super::op::{Grad, Grads, Keeps, OpInfo, Saved};
use super::operation;
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

struct Relu;
impl Elementwise<1> for Relu {
    const INFO: OpInfo = OpInfo {
        name: "relu",
        formula: "y = max(x, 0)",
        rule: "gx = gy where x > 0, else 0",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.max(L::zero())
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        // The output is positive exactly where the input is.
        grads![rectified(gy, &saved.output(), 0.0)]
    }
}

struct LeakyRelu {
    slope: f64,
}
impl Elementwise<1> for LeakyRelu {
    const INFO: OpInfo = OpInfo {
        name: "leaky_relu",
        formula: "y = x where x > 0, else slope · x",
        rule: "gx = gy where x > 0, else slope · gy",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0]);

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        L::select_gt(x, L::zero(), x, x * L::constant(self.slope))
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![rectified(gy, saved.input(0), self.slope)]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("slope", self.slope.to_string())]
    }
}

/// The rule of ReLU and LeakyReLU as an operation of its own: linear in the gradient, constant in x almost everywhere.
struct Rectify {
    slope: f64,
}
impl Elementwise<2> for Rectify {
    const INFO: OpInfo = OpInfo {
        name: "rectify",
        formula: "y = g where x > 0, else slope · g",
        rule: "gg = gy where x > 0, else slope · gy; gx = 0 almost everywhere",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    fn value<L: Lanes>(&self, [g, x]: [L; 2]) -> L {
        // 0 is chosen and not multiplied by, since g may be infinite. Where x is not a number, g passes, so that what is wrong stays visible.
        let below = if self.slope == 0.0 {
            L::zero()
        } else {
            g * L::constant(self.slope)
        };
        L::select_eq(x, x, L::select_gt(x, L::zero(), g, below), g)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let gg = saved.wants(0).then(|| rectified(gy, saved.input(1), self.slope));
        grads![gg, Grad::Zero]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("slope", self.slope.to_string())]
    }
}

#[track_caller]
fn rectified(g: &Tensor, x: &Tensor, slope: f64) -> Tensor {
    super::apply(Map(Rectify { slope }), &[g, x])
}

struct Tanh;
impl Elementwise<1> for Tanh {
    const INFO: OpInfo = OpInfo {
        name: "tanh",
        formula: "y = tanh x",
        rule: "gx = gy · (1 - y²)",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.tanh()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * (1.0 - saved.output().sqr())]
    }
}

struct Sigmoid;
impl Elementwise<1> for Sigmoid {
    const INFO: OpInfo = OpInfo {
        name: "sigmoid",
        formula: "y = 1 / (1 + e⁻ˣ)",
        rule: "gx = gy · y · (1 - y)",
    };
    const KEEPS: Keeps = Keeps::the_output();

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.sigmoid()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let y = saved.output();
        grads![gy * (&y * (1.0 - &y))]
    }
}

struct Softplus;
impl Elementwise<1> for Softplus {
    const INFO: OpInfo = OpInfo {
        name: "softplus",
        formula: "y = ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|)",
        rule: "gx = gy · sigmoid(x)",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0]);

    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        x.softplus()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![gy * saved.input(0).sigmoid()]
    }
}

/// Activations, element by element. Shape and type (F32, F64) of the input.
impl Tensor {
    operation! {
        /// y = max(x, 0), the rectified linear unit. The derivative at 0 is taken as 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-1.0, 0.0, 2.0]).requires_grad();
        /// assert_eq!(x.relu().to_vec::<f32>(), [0.0, 0.0, 2.0]);
        /// assert_eq!(x.relu().sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.0, 0.0, 1.0]);
        /// ```
        pub fn relu / try_relu(&self) = Map(Relu), |this| [this]
    }

    operation! {
        /// y = x where x > 0, else `slope` · x. The derivative at 0 is taken as `slope`.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([-10.0, 2.0]).requires_grad();
        /// assert_eq!(x.leaky_relu(0.2).to_vec::<f32>(), [-2.0, 2.0]);
        /// assert_eq!(x.leaky_relu(0.2).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.2, 1.0]);
        /// ```
        pub fn leaky_relu / try_leaky_relu(&self, slope: f64) = Map(LeakyRelu { slope }), |this| [this]
    }

    operation! {
        /// y = tanh x = (eˣ - e⁻ˣ) / (eˣ + e⁻ˣ).
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.tanh().item(), x.tanh().grad(&[&x])[0].item()), (0.0, 1.0));
        /// ```
        pub fn tanh / try_tanh(&self) = Map(Tanh), |this| [this]
    }

    operation! {
        /// y = 1 / (1 + e⁻ˣ), the logistic function.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([0.0]).requires_grad();
        /// assert_eq!((x.sigmoid().item(), x.sigmoid().grad(&[&x])[0].item()), (0.5, 0.25));
        /// ```
        pub fn sigmoid / try_sigmoid(&self) = Map(Sigmoid), |this| [this]
    }

    operation! {
        /// y = ln(1 + eˣ), which is a smooth max(x, 0), computed so that it never overflows.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([100.0]).requires_grad();
        /// assert_eq!((x.softplus().item(), x.softplus().grad(&[&x])[0].item()), (100.0, 1.0));
        /// ```
        pub fn softplus / try_softplus(&self) = Map(Softplus), |this| [this]
    }
}
