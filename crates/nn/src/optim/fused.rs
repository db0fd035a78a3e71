//! One pass over all parameters of an optimiser, in parallel. A step moves bytes and hardly computes: ten small passes cost more than one long one.

use crate::cell::Param;
use tensor_core::kernels::{Float, parallel};
use tensor_core::{DType, Gradients, Tensor};

/// Elements that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// How an optimiser changes one stretch of a parameter: its values, its gradients, and S moments of each.
pub(super) trait Update<const S: usize>: Sync {
    fn update<T: Float>(&self, values: &mut [T], gradients: &[T], moments: [&mut [T]; S]);
}

struct Task<'a, T, const S: usize> {
    values: &'a mut [T],
    gradients: &'a [T],
    moments: [&'a mut [T]; S],
}

/// Applies `update` to all parameters. Values change in place where no graph holds them.
#[track_caller]
pub(super) fn step<const S: usize>(
    params: &[Param],
    gradients: &Gradients,
    moments: &mut [Vec<Tensor>; S],
    update: &impl Update<S>,
) {
    let gradients: Vec<Tensor> = params.iter().map(|param| gradient_of(param, gradients)).collect();
    match params.first().map(Param::dtype) {
        None => {}
        Some(DType::F32) => run::<f32, S>(params, &gradients, moments, update),
        Some(_) => run::<f64, S>(params, &gradients, moments, update),
    }
}

#[track_caller]
fn gradient_of(param: &Param, gradients: &Gradients) -> Tensor {
    match gradients.get(param) {
        Some(gradient) => {
            let (found, wanted) = (gradient.shape(), param.shape());
            assert_eq!(
                found,
                wanted,
                "step: the gradient of `{}` has shape {found}, the parameter has {wanted}",
                param.name()
            );
            assert_eq!(
                gradient.dtype(),
                param.dtype(),
                "step: the gradient of `{}` is of another type",
                param.name()
            );
            gradient.dense()
        }
        None => panic!(
            "step: the gradients are not those of `{}`, which the optimiser holds",
            param.name()
        ),
    }
}

fn run<T: Float, const S: usize>(
    params: &[Param],
    gradients: &[Tensor],
    moments: &mut [Vec<Tensor>; S],
    update: &impl Update<S>,
) {
    let mut values: Vec<_> = params.iter().map(Param::write).collect();
    let mut moments: [_; S] = moments.each_mut().map(|moments| moments.iter_mut());
    let mut tasks = Vec::new();
    for (value, gradient) in values.iter_mut().zip(gradients) {
        let mut moments: [_; S] = moments.each_mut().map(|moments| {
            let moment = moments.next().expect("there is a moment for each parameter");
            moment.as_mut_slice::<T>().chunks_mut(CHUNK)
        });
        let chunks = value.as_mut_slice::<T>().chunks_mut(CHUNK);
        for (values, gradients) in chunks.zip(gradient.as_slice::<T>().chunks(CHUNK)) {
            tasks.push(Task {
                values,
                gradients,
                moments: moments
                    .each_mut()
                    .map(|chunks| chunks.next().expect("a moment is as long as its parameter")),
            });
        }
    }
    parallel::for_each_chunk(&mut tasks, 1, |_, tasks| {
        for task in tasks {
            update.update(
                task.values,
                task.gradients,
                task.moments.each_mut().map(|moment| &mut **moment),
            );
        }
    });
}
