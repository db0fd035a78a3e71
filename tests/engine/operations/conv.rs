//! Convolutions.

use super::array::Array;
use super::row::Row;
use tensor_core::Tensor;
use tensor_core::ops::{Conv1dOptions, Conv2dOptions, ConvTranspose1dOptions, ConvTranspose2dOptions};

/// x at [n, c, h, w], where h and w count from the edge of the padding: 0 there.
fn padded(x: &Array, [n, c]: [usize; 2], place: [usize; 2], padding: [[usize; 2]; 2]) -> f64 {
    let inside = |dim: usize| place[dim].checked_sub(padding[dim][0]).filter(|&i| i < x.size(2 + dim));
    inside(0).zip(inside(1)).map_or(0.0, |(h, w)| x.at(&[n, c, h, w]))
}

fn conv2d(x: &[Array], options: &Conv2dOptions) -> Array {
    let Conv2dOptions {
        stride,
        padding,
        dilation,
        groups,
        ..
    } = *options;
    let (input, weight) = (&x[0], &x[1]);
    let kernel = [weight.size(2), weight.size(3)];
    let output = [0, 1].map(|dim| {
        let padded = input.size(2 + dim) + padding[dim][0] + padding[dim][1];
        (padded - dilation[dim] * (kernel[dim] - 1) - 1) / stride[dim] + 1
    });
    let (outputs, channels) = (weight.size(0), weight.size(1));
    Array::from_fn(&[input.size(0), outputs, output[0], output[1]], |at| {
        let first = at[1] / (outputs / groups) * channels;
        let bias = x.get(2).map_or(0.0, |bias| bias.at(&[at[1]]));
        let tap = |c: usize, i: usize, j: usize| {
            let place = [at[2] * stride[0] + i * dilation[0], at[3] * stride[1] + j * dilation[1]];
            weight.at(&[at[1], c, i, j]) * padded(input, [at[0], first + c], place, padding)
        };
        let row = |c: usize, i: usize| (0..kernel[1]).map(|j| tap(c, i, j)).sum::<f64>();
        let plane = |c: usize| (0..kernel[0]).map(|i| row(c, i)).sum::<f64>();
        bias + (0..channels).map(plane).sum::<f64>()
    })
}

/// By the other definition: each output collects the inputs that reach it.
fn conv_transpose2d(x: &[Array], options: &ConvTranspose2dOptions) -> Array {
    let Conv2dOptions {
        stride,
        padding,
        dilation,
        groups,
        ..
    } = options.conv;
    let (input, weight) = (&x[0], &x[1]);
    let kernel = [weight.size(2), weight.size(3)];
    let output = [0, 1].map(|dim| {
        let full = (input.size(2 + dim) - 1) * stride[dim] + dilation[dim] * (kernel[dim] - 1) + 1;
        full + options.output_padding[dim] - padding[dim][0] - padding[dim][1]
    });
    let (inputs, outputs) = (weight.size(0) / groups, weight.size(1));
    // The position of the input whose tap i falls on place h of the output.
    let position = |dim: usize, h: usize, i: usize| {
        let distance = (h + padding[dim][0]).checked_sub(i * dilation[dim])?;
        let position = distance / stride[dim];
        (distance.is_multiple_of(stride[dim]) && position < input.size(2 + dim)).then_some(position)
    };
    Array::from_fn(&[input.size(0), outputs * groups, output[0], output[1]], |at| {
        let first = at[1] / outputs * inputs;
        let mut sum = x.get(2).map_or(0.0, |bias| bias.at(&[at[1]]));
        for (c, i) in (first..first + inputs).flat_map(|c| (0..kernel[0]).map(move |i| (c, i))) {
            for j in 0..kernel[1] {
                if let Some((u, v)) = position(0, at[2], i).zip(position(1, at[3], j)) {
                    sum += input.at(&[at[0], c, u, v]) * weight.at(&[c, at[1] % outputs, i, j]);
                }
            }
        }
        sum
    })
}

/// The same sequences as images of height 1.
fn images(x: &[Array]) -> Vec<Array> {
    let image = |x: &Array| match *x.shape() {
        [n, c, length] => Array::new(&[n, c, 1, length], x.data().to_vec()),
        _ => x.clone(),
    };
    x.iter().map(image).collect()
}

fn sequences(y: Array) -> Array {
    Array::new(&[y.size(0), y.size(1), y.size(3)], y.data().to_vec())
}

fn conv2d_row(name: &'static str, options: Conv2dOptions) -> Row {
    Row::new(
        name,
        move |x| x[0].conv2d(&x[1], x.get(2), &options),
        move |x| conv2d(x, &options),
    )
}

fn conv_transpose2d_row(name: &'static str, options: ConvTranspose2dOptions) -> Row {
    let run = move |x: &[Tensor]| x[0].conv_transpose2d(&x[1], x.get(2), &options);
    Row::new(name, run, move |x| conv_transpose2d(x, &options))
}

