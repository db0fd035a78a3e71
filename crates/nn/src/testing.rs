//! Helpers of the tests of this crate.

use crate::{Context, Layer, Module, module};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use tensor_core::autograd::Target;
use tensor_core::{DType, Shape, Tensor};

thread_local! {
    static LAST_PANIC: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// The message with which `f` panics, and the file and line that the panic names.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> (String, (String, u32)) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let location = info.location().map(|at| (at.file().to_owned(), at.line()));
            LAST_PANIC.set(location);
            before(info);
        }));
    });
    let payload = match panic::catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => payload,
    };
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().expect("a panic has a text").to_string(),
    };
    (message, LAST_PANIC.take().expect("a panic has a location"))
}

/// sin 1, sin 2, … in this shape.
pub(crate) fn wave(shape: impl Into<Shape>) -> Tensor {
    let shape = shape.into();
    let values: Vec<f64> = (1..=shape.count()).map(|i| (i as f64).sin()).collect();
    Tensor::from_slice(&values, shape)
}

/// Turns a module to F64, its parameters to waves.
pub(crate) fn fill_with_waves(module: &(impl Module + ?Sized)) {
    module::to_dtype(module, DType::F64);
    for param in module::params(module) {
        param.set(&wave(param.shape()));
    }
}

/// Compares the output y of a layer and the gradient of Σ y · wave by `target` with PyTorch's in float64: `y = layer(x); (y * wave(...)).sum().backward()`.
#[track_caller]
pub(crate) fn assert_as_in_pytorch(
    name: &str,
    layer: &(impl Layer + ?Sized),
    x: &Tensor,
    cx: &mut Context,
    target: &impl Target,
    [output, slope]: [&[f64]; 2],
) {
    let y = layer.forward(x, cx);
    assert_close(&format!("{name}: the output"), &y, output);
    let (_, gradients) = (&y * wave(y.shape())).sum(..).value_and_grad([target]);
    let gradient = gradients.get(target).expect("it was asked for");
    assert_close(&format!("{name}: the gradient"), gradient, slope);
}

/// Compares with figures in F64, relative to numbers of about 1: some are what is left of a difference.
#[track_caller]
pub(crate) fn assert_close(name: &str, found: &Tensor, wanted: &[f64]) {
    let found = found.to_vec::<f64>();
    assert_eq!(found.len(), wanted.len(), "{name}");
    let close = found
        .iter()
        .zip(wanted)
        .all(|(found, wanted)| (found - wanted).abs() < 1e-13);
    assert!(close, "{name} is {found:?}, not {wanted:?}");
}
