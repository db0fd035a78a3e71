//! Single operations: value, gradient and second derivative of each case that names an operation of the engine.

use crate::files::{assert_close, json, tensors};
use genmodels::likelihoods::kl_to_standard_normal;
use nn::loss::squared_error;
use serde_json::Value;
use std::collections::BTreeMap;
use tensor_core::{DType, Tensor};

/// Operations of the reference that the engine does not have yet.
const TO_COME: &[&str] = &[
    "maximum",
    "minimum",
    "ln_1p",
    "rsqrt",
    "abs",
    "sin",
    "cos",
    "log_sigmoid",
    "silu",
    "erf",
    "gelu",
    "elu",
    "powf",
    "clamp",
    "where",
    "var",
    "logsumexp",
    "max",
    "min",
    "softmax",
    "log_softmax",
    "cumsum",
    "norm",
    "flip",
    "cat",
    "stack",
    "index_select",
    "gather",
    "embedding",
    "conv2d",
    "conv_transpose2d",
    "conv1d",
    "conv_transpose1d",
    "max_pool2d",
    "avg_pool2d",
    "upsample_nearest2d",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "bce",
    "cross_entropy",
    "lstm",
    "gru",
];

/// How many cases of the project's own folder are compared.
const COMPARED: usize = 54;

struct Case<'a> {
    attrs: &'a Value,
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

    fn reduce(&self, x: &Tensor) -> Tensor {
        let dims: Vec<isize> = match &self.attrs["dims"] {
            Value::Null => (0..x.rank() as isize).collect(),
            _ => self.integers("dims"),
        };
        if self.attrs["keepdim"] == true {
            x.sum_keepdim(dims.as_slice())
        } else {
            x.sum(dims.as_slice())
        }
    }

    fn reduction(&self, x: &Tensor) -> Tensor {
        match self.attrs["reduction"].as_str() {
            Some("sum") => x.sum(..),
            Some("mean") => x.mean(..),
            other => panic!("reduction {other:?}"),
        }
    }

    /// The operation of this name. `None`: not here yet.
    fn evaluate(&self, op: &str, x: &[Tensor]) -> Option<Tensor> {
        let all_matrices = x.iter().all(|x| x.rank() == 2);
        Some(match op {
            "add" => &x[0] + &x[1],
            "sub" => &x[0] - &x[1],
            "mul" => &x[0] * &x[1],
            "div" => &x[0] / &x[1],
            "neg" => -&x[0],
            "exp" => x[0].exp(),
            "ln" => x[0].ln(),
            "sqrt" => x[0].sqrt(),
            "recip" => x[0].recip(),
            "sqr" => x[0].sqr(),
            "tanh" => x[0].tanh(),
            "sigmoid" => x[0].sigmoid(),
            "softplus" => x[0].softplus(),
            "relu" => x[0].relu(),
            "leaky_relu" => x[0].leaky_relu(self.attrs["negative_slope"].as_f64().unwrap()),
            "sum" => self.reduce(&x[0]),
            "mean" => {
                let sum = self.reduce(&x[0]);
                let averaged = x[0].count() as f64 / sum.count() as f64;
                sum / averaged
            }
            "reshape" => x[0].reshape(self.integers::<usize>("shape").as_slice()),
            "permute" => x[0].permute(&self.integers::<isize>("dims")),
            "transpose" => {
                let mut order: Vec<isize> = (0..x[0].rank() as isize).collect();
                order.swap(self.integer("dim0") as usize, self.integer("dim1") as usize);
                x[0].permute(&order)
            }
            "expand" => x[0].broadcast_to(self.integers::<usize>("shape").as_slice()),
            "narrow" => x[0].narrow(
                self.integer("dim") as isize,
                self.integer("start") as usize,
                self.integer("len") as usize,
            ),
            "pad" => {
                let value = self.attrs["value"].as_f64().unwrap();
                let size = |pair: &Value, i: usize| pair[i].as_u64().unwrap() as usize;
                let pairs = self.attrs["padding"].as_array().unwrap();
                let pairs: Vec<(usize, usize)> = pairs.iter().map(|pair| (size(pair, 0), size(pair, 1))).collect();
                (&x[0] - value).pad(&pairs) + value
            }
            "matmul" if all_matrices => x[0].matmul(&x[1]),
            "matmul_tn" => x[0].t().matmul(&x[1]),
            "matmul_nt" => x[0].matmul(&x[1].t()),
            "linear" if x.len() == 3 && x[0].rank() == 2 => x[0].linear(&x[1], &x[2]),
            "bce_with_logits" => {
                let target = &self.arrays[self.attrs["target"].as_str().unwrap()];
                self.reduction(&x[0].bce_with_logits(&target.to_dtype(x[0].dtype())))
            }
            "mse_loss" => self.reduction(&squared_error(&x[0], &x[1])),
            "kl_normal_standard" => kl_to_standard_normal(&x[0], &x[1]).sum(..),
            "gaussian_nll_logvar" => {
                let [x, mu, log_var] = x else { panic!("three inputs") };
                let constant = (2.0 * std::f64::consts::PI).ln();
                (0.5 * (log_var + (x - mu).sqr() / log_var.exp() + constant)).sum(..)
            }
            "matmul" | "linear" => return None,
            op if TO_COME.contains(&op) => return None,
            unknown => panic!("the reference has an unknown operation `{unknown}`"),
        })
    }
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

/// Compares value, gradients and second derivatives of one case. False if the operation is not here yet.
fn compare(case: &Value, arrays: &BTreeMap<String, Tensor>, dtype: DType) -> bool {
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
        arrays,
    };
    let Some(y) = context.evaluate(op, &inputs) else {
        return false;
    };
    assert_close(&what("output"), &y, &arrays[case["output"].as_str().unwrap()], first);
    let y_shape = y.shape();
    let gy = arrays[case["grad_output"].as_str().unwrap()].to_dtype(dtype);
    let targets: Vec<&Tensor> = inputs.iter().collect();
    let loss = (y * gy.reshape(y_shape)).sum(..);
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
    true
}

#[test]
fn golden_operations() {
    let (cases, arrays) = (json("ops.json"), tensors("ops.safetensors"));
    let cases = cases["cases"].as_array().unwrap();
    let compared = |dtype| cases.iter().filter(|case| compare(case, &arrays, dtype)).count();
    let (double, single) = (compared(DType::F64), compared(DType::F32));
    assert_eq!(double, single);
    // Another folder may have other cases; of those that belong to the project, this many are of operations that are here.
    if std::env::var_os("GOLDEN_DIR").is_none() {
        assert_eq!(double, COMPARED, "of {} cases", cases.len());
    }
}
