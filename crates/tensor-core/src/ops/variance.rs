//! Variances and standard deviations over dimensions.

use super::elementwise::{Elementwise, Map};
use super::op::{Cost, Grads, Keeps, Op, OpInfo, Saved};
use super::reduce::{Over, reduction_cost};
use super::vector_norm::quotient_or_zero;
use super::{operation, with_float};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::elementwise::map_in_place;
use crate::kernels::simd::Lanes;
use crate::kernels::variance::variance;
use crate::shape::{Dims, Shape};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Σ (x - mean)² / (n - correction), or its square root.
struct Var {
    over: Over,
    correction: usize,
    root: bool,
}

impl Var {
    fn name(&self) -> &'static str {
        if self.root { "std" } else { "var" }
    }
}

impl Op for Var {
    fn info(&self) -> OpInfo {
        let name = self.name();
        if self.root {
            return OpInfo {
                name,
                formula: "y = √(Σ (x - mean x)² / (n - correction)) over the given dimensions",
                rule: "gx = gy / y · (x - mean x) / (n - correction), 0 where y is 0",
            };
        }
        OpInfo {
            name,
            formula: "y = Σ (x - mean x)² / (n - correction) over the given dimensions",
            rule: "gx = gy · 2 (x - mean x) / (n - correction)",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = self.over.attributes();
        attributes.push(("correction", self.correction.to_string()));
        attributes
    }

    fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
        self.over.infer(self.name(), x)
    }

    fn forward(&self, x: &[&Tensor], shape: Shape) -> Tensor {
        let (x, sizes) = self.over.three_dims(x[0]);
        let [mut a, mut b, mut c, mut out] = [(); 4].map(|()| Storage::for_overwrite(shape.count(), x.dtype()));
        with_float!(x.dtype(), T => {
            let scratch = [&mut a, &mut b, &mut c].map(|buffer| buffer.as_mut_slice());
            let out = out.as_mut_slice::<T>();
            variance(x.as_slice(), sizes, self.correction, scratch, out);
            if self.root {
                map_in_place(out, Lanes::sqrt);
            }
        });
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        let x = Keeps::inputs(&[0]);
        if self.root { x.and_output() } else { x }
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, kept) = (saved.input(0), self.over.kept(saved.shape(0)));
        let divisor = self.over.count(saved.shape(0)).saturating_sub(self.correction) as f64;
        let g = if self.root {
            quotient_or_zero(gy, &saved.output()) / divisor
        } else {
            gy * (2.0 / divisor)
        };
        let mean = x.mean_keepdim(self.over);
        grads![super::apply(Map(WeighedDistance), &[x, &mean, &g.reshape(kept)])]
    }

    fn cost(&self, x: &[&Tensor], shape: Shape) -> Cost {
        reduction_cost(x, shape)
    }
}

/// The slope of a variance in one pass.
struct WeighedDistance;
impl Elementwise<3> for WeighedDistance {
    const INFO: OpInfo = OpInfo {
        name: "weighed_distance",
        formula: "y = (x - m) · g",
        rule: "gx = gy · g, gm = -gy · g, gg = gy · (x - m)",
    };
    const KEEPS: Keeps = Keeps::inputs(&[0, 1, 2]);

    #[inline(always)]
    fn value<L: Lanes>(&self, [x, m, g]: [L; 3]) -> L {
        (x - m) * g
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        let (x, m, g) = (saved.input(0), saved.input(1), saved.input(2));
        let gx = (saved.wants(0) || saved.wants(1)).then(|| gy * g);
        let gm = gx.as_ref().map(|gx| -gx);
        let gg = saved.wants(2).then(|| super::apply(Map(WeighedDistance), &[x, m, gy]));
        grads![gx, gm, gg]
    }
}

/// Spread. `dims` is `..` for all, one number or an array; the divisor is the number n of elements less `correction`: 0 for the population's
/// variance, 1 for an unbiased estimate from a sample.
impl Tensor {
    operation! {
        /// The variance over `dims`, which disappear from the shape: Σ (x - mean x)² / (n - correction). Numbers that are large beside their spread keep
        /// their digits. With n ≤ `correction` it is infinite or not a number. The squares are added up in the type of the elements: in F32 distances
        /// from the mean beyond 10¹⁹ give infinity, as in PyTorch. gx = gy · 2 (x - mean x) / (n - correction).
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 3.0, 8.0]).requires_grad(); // the mean is 4
        /// assert_eq!(x.var(.., 1).item(), 13.0); // (9 + 1 + 16) / 2
        /// assert_eq!(x.var(.., 1).grad(&[&x])[0].to_vec::<f32>(), [-3.0, -1.0, 4.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn var / try_var(&self, dims: impl Dims, correction: usize) =
            Var { over: Over::new(this, dims, false), correction, root: false }, |this| [this]
    }

    operation! {
        /// The [variance](Tensor::var) over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 3.0], [2.0, 6.0]]).requires_grad();
        /// assert_eq!(x.var_keepdim(1, 0).to_string(), "[[1],\n [4]]");
        /// assert_eq!(x.var_keepdim(1, 0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [-1.0, 1.0, -2.0, 2.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn var_keepdim / try_var_keepdim(&self, dims: impl Dims, correction: usize) =
            Var { over: Over::new(this, dims, true), correction, root: false }, |this| [this]
    }

    operation! {
        /// The standard deviation over `dims`, which disappear from the shape: the root of the [variance](Tensor::var), and infinite where that is:
        /// in F32 from distances of 10¹⁹ on. (PyTorch adds up in F64 here, so its result stays finite; so does this one after to_dtype(DType::F64).)
        /// Where it is 0 its derivative is taken as 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0], [3.0, 3.0]]).requires_grad();
        /// assert_eq!(x.std(1, 0).to_vec::<f32>(), [2.0, 0.0]);
        /// assert_eq!(x.std(1, 0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [-0.5, 0.5, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn std / try_std(&self, dims: impl Dims, correction: usize) =
            Var { over: Over::new(this, dims, false), correction, root: true }, |this| [this]
    }

    operation! {
        /// The [standard deviation](Tensor::std) over `dims`, which stay in the shape with size 1, so that the result broadcasts against the input.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([[1.0, 5.0]]).requires_grad();
        /// assert_eq!(x.std_keepdim(1, 0).to_string(), "[[2]]");
        /// assert_eq!(x.std_keepdim(1, 0).sum(..).grad(&[&x])[0].to_vec::<f32>(), [-0.5, 0.5]);
        /// ```
        ///
        /// # Panics
        /// As [`Tensor::sum`].
        pub fn std_keepdim / try_std_keepdim(&self, dims: impl Dims, correction: usize) =
            Var { over: Over::new(this, dims, true), correction, root: true }, |this| [this]
    }
}
