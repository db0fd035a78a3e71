//! What a rule is given of the run that it differentiates.

use super::{Factors, Grad, Grads};
use crate::autograd::graph::{Input, Node, Record};
use crate::autograd::is_recording;
use crate::autograd::observe::is_observed;
use crate::dtype::DType;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::panic::Location;
use std::sync::Arc;

/// What a rule finds of the run that it differentiates: the values that [`Op::keeps`](super::Op::keeps) names, the shapes and types of all inputs, and which gradients
/// are asked for.
///
/// ```
/// use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
/// use tensor_core::{Shape, ShapeError, Tensor, grads};
///
/// /// y = a e^b
/// struct TimesExp;
///
/// impl Op for TimesExp {
///     fn info(&self) -> OpInfo {
///         OpInfo { name: "times_exp", formula: "y = a e^b", rule: "ga = gy · e^b, gb = gy · y" }
///     }
///     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
///         Ok(inputs[0].shape())
///     }
///     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
///         inputs[0] * inputs[1].exp()
///     }
///     fn keeps(&self) -> Keeps {
///         Keeps::inputs(&[1]).and_output()
///     }
///     fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
///         grads![
///             saved.wants(0).then(|| gy * saved.input(1).exp()),
///             saved.wants(1).then(|| gy * saved.output()),
///         ]
///     }
/// }
///
/// let (a, b) = (Tensor::from([3.0]).requires_grad(), Tensor::from([0.0]).requires_grad());
/// let y = apply(TimesExp, &[&a, &b]);
/// let gradients = y.grad_graph(&[&a, &b]);
/// assert_eq!((y.item(), gradients[0].item(), gradients[1].item()), (3.0, 1.0, 3.0));
/// assert_eq!(gradients[1].grad(&[&b])[0].item(), 3.0); // by way of the output
/// ```
pub struct Saved<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) record: &'a Record,
    pub(crate) wanted: &'a dyn Fn(usize) -> bool,
    /// Whether a gradient for this input has arrived from elsewhere.
    pub(crate) arrived: &'a dyn Fn(usize) -> bool,
}