fn conv1d_row(name: &'static str, options: Conv1dOptions) -> Row {
    let in_images = Conv2dOptions::default()
        .stride([1, options.stride[0]])
        .padding([[0, 0], options.padding[0]])
        .dilation([1, options.dilation[0]])
        .groups(options.groups);
    let run = move |x: &[Tensor]| x[0].conv1d(&x[1], x.get(2), &options);
    Row::new(name, run, move |x| sequences(conv2d(&images(x), &in_images)))
}

fn conv_transpose1d_row(name: &'static str, options: ConvTranspose1dOptions) -> Row {
    let (conv, added) = (options.conv, options.output_padding[0]);
    let in_images = ConvTranspose2dOptions::default()
        .stride([1, conv.stride[0]])
        .padding([[0, 0], conv.padding[0]])
        .dilation([1, conv.dilation[0]])
        .groups(conv.groups)
        .output_padding([0, added]);
    let run = move |x: &[Tensor]| x[0].conv_transpose1d(&x[1], x.get(2), &options);
    Row::new(name, run, move |x| sequences(conv_transpose2d(&images(x), &in_images)))
}

pub(crate) fn rows() -> Vec<Row> {
    let (plain, transposed) = (Conv2dOptions::default(), ConvTranspose2dOptions::default());
    let (plain1, transposed1) = (Conv1dOptions::default(), ConvTranspose1dOptions::default());
    vec![
        conv2d_row("conv2d", plain)
            .on(&[&[2, 2, 4, 3], &[3, 2, 2, 3], &[3]])
            .on(&[&[1, 2, 2, 3], &[2, 2, 1, 1]])
            .on(&[&[0, 2, 4, 3], &[3, 2, 2, 3], &[3]])
            .on(&[&[2, 0, 4, 3], &[3, 0, 2, 3]])
            .at_scale(&[&[3, 64, 33, 31], &[24, 64, 3, 3], &[24]]),
        conv2d_row("conv2d, halving", plain.stride(2).padding(1))
            .on(&[&[2, 2, 4, 5], &[2, 2, 4, 4], &[2]])
            .on(&[&[0, 2, 4, 5], &[2, 2, 4, 4], &[2]])
            .at_scale(&[&[40, 3, 28, 28], &[16, 3, 4, 4], &[16]]),
        conv2d_row(
            "conv2d, everything uneven",
            plain
                .stride([2, 3])
                .padding([[2, 0], [1, 3]])
                .dilation([2, 1])
                .groups(2),
        )
        .on(&[&[2, 4, 3, 4], &[2, 2, 2, 3], &[2]])
        .on(&[&[0, 4, 3, 4], &[2, 2, 2, 3], &[2]])
        .at_scale(&[&[30, 4, 30, 40], &[8, 2, 3, 5], &[8]]),
        conv_transpose2d_row("conv_transpose2d", transposed)
            .on(&[&[2, 2, 2, 3], &[2, 3, 3, 2], &[3]])
            .on(&[&[1, 2, 2, 3], &[2, 2, 1, 1]])
            .on(&[&[0, 2, 2, 3], &[2, 3, 3, 2], &[3]])
            .at_scale(&[&[3, 64, 33, 31], &[64, 24, 3, 3], &[24]]),
        conv_transpose2d_row("conv_transpose2d, doubling", transposed.stride(2).padding(1))
            .on(&[&[2, 2, 3, 2], &[2, 2, 4, 4], &[2]])
            .on(&[&[0, 2, 3, 2], &[2, 2, 4, 4], &[2]])
            .at_scale(&[&[40, 16, 14, 14], &[16, 3, 4, 4], &[3]]),
        conv_transpose2d_row(
            "conv_transpose2d, everything uneven",
            transposed
                .stride([2, 3])
                .padding([[1, 0], [0, 2]])
                .dilation([2, 1])
                .groups(2)
                .output_padding([1, 2]),
        )
        .on(&[&[2, 4, 3, 2], &[4, 1, 2, 3], &[2]])
        .on(&[&[0, 4, 3, 2], &[4, 1, 2, 3], &[2]])
        .at_scale(&[&[30, 4, 15, 14], &[4, 4, 3, 5], &[8]]),
        conv1d_row("conv1d", plain1.stride(2).padding(1))
            .on(&[&[2, 3, 5], &[2, 3, 3], &[2]])
            .on(&[&[0, 3, 5], &[2, 3, 3], &[2]])
            .at_scale(&[&[20, 16, 300], &[16, 16, 3], &[16]]),
        conv1d_row("conv1d, causal", plain1.padding([[4, 0]]).dilation(2))
            .on(&[&[2, 2, 4], &[2, 2, 3]])
            .on(&[&[2, 2, 4], &[0, 2, 3]])
            .at_scale(&[&[20, 16, 300], &[16, 16, 3]]),
        conv_transpose1d_row("conv_transpose1d", transposed1.stride(2).padding(1).output_padding(1))
            .on(&[&[2, 2, 4], &[2, 3, 3], &[3]])
            .on(&[&[0, 2, 4], &[2, 3, 3], &[3]])
            .at_scale(&[&[20, 16, 300], &[16, 16, 3], &[16]]),
    ]
}
