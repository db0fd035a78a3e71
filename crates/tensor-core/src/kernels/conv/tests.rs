//! The three functions against the definition: five loops.

use super::super::parallel::testing::same_on_any_pool;
use super::super::simd::Float;
use super::super::window::Axis;
use super::{Geometry, convolution, input_gradient, weight_gradient};
use proptest::prelude::*;

/// Multiples of 1/2048: sums of their products are exact in double precision, in whatever order they are added.
fn numbers<T: Float>(n: usize) -> Vec<T> {
    (0..n)
        .map(|i| T::from_f64((i * 7919 % 2003) as f64 / 2048.0 - 0.25))
        .collect()
}

/// An axis with padding (before, after).
fn axis(input: usize, kernel: usize, stride: usize, dilation: usize, padding: (usize, usize)) -> Axis {
    Axis {
        input,
        output: (input + padding.0 + padding.1 - dilation * (kernel - 1) - 1) / stride + 1,
        kernel,
        stride,
        dilation,
        padding: padding.0,
    }
}

/// Calls `f` with the indices of x, weight and y of each product of the convolution.
fn products(g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let [rows, columns] = g.axes;
    let place = |axis: Axis, u: usize, i: usize| {
        (u * axis.stride + i * axis.dilation)
            .checked_sub(axis.padding)
            .filter(|&place| place < axis.input)
    };
    for plane in 0..g.samples * g.groups * g.outputs {
        let (sample, output) = (plane / (g.groups * g.outputs), plane % (g.groups * g.outputs));
        for (u, v) in pairs(rows.output, columns.output) {
            for input in 0..g.inputs {
                let channel = sample * g.groups * g.inputs + output / g.outputs * g.inputs + input;
                for (i, j) in pairs(rows.kernel, columns.kernel) {
                    if let Some((h, w)) = place(rows, u, i).zip(place(columns, v, j)) {
                        f(
                            (channel * rows.input + h) * columns.input + w,
                            ((output * g.inputs + input) * rows.kernel + i) * columns.kernel + j,
                            (plane * rows.output + u) * columns.output + v,
                        );
                    }
                }
            }
        }
    }
}

fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |i| (0..b).map(move |j| (i, j)))
}

/// Asserts that two arrays agree to within `epsilon` times the largest magnitude, however many terms there are.
#[track_caller]
fn assert_close<T: Float>(what: &str, found: &[T], wanted: &[f64], epsilon: f64) {
    let largest = wanted.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    assert_eq!(found.len(), wanted.len());
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let error = (found.to_f64() - wanted).abs();
        assert!(
            error <= epsilon * largest,
            "{what}, element {i}: {found} is not {wanted}"
        );
    }
}

