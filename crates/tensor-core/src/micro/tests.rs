use super::*;
use crate::Tensor;
use crate::rng::Random;
use approx::assert_relative_eq;

#[test]
fn gradients_equal_their_closed_forms() {
    let x = Value::new(0.7);
    let e = 0.7f64.exp();
    let cases = [
        (&x + 3.0, 1.0),
        (3.0 - &x, -1.0),
        (&x * &x, 1.4),
        (2.0 / &x, -2.0 / 0.49),
        (&x / (1.0 + &x), 1.0 / 2.89),
        (-&x, -1.0),
        (x.exp(), e),
        (x.ln(), 1.0 / 0.7),
        (x.tanh(), 1.0 / 0.7f64.cosh().powi(2)),
        (x.relu(), 1.0),
        ((-&x).relu(), 0.0),
        (x.powi(5), 5.0 * 0.7f64.powi(4)),
        (x.powi(-1), -1.0 / 0.49),
        (1.0 / (1.0 + (-&x).exp()), e / (1.0 + e).powi(2)),
    ];
    for (i, (y, wanted)) in cases.iter().enumerate() {
        let found = y.grad(&[&x])[0];
        assert!((found - wanted).abs() < 1e-14, "case {i}: {found}, not {wanted}");
    }
}

#[test]
fn powers_have_slopes_at_zero() {
    let x = Value::new(0.0);
    let slopes = [0, 1, 2].map(|n| x.powi(n).grad(&[&x])[0]);
    assert_eq!(slopes, [0.0, 1.0, 0.0]);
}

#[test]
fn values_in_the_middle_have_gradients_too() {
    let x = Value::new(3.0);
    let h = x.powi(2);
    let y = &h * &h + &h;
    assert_eq!(y.grad(&[&h, &x, &y]), [19.0, 114.0, 1.0]); // 2 h + 1; (2 h + 1) 2 x; 1
    assert_eq!(y.grad(&[&x]), [114.0], "a second walk finds the same");
}

/// A random formula in both engines: each step takes two earlier values and makes one of them.
fn formula(random: &mut Random, micro: &mut Vec<Value>, tensors: &mut Vec<Tensor>) {
    for _ in 0..12 {
        let [i, j] = [0; 2].map(|_| random.uniform_u32(micro.len() as u32) as usize);
        let ((a, b), (s, t)) = ((&micro[i], &micro[j]), (&tensors[i], &tensors[j]));
        // Quotients and logarithms are kept away from 0, powers from growing.
        let (value, tensor) = match random.uniform_u32(9) {
            0 => (a + b, s + t),
            1 => (a - b, s - t),
            2 => (a.tanh() * b, s.tanh() * t),
            3 => (a / (1.0 + b * b), s / (1.0 + t * t)),
            4 => (a.tanh().exp(), s.tanh().exp()),
            5 => (a.relu(), s.relu()),
            6 => ((1.0 + a * a).ln(), (1.0 + s * s).ln()),
            7 => (a.tanh().powi(3), s.tanh() * s.tanh() * s.tanh()),
            _ => (-a, -s),
        };
        micro.push(value);
        tensors.push(tensor);
    }
}

#[test]
fn random_formulas_have_the_gradients_of_the_tensor_engine() {
    let root = Random::new(3);
    for trial in 0..300 {
        let mut random = root.at(trial);
        let inputs: Vec<f64> = (0..3).map(|_| f64::from(random.next_normal())).collect();
        let mut micro: Vec<Value> = inputs.iter().map(|&x| Value::new(x)).collect();
        let mut tensors: Vec<Tensor> = inputs
            .iter()
            .map(|&x| Tensor::from_slice(&[x], [1]).requires_grad())
            .collect();
        formula(&mut random, &mut micro, &mut tensors);
        // The sum of all depends on every input.
        let y = micro.iter().cloned().reduce(|a, b| a + b).unwrap();
        let loss = tensors.iter().cloned().reduce(|a, b| a + b).unwrap();
        assert_relative_eq!(y.value(), loss.item(), max_relative = 1e-12, epsilon = 1e-12);
        let wanted = loss.grad(&[&tensors[0], &tensors[1], &tensors[2]]);
        for (found, wanted) in y.grad(&[&micro[0], &micro[1], &micro[2]]).into_iter().zip(wanted) {
            assert_relative_eq!(found, wanted.item(), max_relative = 1e-11, epsilon = 1e-12);
        }
    }
}

#[test]
fn a_chain_of_a_million_links_overflows_no_stack() {
    let x = Value::new(1.0);
    let mut y = x.clone();
    for _ in 0..500_000 {
        y = y * 1.0 + 0.0; // two links
    }
    assert_eq!(y.grad(&[&x]), [1.0]);
}

#[test]
#[should_panic(expected = "does not depend on a target")]
fn nothing_is_silently_zero() {
    let (x, y) = (Value::new(1.0), Value::new(2.0));
    x.exp().grad(&[&y]);
}
