//! The same elements as another node of the graph, with a closure on the way of the gradient, or none.

use super::movement::FREE;
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use crate::error::ShapeError;
use crate::grads;
use crate::shape::Shape;
use crate::tensor::Tensor;

const IDENTITY: OpInfo = OpInfo {
    name: "identity",
    formula: "y = x",
    rule: "gx = gy",
};

const HOOK: OpInfo = OpInfo {
    name: "hook",
    formula: "y = x",
    rule: "gx = gy, or what the closure makes of it",
};

/// y = x: a new node on the same elements. The gradient goes through a closure, and on as it is if that returns `None`.
struct PassThrough<F> {
    info: OpInfo,
    closure: F,
}

impl<F: Fn(&Tensor) -> Option<Tensor> + Send + Sync + 'static> Op for PassThrough<F> {
    fn info(&self) -> OpInfo {
        self.info
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        Ok(x[0].shape())
    }

    fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
        x[0].detach()
    }

    fn keeps(&self) -> Keeps {
        Keeps::nothing()
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let Some(gradient) = (self.closure)(gy) else {
            return grads![gy.clone()];
        };
        assert!(
            gradient.shape() == gy.shape() && gradient.dtype() == gy.dtype(),
            "hook: the closure made {} {} of a gradient {} {}\n  at {}\n  hint: it keeps the shape and the type",
            gradient.dtype(),
            gradient.shape(),
            gy.dtype(),
            gy.shape(),
            saved.location()
        );
        grads![gradient]
    }

    fn cost(&self, _: &[&Tensor], _: Shape) -> Cost {
        FREE
    }
}

impl Tensor {
    /// The same values as a node of its own, whose gradient goes through a closure: to be seen (the closure returns `None`), or to be replaced by
    /// another of the same shape and type, which goes on instead.
    ///
    /// The gradient is that of all uses of the returned tensor together; uses of this one do not pass. The closure runs in each backward pass. If that
    /// is recorded ([`Tensor::grad_graph`]), what the closure computes is recorded too, so that a replaced gradient can be differentiated again.
    /// [`Tensor::detach`] is the hook that lets nothing through.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use tensor_core::Tensor;
    /// static SEEN: Mutex<Vec<f32>> = Mutex::new(Vec::new());
    ///
    /// let x = Tensor::from([1.0, 2.0]).requires_grad();
    /// let h = x.sqr().hook(|gradient| {
    ///     SEEN.lock().unwrap().extend(gradient.to_vec::<f32>());
    ///     None
    /// });
    /// assert_eq!((h * 3.0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [6.0, 12.0]); // 3 · 2 x
    /// assert_eq!(*SEEN.lock().unwrap(), [3.0, 3.0]);
    ///
    /// // Gradient reversal: the same values, the opposite gradient.
    /// let y = x.hook(|gradient| Some(-gradient));
    /// assert_eq!(y.sqr().sum(..).grad(&[&x])[0].to_vec::<f32>(), [-2.0, -4.0]);
    /// ```
    ///
    /// # Panics
    /// In the backward pass, if the closure changes the shape or the type.
    #[must_use]
    #[track_caller]
    pub fn hook(&self, closure: impl Fn(&Tensor) -> Option<Tensor> + Send + Sync + 'static) -> Tensor {
        super::apply(PassThrough { info: HOOK, closure }, &[self])
    }

    /// The same elements as a node of its own in the graph.
    #[track_caller]
    pub(crate) fn alias(&self) -> Tensor {
        let (info, closure) = (IDENTITY, |_: &Tensor| None);
        super::apply(PassThrough { info, closure }, &[self])
    }
}