/// All three functions, on 1, 2 and 5 threads.
fn check<T: Float>(g: Geometry, epsilon: f64) {
    let planes = |of_group: usize, size: fn(&Axis) -> usize| g.samples * g.groups * of_group * g.plane(size);
    let (x_len, y_len) = (planes(g.inputs, |a| a.input), planes(g.outputs, |a| a.output));
    let weight_len = g.groups * g.outputs * g.inputs * g.plane(|a| a.kernel);
    let (x, weight, gy) = (numbers::<T>(x_len), numbers::<T>(weight_len), numbers::<T>(y_len));
    let bias: Vec<T> = numbers(g.groups * g.outputs.max(g.inputs));
    let on_nan = |len: usize, f: &(dyn Fn(&mut [T]) + Sync)| {
        let bits = same_on_any_pool(|| {
            let mut out = vec![T::from_f64(f64::NAN); len];
            f(&mut out);
            // Compared as integers, since NaN differs from itself.
            out.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<_>>()
        });
        bits.into_iter()
            .map(|bits| T::from_f64(f64::from_bits(bits)))
            .collect::<Vec<T>>()
    };
    let y = on_nan(y_len, &|y| convolution(&g, &x, &weight, Some(&bias), y));
    let gx = on_nan(x_len, &|gx| input_gradient(&g, &gy, &weight, None, gx));
    let gx_bias = on_nan(x_len, &|gx| input_gradient(&g, &gy, &weight, Some(&bias), gx));
    let gw = on_nan(weight_len, &|gw| weight_gradient(&g, &x, &gy, gw));

    let (mut want_y, mut want_gx, mut want_gw) = (vec![0.0; y_len], vec![0.0; x_len], vec![0.0; weight_len]);
    products(&g, |at_x, at_weight, at_y| {
        want_y[at_y] += x[at_x].to_f64() * weight[at_weight].to_f64();
        want_gx[at_x] += gy[at_y].to_f64() * weight[at_weight].to_f64();
        want_gw[at_weight] += gy[at_y].to_f64() * x[at_x].to_f64();
    });
    let add_bias = |values: &mut [f64], plane: usize, channels: usize| {
        let biases = (0..values.len()).map(|i| bias[i / plane % channels].to_f64());
        values.iter_mut().zip(biases).for_each(|(value, bias)| *value += bias);
    };
    assert_close(&format!("gx of {g:?}"), &gx, &want_gx, epsilon);
    assert_close(&format!("gw of {g:?}"), &gw, &want_gw, epsilon);
    add_bias(&mut want_y, g.plane(|a| a.output), g.groups * g.outputs);
    add_bias(&mut want_gx, g.plane(|a| a.input), g.groups * g.inputs);
    assert_close(&format!("y of {g:?}"), &y, &want_y, epsilon);
    assert_close(&format!("gx with a bias of {g:?}"), &gx_bias, &want_gx, epsilon);
}

fn check_both(samples: usize, groups: usize, [inputs, outputs]: [usize; 2], axes: [Axis; 2]) {
    let geometry = Geometry {
        samples,
        groups,
        inputs,
        outputs,
        axes,
    };
    check::<f32>(geometry, 2e-6);
    check::<f64>(geometry, 0.0);
}

/// All roundings of a sum of equal terms may go the same way: the worst case.
#[test]
fn sums_of_one_sign_are_right() {
    // Up to 504 taps of each result in one block of channels, for many results and for few; and twice 28 x 28 positions for each weight.
    for outputs in [40, 4] {
        for (inputs, term) in [(42, 0.972), (56, 0.972), (49, 0.972), (28, 0.92785), (57, 0.1)] {
            let still = |n| axis(n, 3, 1, 1, (0, 0));
            let g = Geometry {
                samples: 2,
                groups: 1,
                inputs,
                outputs,
                axes: [still(30), still(30)],
            };
            let (x, gy) = (vec![1.0f32; 2 * inputs * 900], vec![1.0f32; 2 * outputs * 784]);
            let (weight, given) = (vec![term; outputs * inputs * 9], vec![term; 2 * outputs * 784]);
            let [mut y, mut gw] = [vec![0.0f32; gy.len()], vec![0.0f32; weight.len()]];
            convolution(&g, &x, &weight, None, &mut y);
            weight_gradient(&g, &x, &given, &mut gw);
            for (found, k) in y
                .iter()
                .map(|y| (y, inputs * 9))
                .chain(gw.iter().map(|gw| (gw, 2 * 784)))
            {
                let wanted = k as f64 * f64::from(term);
                let error = (f64::from(*found) - wanted).abs();
                let limit = 2.0 * (k as f64).sqrt() * f64::from(f32::EPSILON) * wanted;
                assert!(
                    error <= limit,
                    "{k} terms of {term} to {outputs}: {error:e} off, of {limit:e}"
                );
            }
        }
    }
}

#[test]
fn larger_than_tiles() {
    // Several blocks of source channels, several tiles for each sample.
    check_both(3, 1, [64, 32], [axis(33, 3, 1, 1, (1, 1)), axis(31, 4, 1, 1, (1, 2))]);
    // Small planes: several samples in a tile, several tiles.
    check_both(70, 1, [24, 9], [axis(7, 4, 2, 1, (1, 1)), axis(9, 4, 2, 1, (1, 1))]);
    check_both(40, 2, [5, 3], [axis(28, 5, 3, 1, (2, 2)), axis(14, 2, 2, 1, (0, 0))]);
}

