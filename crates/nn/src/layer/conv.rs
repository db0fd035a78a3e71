//! Convolutional layers, with PyTorch's names and layouts.

use super::{Layer, Weighted};
use crate::cell::{Param, value_of};
use crate::context::Context;
use crate::init::Init;
use crate::module::{Module, Place, Visitor};
use tensor_core::ops::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions, ConvTransposeOptions,
    PerDim,
};
use tensor_core::{Random, Shape, Tensor};

/// A convolutional layer from the channels that its weight begins with, which of the two counts the outputs, the type of its options and its operation.
macro_rules! convolution {
    ($(#[$doc:meta])* $name:ident, $dims:literal, $options:ident, $leading:ident, $out_dim:literal, $operation:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            /// W, in the layout of the operation.
            pub weight: Param,
            /// b \[out\], if there is one.
            pub bias: Option<Param>,
            /// How the window moves.
            pub options: $options,
            place: Place,
        }

        impl $name {
            /// A layer from `inputs` to `outputs` channels, with PyTorch's default initialisation.
            ///
            /// # Panics
            /// If the groups do not divide the channels.
            #[track_caller]
            pub fn new(
                inputs: usize,
                outputs: usize,
                kernel: impl PerDim<$dims>,
                options: $options,
                random: &mut Random,
            ) -> $name {
                $name::with_init(inputs, outputs, kernel, options, Init::PyTorch, random)
            }

            /// A layer with a chosen initialisation.
            ///
            /// # Panics
            /// If the groups do not divide the channels.
            #[track_caller]
            pub fn with_init(
                inputs: usize,
                outputs: usize,
                kernel: impl PerDim<$dims>,
                options: $options,
                init: Init,
                random: &mut Random,
            ) -> $name {
                let [first, second] = $leading(inputs, outputs, &options);
                let shape = Shape::new(&[&[first, second][..], &kernel.per_dim()].concat());
                let fan_in = shape[1..].iter().product();
                $name {
                    weight: Param::new(init.weight(shape, random)),
                    bias: Some(Param::new(init.bias(outputs, fan_in, random))),
                    options,
                    place: Place::default(),
                }
            }

            /// The same without a bias, as before a norm.
            #[must_use]
            pub fn without_bias(self) -> $name {
                $name { bias: None, ..self }
            }
        }

        impl Module for $name {
            fn visit(&self, v: &mut Visitor<'_>) {
                v.place(&self.place);
                v.param("weight", &self.weight);
                v.param("bias", &self.bias);
            }
        }

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, _: &mut Context) -> Tensor {
                let _scope = self.place.enter();
                self.forward_with(&self.weight.tensor(), x)
            }
        }

        impl Weighted for $name {
            fn weight(&self) -> &Param {
                &self.weight
            }

            fn bias(&self) -> Option<&Param> {
                self.bias.as_ref()
            }

            fn out_dim(&self) -> isize {
                $out_dim
            }

            #[track_caller]
            fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor {
                x.$operation(weight, value_of(&self.bias).as_ref(), &self.options)
            }
        }
    };
}

/// [out, in / groups]
#[track_caller]
fn forwards<const D: usize>(inputs: usize, outputs: usize, options: &ConvOptions<D>) -> [usize; 2] {
    check_groups(inputs, outputs, options.groups);
    [outputs, inputs / options.groups]
}

/// [in, out / groups]
#[track_caller]
fn backwards<const D: usize>(inputs: usize, outputs: usize, options: &ConvTransposeOptions<D>) -> [usize; 2] {
    check_groups(inputs, outputs, options.conv.groups);
    [inputs, outputs / options.conv.groups]
}

#[track_caller]
fn check_groups(inputs: usize, outputs: usize, groups: usize) {
    assert!(
        groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups),
        "{inputs} channels in and {outputs} out cannot be divided in {groups} equal groups"
    );
}

convolution! {
    /// A convolution of images: X [N, in, H, W], W [out, in / groups, h, w], Y [N, out, H', W'], F32 or F64; see [`Tensor::conv2d`].
    ///
    /// ```
    /// use nn::{Context, Conv2d, Layer, module};
    /// use tensor_core::{Random, Tensor, ops::Conv2dOptions};
    /// let random = Random::new(0);
    /// let (init, cx) = (&mut random.stream("init"), &mut Context::training(&random));
    /// let layer = Conv2d::new(1, 1, 2, Conv2dOptions::default(), init).without_bias();
    /// layer.weight.set(&Tensor::from([[1.0, 10.0], [100.0, 1000.0]]).reshape([1, 1, 2, 2]));
    /// let y = layer.forward(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]).reshape([1, 1, 2, 2]), cx);
    /// assert_eq!(y.to_vec::<f32>(), [4321.0]);
    /// let (_, gradients) = y.sum(..).value_and_grad([&layer.weight]);
    /// assert_eq!(gradients.get(&layer.weight).unwrap().to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]); // what the one window sees
    ///
    /// let halving = Conv2d::new(1, 32, 4, Conv2dOptions::default().stride(2).padding(1), init);
    /// assert_eq!(halving.forward(&Tensor::zeros([8, 1, 28, 28]), cx).shape(), [8, 32, 14, 14]);
    /// assert_eq!(module::count_params(&halving), 32 * 16 + 32);
    /// assert_eq!(module::count_params(&halving.without_bias()), 32 * 16);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of images of `in` channels, or is smaller than the window.
    Conv2d, 2, Conv2dOptions, forwards, 0, conv2d
}

