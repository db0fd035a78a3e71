//! Single operations: value, gradient and second derivative of each case that names an operation of the engine.

mod conv;
mod elementwise;
mod index;
mod loss;
mod matmul;
mod movement;
mod norm;
mod recurrent;
mod reduce;

use crate::files::{assert_close, json, tensors};
use serde_json::Value;
use std::collections::BTreeMap;
use tensor_core::{DType, Tensor};

struct Case<'a> {
    attrs: &'a Value,
    int_inputs: &'a Value,
    arrays: &'a BTreeMap<String, Tensor>,
}

impl Case<'_> {
    fn integers<T: TryFrom<i64>>(&self, name: &str) -> Vec<T> {
        let convert = |value: &Value| T::try_from(value.as_i64().unwrap()).ok().unwrap();
        self.attrs[name].as_array().unwrap().iter().map(convert).collect()
    }

    fn integer(&self, name: &str) -> i64 {
        self.attrs[name].as_i64().unwrap_or_else(|| panic!("attribute {name}"))
    }

    fn number(&self, name: &str) -> f64 {
        self.attrs[name].as_f64().unwrap_or_else(|| panic!("attribute {name}"))
    }

    /// An integer input: indices, targets, a mask.
    fn int_input(&self, name: &str) -> Tensor {
        self.arrays[self.int_inputs[name].as_str().expect("an array's name")].to_dtype(DType::U32)
    }

    /// An array that an attribute names.
    fn array(&self, name: &str) -> &Tensor {
        &self.arrays[name]
    }
}

/// The operation of this name, from the family that knows it.
fn evaluate(case: &Case<'_>, op: &str, x: &[Tensor]) -> Tensor {
    let families = [
        conv::evaluate,
        elementwise::evaluate,
        index::evaluate,
        loss::evaluate,
        matmul::evaluate,
        movement::evaluate,
        norm::evaluate,
        recurrent::evaluate,
        reduce::evaluate,
    ];
    let output = families.iter().find_map(|family| family(case, op, x));
    output.unwrap_or_else(|| panic!("the reference has an unknown operation `{op}`"))
}

fn names(case: &Value, key: &str) -> Vec<String> {
    case[key]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Σ <a_i, b_i>
fn inner(a: &[Tensor], b: &[Tensor]) -> Tensor {
    let products = a.iter().zip(b).map(|(a, b)| (a * b).sum(..));
    products.reduce(|sum, product| sum + product).unwrap()
}

/// Compares value, gradients and second derivatives of one case.
fn compare(case: &Value, arrays: &BTreeMap<String, Tensor>, dtype: DType) {
    let (first, second) = if dtype == DType::F64 {
        (1e-9, 1e-8)
    } else {
        (1e-5, 1e-4)
    };
    let load = |key: &str| -> Vec<Tensor> {
        names(case, key)
            .iter()
            .map(|name| arrays[name].to_dtype(dtype))
            .collect()
    };
    let op = case["op"].as_str().unwrap();
    let what = |part: &str| format!("case {} {op} {} {dtype}: {part}", case["id"], case["attrs"]);
    let inputs: Vec<Tensor> = load("inputs").iter().map(Tensor::requires_grad).collect();
    let context = Case {
        attrs: &case["attrs"],
        int_inputs: &case["int_inputs"],
        arrays,
    };
    let y = evaluate(&context, op, &inputs);
    assert_close(&what("output"), &y, &arrays[case["output"].as_str().unwrap()], first);
    let y_shape = y.shape();
    let gy = arrays[case["grad_output"].as_str().unwrap()].to_dtype(dtype);
    let targets: Vec<&Tensor> = inputs.iter().collect();
    // A case need not use all of its inputs: then the reference has zeros, and the loss is made to depend on them after all.
    let is_unused = |name: &String| arrays[name].to_vec::<f64>().iter().all(|&g| g == 0.0);
    let unused = names(case, "grads")
        .into_iter()
        .zip(&inputs)
        .filter(|(name, _)| is_unused(name));
    let loss = unused.fold((y * gy.reshape(y_shape)).sum(..), |loss, (_, x)| loss + 0.0 * x.sum(..));
    let fast = loss.grad(&targets);
    let recorded = loss.grad_graph(&targets);
    for (i, reference) in names(case, "grads").iter().enumerate() {
        assert_close(&what(&format!("gradient {i}")), &fast[i], &arrays[reference], first);
        assert_close(
            &what(&format!("recorded gradient {i}")),
            &recorded[i],
            &arrays[reference],
            first,
        );
    }
    let again = inner(&recorded, &load("directions")).grad_or_zeros(&targets);
    for (i, reference) in names(case, "second").iter().enumerate() {
        assert_close(
            &what(&format!("second derivative {i}")),
            &again[i],
            &arrays[reference],
            second,
        );
    }
}

#[test]
fn golden_operations() {
    let (cases, arrays) = (json("ops.json"), tensors("ops.safetensors"));
    let cases = cases["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "the reference has no case");
    for case in cases {
        compare(case, &arrays, DType::F64);
        compare(case, &arrays, DType::F32);
    }
}
