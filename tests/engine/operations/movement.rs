//! The same elements in another shape or order, parts of them, and what is put around them.

use super::array::{Array, index_of};
use super::row::Row;
use tensor_core::Tensor;
use tensor_core::autograd::observe::{Observer, Step, observe};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "reshape",
            |x| x[0].reshape([x[0].size(1), x[0].size(0)]),
            |x| Array::new(&[x[0].size(1), x[0].size(0)], x[0].data().to_vec()),
        )
        .on(&[&[3, 5]])
        .on(&[&[0, 4]])
        .at_scale(&[&[400, 500]])
        .a_view(),
        Row::new(
            "permute",
            |x| x[0].permute(&[2, 0, -2]),
            |x| {
                let sizes = [x[0].size(2), x[0].size(0), x[0].size(1)];
                Array::from_fn(&sizes, |i| x[0].at(&[i[1], i[2], i[0]]))
            },
        )
        .on(&[&[2, 3, 4]])
        .on(&[&[2, 0, 4]])
        .at_scale(&[&[40, 100, 50]])
        .a_view(),
        Row::new(
            "expand",
            |x| x[0].expand([2, x[0].size(0), 3]),
            |x| Array::from_fn(&[2, x[0].size(0), 3], |i| x[0].at(i)),
        )
        .on(&[&[3, 1]])
        .on(&[&[4, 3]])
        .on(&[&[0, 1]])
        .at_scale(&[&[40_000, 1]])
        .a_view(),
        Row::new(
            "narrow",
            |x| x[0].narrow(-1, 1, 3),
            |x| Array::from_fn(&[x[0].size(0), 3], |i| x[0].at(&[i[0], i[1] + 1])),
        )
        .on(&[&[3, 5]])
        .on(&[&[0, 4]])
        .at_scale(&[&[50_000, 5]])
        .a_view(),
        Row::new(
            "pad",
            |x| x[0].pad(&[(1, 0), (0, 2)]),
            |x| {
                let (rows, columns) = (x[0].size(0), x[0].size(1));
                let sizes = [rows + 1, columns + 2];
                let elements = (0..sizes[0] * sizes[1]).map(|n| match index_of(n, &sizes)[..] {
                    [i, j] if i > 0 && j < columns => x[0].at(&[i - 1, j]),
                    _ => 0.0,
                });
                Array::new(&sizes, elements.collect())
            },
        )
        .on(&[&[2, 3]])
        .on(&[&[0, 3]])
        .at_scale(&[&[400, 500]]),
        Row::new(
            "pad_value",
            |x| x[0].pad_value(&[(1, 1), (2, 0)], 0.5),
            |x| {
                let (rows, columns) = (x[0].size(0), x[0].size(1));
                Array::from_fn(&[rows + 2, columns + 2], |i| {
                    let inside = (1..rows + 1).contains(&i[0]) && i[1] >= 2;
                    if inside { x[0].at(&[i[0] - 1, i[1] - 2]) } else { 0.5 }
                })
            },
        )
        .on(&[&[2, 3]])
        .on(&[&[0, 3]])
        .at_scale(&[&[400, 500]]),
        Row::new(
            "flip",
            |x| x[0].flip([0, -1]),
            |x| {
                let [rows, _, columns] = [0, 1, 2].map(|dim| x[0].size(dim));
                Array::from_fn(x[0].shape(), |i| x[0].at(&[rows - 1 - i[0], i[1], columns - 1 - i[2]]))
            },
        )
        .on(&[&[2, 3, 4]])
        .on(&[&[2, 0, 4]])
        .at_scale(&[&[40, 100, 50]])
        .a_view(),
        Row::new(
            "transpose",
            |x| x[0].transpose(0, -1),
            |x| {
                let sizes = [x[0].size(2), x[0].size(1), x[0].size(0)];
                Array::from_fn(&sizes, |i| x[0].at(&[i[2], i[1], i[0]]))
            },
        )
        .on(&[&[2, 3, 4]])
        .on(&[&[2, 0, 4]])
        .at_scale(&[&[40, 100, 50]])
        .a_view(),
        Row::new(
            "t",
            |x| x[0].t(),
            |x| Array::from_fn(&[x[0].size(1), x[0].size(0)], |i| x[0].at(&[i[1], i[0]])),
        )
        .on(&[&[3, 5]])
        .on(&[&[0, 5]])
        .at_scale(&[&[400, 500]])
        .a_view(),
        shaped(
            "squeeze",
            |x| x.unsqueeze(1).squeeze(1).unsqueeze(-1),
            |[a, b, c]| vec![a, b, c, 1],
        ),
        shaped("flatten", |x| x.flatten(1, -1), |[a, b, c]| vec![a, b * c]),
        shaped(
            "unflatten",
            |x| x.unflatten(-1, &[x.size(2) / 2, 2]),
            |[a, b, c]| vec![a, b, c / 2, 2],
        ),
    ]
}

/// The same elements in order, in another shape.
fn shaped(name: &'static str, run: fn(&Tensor) -> Tensor, shape: fn([usize; 3]) -> Vec<usize>) -> Row {
    Row::new(
        name,
        move |x| run(&x[0]),
        move |x| Array::new(&shape([0, 1, 2].map(|dim| x[0].size(dim))), x[0].data().to_vec()),
    )
    .on(&[&[2, 3, 4]])
    .on(&[&[2, 0, 4]])
    .at_scale(&[&[40, 100, 50]])
    .a_view()
}

#[derive(Default)]
struct Bytes(Vec<f64>);

impl Observer for Bytes {
    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        self.0.push(step.cost().bytes);
    }
}

#[test]
fn a_reshape_costs_nothing_unless_it_copies() {
    let x = Tensor::zeros([3, 4]);
    let turned = x.t();
    let (_, Bytes(bytes)) = observe(Bytes::default(), || (x.reshape(12), turned.reshape(12)));
    assert_eq!(bytes, [0.0, 2.0 * 12.0 * 4.0]);
}
