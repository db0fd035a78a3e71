//! Tensors from nothing: from numbers, filled, drawn.

use super::Tensor;
use crate::dtype::{DType, Element};
use crate::kernels::copy::{CastTo, cast, fill};
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

    /// A tensor of type F32 whose elements are all `value`.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64) -> Tensor {
        Tensor::full_of(shape, value, DType::F32)
    }

    /// A tensor of the given type whose elements are all `value`.
    #[track_caller]
    pub fn full_of(shape: impl Into<Shape>, value: f64, dtype: DType) -> Tensor {
        let shape = shape.into();
        let mut storage = Storage::for_overwrite(shape.count(), dtype);
        match dtype {
            DType::F32 => fill(storage.as_mut_slice(), value as f32),
            DType::F64 => fill(storage.as_mut_slice(), value),
            DType::U32 => fill(storage.as_mut_slice(), value as u32),
        }
        Tensor::from_storage(storage, shape)
    }

    /// A tensor of type F32 filled with 0.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 0.0)
    }

    /// A tensor of type F32 filled with 1.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 1.0)
    }

    /// A tensor of this one's shape and type filled with 0.
    pub fn zeros_like(&self) -> Tensor {
        Tensor::full_of(self.shape(), 0.0, self.dtype())
    }

    /// A tensor of this one's shape and type filled with 1.
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
    pub fn normal_like(&mut self, like: &Tensor) -> Tensor {
        self.normal(like.shape(), like.dtype())
    }

    /// Uniform draws from [0, 1).
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