#[test]
fn samples_in_bands_of_unequal_height() {
    // Samples with so little to do that several would fit a tile, and with so many positions that each is cut: the last band has a row less.
    let image = [axis(29, 3, 1, 1, (1, 1)); 2];
    check_both(17, 1, [1, 16], image);
    check_both(17, 1, [16, 1], image);
    check_both(33, 1, [3, 8], image);
    // Of the four grids of places of x, some have 22 rows and some 21.
    check_both(17, 1, [16, 2], [axis(43, 4, 2, 1, (1, 1)); 2]);
    check_both(17, 1, [2, 16], [axis(43, 4, 2, 1, (1, 1)); 2]);
}

#[test]
fn few_channels() {
    // Vectors of positions, for 1, 2, 4 and 8 rows of sums; a sample in several tiles, and several blocks of source channels.
    let image = [axis(45, 3, 1, 1, (1, 1)), axis(31, 5, 1, 2, (3, 4))];
    check_both(2, 1, [70, 8], image);
    check_both(2, 1, [7, 1], image);
    check_both(1, 2, [3, 2], image);
    // Several samples in a tile, of two grids with different numbers of rows.
    check_both(37, 1, [1, 64], [axis(9, 4, 2, 1, (1, 1)), axis(12, 4, 2, 1, (1, 1))]);
    // Every second row and column of x, which no tap reaches.
    check_both(2, 1, [1, 16], [axis(19, 3, 2, 2, (0, 0)); 2]);
}

#[test]
fn many_channels() {
    // More than one block of columns, and tiles of all heights.
    let image = [axis(5, 3, 1, 1, (1, 1)), axis(3, 2, 2, 1, (0, 1))];
    check_both(3, 1, [210, 230], image);
    check_both(17, 1, [20, 100], image);
    // One tile, whose channels are shared out; in one group and in two.
    let image = [axis(7, 3, 1, 1, (1, 1)), axis(7, 3, 1, 1, (1, 1))];
    check_both(1, 1, [96, 256], image);
    check_both(1, 2, [64, 256], image);
    // One tile, whose groups are.
    check_both(1, 15, [40, 60], image);
}

#[test]
fn a_window_of_one_place() {
    let still = |n| axis(n, 1, 1, 1, (0, 0));
    check_both(3, 1, [17, 40], [still(30), still(31)]);
    check_both(70, 2, [5, 4], [still(3), still(5)]);
    check_both(2, 1, [3, 4], [axis(9, 1, 3, 1, (0, 0)), axis(8, 1, 2, 1, (1, 0))]);
}

#[test]
fn nothing_at_all() {
    let window = axis(5, 3, 1, 1, (1, 1));
    check_both(0, 1, [2, 3], [window, window]);
    check_both(2, 1, [0, 3], [window, window]);
    check_both(2, 1, [3, 0], [window, window]);
    check_both(2, 1, [3, 2], [axis(0, 2, 1, 1, (2, 1)), window]);
}

proptest! {
    #[test]
    fn any_sizes(
        (samples, groups) in (1usize..4, 1usize..4),
        channels in (1usize..12, 1usize..12),
        rows in (1usize..9, 1usize..4, 1usize..4, 1usize..4, (0usize..4, 0usize..4)),
        columns in (1usize..9, 1usize..4, 1usize..4, 1usize..4, (0usize..4, 0usize..4)),
    ) {
        let fitting = |(input, kernel, stride, dilation, (before, after)): (usize, usize, usize, usize, (usize, usize))| {
            let missing = (dilation * (kernel - 1) + 1).saturating_sub(input + before + after);
            axis(input, kernel, stride, dilation, (before, after + missing))
        };
        check_both(samples, groups, [channels.0, channels.1], [fitting(rows), fitting(columns)]);
    }
}
