//! Functions of one number. Each has a value and a slope, and each of the two is one pass over memory.
//!
//! The slope, g · f', is an operation of its own, so that it can be differentiated again. It is linear in g, so the rule for g is the
//! slope once more; the rule for the other input is the function's curvature, made of tensor operations: from there on, the engine goes on
//! to any order.

use super::elementwise::{Elementwise, Map};
use super::op::{Grad, Grads, Keeps, OpInfo, Saved};
use crate::grads;
use crate::kernels::simd::Lanes;
use crate::tensor::Tensor;

/// What a function's slope is computed from, and so what is kept for the rule.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SlopeOf {
    /// The function's argument: v = x.
    Input,
    /// The function's value: v = y, where that is simpler, or spares keeping x.
    Output,
}

/// A function y = f(x) of one number.
pub(crate) trait Function: Copy + Send + Sync + 'static {
    /// `rule` is also the formula of the slope.
    const INFO: OpInfo;
    /// What the slope is called as an operation.
    const SLOPE: &'static str;
    const SLOPE_OF: SlopeOf;

    /// f(x), for a vector of elements at a time. Always inlined into its loop, as the slope is: a vector that is handed over in memory stalls the
    /// processor where it is written as two halves (tanh took five times as long).
    fn value<L: Lanes>(&self, x: L) -> L;

    /// g · f', computed from v, which is x or y.
    fn slope<L: Lanes>(&self, g: L, v: L) -> L;

    /// h · df'/dv: how the slope changes with v. h is computed when it is asked for: where the slope is constant, it is not.
    fn curvature(&self, h: impl FnOnce() -> Tensor, v: &Tensor) -> Grad;

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl<F: Function> Elementwise<1> for F {
    const INFO: OpInfo = F::INFO;
    const KEEPS: Keeps = match F::SLOPE_OF {
        SlopeOf::Input => Keeps::inputs(&[0]),
        SlopeOf::Output => Keeps::the_output(),
    };

    #[inline(always)]
    fn value<L: Lanes>(&self, [x]: [L; 1]) -> L {
        Function::value(self, x)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        grads![match F::SLOPE_OF {
            SlopeOf::Input => slope(*self, gy, saved.input(0)),
            SlopeOf::Output => slope(*self, gy, &saved.output()),
        }]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Function::attributes(self)
    }
}

/// g · f' as an operation.
struct Slope<F>(F);

impl<F: Function> Elementwise<2> for Slope<F> {
    const INFO: OpInfo = OpInfo {
        name: F::SLOPE,
        formula: F::INFO.rule,
        rule: "gg = gy · f', gv = gy · g · df'/dv, where v is what the slope f' is computed from",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [g, v]: [L; 2]) -> L {
        self.0.slope(g, v)
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (g, v) = (saved.input(0), saved.input(1));
        let gv = if saved.wants(1) {
            self.0.curvature(|| gy * g, v)
        } else {
            Grad::Unwanted
        };
        grads![saved.wants(0).then(|| slope(self.0, gy, v)), gv]
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        Function::attributes(&self.0)
    }
}

/// g · f', where v is x or y, as the function's slope has it.
pub(crate) fn slope<F: Function>(f: F, g: &Tensor, v: &Tensor) -> Tensor {
    super::apply(Map(Slope(f)), &[g, v])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::{Counter, observe};

    #[test]
    fn a_constant_slope_costs_nothing_to_differentiate() {
        let x = Tensor::from([-1.0, 2.0]).requires_grad();
        let w = Tensor::from([3.0, 5.0]).requires_grad();
        let slope = (x.leaky_relu(0.2) * &w).sum(..).grad_graph(&[&x]).remove(0);
        let (gradients, counter) = observe(Counter::default(), || slope.sum(..).grad_or_zeros(&[&w, &x]));
        assert_eq!(gradients[0].to_vec::<f32>(), [0.2, 1.0]);
        assert_eq!(gradients[1].to_vec::<f32>(), [0.0, 0.0]);
        assert_eq!(
            counter.count("mul"),
            1,
            "that of the rule for w, and none for the curvature"
        );
    }
}
