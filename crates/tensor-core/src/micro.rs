//! Reverse-mode differentiation of scalars: the idea of the whole engine in one short file, without tensors. Read this first.
//!
//! **What is computed.** A formula is a graph: each value knows the values it was made of and, for each of them, how fast it changes
//! with it (the *slope*). For c = a · b the slopes are dc/da = b and dc/db = a.
//!
//! **The chain rule.** If y depends on c, and c on a, then a change of a reaches y through c: dy/da = dy/dc · dc/da. If there are several
//! ways from a to y, their contributions add up.
//!
//! **Reverse mode.** Start at the end, where dy/dy = 1. Hand each value's gradient back to what it was made of, times the slope.
//! A value passes its gradient on only when all contributions have arrived. So one walk gives the gradients by *all* inputs, for
//! about the price of computing y.
//!
//! ```
//! use tensor_core::micro::Value;
//! let (a, b) = (Value::new(2.0), Value::new(-3.0));
//! let y = &a * &b + a.powi(2); // y = a b + a²
//! assert_eq!(y.value(), -2.0);
//! assert_eq!(y.grad(&[&a, &b]), [1.0, 2.0]); // dy/da = b + 2 a = 1, dy/db = a = 2
//! ```
//!
//! | here | in the engine |
//! |---|---|
//! | a number | a [`Tensor`](crate::Tensor) |
//! | a slope, worked out in the forward pass | a rule, [`Op::vjp`](crate::ops::Op::vjp), run in the backward pass |
//! | the gradient is a number | the gradient is a tensor with a graph of its own, if asked for: second derivatives |
//! | [`Value::grad`] | [`Tensor::grad`](crate::Tensor::grad), with the same walk |

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::rc::Rc;

/// A number that remembers how it was computed. A clone is another handle on the same number.
#[derive(Clone)]
pub struct Value(Rc<Node>);

struct Node {
    /// Numbers grow: what a value was made of always has a lower one.
    id: u64,
    value: f64,
    /// What it was made of, each with the slope: d(this) / d(input).
    inputs: Vec<(Value, f64)>,
}

thread_local! {
    static NEXT_ID: Cell<u64> = const { Cell::new(0) };
}

impl Value {
    /// A number that was not computed: an input or a parameter.
    pub fn new(value: f64) -> Value {
        Value::made_of(value, vec![])
    }

    fn made_of(value: f64, inputs: Vec<(Value, f64)>) -> Value {
        let id = NEXT_ID.replace(NEXT_ID.get() + 1);
        Value(Rc::new(Node { id, value, inputs }))
    }

    /// The number.
    pub fn value(&self) -> f64 {
        self.0.value
    }

    /// The gradients of this number by each of the targets. They are returned and stored nowhere, so nothing has to be set to zero.
    ///
    /// # Panics
    /// If this number does not depend on a target.
    #[track_caller]
    pub fn grad(&self, targets: &[&Value]) -> Vec<f64> {
        // Values that something has been handed to, by number. The highest goes first: all that was made of it has a higher number still,
        // so it has been here before, and the sum is complete.
        let mut waiting = BTreeMap::from([(self.0.id, (self, 1.0))]);
        let mut done = HashMap::new();
        while let Some((id, (this, gradient))) = waiting.pop_last() {
            for (input, slope) in &this.0.inputs {
                waiting.entry(input.0.id).or_insert((input, 0.0)).1 += gradient * slope; // the chain rule
            }
            done.insert(id, gradient);
        }
        let gradient = |target: &&Value| {
            *done
                .get(&target.0.id)
                .expect("grad: the result does not depend on a target")
        };
        targets.iter().map(gradient).collect()
    }

    /// A function of one number: its value here, and its slope.
    fn function(&self, value: f64, slope: f64) -> Value {
        Value::made_of(value, vec![(self.clone(), slope)])
    }

    /// y = eˣ. dy/dx = y
    pub fn exp(&self) -> Value {
        let y = self.value().exp();
        self.function(y, y)
    }

    /// y = ln x. dy/dx = 1 / x
    pub fn ln(&self) -> Value {
        self.function(self.value().ln(), 1.0 / self.value())
    }

    /// y = tanh x. dy/dx = 1 - y²
    pub fn tanh(&self) -> Value {
        let y = self.value().tanh();
        self.function(y, 1.0 - y * y)
    }

    /// y = max(x, 0). dy/dx = 1 where x > 0, else 0
    pub fn relu(&self) -> Value {
        let x = self.value();
        self.function(x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 })
    }

    /// y = xⁿ. dy/dx = n xⁿ⁻¹
    pub fn powi(&self, n: i32) -> Value {
        let x = self.value();
        let slope = if n == 0 { 0.0 } else { f64::from(n) * x.powi(n - 1) }; // 0 · 0⁻¹ is not a number
        self.function(x.powi(n), slope)
    }
}

fn add(a: Value, b: Value) -> Value {
    Value::made_of(a.value() + b.value(), vec![(a, 1.0), (b, 1.0)])
}

fn sub(a: Value, b: Value) -> Value {
    Value::made_of(a.value() - b.value(), vec![(a, 1.0), (b, -1.0)])
}

fn mul(a: Value, b: Value) -> Value {
    let (x, y) = (a.value(), b.value());
    Value::made_of(x * y, vec![(a, y), (b, x)])
}

fn div(a: Value, b: Value) -> Value {
    let (x, y) = (a.value(), b.value());
    Value::made_of(x / y, vec![(a, 1.0 / y), (b, -x / (y * y))])
}

/// Lets an operator take values, references to values and numbers.
macro_rules! operator {
    ($trait:ident, $name:ident) => {
        operator!(@value $trait, $name, Value);
        operator!(@value $trait, $name, &Value);
        operator!(@number $trait, $name, Value);
        operator!(@number $trait, $name, &Value);
    };
    (@value $trait:ident, $name:ident, $left:ty) => {
        impl<T: Into<Value>> $trait<T> for $left {
            type Output = Value;

            fn $name(self, right: T) -> Value {
                $name(self.into(), right.into())
            }
        }
    };
    (@number $trait:ident, $name:ident, $right:ty) => {
        impl $trait<$right> for f64 {
            type Output = Value;

            fn $name(self, right: $right) -> Value {
                $name(self.into(), right.into())
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Neg for &Value {
    type Output = Value;

    fn neg(self) -> Value {
        self.function(-self.value(), -1.0)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::new(value)
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Value {
        value.clone()
    }
}

/// Takes long chains apart link by link: by itself, Rust would call itself once for each link, and the stack would overflow.
impl Drop for Node {
    fn drop(&mut self) {
        let mut rest = std::mem::take(&mut self.inputs);
        while let Some((input, _)) = rest.pop() {
            if let Some(mut last) = Rc::into_inner(input.0) {
                rest.append(&mut last.inputs);
            }
        }
    }
}

#[cfg(test)]
mod tests;
