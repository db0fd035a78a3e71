//! Tensors put together and cut into pieces.

use super::array::{Array, with};
use super::row::Row;
use tensor_core::Tensor;
use tensor_core::autograd::observe::{Observer, Step, observe};

fn naive_cat(x: &[&Array], dim: usize) -> Array {
    let places: Vec<(usize, usize)> = (0..x.len())
        .flat_map(|part| (0..x[part].size(dim)).map(move |place| (part, place)))
        .collect();
    Array::from_fn(&with(x[0].shape(), dim, places.len()), |i| {
        let (part, place) = places[i[dim]];
        x[part].at(&with(i, dim, place))
    })
}

/// Two tensors, the first of them twice.
fn cat(name: &'static str, dim: usize) -> Row {
    Row::new(
        name,
        move |x| Tensor::cat(&[&x[0], &x[1], &x[0]], dim as isize - 3),
        move |x| naive_cat(&[&x[0], &x[1], &x[0]], dim),
    )
}

/// `f` of two pieces of the middle dimension, of which the first has more places.
fn pieces(name: &'static str, run: fn(&Tensor) -> Vec<Tensor>) -> Row {
    Row::new(
        name,
        move |x| {
            let pieces = run(&x[0]);
            assert_eq!(pieces.len(), 2);
            Tensor::cat(&[&pieces[1], &pieces[0]], 1)
        },
        |x| {
            let [first, size] = [x[0].size(1).div_ceil(2), x[0].size(1)];
            Array::from_fn(x[0].shape(), |i| x[0].at(&with(i, 1, (i[1] + first) % size)))
        },
    )
    .on(&[&[2, 5, 2]])
    .on(&[&[2, 4, 1]])
    .on(&[&[0, 5, 2]])
    .at_scale(&[&[40, 101, 50]])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        cat("cat along the first", 0)
            .on(&[&[2, 3, 4], &[1, 3, 4]])
            .on(&[&[2, 3, 4], &[0, 3, 4]])
            .at_scale(&[&[40, 100, 50], &[2, 100, 50]]),
        cat("cat along the middle", 1)
            .on(&[&[2, 3, 4], &[2, 1, 4]])
            .on(&[&[2, 0, 4], &[2, 2, 4]])
            .at_scale(&[&[40, 100, 50], &[40, 3, 50]]),
        cat("cat along the last", 2)
            .on(&[&[2, 3, 4], &[2, 3, 1]])
            .on(&[&[0, 3, 4], &[0, 3, 1]])
            .at_scale(&[&[40, 100, 50], &[40, 100, 1]]),
        Row::new(
            "stack",
            |x| Tensor::stack(&[&x[0], &x[1]], 1),
            |x| Array::from_fn(&[x[0].size(0), 2, x[0].size(1)], |i| x[i[1]].at(&[i[0], i[2]])),
        )
        .on(&[&[3, 4], &[3, 4]])
        .on(&[&[0, 4], &[0, 4]])
        .at_scale(&[&[400, 500], &[400, 500]]),
        pieces("split", |x| x.split(x.size(1).div_ceil(2), 1)),
        pieces("chunk", |x| x.chunk(2, 1)),
        Row::new(
            "halves",
            |x| {
                let (first, second) = x[0].halves(-1);
                &first * &first - second
            },
            |x| {
                let half = x[0].size(1) / 2;
                Array::from_fn(&[x[0].size(0), half], |i| {
                    x[0].at(i).powi(2) - x[0].at(&[i[0], i[1] + half])
                })
            },
        )
        .on(&[&[3, 4]])
        .on(&[&[3, 0]])
        .at_scale(&[&[400, 500]]),
    ]
}

/// The numbers that backward passes wrote.
#[derive(Default)]
struct Written(usize);

impl Observer for Written {
    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        self.0 += usize::from(step.rule_of().is_some()) * step.shape.count();
    }
}

#[test]
fn many_pieces_cost_a_few_passes_over_the_whole() {
    let x = Tensor::ones([3, 64, 2]).requires_grad();
    let cuts: [fn(&Tensor) -> Vec<Tensor>; 2] = [|x| x.split(1, 1), |x| x.chunk(64, 1)];
    for cut in cuts {
        let pieces = cut(&x);
        assert_eq!(pieces.len(), 64);
        let mut loss = pieces[0].sum(..);
        for piece in &pieces[1..] {
            loss = loss + piece.sum(..);
        }
        let (gradients, Written(written)) = observe(Written::default(), || loss.grad(&[&x]));
        assert_eq!(gradients[0], x.ones_like());
        // Six times halved, and each time both halves are padded: not 64 times the whole.
        let passes = written / x.count();
        assert!(passes < 20, "{passes} passes over the whole");
    }
}
