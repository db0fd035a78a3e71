//! One table for all operations. Its rows are operations, a family a file. Its columns are the tests below: value against a plain loop, first and
//! second derivative against differences, views of every kind, empty inputs, the recorded pass, threads, observers.

mod activation;
mod arithmetic;
pub(crate) mod array;
mod conv;
mod einsum;
mod elementary;
mod index;
mod integers;
mod join;
mod leaks;
mod lines;
mod loss;
mod matmul;
mod movement;
mod norm;
mod piecewise;
mod pool;
mod recurrent;
mod reduce;
mod row;
mod softmax;

use approx::assert_relative_eq;
use array::Array;
use row::Row;
use tensor_core::autograd::check::{gradcheck, gradgradcheck};
use tensor_core::autograd::observe::{Counter, observe};
use tensor_core::{DType, Tensor, parallel_region};

fn table() -> Vec<Row> {
    [
        activation::rows(),
        arithmetic::rows(),
        conv::rows(),
        einsum::rows(),
        elementary::rows(),
        index::rows(),
        integers::rows(),
        join::rows(),
        loss::rows(),
        matmul::rows(),
        movement::rows(),
        piecewise::rows(),
        pool::rows(),
        norm::rows(),
        recurrent::rows(),
        reduce::rows(),
        softmax::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The rows of what can be differentiated.
fn with_gradients() -> impl Iterator<Item = Row> {
    table().into_iter().filter(|row| row.has_gradient)
}

fn array(x: &Tensor) -> Array {
    Array::new(&x.shape(), x.to_dtype(DType::F64).to_vec())
}

/// The gradients of a loss that weighs each element of the output with a factor of its own; none where the row has none.
fn gradients(row: &Row, inputs: &[Tensor]) -> Vec<Tensor> {
    let inputs: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
    let output = (row.run)(&inputs);
    if !row.has_gradient {
        assert!(
            !output.is_tracked(),
            "{}: the row says that there is no gradient",
            row.name
        );
        return Vec::new();
    }
    let loss = output.sqr().sum(..);
    loss.grad_or_zeros(&inputs.iter().collect::<Vec<_>>())
}

/// Asserts that the difference is at most `tolerance` of the largest number, or of 1.
#[track_caller]
fn assert_close(what: &str, found: &Array, wanted: &Array, tolerance: f64) {
    assert_eq!(found.shape(), wanted.shape(), "{what}: the shape");
    let largest = wanted.data().iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in found.data().iter().zip(wanted.data()).enumerate() {
        let both_nan = a.is_nan() && b.is_nan();
        let close = a == b || both_nan || (a - b).abs() <= tolerance * largest;
        assert!(close, "{what}: element {i} is {a:e}, not {b:e}");
    }
}

#[test]
fn values_are_those_of_a_plain_loop() {
    for row in table() {
        for inputs in row.inputs() {
            let shapes: Vec<_> = inputs.iter().map(Tensor::shape).collect();
            let compare = |inputs: &[Tensor], tolerance| {
                let wanted = (row.naive)(&inputs.iter().map(array).collect::<Vec<_>>());
                let what = format!("{} on {shapes:?}", row.name);
                assert_close(&what, &array(&(row.run)(inputs)), &wanted, tolerance);
            };
            compare(&inputs, 1e-13);
            let single: Vec<Tensor> = inputs.iter().map(|x| x.to_dtype(DType::F32)).collect();
            compare(&single, 2e-6);
        }
    }
}

#[test]
fn first_and_second_derivatives_agree_with_differences() {
    for row in with_gradients() {
        for inputs in row.inputs_with_elements() {
            gradcheck(&row.run, &inputs).unwrap_or_else(|e| panic!("{}: {e}", row.name));
            gradgradcheck(&row.run, &inputs).unwrap_or_else(|e| panic!("{}, second: {e}", row.name));
        }
    }
}

/// The same values as a view with gaps: dimensions in reverse order in the buffer, and other numbers between.
fn transposed_and_sliced(x: &Tensor) -> Tensor {
    let reverse: Vec<isize> = (0..x.rank() as isize).rev().collect();
    let gaps: Vec<(usize, usize)> = x.shape().iter().map(|_| (1, 2)).collect();
    let mut view = x.permute(&reverse).pad(&gaps).permute(&reverse);
    for (dim, &size) in x.shape().iter().enumerate() {
        view = view.narrow(dim as isize, 1, size);
    }
    view
}

/// The first place of the last dimension, repeated along it with a stride of 0.
fn expanded(x: &Tensor) -> Tensor {
    if x.rank() == 0 || x.count() == 0 {
        return x.clone();
    }
    x.narrow(-1, 0, 1).expand(x.shape())
}

fn assert_same_on_views(view: fn(&Tensor) -> Tensor) {
    for row in table() {
        for inputs in row.inputs() {
            let views: Vec<Tensor> = inputs.iter().map(view).collect();
            let copies: Vec<Tensor> = views.iter().map(Tensor::dense).collect();
            assert_close(row.name, &array(&(row.run)(&views)), &array(&(row.run)(&copies)), 1e-13);
            let wanted = gradients(&row, &copies);
            for (found, wanted) in gradients(&row, &views).iter().zip(&wanted) {
                assert_close(row.name, &array(found), &array(wanted), 1e-12);
            }
            let single: Vec<Tensor> = inputs.iter().map(|x| view(&x.to_dtype(DType::F32))).collect();
            for (found, wanted) in gradients(&row, &single).iter().zip(&wanted) {
                assert_close(row.name, &array(found), &array(wanted), 2e-5);
            }
        }
    }
}

#[test]
fn transposed_and_sliced_inputs_give_the_same() {
    let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
    assert_eq!(transposed_and_sliced(&x), x);
    assert!(!transposed_and_sliced(&x).is_contiguous());
    assert_same_on_views(transposed_and_sliced);
}

#[test]
fn expanded_inputs_give_the_same() {
    assert_same_on_views(expanded);
}

#[test]
fn every_operation_takes_inputs_without_elements() {
    for row in table() {
        assert!(
            row.empty_inputs().count() > 0,
            "{}: no shape of the row is empty",
            row.name
        );
        for inputs in row.empty_inputs() {
            for (gradient, input) in gradients(&row, &inputs).iter().zip(&inputs) {
                assert_eq!(gradient.shape(), input.shape(), "{}", row.name);
            }
        }
    }
}

#[test]
fn the_gradient_of_the_recorded_pass_is_the_fast_one() {
    for row in with_gradients() {
        for inputs in row.inputs() {
            let inputs: Vec<Tensor> = inputs.iter().map(Tensor::requires_grad).collect();
            let targets: Vec<&Tensor> = inputs.iter().collect();
            let loss = (row.run)(&inputs).sqr().sum(..);
            for (fast, composed) in loss.grad(&targets).iter().zip(loss.grad_graph(&targets)) {
                assert_relative_eq!(*fast, composed, max_relative = 1e-12, epsilon = 1e-13);
            }
        }
    }
}

/// Enough work for the threads of a region to be woken: what follows is shared, even if by itself it were too little.
fn wake_threads() {
    let x = Tensor::ones([600, 600]);
    assert_eq!(x.matmul(&x).max(..).item(), 600.0);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for row in table() {
        for dtype in [DType::F32, DType::F64] {
            let inputs = row.large_inputs(dtype);
            let on_threads = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    parallel_region(|| {
                        wake_threads();
                        let gradients = gradients(&row, &inputs);
                        (
                            bits(&(row.run)(&inputs)),
                            gradients.iter().map(bits).collect::<Vec<_>>(),
                        )
                    })
                })
            };
            let one = on_threads(1);
            for threads in [2, 5] {
                assert!(
                    on_threads(threads) == one,
                    "{} {dtype}: {threads} threads differ from one",
                    row.name
                );
            }
        }
    }
}

#[test]
fn an_observer_changes_no_bit() {
    for row in table() {
        for inputs in row.inputs() {
            let compute = || {
                (
                    bits(&(row.run)(&inputs)),
                    gradients(&row, &inputs).iter().map(bits).collect::<Vec<_>>(),
                )
            };
            let (watched, counter) = observe(Counter::default(), compute);
            assert!(watched == compute(), "{} differs when it is observed", row.name);
            assert!(!counter.names().is_empty(), "{} was not seen", row.name);
        }
    }
}

/// Bits and not numbers, so that NaN equals itself and -0 is not 0.
fn bits(x: &Tensor) -> Vec<u64> {
    let x = x.to_dtype(DType::F64);
    x.to_vec::<f64>().into_iter().map(f64::to_bits).collect()
}
