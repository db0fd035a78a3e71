//! Tensors from nothing: from numbers, filled, drawn.

use super::Tensor;
use crate::dtype::{DType, Element};
use crate::kernels::copy::{CastTo, cast, fill};
use crate::ops::{check_number, composition};
use crate::rng::Random;
use crate::shape::Shape;
use crate::storage::Storage;

impl Tensor {
    /// A tensor with these elements, row by row. Its type is that of the elements: plain `1.5` in a slice is an `f64` and gives F64, unlike in
    /// [`Tensor::from`], where numbers with a point give F32. Write `1.5f32` for F32.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]); // f64 numbers give F64
    /// assert_eq!(x.shape(), [2, 3]);
    /// let x = Tensor::from_slice(&[1.0f32, 2.0], [2]).requires_grad(); // F32
    /// assert_eq!((2.0 * &x).sum(..).grad(&[&x])[0].to_vec::<f32>(), [2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there are not as many elements as the shape has places.
    #[track_caller]
    pub fn from_slice<T: Element>(values: &[T], shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        assert!(
            values.len() == shape.count(),
            "from_slice: {} elements do not fill shape {shape}, which has {}",
            values.len(),
            shape.count()
        );
        Tensor::from_storage(Storage::from_slice(values), shape)
    }

    /// A tensor of type F32 whose elements are all `value`, rounded to it. `()` is the shape of a scalar.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::full([1, 2], 3.0).requires_grad();
    /// assert_eq!(x.to_string(), "[[3, 3]]");
    /// assert_eq!(x.sqr().sum(..).grad(&[&x])[0].to_vec::<f32>(), [6.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64) -> Tensor {
        Tensor::full_of(shape, value, DType::F32)
    }

    composition! {
        /// A tensor of the given type whose elements are all `value`, rounded to it.
        ///
        /// ```
        /// use tensor_core::{DType, Tensor};
        /// assert_eq!(Tensor::full_of([2], 7.0, DType::U32).to_vec::<u32>(), [7, 7]);
        /// assert!(Tensor::try_full_of([2], -1.0, DType::U32).is_err());
        /// let c = Tensor::full_of((), 0.5, DType::F64).requires_grad();
        /// let y = &c * Tensor::full_of([2], 3.0, DType::F64);
        /// assert_eq!((y.to_vec::<f64>(), y.sum(..).grad(&[&c])[0].item()), (vec![1.5, 1.5], 6.0));
        /// ```
        ///
        /// # Panics
        /// If the type is U32, and the value is not a whole number from 0 to 4294967295.
        pub fn full_of / try_full_of(shape: impl Into<Shape>, value: f64, dtype: DType) -> Tensor = {
            check_number("full_of", value, dtype)?;
            let shape = shape.into();
            let mut storage = Storage::for_overwrite(shape.count(), dtype);
            match dtype {
                DType::F32 => fill(storage.as_mut_slice(), value as f32),
                DType::F64 => fill(storage.as_mut_slice(), value),
                DType::U32 => fill(storage.as_mut_slice(), value as u32),
            }
            Ok(Tensor::from_storage(storage, shape))
        }
    }

    /// A tensor of type F32 filled with 0.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let w = Tensor::zeros([2]).requires_grad();
    /// assert_eq!(w.to_vec::<f32>(), [0.0, 0.0]);
    /// assert_eq!(w.exp().sum(..).grad(&[&w])[0].to_vec::<f32>(), [1.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 0.0)
    }

    /// A tensor of type F32 filled with 1.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let w = Tensor::ones([2]).requires_grad();
    /// assert_eq!(w.to_vec::<f32>(), [1.0, 1.0]);
    /// assert_eq!(w.sqr().sum(..).grad(&[&w])[0].to_vec::<f32>(), [2.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 1.0)
    }

    /// A tensor of this one's shape and type filled with 0. It does not depend on this one.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([1.0, 2.0]).requires_grad();
    /// let y = &x + x.zeros_like();
    /// assert_eq!((y.to_vec::<f32>(), x.zeros_like().is_tracked()), (vec![1.0, 2.0], false));
    /// assert_eq!(y.sum(..).grad(&[&x])[0], x.ones_like());
    /// ```
    pub fn zeros_like(&self) -> Tensor {
        Tensor::full_of(self.shape(), 0.0, self.dtype())
    }

    /// A tensor of this one's shape and type filled with 1. It does not depend on this one.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from([1.0, 2.0]).requires_grad();
    /// assert_eq!(x.ones_like().to_vec::<f32>(), [1.0, 1.0]);
    /// assert_eq!(x.sum(..).grad(&[&x])[0], x.ones_like());
    /// ```
    pub fn ones_like(&self) -> Tensor {
        Tensor::full_of(self.shape(), 1.0, self.dtype())
    }

    /// These values in another type, untracked. [`Tensor::to_dtype`] is the operation.
    pub(crate) fn converted(&self, dtype: DType) -> Tensor {
        fn convert<A: Element + CastTo<f32> + CastTo<f64> + CastTo<u32>>(x: &Tensor, out: &mut Storage) {
            let x = x.as_slice::<A>();
            match out.dtype() {
                DType::F32 => cast(x, out.as_mut_slice::<f32>()),
                DType::F64 => cast(x, out.as_mut_slice::<f64>()),
                DType::U32 => cast(x, out.as_mut_slice::<u32>()),
            }
        }
        let x = self.dense();
        let mut storage = Storage::for_overwrite(x.count(), dtype);
        match x.dtype() {
            DType::F32 => convert::<f32>(&x, &mut storage),
            DType::F64 => convert::<f64>(&x, &mut storage),
            DType::U32 => convert::<u32>(&x, &mut storage),
        }
        Tensor::from_storage(storage, x.shape())
    }
}