convolution! {
    /// A convolution of sequences: X [N, in, L], W [out, in / groups, l], Y [N, out, L'], F32 or F64; see [`Tensor::conv1d`].
    ///
    /// ```
    /// use nn::{Context, Conv1d, Layer};
    /// use tensor_core::{Random, Tensor, ops::Conv1dOptions};
    /// let random = Random::new(0);
    /// let (init, cx) = (&mut random.stream("init"), &mut Context::training(&random));
    /// let layer = Conv1d::new(1, 1, 2, Conv1dOptions::default(), init).without_bias();
    /// layer.weight.set(&Tensor::from([-1.0, 1.0]).reshape([1, 1, 2])); // differences
    /// let y = layer.forward(&Tensor::from([1.0, 4.0, 9.0]).reshape([1, 1, 3]), cx);
    /// assert_eq!(y.to_vec::<f32>(), [3.0, 5.0]);
    /// let (_, gradients) = y.sum(..).value_and_grad([&layer.weight]);
    /// assert_eq!(gradients.get(&layer.weight).unwrap().to_vec::<f32>(), [5.0, 13.0]); // 1 + 4 and 4 + 9
    ///
    /// let layer = Conv1d::new(6, 16, 3, Conv1dOptions::default().padding(1), init);
    /// assert_eq!(layer.forward(&Tensor::zeros([8, 6, 20]), cx).shape(), [8, 16, 20]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of sequences of `in` channels, or is shorter than the window.
    Conv1d, 1, Conv1dOptions, forwards, 0, conv1d
}

convolution! {
    /// A transposed convolution of images: X [N, in, H, W], W [in, out / groups, h, w], Y [N, out, H', W'], F32 or F64; see [`Tensor::conv_transpose2d`].
    ///
    /// What counts as the fan-in of the weight is PyTorch's choice: out / groups · h · w, as if the weight were that of a convolution.
    ///
    /// ```
    /// use nn::{Context, ConvTranspose2d, Layer};
    /// use tensor_core::{Random, Tensor, ops::ConvTranspose2dOptions};
    /// let random = Random::new(0);
    /// let (init, cx) = (&mut random.stream("init"), &mut Context::training(&random));
    /// let layer = ConvTranspose2d::new(1, 1, 2, ConvTranspose2dOptions::default(), init).without_bias();
    /// layer.weight.set(&Tensor::from([[1.0, 10.0], [100.0, 1000.0]]).reshape([1, 1, 2, 2]));
    /// let y = layer.forward(&Tensor::from([2.0, 3.0]).reshape([1, 1, 1, 2]), cx);
    /// assert_eq!(y.to_vec::<f32>(), [2.0, 23.0, 30.0, 200.0, 2300.0, 3000.0]); // 2 W, and 3 W one place to the right
    /// let (_, gradients) = y.sum(..).value_and_grad([&layer.weight]);
    /// assert_eq!(gradients.get(&layer.weight).unwrap().to_vec::<f32>(), [5.0; 4]); // 2 + 3
    ///
    /// let doubling = ConvTranspose2d::new(64, 32, 4, ConvTranspose2dOptions::default().stride(2).padding(1), init);
    /// assert_eq!(doubling.forward(&Tensor::zeros([8, 64, 7, 7]), cx).shape(), [8, 32, 14, 14]);
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of images of `in` channels.
    ConvTranspose2d, 2, ConvTranspose2dOptions, backwards, 1, conv_transpose2d
}

