//! Choices by a mask.

use super::elementwise::{Fitted, broadcast_shape, same_type};
use super::op::{Cost, Grad, Grads, Keeps, Op, OpInfo, Saved, bytes_moved_to};
use super::{composition, operation, with_element};
use crate::dtype::{DType, Element};
use crate::error::ShapeError;
use crate::grads;
use crate::kernels::select::select;
use crate::shape::Shape;
use crate::storage::Storage;
use crate::tensor::Tensor;

/// Inputs: the mask, a and b.
struct WhereCond;

impl Op for WhereCond {
    fn info(&self) -> OpInfo {
        OpInfo {
            name: "where_cond",
            formula: "y = a where the mask is not 0, else b",
            rule: "ga = gy where the mask is not 0, else 0; gb = gy where it is 0, else 0",
        }
    }

    fn infer(&self, inputs: &[&Tensor]) -> Result<Shape, ShapeError> {
        let name = self.info().name;
        let mask = inputs[0].dtype();
        if mask != DType::U32 {
            let problem = format!("the mask {} holds {mask}, not U32", inputs[0].shape());
            return Err(ShapeError::new(name, problem).hint("comparisons make masks: x.ne(0.0) is 1 where x is not 0"));
        }
        same_type(name, &inputs[1..])?;
        broadcast_shape(name, inputs)
    }

    fn forward(&self, inputs: &[&Tensor], shape: Shape) -> Tensor {
        fn run<T: Element>([mask, a, b]: &[Fitted<'_>; 3], out: &mut Storage) {
            select(mask.operand(), a.operand(), b.operand(), out.as_mut_slice::<T>());
        }
        let dtype = inputs[1].dtype();
        let inputs = [0, 1, 2].map(|i| Fitted::new(inputs[i], shape));
        let mut out = Storage::for_overwrite(shape.count(), dtype);
        with_element!(dtype, T => run::<T>(&inputs, &mut out));
        Tensor::from_storage(out, shape)
    }

    fn keeps(&self) -> Keeps {
        Keeps::inputs(&[0])
    }

    fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
        // 0 is chosen and not multiplied by: gy may be infinite where the other one was taken.
        let mask = saved.input(0);
        let zero = Tensor::full_of([], 0.0, gy.dtype());
        grads![
            Grad::Zero,
            saved.wants(1).then(|| mask.where_cond(gy, &zero)),
            saved.wants(2).then(|| mask.where_cond(&zero, gy)),
        ]
    }

    fn cost(&self, inputs: &[&Tensor], shape: Shape) -> Cost {
        Cost {
            flop: 0.0,
            bytes: bytes_moved_to(inputs[1].dtype(), inputs, shape),
        }
    }
}

/// Choices by a mask of type U32, such as comparisons make.
impl Tensor {
    operation! {
        /// y = a where this mask is not 0, else b: PyTorch's `where(mask, a, b)`. All three are broadcast; a and b hold the same type. The one that is not
        /// taken has no influence, whatever it holds: its gradient is 0, also where it is infinite or not a number.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([1.0, f32::NAN]).requires_grad();
        /// let b = Tensor::from([10.0, 20.0]).requires_grad();
        /// let y = Tensor::from_slice(&[1u32, 0], [2]).where_cond(&a, &b);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 20.0]);
        /// let gradients = y.sqr().sum(..).grad(&[&a, &b]);
        /// assert_eq!(gradients[0].to_vec::<f32>(), [2.0, 0.0]);
        /// assert_eq!(gradients[1].to_vec::<f32>(), [0.0, 40.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the mask does not hold U32, or the types of a and b differ.
        pub fn where_cond / try_where_cond(&self, a: &Tensor, b: &Tensor) = WhereCond, |mask| [mask, a, b]
    }

    composition! {
        /// y = the value where the mask is not 0, else x. Both are broadcast. What is filled has gradient 0.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let x = Tensor::from([1.0, 2.0, 3.0]).requires_grad();
        /// let y = x.masked_fill(&x.gt(1.5), 9.0);
        /// assert_eq!(y.to_vec::<f32>(), [1.0, 9.0, 9.0]);
        /// assert_eq!(y.sum(..).grad(&[&x])[0].to_vec::<f32>(), [1.0, 0.0, 0.0]);
        /// ```
        ///
        /// # Panics
        /// If the shapes do not broadcast, the mask does not hold U32, or x holds U32 and the value is no whole number from 0 to 4294967295.
        pub fn masked_fill / try_masked_fill(&self, mask: &Tensor, value: f64) -> Tensor = |x| {
            mask.try_where_cond(&Tensor::try_full_of([], value, x.dtype())?, x)
        }
    }
}
