//! Activations.

use super::elementary::unary;
use super::row::Row;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        unary("tanh", |x| x.tanh(), f64::tanh),
        unary("sigmoid", |x| x.sigmoid(), sigmoid),
        unary("softplus", |x| x.softplus(), |x| x.exp().ln_1p()),
        unary("log_sigmoid", |x| x.log_sigmoid(), |x| sigmoid(x).ln()),
        unary("relu", |x| x.relu(), |x| x.max(0.0)),
        unary(
            "leaky_relu",
            |x| x.leaky_relu(0.2),
            |x| if x > 0.0 { x } else { 0.2 * x },
        ),
        unary("elu", |x| x.elu(0.7), |x| if x > 0.0 { x } else { 0.7 * x.exp_m1() }),
        unary("silu", |x| x.silu(), |x| x * sigmoid(x)),
        unary(
            "gelu",
            |x| x.gelu(),
            |x| 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        ),
        unary(
            "gelu_tanh",
            |x| x.gelu_tanh(),
            |x| {
                let scale = (2.0 / std::f64::consts::PI).sqrt();
                0.5 * x * (1.0 + (scale * (x + 0.044715 * x.powi(3))).tanh())
            },
        ),
    ]
}