convolution! {
    /// A transposed convolution of sequences: X [N, in, L], W [in, out / groups, l], Y [N, out, L'], F32 or F64; see [`Tensor::conv_transpose1d`] and, for
    /// the initialisation, [`ConvTranspose2d`].
    ///
    /// ```
    /// use nn::{Context, ConvTranspose1d, Layer};
    /// use tensor_core::{Random, Tensor, ops::ConvTranspose1dOptions};
    /// let random = Random::new(0);
    /// let (init, cx) = (&mut random.stream("init"), &mut Context::training(&random));
    /// let layer = ConvTranspose1d::new(1, 1, 2, ConvTranspose1dOptions::default().stride(2), init).without_bias();
    /// layer.weight.set(&Tensor::from([1.0, 10.0]).reshape([1, 1, 2]));
    /// let y = layer.forward(&Tensor::from([2.0, 3.0]).reshape([1, 1, 2]), cx);
    /// assert_eq!(y.to_vec::<f32>(), [2.0, 20.0, 3.0, 30.0]);
    /// let (_, gradients) = y.sum(..).value_and_grad([&layer.weight]);
    /// assert_eq!(gradients.get(&layer.weight).unwrap().to_vec::<f32>(), [5.0, 5.0]); // 2 + 3
    /// ```
    ///
    /// # Panics
    /// At the caller's line, if the input is no batch of sequences of `in` channels.
    ConvTranspose1d, 1, ConvTranspose1dOptions, backwards, 1, conv_transpose1d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, module};
    use tensor_core::DType;

    fn names_and_shapes(layer: &impl Module) -> Vec<(String, Shape)> {
        let entries = module::entries(layer).into_iter();
        entries
            .map(|(name, entry)| match entry {
                module::Entry::Param(param) => (name, param.shape()),
                module::Entry::Buffer(_) => panic!("{name} is a buffer"),
            })
            .collect()
    }

    #[test]
    fn names_and_layouts_are_those_of_pytorch() {
        let random = &mut Random::new(0);
        let layer = Conv2d::new(6, 4, [3, 5], Conv2dOptions::default().groups(2), random);
        let wanted = [
            ("weight".to_owned(), Shape::from([4, 3, 3, 5])),
            ("bias".to_owned(), Shape::from(4)),
        ];
        assert_eq!(names_and_shapes(&layer), wanted);
        assert_eq!(names_and_shapes(&layer.without_bias()), wanted[..1]);
        let layer = ConvTranspose2d::new(6, 4, [3, 5], ConvTranspose2dOptions::default().groups(2), random);
        let wanted = [
            ("weight".to_owned(), Shape::from([6, 2, 3, 5])),
            ("bias".to_owned(), Shape::from(4)),
        ];
        assert_eq!(names_and_shapes(&layer), wanted);
        assert_eq!(
            Conv1d::new(6, 4, 3, Conv1dOptions::default(), random).weight.shape(),
            [4, 6, 3]
        );
        let layer = ConvTranspose1d::new(6, 4, 3, ConvTranspose1dOptions::default(), random);
        assert_eq!(layer.weight.shape(), [6, 4, 3]);
    }

    #[test]
    fn weights_and_biases_start_within_pytorchs_bounds() {
        let random = &mut Random::new(3);
        let largest = |param: &Param| {
            param
                .tensor()
                .to_vec::<f32>()
                .iter()
                .fold(0.0f32, |m, x| m.max(x.abs()))
        };
        let close_below = |found: f32, bound: f64| f64::from(found) <= bound && f64::from(found) > 0.98 * bound;
        // The bound is 1 / √fan_in: 16 · 4 · 4 and, for the transposed one, 64 · 4 · 4.
        let layer = Conv2d::new(16, 64, 4, Conv2dOptions::default(), random);
        assert!(close_below(largest(&layer.weight), 1.0 / 16.0));
        assert!(close_below(largest(&layer.bias.unwrap()), 1.0 / 16.0));
        let layer = ConvTranspose2d::new(16, 64, 4, ConvTranspose2dOptions::default(), random);
        assert!(close_below(largest(&layer.weight), 1.0 / 32.0));
        assert!(close_below(largest(&layer.bias.unwrap()), 1.0 / 32.0));
    }

    #[test]
    fn a_layer_computes_its_operation() {
        let random = Random::new(5);
        let x = random.stream("x").normal([2, 4, 5, 6], DType::F64);
        let cx = &mut Context::evaluation(&random);
        let options = Conv2dOptions::default().stride(2).padding([[1, 0], [0, 2]]).groups(2);
        let down = Conv2d::new(4, 6, 3, options, &mut random.stream("init"));
        let options = ConvTranspose2dOptions::default().stride(2).padding(1).output_padding(1);
        let up = ConvTranspose2d::new(6, 2, 3, options, &mut random.stream("init")).without_bias();
        module::to_dtype(&down, DType::F64);
        module::to_dtype(&up, DType::F64);
        let hidden = x.conv2d(
            &down.weight.tensor(),
            Some(&down.bias.as_ref().unwrap().tensor()),
            &down.options,
        );
        assert_eq!(down.forward(&x, cx), hidden);
        assert_eq!(
            up.forward(&hidden, cx),
            hidden.conv_transpose2d(&up.weight.tensor(), None, &up.options)
        );
        let loss = || {
            up.forward(&down.forward(&x, &mut cx.clone()), &mut cx.clone())
                .sqr()
                .sum(..)
        };
        check::gradcheck(&down, loss).unwrap();
        check::gradcheck(&up, loss).unwrap();
    }

    #[test]
    #[should_panic(expected = "6 channels in and 4 out cannot be divided in 3 equal groups")]
    fn groups_divide_the_channels() {
        Conv1d::new(6, 4, 3, Conv1dOptions::default().groups(3), &mut Random::new(0));
    }
}
