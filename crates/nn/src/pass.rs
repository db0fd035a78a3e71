//! One pass over many tensors, in parallel. Steps, averages and clipping move bytes and hardly compute: ten small passes cost more than one
//! long one.

use tensor_core::kernels::{Float, parallel};

/// Elements that a thread takes at a time: as much work as four times as many simple ones. Adam reads four numbers for each, writes three, takes a
/// root and divides.
pub(crate) const CHUNK: usize = parallel::CHUNK / 4;

/// What lies at the same places of the tensors of one group.
struct Stretch<'a, T, const R: usize, const W: usize> {
    values: &'a mut [T],
    read: [&'a [T]; R],
    written: [&'a mut [T]; W],
}

/// Calls `f` with stretches of tensors that lie side by side. Tensor i of `values` belongs to tensor i of each list in `read`, which are only read,
/// and in `written`, which change as the values do; all of them have its length.
pub(crate) fn for_each_stretch<T: Float, const R: usize, const W: usize>(
    values: Vec<&mut [T]>,
    read: [Vec<&[T]>; R],
    written: [Vec<&mut [T]>; W],
    f: impl Fn(&mut [T], [&[T]; R], [&mut [T]; W]) + Sync,
) {
    let mut read = read.map(Vec::into_iter);
    let mut written = written.map(Vec::into_iter);
    let mut stretches = Vec::new();
    for values in values {
        let len = values.len();
        let mut read = read.each_mut().map(|lists| {
            let list = lists.next().filter(|list| list.len() == len);
            list.expect("each list has a tensor of this length").chunks(CHUNK)
        });
        let mut written = written.each_mut().map(|lists| {
            let list = lists.next().filter(|list| list.len() == len);
            list.expect("each list has a tensor of this length").chunks_mut(CHUNK)
        });
        stretches.extend(values.chunks_mut(CHUNK).map(|values| {
            Stretch {
                values,
                read: read
                    .each_mut()
                    .map(|chunks| chunks.next().expect("the lengths are equal")),
                written: written
                    .each_mut()
                    .map(|chunks| chunks.next().expect("the lengths are equal")),
            }
        }));
    }
    parallel::for_each_chunk(&mut stretches, 1, |_, stretches| {
        for stretch in stretches {
            f(
                stretch.values,
                stretch.read,
                stretch.written.each_mut().map(|written| &mut **written),
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_lie_side_by_side() {
        let lengths = [0, 1, CHUNK, 2 * CHUNK + 3];
        let numbers = |factor: f64| lengths.map(|len| (0..len).map(|i| i as f64 * factor).collect::<Vec<_>>());
        let (mut values, read, mut written) = (numbers(1.0), numbers(10.0), numbers(100.0));
        for_each_stretch(
            values.iter_mut().map(Vec::as_mut_slice).collect(),
            [read.iter().map(Vec::as_slice).collect()],
            [written.iter_mut().map(Vec::as_mut_slice).collect()],
            |values, [read], [written]| {
                for ((v, r), w) in values.iter_mut().zip(read).zip(written) {
                    *v += r;
                    *w -= *v;
                }
            },
        );
        assert_eq!((values, written), (numbers(11.0), numbers(89.0)));
    }
}