impl Saved<'_> {
    /// Whether the gradient of input `index` is asked for. A rule asks before it computes one that costs something.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Product;
    /// # impl Op for Product {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "product", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0] * inputs[1] }
    /// #     fn keeps(&self) -> Keeps { Keeps::all_inputs() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     grads![
    ///         saved.wants(0).then(|| gy * saved.input(1)), // y = a b
    ///         saved.wants(1).then(|| gy * saved.input(0)),
    ///     ]
    /// }
    /// # }
    /// let (a, b) = (Tensor::from([2.0]), Tensor::from([5.0]).requires_grad());
    /// assert_eq!(apply(Product, &[&a, &b]).grad(&[&b])[0].item(), 2.0); // a product less: that for a
    /// ```
    pub fn wants(&self, index: usize) -> bool {
        (self.wanted)(index)
    }

    /// The gradient of input `index` where it is a product of matrices, A B, by [`Tensor::matmul`]: [`Grad::Unwanted`] if nobody asks for it.
    ///
    /// Where the input was used elsewhere too, and a gradient has come from there, A B is added to that as it is computed, with the bits of a sum: a weight that a
    /// step uses three times then has its gradient written three times in place of five. (So it is for matrices with K up to 256, in the first order,
    /// where no observer is to see the product by itself.)
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Product;
    /// # impl Op for Product {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "product", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(Shape::from([inputs[0].size(0), inputs[1].size(1)])) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].matmul(inputs[1]) }
    /// #     fn keeps(&self) -> Keeps { Keeps::all_inputs() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     grads![
    ///         saved.product(0, || (gy.clone(), saved.input(1).t())), // Y = A B
    ///         saved.product(1, || (saved.input(0).t(), gy.clone())),
    ///     ]
    /// }
    /// # }
    /// let (x, w) = (Tensor::from([[2.0]]), Tensor::from([[3.0]]).requires_grad());
    /// let twice = apply(Product, &[&x, &w]) + apply(Product, &[&w, &w]);
    /// assert_eq!(twice.grad(&[&w])[0].item(), 2.0 + 2.0 * 3.0);
    /// ```
    ///
    /// # Panics
    /// As [`Tensor::matmul`].
    #[track_caller]
    pub fn product(&self, index: usize, factors: impl FnOnce() -> (Tensor, Tensor)) -> Grad {
        if !self.wants(index) {
            return Grad::Unwanted;
        }
        let (a, b) = factors();
        let is_added = (self.arrived)(index) && !is_recording() && !is_observed();
        let factors = is_added.then(|| Factors::of(&a, &b, self.shape(index), self.dtype(index)));
        match factors.flatten() {
            Some(factors) => Grad::AddProduct(factors),
            None => Grad::Is(a.matmul(&b)),
        }
    }

    /// How many inputs there are.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Total;
    /// # impl Op for Total {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "total", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[1..].iter().fold(inputs[0].clone(), |sum, input| sum + *input) }
    /// #     fn keeps(&self) -> Keeps { Keeps::nothing() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     (0..saved.count()).map(|_| gy.clone().into()).collect() // y = the sum of all inputs
    /// }
    /// # }
    /// let x = Tensor::from([2.0]).requires_grad();
    /// let y = apply(Total, &[&x, &x, &x]);
    /// assert_eq!((y.item(), y.grad(&[&x])[0].item()), (6.0, 3.0));
    /// ```
    pub fn count(&self) -> usize {
        self.record.inputs.len()
    }

    /// An input, tracked as it was.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Square;
    /// # impl Op for Square {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "square", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0] * inputs[0] }
    /// #     fn keeps(&self) -> Keeps { Keeps::inputs(&[0]) }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     grads![gy * 2.0 * saved.input(0)] // y = x²
    /// }
    /// # }
    /// let x = Tensor::from([3.0]).requires_grad();
    /// let slope = &apply(Square, &[&x]).grad_graph(&[&x])[0];
    /// assert_eq!((slope.item(), slope.grad(&[&x])[0].item()), (6.0, 2.0)); // it is tracked
    /// ```
    ///
    /// # Panics
    /// If [`Op::keeps`](super::Op::keeps) does not name it.
    pub fn input(&self, index: usize) -> &Tensor {
        match &self.record.inputs[index] {
            Input::Kept(tensor) => tensor,
            _ => {
                panic!(
                    "{}: the rule reads input {index}, which `keeps` does not name",
                    self.record.op.info().name
                )
            }
        }
    }

    /// The shape of an input.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Mean;
    /// # impl Op for Mean {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "mean", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].mean(..).expand(inputs[0].shape()) }
    /// #     fn keeps(&self) -> Keeps { Keeps::nothing() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     let n = saved.shape(0).count() as f64; // y = the mean, in every place
    ///     grads![(gy.sum(..) / n).expand(saved.shape(0))]
    /// }
    /// # }
    /// let x = Tensor::from([1.0, 5.0]).requires_grad();
    /// let y = apply(Mean, &[&x]);
    /// assert_eq!(y.to_vec::<f32>(), [3.0, 3.0]);
    /// assert_eq!(y.narrow(0, 0, 1).sum(..).grad(&[&x])[0].to_vec::<f32>(), [0.5, 0.5]);
    /// ```
    pub fn shape(&self, index: usize) -> Shape {
        self.record.inputs[index].shape()
    }

    /// The type of an input.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Widened;
    /// # impl Op for Widened {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "widened", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].to_dtype(DType::F64) }
    /// #     fn keeps(&self) -> Keeps { Keeps::nothing() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     grads![gy.to_dtype(saved.dtype(0))] // y = x in F64
    /// }
    /// # }
    /// let x = Tensor::from([1.5]).requires_grad();
    /// let y = apply(Widened, &[&x]);
    /// assert_eq!((y.dtype(), y.grad(&[&x])[0].dtype()), (DType::F64, DType::F32));
    /// ```
    pub fn dtype(&self, index: usize) -> DType {
        self.record.inputs[index].dtype()
    }

    /// The user's line where the operation ran, for messages.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Marked;
    /// # impl Op for Marked {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "marked", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].clone() }
    /// #     fn keeps(&self) -> Keeps { Keeps::nothing() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     assert!(saved.location().file().ends_with(".rs"), "not {}", saved.location());
    ///     grads![gy.clone()] // y = x
    /// }
    /// # }
    /// let x = Tensor::from([1.5]).requires_grad();
    /// assert_eq!(apply(Marked, &[&x]).grad(&[&x])[0].item(), 1.0);
    /// ```
    pub fn location(&self) -> &'static Location<'static> {
        self.record.location
    }

    /// The output, tracked: its handle is rebuilt, so that a second derivative finds its way through it. It lies as the forward left it:
    /// [`Tensor::dense`] comes before a slice of what may be a view.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Exp;
    /// # impl Op for Exp {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "exp", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].exp() }
    /// #     fn keeps(&self) -> Keeps { Keeps::the_output() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     grads![gy * saved.output()] // y = eˣ
    /// }
    /// # }
    /// let x = Tensor::from([0.0]).requires_grad();
    /// let slope = &apply(Exp, &[&x]).grad_graph(&[&x])[0];
    /// assert_eq!((slope.item(), slope.grad(&[&x])[0].item()), (1.0, 1.0));
    /// ```
    ///
    /// # Panics
    /// If [`Op::keeps`](super::Op::keeps) does not name it.
    pub fn output(&self) -> Tensor {
        let elements = self.record.output.as_ref().unwrap_or_else(|| {
            panic!(
                "{}: the rule reads the output, which `keeps` does not name",
                self.record.op.info().name
            )
        });
        let node = is_recording().then(|| Arc::clone(self.node));
        Tensor::from_view(Arc::clone(elements)).with_node(node)
    }

    /// The gradients by way of a composition of other operations that computes the same: the rule of a fused operation. The operation must keep
    /// all inputs.
    ///
    /// Each input enters under an alias of its own. So each place of use gets its own gradient, also when one tensor is used twice, and what
    /// the gradients depend on still leads back to the inputs themselves, which a second derivative needs.
    ///
    /// ```
    /// # use tensor_core::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    /// # use tensor_core::{DType, Shape, ShapeError, Tensor, grads};
    /// # struct Square;
    /// # impl Op for Square {
    /// #     fn info(&self) -> OpInfo { OpInfo { name: "square", formula: "", rule: "" } }
    /// #     fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> { Ok(inputs[0].shape()) }
    /// #     fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor { inputs[0].sqr() }
    /// #     fn keeps(&self) -> Keeps { Keeps::all_inputs() }
    /// fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
    ///     saved.differentiate(gy, |inputs| &inputs[0] * &inputs[0]) // y = x²
    /// }
    /// # }
    /// let x = Tensor::from([3.0]).requires_grad();
    /// let slope = &apply(Square, &[&x]).grad_graph(&[&x])[0];
    /// assert_eq!((slope.item(), slope.grad(&[&x])[0].item()), (6.0, 2.0));
    /// ```
    pub fn differentiate(&self, gy: &Tensor, composition: impl FnOnce(&[Tensor]) -> Tensor) -> Grads {
        crate::autograd::differentiate_composition(self, gy, composition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::{Counter, observe};
    use crate::kernels::matmul::WIDE;
    use crate::ops::{Keeps, Op, OpInfo, apply};
    use crate::{Random, ShapeError, grads};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// X W, which counts how often a product is left to the engine to be added.
    struct Counted(Arc<AtomicUsize>);

    impl Op for Counted {
        fn info(&self) -> OpInfo {
            OpInfo {
                name: "counted",
                formula: "Y = X W",
                rule: "gX = gY Wᵀ, gW = Xᵀ gY",
            }
        }
        fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
            Ok(Shape::from([inputs[0].size(0), inputs[1].size(1)]))
        }
        fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
            inputs[0].matmul(inputs[1])
        }
        fn keeps(&self) -> Keeps {
            Keeps::all_inputs()
        }
        fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
            let gw = saved.product(1, || (saved.input(0).t(), gy.clone()));
            let is_added = matches!(gw, Grad::AddProduct(_));
            self.0.fetch_add(usize::from(is_added), Ordering::Relaxed);
            grads![saved.wants(0).then(|| gy.matmul(&saved.input(1).t())), gw]
        }
    }

    /// The gradient of a loss that uses W once for each X, and how many products were added as they were computed.
    fn gradient(xs: &[Tensor], w: &Tensor) -> (Tensor, usize) {
        let count = Arc::new(AtomicUsize::new(0));
        let loss = |x| apply(Counted(Arc::clone(&count)), &[x, w]).sqr().sum(..);
        let loss = xs.iter().map(loss).reduce(|a, b| a + b).expect("there are some");
        let gradient = loss.grad(&[w]).remove(0);
        (gradient, count.load(Ordering::Relaxed))
    }

    #[test]
    fn products_are_added_as_they_are_computed_with_the_bits_of_sums() {
        let mut random = Random::new(3).stream("test");
        for dtype in [DType::F32, DType::F64] {
            let w = random.normal([40, 33], dtype).requires_grad();
            for rows in [1, 64, 256] {
                let xs = [(); 3].map(|()| random.normal([rows, 40], dtype));
                let (found, added) = gradient(&xs, &w);
                assert_eq!(
                    added,
                    if WIDE { 2 } else { 0 },
                    "the first one has nothing to be added to"
                );
                let ((shown, added), counter) = observe(Counter::default(), || gradient(&xs, &w));
                assert_eq!(
                    (added, counter.count("matmul")),
                    (0, 3 + 3),
                    "an observer sees all of them"
                );
                // From the last use to the first one, as the walk goes.
                let each = xs.each_ref().map(|x| gradient(std::slice::from_ref(x), &w).0);
                let [first, second, third] = each;
                let sum = third + second + first;
                assert_eq!((&found, &shown), (&sum, &sum), "{dtype:?}, {rows} rows");
            }
            let xs = [(); 2].map(|()| random.normal([513, 40], dtype));
            assert_eq!(gradient(&xs, &w).1, 0, "their sums are stored in two parts");
        }
    }

    #[test]
    fn a_gradient_that_is_seen_elsewhere_is_not_changed() {
        // The rule of a sum hands its own gradient on to both sides.
        let [x, w, other] = [[2.0], [3.0], [5.0]].map(|x| Tensor::from([x]));
        let (w, other) = (w.requires_grad(), other.requires_grad());
        let count = Arc::new(AtomicUsize::new(0));
        let y = apply(Counted(Arc::clone(&count)), &[&x, &w]);
        let gradients = (y + (&w + &other)).sum(..).grad(&[&w, &other]);
        assert_eq!(count.load(Ordering::Relaxed), usize::from(WIDE));
        assert_eq!((gradients[0].item(), gradients[1].item()), (3.0, 1.0));
    }

    /// y = Σ x · w with a row of weights, whose rule gives a product that only broadcasts to it.
    struct Broadcast;

    impl Op for Broadcast {
        fn info(&self) -> OpInfo {
            OpInfo {
                name: "broadcast",
                formula: "Y = X ⊙ w",
                rule: "gw = I (gY ⊙ X), summed over the rows",
            }
        }
        fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
            Ok(inputs[0].shape())
        }
        fn forward(&self, inputs: &[&Tensor], _: Shape) -> Tensor {
            inputs[0] * inputs[1]
        }
        fn keeps(&self) -> Keeps {
            Keeps::all_inputs()
        }
        fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
            let identity = || Tensor::from([[1.0, 0.0], [0.0, 1.0]]);
            grads![Grad::Unwanted, saved.product(1, || (identity(), gy * saved.input(0)))]
        }
    }

    #[test]
    fn a_product_of_another_shape_is_summed_as_any_other_gradient() {
        let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
        let w = Tensor::from([[5.0, 6.0]]).requires_grad();
        let loss = || (apply(Broadcast, &[&x, &w]) + apply(Broadcast, &[&x, &w])).sum(..);
        assert_eq!(loss().grad(&[&w])[0].to_vec::<f32>(), [8.0, 12.0]);
    }

    #[test]
    fn a_second_derivative_sees_every_product() {
        // L = (x w)² + (2 x w)², dL/dw = 10 x² w, and its derivative by w is 10 x².
        let (x, w) = (Tensor::from([[3.0]]), Tensor::from([[7.0]]).requires_grad());
        let count = Arc::new(AtomicUsize::new(0));
        let square = |x: &Tensor| apply(Counted(Arc::clone(&count)), &[x, &w]).sqr().sum(..);
        let slope = (square(&x) + square(&(2.0 * &x))).grad_graph(&[&w]).remove(0);
        assert_eq!((slope.item(), count.load(Ordering::Relaxed)), (630.0, 0));
        assert_eq!(slope.sum(..).grad(&[&w])[0].item(), 90.0);
    }
}