/// Draws. A draw of type F64 is the draw of type F32, widened, so that a model sees the same noise in both.
impl Random {
    /// Standard normal draws: N(0, 1).
    ///
    /// ```
    /// use tensor_core::{DType, rng::Random};
    /// let noise = Random::new(0).stream("noise");
    /// let single = noise.clone().normal([2, 3], DType::F32);
    /// let double = noise.clone().normal([2, 3], DType::F64);
    /// assert_eq!(single.to_dtype(DType::F64).to_vec::<f64>(), double.to_vec::<f64>());
    /// ```
    #[track_caller]
    pub fn normal(&mut self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        self.draw(shape.into(), dtype, Random::fill_normal)
    }

    /// Standard normal draws in the shape and type of another tensor.
    ///
    /// ```
    /// use tensor_core::{Random, Tensor};
    /// let mu = Tensor::zeros([2, 3]).requires_grad();
    /// let noise = Random::new(0).normal_like(&mu);
    /// assert_eq!(noise, Random::new(0).normal([2, 3], mu.dtype()));
    /// let z = &mu + noise; // reparameterised: z depends on mu, not on how the noise is drawn
    /// assert_eq!(z.sum(..).grad(&[&mu])[0], mu.ones_like());
    /// ```
    pub fn normal_like(&mut self, like: &Tensor) -> Tensor {
        self.normal(like.shape(), like.dtype())
    }

    /// Uniform draws from \[0, 1).
    ///
    /// ```
    /// use tensor_core::{DType, Random, Tensor};
    /// let u = Random::new(0).uniform([1000], DType::F32);
    /// assert!(u.min(..).item() >= 0.0 && u.max(..).item() < 1.0);
    /// assert!((u.mean(..).item() - 0.5).abs() < 0.05);
    /// let x = Tensor::from([2.0]).requires_grad();
    /// assert_eq!((&x * &u).sum(..).grad(&[&x])[0].item(), u.sum(..).item());
    /// ```
    #[track_caller]
    pub fn uniform(&mut self, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        self.draw(shape.into(), dtype, Random::fill_uniform)
    }

    fn draw(&mut self, shape: Shape, dtype: DType, fill: fn(&mut Random, &mut [f32])) -> Tensor {
        let mut storage = Storage::for_overwrite(shape.count(), DType::F32);
        fill(self, storage.as_mut_slice());
        let draws = Tensor::from_storage(storage, shape);
        if dtype == DType::F32 {
            draws
        } else {
            draws.converted(dtype)
        }
    }
}

/// Literals: numbers with a point make F32, whole numbers U32. (F64 comes from [`Tensor::from_slice`]: were it here too, `[0.5]` would mean either.)
macro_rules! from_literals {
    ($($number:ident)*) => {$(
        impl<const N: usize> From<[$number; N]> for Tensor {
            fn from(values: [$number; N]) -> Tensor {
                Tensor::from_slice(&values, [N])
            }
        }

        impl<const M: usize, const N: usize> From<[[$number; N]; M]> for Tensor {
            fn from(rows: [[$number; N]; M]) -> Tensor {
                Tensor::from_slice(rows.as_flattened(), [M, N])
            }
        }

        impl<const L: usize, const M: usize, const N: usize> From<[[[$number; N]; M]; L]> for Tensor {
            fn from(matrices: [[[$number; N]; M]; L]) -> Tensor {
                Tensor::from_slice(matrices.as_flattened().as_flattened(), [L, M, N])
            }
        }

        impl From<Vec<$number>> for Tensor {
            fn from(values: Vec<$number>) -> Tensor {
                Tensor::from_slice(&values, values.len())
            }
        }
    )*};
}

from_literals!(f32 u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_keep_the_values() {
        let x = Tensor::from([[1.5, -2.0], [0.0, 7.0]]);
        assert_eq!(x.converted(DType::F64).to_vec::<f64>(), [1.5, -2.0, 0.0, 7.0]);
        assert_eq!(
            Tensor::full_of([2], 3.0, DType::U32)
                .converted(DType::F32)
                .to_vec::<f32>(),
            [3.0, 3.0]
        );
    }

    #[test]
    #[should_panic(expected = "3 elements do not fill shape [2, 2]")]
    fn elements_fill_the_shape() {
        Tensor::from_slice(&[1.0f32, 2.0, 3.0], [2, 2]);
    }
}
